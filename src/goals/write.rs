//! Putting a new text in the place of a ledger: whole or not at all, and never over somebody else's change.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Zoned;
use tempfile::NamedTempFile;

use super::Ledger;
use crate::error::{Code, Error, Result, io_error};

/// How many copies of earlier texts are kept for a ledger.
const KEPT: usize = 20;

/// How long a write waits for another one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Replaces the file at `path`, which must hold the text of `read`, by `text`.
pub(super) fn replace(path: &Path, backups: &Path, read: &Ledger, text: &str, now: &Zoned) -> Result<()> {
    std::fs::create_dir_all(backups).map_err(|error| io_error("making", backups, &error))?;
    let _lock = lock(&backups.join("lock"))?;
    // A ledger that is a link stays one: what it leads to is replaced.
    let target = path.canonicalize().map_err(|error| io_error("looking at", path, &error))?;
    let found = std::fs::read(&target).map_err(|error| io_error("reading", &target, &error))?;
    if found != read.text().as_bytes() {
        return Err(Error::new(Code::Conflict, format!("{} was changed by somebody else meanwhile", read.display()))
            .hint("Look at the change (git diff), then run this again"));
    }
    if text.as_bytes() == found {
        return Ok(());
    }
    let unharmed = "the ledger is as it was";
    keep_copy(backups, read, now).map_err(|error| error.note(unharmed))?;
    crate::replace::replace(&target, text.as_bytes())
        .map_err(|error| io_error("writing", &target, &error).note(unharmed))
}

fn lock(path: &Path) -> Result<File> {
    let failed = |error: &std::io::Error| io_error("locking", path, error);
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(|error| failed(&error))?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
            Err(TryLockError::WouldBlock) if begin.elapsed() > PATIENCE => {
                return Err(Error::new(Code::Locked, "another process is writing the ledger").hint("Run this again"));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Keeps a copy of the former text, and the newest few of those before.
fn keep_copy(backups: &Path, ledger: &Ledger, now: &Zoned) -> Result<()> {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
    let stem: String = ledger.display().chars().map(safe).collect();
    let failed = |error: &std::io::Error| io_error("keeping a copy of the ledger in", backups, error);
    let mut copies = copies(backups, &stem).map_err(|error| failed(&error))?;
    copies.sort();
    let time = format!("{stem}.{}-", now.timestamp().strftime("%Y%m%dT%H%M%SZ"));
    // Counted on from the latest of the same second, so that names sort by age.
    let latest =
        copies.iter().filter_map(|path| path.file_name()?.to_str()?.strip_prefix(&time)?.parse::<u32>().ok()).max();
    let path = backups.join(format!("{time}{:04}", latest.unwrap_or(0) + 1));
    let mut file = NamedTempFile::new_in(backups).map_err(|error| failed(&error))?;
    file.write_all(ledger.text().as_bytes()).map_err(|error| failed(&error))?;
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    file.persist(&path).map_err(|error| failed(&error.error))?;
    copies.push(path);
    let surplus = copies.len().saturating_sub(KEPT);
    for old in &copies[..surplus] {
        let _ = std::fs::remove_file(old);
    }
    Ok(())
}

/// Copies of a ledger.
fn copies(backups: &Path, stem: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(backups)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().strip_prefix(stem).is_some_and(|rest| rest.starts_with('.')) {
            found.push(entry.path());
        }
    }
    Ok(found)
}
