//! `dpb run adopt`: takes over what exists already.

use serde_json::json;

use crate::error::{Code, Error, Result};
use crate::goals::Status;
use crate::journal::Lock;
use crate::report::{Execution, Outcome};

use super::evidence::Evidence;
use super::record;
use super::session::named;
use super::trail::{self, Trail};
use super::{Session, cut, prove};

/// Proves an objective as it stands and records it as completed; delivers nothing.
pub fn adopt(session: &Session, id: &str, reason: Option<&str>) -> Result<Execution> {
    let objective = session.ledger.objective(id)?;
    if objective.status == Status::Completed {
        return Err(Error::new(Code::NotReady, format!("{} is completed already", objective.title()))
            .hint(format!("Prove it again: dpb run validate {id}")));
    }
    let missing: Vec<String> = session.ledger.missing(id).iter().map(|o| o.id.clone()).collect();
    if !missing.is_empty() && reason.is_none() {
        return Err(Error::new(
            Code::NotReady,
            format!("{} comes after {}, not completed yet", objective.title(), missing.join(", ")),
        )
        .hint(format!("Adopt those first, or say why not: dpb run adopt {id} --override REASON")));
    }
    let state = session.repo.make_state_dir()?;
    let run = crate::journal::run_id(&state, &jiff::Zoned::now(), id);
    let _lock = Lock::acquire(&state, &run, jiff::Timestamp::now())?;
    cut::settle(session, reason)?;
    record::refuse_changed(session, std::slice::from_ref(&session.settings.initiative.ledger))?;
    let target = session.block(session.repo.target(
        &session.settings.git.remote,
        &session.settings.git.branch,
        &session.cancel,
    ))?;
    let base = session.block(session.repo.head(&session.cancel))?;
    let branch = session.block(session.repo.branch(&session.cancel))?;
    let header = trail::header(session, id, "adopt", &base, reason);
    let mut trail = Trail::begin(session, &run, &header, base, branch, Some(target), Vec::new())?;

    let live = session.ui.live("validate");
    let checks = match prove::prove(session, id, &trail.scratch(), live.progress()) {
        Ok(checks) => checks,
        Err(error) => {
            trail.end(session, "failed", &json!({ "error": error.message() }));
            return Err(error);
        }
    };
    let blocking = checks.iter().filter(|c| c.blocks()).count();
    let proved = blocking == 0 && !checks.is_empty();
    live.end(
        if proved { crate::check::Verdict::Pass } else { crate::check::Verdict::Fail },
        &format!("{} of {} checks stand", checks.len() - blocking, checks.len()),
    );
    let mut execution = Execution {
        objective: named(objective),
        run: Some(run.clone()),
        outcome: Outcome::Completed,
        cluster: session.cluster_name(),
        checks: Vec::new(),
        files: Vec::new(),
        applied: None,
        validation: checks.clone(),
        failure: None,
        rollback: None,
        ledger: Vec::new(),
        next: None,
    };
    if !proved {
        trail.end(session, "not_proved", &json!({ "checks": checks }));
        execution.outcome = Outcome::Declined;
        execution.failure = Some(format!("{blocking} checks failed; nothing was recorded"));
        execution.next = Some(format!("dpb run execute {id}"));
        return Ok(execution);
    }
    let overridden = if missing.is_empty() { Vec::new() } else { vec![format!("comes after {}", missing.join(", "))] };
    let evidence =
        Evidence { run: &run, commit: None, checks: &checks, reason, adopted: true, overridden, triggers: false };
    let live = session.ui.live("record");
    let recorded = record::completed(session, &mut trail, id, &evidence, &[])?;
    live.end(crate::check::Verdict::Pass, &recorded.text());
    trail.end(session, "adopted", &json!({ "commit": recorded.commit }));
    Status::Completed.as_str().clone_into(&mut execution.objective.status);
    execution.ledger = recorded.lines;
    execution.next = recorded.next;
    Ok(execution)
}
