//! The state of a simulated cluster that lasts between commands: its objects, and named parts of other owners (the S3
//! store, the clock, timers) as JSON.
//!
//! One file, `dpb/sim/state` under the repository's common Git folder. It begins with a line that names its version;
//! then come records, each with its length and a checksum. A record says what an object or a part is from now on, or
//! that it is gone; the last one of a key counts. A change is handed to the system before it is acknowledged, so a killed
//! process loses nothing; [`State::sync`] and compaction also wait for the disk. When most of the file is out of date it
//! is written anew beside it and renamed into place.
//!
//! One process writes ([`State::open`] holds a lock), others may read what is there ([`read`]). What a torn write left at
//! the end is dropped; anything else that does not fit is an error.

mod entry;
mod file;
mod frame;
mod kept;
mod lock;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

pub use kept::Kept;

use super::api::{Change, Keep};
use crate::error::{Result, io_error};
use entry::Key;
use file::Log;
use lock::Lock;

/// Where the state lies, below the folder that `git rev-parse --git-common-dir` names.
pub fn folder(git_common_dir: &Path) -> PathBuf {
    git_common_dir.join("dpb").join("sim")
}

/// The state, open for writing. Clones share it; the lock is given back with the last of them.
#[derive(Clone, Debug)]
pub struct State(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    log: Log,
    _lock: Lock,
}

impl State {
    /// Opens the state for writing, and makes it if it is not there. [`crate::error::Code::Locked`] names the process
    /// that has it open.
    pub fn open(folder: &Path) -> Result<(Self, Kept)> {
        std::fs::create_dir_all(folder).map_err(|error| io_error("making", folder, &error))?;
        let lock = Lock::acquire(folder)?;
        let (log, kept) = Log::open(folder)?;
        Ok((Self(Arc::new(Mutex::new(Inner { log, _lock: lock }))), kept))
    }

    /// Keeps a part under a name, in the place of what was kept under it.
    pub fn put(&self, part: &str, value: &Value) -> Result<()> {
        self.write(|log| log.append(&Key::Part(part.to_owned()), 0, Some(value)))
    }

    /// Forgets a part.
    pub fn remove(&self, part: &str) -> Result<()> {
        self.write(|log| log.append(&Key::Part(part.to_owned()), 0, None))
    }

    /// Waits until everything is on the disk.
    pub fn sync(&self) -> Result<()> {
        self.write(Log::sync)
    }

    /// What writes changes of objects down, for the store.
    pub fn keeper(&self) -> Box<dyn Keep> {
        Box::new(self.clone())
    }

    fn write(&self, write: impl FnOnce(&mut Log) -> std::io::Result<()>) -> Result<()> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let done = write(&mut inner.log);
        done.map_err(|error| io_error("writing", inner.log.path(), &error))
    }
}

impl Keep for State {
    fn keep(&mut self, change: &Change) -> std::io::Result<()> {
        let key =
            Key::Object { gvr: change.gvr.clone(), namespace: change.namespace.clone(), name: change.name.clone() };
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.log.append(&key, change.version, change.new.as_deref())
    }
}

/// What is kept at this moment, without the lock: somebody may be writing. Nothing if there is no state.
pub fn read(folder: &Path) -> Result<Kept> {
    file::read(folder)
}

/// Forgets everything; says whether there was anything. Nobody may have the state open.
pub fn reset(folder: &Path) -> Result<bool> {
    if !folder.is_dir() {
        return Ok(false);
    }
    let _lock = Lock::acquire(folder)?;
    file::remove(folder)
}
