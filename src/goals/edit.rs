//! A change of a ledger: what it means to change, and what follows from it.

use std::path::Path;

use jiff::Zoned;
use serde_json::Value;

use super::model::Status;
use super::surgery::{Step, raw, remove, set, set_raw};
use super::{Ledger, stamp, write};
use crate::error::{Code, Error, Result};

/// A change under construction. Nothing is written before [`Edit::write`].
#[derive(Clone, Debug)]
pub struct Edit {
    ledger: Ledger,
    now: Zoned,
    changes: Vec<Change>,
    /// Words of phases before a run, for what a rollback puts back.
    former: Option<Ledger>,
}

#[derive(Clone, Debug)]
enum Change {
    /// Sets a key of an objective.
    Objective(String, &'static str, Value),
    /// Puts a key of an objective back to what was written; `None`: it was not there.
    Back(String, &'static str, Option<String>),
    /// Merges keys into the objective's `dpb`; null takes one away.
    Dpb(String, Value),
    /// Sets a value anywhere.
    At(Vec<Step>, Value),
}

/// Keys of an objective that a run writes.
const OURS: [&str; 4] = ["status", "completion_timestamp", "notes", "dpb"];

impl Ledger {
    /// Begins a change of it, made at `now`.
    pub fn edit(&self, now: &Zoned) -> Edit {
        Edit { ledger: self.clone(), now: now.clone(), changes: Vec::new(), former: None }
    }
}

impl Edit {
    /// Sets the status of an objective. One that is no longer completed loses its `completion_timestamp`, except while
    /// a run is at it.
    #[must_use]
    pub fn set_status(mut self, id: &str, status: Status) -> Self {
        self.changes.push(Change::Objective(id.into(), "status", status.as_str().into()));
        let stamped = self.ledger.objectives().any(|o| o.id == id && o.completion_timestamp.is_some());
        if stamped && matches!(status, Status::Pending | Status::Blocked) {
            self.changes.push(Change::Objective(id.into(), "completion_timestamp", Value::Null));
        }
        self
    }

    /// Sets an objective completed at a time (RFC 3339).
    #[must_use]
    pub fn set_completed(mut self, id: &str, timestamp: &str) -> Self {
        self.changes.push(Change::Objective(id.into(), "status", Status::Completed.as_str().into()));
        self.changes.push(Change::Objective(id.into(), "completion_timestamp", timestamp.into()));
        self
    }

    /// Sets an objective completed at the time of this change.
    #[must_use]
    pub fn complete(self, id: &str) -> Self {
        let now = stamp::rfc3339(&self.now);
        self.set_completed(id, &now)
    }

    /// Merges an object into the objective's `dpb`, where everything of ours lies; a null takes its key away.
    #[must_use]
    pub fn set_dpb(mut self, id: &str, value: Value) -> Self {
        self.changes.push(Change::Dpb(id.into(), value));
        self
    }

    /// Sets the notes of an objective.
    #[must_use]
    pub fn set_notes(mut self, id: &str, notes: &str) -> Self {
        self.changes.push(Change::Objective(id.into(), "notes", notes.into()));
        self
    }

    /// Records how the triggers were judged: `evaluated`, and why.
    #[must_use]
    pub fn set_evaluation(mut self, status: &str, notes: &str) -> Self {
        for (key, text) in [("evaluation_status", status), ("evaluation_notes", notes)] {
            self.changes.push(Change::At(vec!["trigger_conditions".into(), key.into()], text.into()));
        }
        self
    }

    /// Sets a value by its JSON pointer (`/metadata/version`).
    #[must_use]
    pub fn set(mut self, pointer: &str, value: Value) -> Self {
        let word = |word: &str| word.replace("~1", "/").replace("~0", "~");
        let step = |text: &str| text.parse().map_or_else(|_| Step::Key(word(text)), Step::Index);
        self.changes.push(Change::At(pointer.split('/').skip(1).map(step).collect(), value));
        self
    }

    /// Puts the values that a run writes on an objective back to what they were in `before`; whatever else changed
    /// meanwhile stays.
    #[must_use]
    pub fn restore(mut self, id: &str, before: &Ledger) -> Self {
        for key in OURS {
            let path = place(before, id).map(|path| path.into_iter().chain([key.into()]).collect::<Vec<_>>());
            let written = path.and_then(|path| raw(before.text(), before.display(), &path).ok().flatten());
            self.changes.push(Change::Back(id.into(), key, written));
        }
        self.former = Some(before.clone());
        self
    }

    /// The text that the ledger would have, with everything that follows: status of phases, `current_status`,
    /// `last_updated`.
    pub fn text(&self) -> Result<String> {
        let display = self.ledger.display();
        let mut text = self.ledger.text().to_owned();
        for change in &self.changes {
            text = self.apply(&text, change)?;
        }
        if text == self.ledger.text() {
            return Ok(text);
        }
        let after = Ledger::parse(text, display)?;
        let mut text = after.text().to_owned();
        for (path, value) in self.consequences(&after) {
            text = set(&text, display, &path, &value)?;
        }
        Ok(text)
    }

    /// Writes the change, if nobody changed the file meanwhile, and gives the ledger as it is then. A copy of the
    /// former text goes to `backups`, where the newest few are kept.
    pub fn write(&self, path: &Path, backups: &Path) -> Result<Ledger> {
        let text = self.text()?;
        write::replace(path, backups, &self.ledger, &text, &self.now)?;
        Ledger::parse(text, self.ledger.display())
    }

    fn apply(&self, text: &str, change: &Change) -> Result<String> {
        let display = self.ledger.display();
        match change {
            Change::Objective(id, key, value) => set(text, display, &self.inside(id, key)?, value),
            Change::Back(id, key, Some(written)) => set_raw(text, display, &self.inside(id, key)?, written),
            Change::Back(id, key, None) => remove(text, display, &self.inside(id, key)?),
            Change::At(path, value) => set(text, display, path, value),
            Change::Dpb(id, Value::Object(fields)) => {
                let path = self.inside(id, "dpb")?;
                if raw(text, display, &path)?.is_none_or(|written| written == "null") {
                    let fields = fields.iter().filter(|(_, value)| !value.is_null());
                    let fresh = Value::Object(fields.map(|(key, value)| (key.clone(), value.clone())).collect());
                    return set(text, display, &path, &fresh);
                }
                let mut text = text.to_owned();
                for (key, value) in fields {
                    let path: Vec<Step> = path.iter().cloned().chain([key.as_str().into()]).collect();
                    text = if value.is_null() {
                        remove(&text, display, &path)?
                    } else {
                        set(&text, display, &path, value)?
                    };
                }
                Ok(text)
            }
            Change::Dpb(..) => Err(Error::new(Code::Internal, "`dpb` on an objective takes an object")),
        }
    }

    fn inside(&self, id: &str, key: &str) -> Result<Vec<Step>> {
        self.ledger.objective(id)?;
        let mut path = place(&self.ledger, id).unwrap_or_default();
        path.push(key.into());
        Ok(path)
    }

    /// What follows from the objectives: only values that are there already, and only where they change.
    fn consequences(&self, after: &Ledger) -> Vec<(Vec<Step>, Value)> {
        let mut all = Vec::new();
        for (index, (phase, before)) in after.phases().iter().zip(self.ledger.phases()).enumerate() {
            let derived = phase.derived();
            let former = self.former.as_ref().and_then(|former| former.phases().iter().find(|old| old.id == phase.id));
            let path = vec!["phases".into(), index.into(), "status".into()];
            let word = match former {
                Some(old) if old.derived() == derived => old.status_word.clone(),
                _ if before.derived() != derived => derived.as_str().to_owned(),
                _ => continue,
            };
            all.push((path, word.into()));
        }
        if let Ok(Value::Object(current)) = serde_json::to_value(after.current()) {
            all.extend(
                current.into_iter().map(|(key, value)| (vec!["current_status".into(), key.as_str().into()], value)),
            );
        }
        let updated = after.value().pointer("/metadata/last_updated").and_then(Value::as_str);
        if let Some(form) = updated.and_then(stamp::form) {
            let path = vec!["metadata".into(), "last_updated".into()];
            all.push((path, stamp::write(form, &self.now).into()));
        }
        all.retain(|(path, _)| at(after.value(), path).is_some());
        all
    }
}

/// Where an objective stands in the file.
fn place(ledger: &Ledger, id: &str) -> Option<Vec<Step>> {
    ledger.phases().iter().enumerate().find_map(|(phase, of)| {
        let index = of.objectives.iter().position(|objective| objective.id == id)?;
        Some(vec!["phases".into(), phase.into(), "objectives".into(), index.into()])
    })
}

/// A value by its path.
fn at<'v>(value: &'v Value, path: &[Step]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(*index),
    })
}
