//! The gate before an execute: what stands in the way, and what an operator's reason lets pass.

use crate::check::Check;
use crate::error::{Code, Error};
use crate::goals::Objective;
use std::fmt::Write as _;

use super::prepare::Prepared;

/// The gate is open.
pub(super) struct Passed {
    /// Checks that were made.
    checks: usize,
    /// What stood in the way beside triggers and was overridden, one line each.
    pub(super) overridden: Vec<String>,
    /// Among them: triggers that are not met.
    pub(super) triggers: bool,
}

impl Passed {
    /// Whether a reason was needed.
    pub(super) fn needed_reason(&self) -> bool {
        self.triggers || !self.overridden.is_empty()
    }

    /// One line for the step.
    pub(super) fn text(&self) -> String {
        let triggers = self.triggers.then(|| "no trigger is met".to_owned());
        let lines: Vec<String> = triggers.into_iter().chain(self.overridden.iter().cloned()).collect();
        match lines.len() {
            0 => format!("{} checks", self.checks),
            n => format!("{} checks, {n} overridden: {}", self.checks, lines.join("; ")),
        }
    }
}

/// The gate is closed.
pub(super) struct Closed {
    /// Checks that were made.
    pub(super) checks: usize,
    /// How many of them stand in the way.
    pub(super) blocking: usize,
    /// Those, with their remedies.
    standing: Vec<Check>,
    /// Whether a reason would open it.
    can_be_overridden: bool,
}

impl Closed {
    /// The refusal: each blocker with what was seen, its remedy and a command.
    pub(super) fn error(&self, objective: &Objective) -> Error {
        let mut error = Error::new(
            Code::NotReady,
            match self.blocking {
                1 => format!("{} cannot start: one check stands in the way", objective.title()),
                n => format!("{} cannot start: {n} checks stand in the way", objective.title()),
            },
        )
        .note("nothing was written");
        for check in &self.standing {
            let mut text = format!("{}: {}", check.name, check.seen);
            for line in check.details.iter().chain(check.remedy.as_ref()) {
                let _ = write!(text, "\n  {line}");
            }
            if let Some(command) = &check.command {
                let _ = write!(text, "\n    {command}");
            }
            error = error.note(text);
        }
        let again = format!("dpb run execute {}", objective.id);
        error.hint(if self.can_be_overridden {
            format!("Mend these, then: {again}\nOr start all the same, with a reason that is recorded: {again} --override REASON")
        } else {
            format!("Mend these, then: {again}")
        })
    }
}

/// Lets an execute pass, or says what stands in the way. What the API server refuses, or what breaks the repository,
/// no reason lets pass.
pub(super) fn pass(prepared: &Prepared, reason: Option<&str>) -> Result<Passed, Closed> {
    let checks = prepared.all_checks().len();
    let triggers = prepared.trigger_blocker();
    let waivable: Vec<&Check> = triggers.iter().chain(prepared.waivable()).collect();
    let firm: Vec<&Check> = prepared.firm().collect();
    if firm.is_empty() && (waivable.is_empty() || reason.is_some_and(|r| !r.trim().is_empty())) {
        let overridden = prepared.waivable().map(|c| format!("{}: {}", c.name, c.seen)).collect();
        return Ok(Passed { checks, overridden, triggers: triggers.is_some() });
    }
    let standing = prepared.blockers();
    Err(Closed { checks, blocking: standing.len(), can_be_overridden: firm.is_empty(), standing })
}
