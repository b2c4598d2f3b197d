//! A ledger: its text, and what was read from it.

use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::model::{Objective, Phase, Triggers};
use super::reader;
use super::syntax::Source;
use crate::error::{Code, Error, Result, io_error};

/// A ledger as it was read: its text, and what it says.
#[derive(Clone, Debug)]
pub struct Ledger {
    text: String,
    display: String,
    value: Value,
    phases: Vec<Phase>,
    triggers: Triggers,
}

impl Ledger {
    /// Reads a ledger; `display` names it in errors, as the user would write its path.
    pub fn load(path: &Path, display: &str) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::new(Code::NotFound, format!("no ledger at {display}"))
                .hint("Begin one with `dpb goals init`, or name another: initiative.ledger in dpb.yaml"),
            _ => io_error("reading", path, &error),
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let readable = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = String::from_utf8_lossy(readable).matches('\n').count() + 1;
            Error::new(Code::Ledger, format!("{display}: line {line} is not UTF-8 text"))
                .hint(format!("Save it as UTF-8, or take an earlier one: git restore {display}"))
        })?;
        Self::parse(text, display)
    }

    /// Reads a ledger from its text.
    pub fn parse(text: String, display: &str) -> Result<Self> {
        let source = Source::new(&text, display);
        let contents = reader::read(source)?;
        let value = serde_json::from_str(source.text)
            .map_err(|error| Error::new(Code::Ledger, format!("{display}: {error}")))?;
        Ok(Self { display: display.to_owned(), value, phases: contents.phases, triggers: contents.triggers, text })
    }

    /// The text, as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name that errors give it.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// SHA-256 of the text, in hex: tells whether a file is still the one that was written.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.text.as_bytes()))
    }

    /// Everything in it as plain JSON, unknown fields included.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Name of the initiative, if it has one.
    pub fn initiative(&self) -> Option<&str> {
        self.value.pointer("/metadata/initiative")?.as_str()
    }

    /// Its phases.
    pub fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// A phase by id, by number (`1` for `phase_1`) or by name.
    pub fn phase(&self, name: &str) -> Result<&Phase> {
        let same = |phase: &&Phase| phase.id == name || phase.name.eq_ignore_ascii_case(name);
        let numbered = format!("phase_{name}");
        self.phases.iter().find(same).or_else(|| self.phases.iter().find(|phase| phase.id == numbered)).ok_or_else(
            || {
                let known: Vec<&str> = self.phases.iter().map(|phase| phase.id.as_str()).collect();
                Error::new(Code::NotFound, format!("no phase `{name}` in {}", self.display))
                    .hint(format!("Phases: {}", known.join(", ")))
            },
        )
    }

    /// Its objectives, in the order of the file.
    pub fn objectives(&self) -> impl Iterator<Item = &Objective> {
        self.phases.iter().flat_map(|phase| &phase.objectives)
    }

    /// An objective by id.
    pub fn objective(&self, id: &str) -> Result<&Objective> {
        self.objectives().find(|objective| objective.id == id).ok_or_else(|| {
            let mut near: Vec<(usize, &Objective)> = self
                .objectives()
                .map(|objective| (strsim::damerau_levenshtein(id, &objective.id), objective))
                .collect();
            near.sort_by_key(|(distance, _)| *distance);
            let near: Vec<String> = near.iter().take(3).map(|(_, objective)| objective.title()).collect();
            let error = Error::new(Code::NotFound, format!("no objective `{id}` in {}", self.display));
            if near.is_empty() {
                error
            } else {
                error.hint(format!("Nearest: {}; all: dpb goals list", near.join(", ")))
            }
        })
    }

    /// What triggers the initiative.
    pub fn triggers(&self) -> &Triggers {
        &self.triggers
    }
}
