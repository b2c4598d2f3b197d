//! What has to come before what, and what comes next.

use super::model::{Objective, Status};
use super::{Current, Ledger};

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next<'l> {
    /// This objective: everything before it is completed.
    Objective(&'l Objective),
    /// Nothing, until this one is no longer blocked.
    BlockedBy(&'l Objective),
    /// Nothing: every objective is completed.
    Done,
}

impl Ledger {
    /// What must be completed before an objective: the ids among its prerequisites; where no entry is an id, every
    /// objective before it in the file.
    pub fn predecessors(&self, id: &str) -> Vec<&Objective> {
        let Some(objective) = self.objectives().find(|objective| objective.id == id) else { return Vec::new() };
        let named =
            |other: &&Objective| other.id != id && objective.prerequisites.iter().any(|entry| entry.trim() == other.id);
        let named: Vec<&Objective> = self.objectives().filter(named).collect();
        if named.is_empty() { self.objectives().take_while(|other| other.id != id).collect() } else { named }
    }

    /// Those of the predecessors that are not completed.
    pub fn missing(&self, id: &str) -> Vec<&Objective> {
        self.predecessors(id).into_iter().filter(|other| other.status != Status::Completed).collect()
    }

    /// The first objective that can be taken on; a blocked one is not, nor what comes after it.
    pub fn next(&self) -> Next<'_> {
        let mut open = self.objectives().filter(|objective| objective.status != Status::Completed);
        let free =
            |objective: &&Objective| objective.status != Status::Blocked && self.missing(&objective.id).is_empty();
        if let Some(objective) = open.find(free) {
            return Next::Objective(objective);
        }
        let mut open = self.objectives().filter(|objective| objective.status != Status::Completed);
        let first = self.objectives().find(|objective| objective.status == Status::Blocked).or_else(|| open.next());
        first.map_or(Next::Done, Next::BlockedBy)
    }

    /// Whether an objective is the first of its phase.
    pub fn begins_phase(&self, id: &str) -> bool {
        self.phases().iter().any(|phase| phase.objectives.first().is_some_and(|first| first.id == id))
    }

    /// `current_status` as it follows from the objectives.
    pub fn current(&self) -> Current {
        let next = self.next();
        let active = self.objectives().find(|objective| objective.status == Status::InProgress);
        let pending = match next {
            Next::Objective(next) => {
                self.objectives().skip_while(|o| o.id != next.id).find(|o| o.status == Status::Pending)
            }
            Next::BlockedBy(_) | Next::Done => None,
        };
        let at = active.or(match next {
            Next::Objective(objective) | Next::BlockedBy(objective) => Some(objective),
            Next::Done => None,
        });
        let completed = self.objectives().filter(|objective| objective.status == Status::Completed);
        Current {
            active_phase: at.map(|objective| objective.phase.clone()),
            active_objective: active.map(|objective| objective.id.clone()),
            last_completed_objective: completed.last().map(|objective| objective.id.clone()),
            next_pending_objective: pending.map(|objective| objective.id.clone()),
            completion_percentage: self.progress().percent,
        }
    }
}
