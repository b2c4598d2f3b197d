//! The append-only journal of a run (intent before effect, fsynced) and the lock that keeps a second run out.
//!
//! Everything lies in the repository's state folder (`.git/dpb`): `lock`, `runs/ID.jsonl`, and a `reserve` of room that
//! is given up when the disk is full, so that the effect of what was begun can still be written down.

mod clock;
mod entry;
mod lock;
mod reserve;
mod run_id;
mod story;
mod writer;

pub use clock::Clock;
pub use entry::{Entry, Kind};
pub use lock::{Holder, Lock};
pub use run_id::run_id;
pub use story::{Story, list, unfinished};
pub use writer::Journal;

/// Folder of the journals, in the state folder.
const RUNS: &str = "runs";

/// The journal of a run in the state folder.
pub fn path(state_dir: &std::path::Path, run: &str) -> std::path::PathBuf {
    state_dir.join(RUNS).join(format!("{run}.jsonl"))
}

#[cfg(test)]
mod tests;
