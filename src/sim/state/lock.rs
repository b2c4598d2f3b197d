//! One writer at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Code, Error, Result, io_error};

/// It stays when nobody holds it: what counts is the system's lock on it.
const FILE: &str = "lock";
/// A program that the last holder was just starting has the lock, too, until it is started.
const PATIENCE: Duration = Duration::from_millis(200);

/// The lock; given back when dropped, also when the process is killed.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes it, or names the process that has it.
    pub(super) fn acquire(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(|error| io_error("opening", &path, &error))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => std::thread::sleep(PATIENCE / 20),
                Err(TryLockError::WouldBlock) => return Err(held(&mut file)),
                Err(TryLockError::Error(error)) => return Err(io_error("locking", &path, &error)),
            }
        }
        let named = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        named.map_err(|error| io_error("writing", &path, &error))?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing gives the lock back; emptied first, so that nobody reads a stale number.
        let _ = self.0.set_len(0);
    }
}

fn held(file: &mut File) -> Error {
    let mut pid = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut pid));
    let by = match (read, pid.parse::<u32>()) {
        (Ok(_), Ok(pid)) => format!("process {pid}"),
        _ => "another process".to_owned(),
    };
    Error::new(Code::Locked, format!("the simulated cluster is in use by {by}"))
        .hint("Wait until it ends, or use the cluster that it serves.")
}
