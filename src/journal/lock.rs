//! One run at a time on one machine.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result, io_error};

/// Name of the lock file in the state folder. It stays when nobody holds it: what counts is the system's lock on it.
const FILE: &str = "lock";

/// Who holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Id of its run.
    pub run: String,
    /// Since when.
    pub since: Timestamp,
}

/// The lock on a repository's state; given back when dropped, also when the process is killed.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock for a run, or says who holds it.
    pub fn acquire(state_dir: &Path, run: &str, now: Timestamp) -> Result<Self> {
        std::fs::create_dir_all(state_dir).map_err(|error| io_error("making", state_dir, &error))?;
        let path = state_dir.join(FILE);
        let mut file = open(&path).map_err(|error| io_error("opening", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(read(&mut file), now)),
            Err(TryLockError::Error(error)) => return Err(io_error("locking", &path, &error)),
        }
        let holder = Holder { pid: std::process::id(), run: run.to_owned(), since: now };
        write(&mut file, &holder).map_err(|error| io_error("writing", &path, &error))?;
        Ok(Self { file })
    }

    /// Who holds the lock now; `None` when nobody does.
    pub fn holder(state_dir: &Path) -> Result<Option<Holder>> {
        let path = state_dir.join(FILE);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("opening", &path, &error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(read(&mut file)),
            Err(TryLockError::Error(error)) => Err(io_error("looking at the lock", &path, &error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing gives the lock back; emptied first, so that nobody reads a stale name.
        let _ = self.file.set_len(0);
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write(file: &mut File, holder: &Holder) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(holder)?)?;
    file.sync_data()
}

fn locked(holder: Option<Holder>, now: Timestamp) -> Error {
    let error = match holder {
        Some(Holder { pid, run, since }) => {
            let minutes = (now.as_second() - since.as_second()).max(0) / 60;
            let since = since.strftime("%Y-%m-%d %H:%M UTC");
            Error::new(Code::Locked, format!("run {run} is under way (process {pid}, since {since}, {minutes} min)"))
        }
        None => Error::new(Code::Locked, "another run is under way"),
    };
    error.hint("Wait for it, or look at it: dpb run list")
}
