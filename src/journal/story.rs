//! Reading journals: what a run did, and whether it was cut off.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::{Entry, Journal, Kind, Lock};
use crate::error::{Code, Error, Place, Result, io_error};

/// What the journal of a run tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// Id of the run.
    pub run: String,
    /// Where the journal lies.
    pub path: PathBuf,
    /// When it began.
    pub begun: Timestamp,
    /// What it began with: objective, operator, and so on.
    pub header: Value,
    /// Intents and effects, oldest first.
    pub entries: Vec<Entry>,
    /// How it ended; `None` when it is under way or was cut off.
    pub end: Option<Entry>,
}

impl Story {
    /// The latest intent or effect.
    pub fn last(&self) -> Option<&Entry> {
        self.entries.last()
    }

    /// The latest effect of a step.
    pub fn effect(&self, step: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.kind == Kind::Effect && entry.step == step)
    }

    /// Intents whose effect was never written down: they may have happened or not.
    pub fn open(&self) -> Vec<&Entry> {
        let mut open: Vec<&Entry> = Vec::new();
        for entry in &self.entries {
            match entry.kind {
                Kind::Intent => open.push(entry),
                Kind::Effect => open.retain(|intent| intent.step != entry.step),
                Kind::Begin | Kind::End => {}
            }
        }
        open
    }

    /// A text of the header (`objective`, `operator`), if it is there.
    pub fn header_text(&self, key: &str) -> Option<&str> {
        self.header.get(key)?.as_str()
    }
}

impl Journal {
    /// Reads a journal. A last line that is only half there, as after a power cut, is left out.
    pub fn read(path: &Path) -> Result<Story> {
        read(path)?.ok_or_else(|| {
            Error::new(Code::Invalid, format!("{} holds no run", path.display())).hint("It can be removed")
        })
    }
}

/// Every run that has a journal, newest first.
pub fn list(state_dir: &Path) -> Result<Vec<Story>> {
    let folder = state_dir.join(super::RUNS);
    let files = match std::fs::read_dir(&folder) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("reading", &folder, &error)),
    };
    let mut stories = Vec::new();
    for file in files {
        let path = file.map_err(|error| io_error("reading", &folder, &error))?.path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            // Without a first line nothing was done: the run never began.
            stories.extend(read(&path)?);
        }
    }
    stories.sort_by(|a, b| b.begun.cmp(&a.begun).then_with(|| b.run.cmp(&a.run)));
    Ok(stories)
}

/// The newest run that was cut off: it has no end, and nobody holds the lock for it.
pub fn unfinished(state_dir: &Path) -> Result<Option<Story>> {
    let alive = Lock::holder(state_dir)?.map(|holder| holder.run);
    Ok(list(state_dir)?.into_iter().find(|story| story.end.is_none() && alive.as_ref() != Some(&story.run)))
}

/// A journal's story; `None` when it has no whole first line.
fn read(path: &Path) -> Result<Option<Story>> {
    let bytes = std::fs::read(path).map_err(|error| io_error("reading", path, &error))?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let text = String::from_utf8_lossy(&bytes[..whole]);
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let entry: Entry = serde_json::from_str(line).map_err(|error| broken(path, &text, index + 1, &error))?;
        entries.push(entry);
    }
    if entries.is_empty() {
        return Ok(None);
    }
    let first = entries.remove(0);
    if first.kind != Kind::Begin {
        return Err(Error::new(
            Code::Invalid,
            format!("{} does not begin with the beginning of a run", path.display()),
        )
        .hint("Move it out of that folder"));
    }
    let end = entries.iter().position(|entry| entry.kind == Kind::End).map(|at| entries.remove(at));
    let story = Story { run: first.step, path: path.to_owned(), begun: first.at, header: first.data, entries, end };
    Ok(Some(story))
}

fn broken(path: &Path, text: &str, line: usize, error: &serde_json::Error) -> Error {
    let file = path.display().to_string();
    let place = Place::new(file.clone(), line, error.column().max(1)).with_source(text);
    Error::new(Code::Invalid, format!("{file} line {line} is no entry of a journal: {error}"))
        .at(place)
        .hint("Move it out of that folder")
}
