//! Proving an objective: its `validate`, and the removal of whatever that made.

use std::time::Duration;

use crate::check::{Check, Verdict};
use crate::error::{Code, Error, Result};
use crate::goals::{Objective, Status};
use crate::progress::Progress;
use crate::report::Validation;
use crate::script::api::{self, Scratch};

use super::Session;
use super::session::named;

/// How long the removal of scratch objects may take, whatever happened before.
const CLEANING: Duration = Duration::from_mins(1);

/// Runs `validate` of an objective and removes its scratch objects in any case. A scratch object that stays is a failed
/// check of its own.
pub(super) fn prove(session: &Session, id: &str, scratch: &Scratch, progress: Progress) -> Result<Vec<Check>> {
    let host = session.host(session.cluster()?.fresh()).with_scratch(scratch.clone()).with_progress(progress);
    let outcome = api::validate(&host, id);
    let kept = session
        .runtime
        .block_on(async { tokio::time::timeout(CLEANING, scratch.clean()).await.map_err(|_| scratch.pending()) });
    let mut checks = match outcome {
        Ok(outcome) => outcome.checks,
        Err(error) => {
            for what in leftovers(kept) {
                session.ui.warning(&format!("scratch object left behind: {what}"));
            }
            return Err(error);
        }
    };
    checks.extend(leftovers(kept).into_iter().map(|what| {
        Check::new("scratch objects", Verdict::Fail, format!("left behind: {what}"))
            .remedy("Remove it by hand; it holds nothing of yours")
    }));
    Ok(checks)
}

fn leftovers(kept: Result<Vec<api::Kept>, Vec<String>>) -> Vec<String> {
    match kept {
        Ok(kept) => kept.into_iter().map(|k| format!("{} ({})", k.what, k.error)).collect(),
        Err(pending) => pending.into_iter().map(|what| format!("{what} (its removal took too long)")).collect(),
    }
}

/// Which objectives `run validate` means.
pub enum Which<'a> {
    /// This one; the last completed one without it.
    One(Option<&'a str>),
    /// Every completed objective of a phase.
    Phase(&'a str),
    /// Every completed objective.
    Completed,
}

/// `dpb run validate`: proves again what was delivered. Changes no state.
pub fn validate(session: &Session, which: &Which<'_>) -> Result<Vec<Validation>> {
    let completed = |o: &&Objective| o.status == Status::Completed;
    let chosen: Vec<&Objective> = match which {
        Which::One(Some(id)) => vec![session.ledger.objective(id)?],
        Which::One(None) => session.ledger.objectives().filter(completed).last().into_iter().collect(),
        Which::Phase(name) => {
            session.ledger.phase(name)?.objectives.iter().filter(|o| o.status == Status::Completed).collect()
        }
        Which::Completed => session.ledger.objectives().filter(completed).collect(),
    };
    if chosen.is_empty() {
        return Err(Error::new(Code::NotReady, "no objective is completed, so there is nothing to prove again")
            .hint("See where the initiative stands: dpb run review"));
    }
    session.cluster()?;
    let mut all = Vec::new();
    for objective in chosen {
        let live = session.ui.live("validate");
        live.progress().say(&objective.title());
        let checks = prove(session, &objective.id, &Scratch::new(), live.progress())?;
        let validation = Validation::new(named(objective), session.cluster_name(), checks);
        let passed = validation.checks.iter().filter(|c| c.verdict == Verdict::Pass).count();
        live.end(
            if validation.proved { Verdict::Pass } else { Verdict::Fail },
            &format!("{}: {passed} of {} checks passed", objective.title(), validation.checks.len()),
        );
        all.push(validation);
    }
    Ok(all)
}
