//! What a script left behind.

use crate::check::Check;
use crate::gitops::Deliverables;

/// What one call of a script's function reported.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Checks, in the order in which they were made.
    pub checks: Vec<Check>,
    /// What was declared; only an execute declares.
    pub deliverables: Option<Deliverables>,
    /// Notes for the report and the ledger (`goals::note`).
    pub notes: Vec<String>,
    /// What was read from the cluster, one line a read: part of a plan.
    pub reads: Vec<String>,
}

impl Outcome {
    /// Whether no check stands in the way.
    pub fn passed(&self) -> bool {
        !self.checks.iter().any(Check::blocks)
    }
}
