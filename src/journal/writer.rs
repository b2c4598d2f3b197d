//! Writing a journal: one JSON object a line, each on the disk before anything goes on.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::reserve::Reserve;
use super::{Clock, Entry, Kind};
use crate::error::{Code, Error, Result, io_error};

/// The journal of one run, open for appending.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    run: String,
    clock: Clock,
    reserve: Option<Reserve>,
}

impl Journal {
    /// Begins the journal of a run with a header: objective, operator, delivery, the commit it starts from.
    pub fn create(state_dir: &Path, run: &str, header: &Value, clock: Clock) -> Result<Self> {
        let path = super::path(state_dir, run);
        let folder = state_dir.join(super::RUNS);
        std::fs::create_dir_all(&folder).map_err(|error| io_error("making", &folder, &error))?;
        let reserve = Reserve::take(state_dir)
            .map_err(|error| nothing_was_done(io_error("reserving room in", state_dir, &error)))?;
        let file =
            OpenOptions::new().append(true).create_new(true).open(&path).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => Error::new(Code::Conflict, format!("run {run} has a journal already")),
                _ => io_error("making", &path, &error),
            })?;
        let mut journal = Self { file, path, run: run.to_owned(), clock, reserve: Some(reserve) };
        let begun = journal.write(Kind::Begin, run, header).and_then(|()| {
            File::open(&folder).and_then(|dir| dir.sync_all()).map_err(|error| io_error("syncing", &folder, &error))
        });
        if let Err(error) = begun {
            let _ = std::fs::remove_file(&journal.path);
            return Err(nothing_was_done(error));
        }
        Ok(journal)
    }

    /// Goes on with a journal that was cut off; a line that is only half there is dropped.
    pub fn reopen(state_dir: &Path, run: &str, clock: Clock) -> Result<Self> {
        let path = super::path(state_dir, run);
        let whole = std::fs::read(&path).map_err(|error| io_error("reading", &path, &error))?;
        let end = whole.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let file = OpenOptions::new().append(true).open(&path).map_err(|error| io_error("opening", &path, &error))?;
        file.set_len(end as u64).map_err(|error| io_error("writing", &path, &error))?;
        let reserve = Reserve::take(state_dir).ok();
        Ok(Self { file, path, run: run.to_owned(), clock, reserve })
    }

    /// Id of the run.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down what is about to be done. An error means: don't.
    pub fn intent(&mut self, step: &str, data: &Value) -> Result<()> {
        self.write(Kind::Intent, step, data).map_err(|error| error.context(format!("before {step}")))
    }

    /// Writes down what was done.
    pub fn effect(&mut self, step: &str, data: &Value) -> Result<()> {
        self.write_if_need_be_from_the_reserve(Kind::Effect, step, data)
    }

    /// Writes down how it ended; nothing follows.
    pub fn end(&mut self, outcome: &str, data: &Value) -> Result<()> {
        self.write_if_need_be_from_the_reserve(Kind::End, outcome, data)?;
        self.reserve = None;
        Ok(())
    }

    fn write_if_need_be_from_the_reserve(&mut self, kind: Kind, step: &str, data: &Value) -> Result<()> {
        match (self.write(kind, step, data), self.reserve.take()) {
            (Err(_), Some(reserve)) => {
                reserve.give_up();
                self.write(kind, step, data)
            }
            (result, reserve) => {
                self.reserve = reserve;
                result
            }
        }
    }

    /// Appends a line whole or not at all.
    fn write(&mut self, kind: Kind, step: &str, data: &Value) -> Result<()> {
        let entry = Entry { at: self.clock.now(), kind, step: step.to_owned(), data: data.clone() };
        let line = serde_json::to_string(&entry).map_err(|error| {
            Error::new(Code::Internal, format!("a journal entry can't be written as JSON: {error}"))
        })?;
        let failed = |error: &std::io::Error| io_error("writing", &self.path, error);
        let before = self.file.seek(SeekFrom::End(0)).map_err(|error| failed(&error))?;
        let written = self.file.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| {
            let _ = self.file.set_len(before);
            failed(&error)
        })
    }
}

fn nothing_was_done(error: Error) -> Error {
    error.note("nothing was done: a run begins only when its journal can be written")
}
