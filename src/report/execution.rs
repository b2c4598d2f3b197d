//! What an execute, an adoption or a validation did and saw.

use serde::Serialize;

use crate::check::{Check, Verdict};

use super::ObjectiveName;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Delivered, proved and recorded.
    Completed,
    /// Nothing differs from what is delivered already, and the proof still holds.
    Unchanged,
    /// Planned only (`--dry-run`).
    Planned,
    /// Files were written, nothing was delivered (`--delivery files`).
    NotDelivered,
    /// The answer to the question was no.
    Declined,
    /// Failed, and everything was taken back.
    RolledBack,
    /// Failed, and not everything could be taken back.
    RollbackIncomplete,
    /// Failed, and left as it is (`--no-rollback`).
    LeftFailed,
}

/// What an execute did.
#[derive(Clone, Debug, Serialize)]
pub struct Execution {
    /// The objective.
    pub objective: ObjectiveName,
    /// The run's id; `None` where nothing was journaled.
    pub run: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Which cluster.
    pub cluster: String,
    /// Checks before the first effect.
    pub checks: Vec<Check>,
    /// Files written, or that would be.
    pub files: Vec<FileChange>,
    /// What Flux applied.
    pub applied: Option<Applied>,
    /// What the proof saw.
    pub validation: Vec<Check>,
    /// Why it failed: the error as it was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// What changed in the ledger: one line each.
    pub ledger: Vec<String>,
    /// What to type next.
    pub next: Option<String>,
}

/// One file.
#[derive(Clone, Debug, Serialize)]
pub struct FileChange {
    /// Path below the repository's root.
    pub path: String,
    /// `added`, `changed` or `removed`.
    pub change: String,
    /// Unified diff.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub diff: String,
}

/// What Flux applied.
#[derive(Clone, Debug, Serialize)]
pub struct Applied {
    /// `main@sha1:8d1e0c4…`.
    pub revision: String,
    /// Objects that the delivering Kustomizations own now.
    pub objects: usize,
}

/// What was taken back.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Rollback {
    /// The commit that reverts ours; `None` where ours was not committed or not pushed.
    pub revert: Option<String>,
    /// Objects that are gone again.
    pub gone: usize,
    /// Objects that had to go.
    pub to_go: usize,
    /// Objects that stay because they hold data, each with the command that would remove it.
    pub kept: Vec<(String, String)>,
    /// What could not be taken back, and why.
    pub incomplete: Option<String>,
}

/// What a validation saw of one objective.
#[derive(Clone, Debug, Serialize)]
pub struct Validation {
    /// The objective.
    pub objective: ObjectiveName,
    /// Which cluster.
    pub cluster: String,
    /// What was seen.
    pub checks: Vec<Check>,
    /// Whether every check passed.
    pub proved: bool,
}

impl Validation {
    /// Judges the checks: proved means that there is at least one, and none failed or could not look.
    pub fn new(objective: ObjectiveName, cluster: String, checks: Vec<Check>) -> Self {
        let proved = checks.iter().any(|c| matches!(c.verdict, Verdict::Pass | Verdict::Warn))
            && !checks.iter().any(Check::blocks);
        Self { objective, cluster, checks, proved }
    }
}
