//! A check: a named verdict, what was seen beside it, and a remedy.

use serde::{Deserialize, Serialize};

/// What a check found. `Unknown` is a result: it says that the check could not look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Seen to hold.
    Pass,
    /// Holds, with a reservation.
    Warn,
    /// Seen not to hold.
    Fail,
    /// Not asked for, so not looked at.
    Skip,
    /// Could not be looked at; `seen` says why.
    Unknown,
}

/// A named verdict with what was seen, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Short name, lower case (`object store`).
    pub name: String,
    /// What was found.
    pub verdict: Verdict,
    /// What was seen: one line.
    pub seen: String,
    /// What to do about it: a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// A command to type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Shown but never in the way (utilisation without metrics, for one).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Further lines: conditions, events, log lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

impl Check {
    /// A check without remedy or details.
    pub fn new(name: impl Into<String>, verdict: Verdict, seen: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            verdict,
            seen: seen.into(),
            remedy: None,
            command: None,
            optional: false,
            details: Vec::new(),
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds a command to type.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// Marks it as shown but never in the way.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Whether it stands in the way: failed or could not be looked at, and not optional.
    pub fn blocks(&self) -> bool {
        !self.optional && matches!(self.verdict, Verdict::Fail | Verdict::Unknown)
    }
}
