//! What follows from the objectives' status: progress, the status of phases, `current_status`.

use serde::Serialize;

use super::Ledger;
use super::model::{Objective, Phase, Status};

/// The ledger's `current_status`, derived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Current {
    /// Id of the phase that work is at.
    pub active_phase: Option<String>,
    /// Id of the objective that a run is at.
    pub active_objective: Option<String>,
    /// Id of the last completed objective, in the order of the file.
    pub last_completed_objective: Option<String>,
    /// Id of the pending objective to take on next; none while a blocked one stands before it.
    pub next_pending_objective: Option<String>,
    /// Completed objectives in percent of all, half rounded up.
    pub completion_percentage: u32,
}

/// How far the initiative is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Completed objectives.
    pub completed: usize,
    /// All objectives.
    pub total: usize,
    /// In percent, half rounded up.
    pub percent: u32,
    /// The same for each phase.
    pub phases: Vec<PhaseProgress>,
}

/// How far a phase is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseProgress {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Completed objectives.
    pub completed: usize,
    /// All objectives.
    pub total: usize,
}

impl Ledger {
    /// How far the initiative is.
    pub fn progress(&self) -> Progress {
        let (completed, total) = (done(self.objectives()), self.objectives().count());
        let phases = self.phases().iter().map(|phase| PhaseProgress {
            id: phase.id.clone(),
            name: phase.name.clone(),
            completed: done(&phase.objectives),
            total: phase.objectives.len(),
        });
        Progress { completed, total, percent: percent(completed, total), phases: phases.collect() }
    }
}

impl Phase {
    /// The status that follows from its objectives.
    pub fn derived(&self) -> Status {
        let any = |status: Status| self.objectives.iter().any(|objective| objective.status == status);
        if !self.objectives.is_empty() && done(&self.objectives) == self.objectives.len() {
            Status::Completed
        } else if any(Status::Blocked) {
            Status::Blocked
        } else if any(Status::InProgress) || any(Status::Completed) {
            Status::InProgress
        } else {
            Status::Pending
        }
    }
}

fn done<'l>(objectives: impl IntoIterator<Item = &'l Objective>) -> usize {
    objectives.into_iter().filter(|objective| objective.status == Status::Completed).count()
}

/// Completed of all in percent, half rounded up; 0 of nothing.
fn percent(completed: usize, total: usize) -> u32 {
    let doubled = (completed * 200 + total).checked_div(total * 2).unwrap_or(0);
    u32::try_from(doubled).unwrap_or(100)
}
