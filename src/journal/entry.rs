//! One line of a journal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The run begins; `data` is its header.
    Begin,
    /// Something is about to be done.
    Intent,
    /// It was done.
    Effect,
    /// The run has ended; `step` is the outcome.
    End,
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub kind: Kind,
    /// The step it is about (`commit`, `push`); the run's id for [`Kind::Begin`], the outcome for [`Kind::End`].
    pub step: String,
    /// What belongs to it: paths, hashes, objects.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}
