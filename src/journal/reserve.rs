//! Room on the disk that is kept back for the journal, so that a full disk can't hide what was done.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// How much is kept back, in bytes: far more than the lines of a run.
const SIZE: usize = 256 * 1024;

/// A file that takes up room until it is needed.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// Takes the room; the error is the system's when there is none.
    pub(super) fn take(state_dir: &Path) -> std::io::Result<Self> {
        let reserve = Self { path: state_dir.join("reserve") };
        // Not zeros: some file systems store those in no room at all.
        let filling: Vec<u8> = (0..SIZE).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
        let mut file = File::create(&reserve.path)?;
        file.write_all(&filling)?;
        file.sync_all()?;
        Ok(reserve)
    }

    /// Gives the room back.
    pub(super) fn give_up(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        self.give_up();
    }
}
