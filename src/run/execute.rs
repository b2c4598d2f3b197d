//! `dpb run execute`: gate, plan, question, deliver, prove, record; on any failure after the first effect, take back.

use std::time::Duration;

use serde_json::json;

use crate::check::{Check, Verdict};
use crate::error::{Code, Error, Result};
use crate::flux::Delivery;
use crate::goals::{Next, Objective, Status};
use crate::journal::Lock;
use crate::progress::Progress;
use crate::report::{Applied, Execution, Outcome};
use crate::settings;

use super::cut::short;
use super::evidence::Evidence;
use super::follow::follow;
use super::gate::{self, Passed};
use super::planned::Depth;
use super::planned::Planned;
use super::prepare::{self, Prepared};
use super::session::named;
use super::steps::Steps;
use super::trail::{self, Trail};
use super::{Session, cut, prove, record, rollback};

/// What was asked for.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each flag of the command")]
pub struct Request {
    /// The objective; the next one without it.
    pub id: Option<String>,
    /// Plan and check only.
    pub dry_run: bool,
    /// Do not ask.
    pub yes: bool,
    /// Start although something stands in the way.
    pub reason: Option<String>,
    /// Write the files only, whatever the settings say.
    pub delivery: Option<settings::Delivery>,
    /// How long Flux and the workloads may take.
    pub timeout: Option<Duration>,
    /// Leave a failure as it is.
    pub no_rollback: bool,
    /// Show the plan's diff.
    pub diff: bool,
}

/// Executes an objective.
pub fn execute(session: &Session, request: &Request) -> Result<Execution> {
    let delivery = request.delivery.unwrap_or(session.settings.delivery);
    if !matches!(delivery, settings::Delivery::Flux | settings::Delivery::Files) {
        return Err(Error::new(Code::Usage, format!("delivery `{}` is not built yet", delivery.as_str()))
            .hint("Use --delivery flux or --delivery files"));
    }
    let objective = select(session, request.id.as_deref())?;
    if !request.dry_run && !request.yes && !session.ui.can_ask() {
        return Err(Error::new(Code::Usage, "there is no terminal to ask on")
            .hint("Answer beforehand with --yes, or look first with --dry-run"));
    }
    let state = session.repo.make_state_dir()?;
    let run = crate::journal::run_id(&state, &jiff::Zoned::now(), &objective.id);
    let _lock = if request.dry_run { None } else { Some(Lock::acquire(&state, &run, jiff::Timestamp::now())?) };
    cut::settle(session, request.reason.as_deref())?;
    session.ui.note(&objective.title());

    let live = session.ui.live("gate");
    let mut prepared = look(session, request, objective, &live.progress())?;
    if delivery == settings::Delivery::Files {
        prepared.without_flux();
    }
    let passed = match gate::pass(&prepared, request.reason.as_deref()) {
        Ok(passed) => passed,
        Err(closed) => {
            live.end(Verdict::Fail, &format!("{} of {} checks stand in the way", closed.blocking, closed.checks));
            return Err(closed.error(objective));
        }
    };
    live.end(if passed.needed_reason() { Verdict::Warn } else { Verdict::Pass }, &passed.text());
    let planned =
        prepared.planned.as_ref().ok_or_else(|| Error::new(Code::Internal, "the gate was passed without a plan"))?;
    let mut execution = Execution {
        objective: named(objective),
        run: None,
        outcome: Outcome::Planned,
        cluster: session.cluster_name(),
        checks: prepared.all_checks(),
        files: planned.file_changes(),
        applied: None,
        validation: Vec::new(),
        failure: None,
        rollback: None,
        ledger: Vec::new(),
        next: Some(format!("dpb run execute {}", objective.id)),
    };
    session.ui.note(&format!("  {} plan         {}", crate::ui::style::mark(Verdict::Pass), planned.summary()));
    if request.diff || (session.ui.can_ask() && !request.yes) {
        let diff = planned.diff_text();
        if !diff.is_empty() {
            session.ui.note(diff.trim_end());
        }
    }
    if request.dry_run {
        return Ok(execution);
    }
    if !request.yes && !session.ui.confirm(&format!("  Apply to {}?", session.cluster_name()))? {
        execution.outcome = Outcome::Declined;
        return Ok(execution);
    }
    execution.run = Some(run.clone());
    if delivery == settings::Delivery::Files {
        return write_only(session, objective, planned, execution, &run, request.reason.as_deref());
    }
    go(session, request, objective, planned, &passed, execution, &run)
}

/// Looks at everything; `--timeout` holds for that too, since nothing has been written yet.
fn look(session: &Session, request: &Request, objective: &Objective, progress: &Progress) -> Result<Prepared> {
    let prepared = match request.timeout {
        None => prepare::prepare(session, objective, Depth::Try, progress),
        Some(timeout) => prepare::prepare(&session.within(timeout), objective, Depth::Try, progress),
    };
    prepared.map_err(|error| match (error.code(), request.timeout) {
        (Code::Timeout, Some(timeout)) => Error::new(
            Code::Timeout,
            format!("{}: cluster and scripts did not answer within {} s", objective.title(), timeout.as_secs_f32()),
        )
        .note("nothing was written")
        .hint("Give it more time with --timeout; -vv says which requests are slow"),
        (Code::Denied, _) => error.note("nothing was written"),
        _ => error,
    })
}

/// The objective that was asked for, or the next one.
fn select<'a>(session: &'a Session, id: Option<&str>) -> Result<&'a Objective> {
    if let Some(id) = id {
        return session.ledger.objective(id);
    }
    match session.ledger.next() {
        Next::Objective(objective) => Ok(objective),
        Next::BlockedBy(objective) => {
            let why = objective.dpb.as_ref().and_then(|d| d.pointer("/blocked/reason")).and_then(|r| r.as_str());
            let error =
                Error::new(Code::NotReady, format!("{} is blocked, and what follows waits for it", objective.title()));
            let error = why.map_or(error.clone(), |why| error.note(why.to_owned()));
            Err(error.hint(format!("Mend the cause, then: dpb run execute {}", objective.id)))
        }
        Next::Done => Err(Error::new(Code::NotReady, "every objective is completed")
            .hint("Execute one again by its id, or prove them all: dpb run validate --completed")),
    }
}

/// Delivery `files`: the files are written; the ledger and Git are left alone.
fn write_only(
    session: &Session,
    objective: &Objective,
    planned: &Planned,
    mut execution: Execution,
    run: &str,
    reason: Option<&str>,
) -> Result<Execution> {
    let paths = planned.paths();
    record::refuse_changed(session, &paths)?;
    let base = session.block(session.repo.head(&session.cancel)).unwrap_or_default();
    let header = trail::header(session, &objective.id, "files", &base, reason);
    let mut trail = Trail::begin(session, run, &header, base, String::new(), None, paths.clone())?;
    let written = write(session, &mut trail, planned);
    if let Err(error) = written {
        let restored = session.runtime.block_on(session.repo.restore(&paths, "HEAD", &session.undo));
        trail.end(session, "failed", &json!({ "error": error.message() }));
        return Err(match restored {
            Ok(()) => error.note("every file is as before"),
            Err(why) => error.note(format!("not every file is as before: {why}")),
        });
    }
    trail.end(session, "not_delivered", &json!({ "paths": paths }));
    execution.outcome = Outcome::NotDelivered;
    execution.next = Some("git diff; git add; git commit".to_owned());
    Ok(execution)
}

fn write(session: &Session, trail: &mut Trail, planned: &Planned) -> Result<()> {
    trail.wrote = true;
    trail.step(
        "write",
        &json!({ "paths": planned.paths() }),
        || {
            for change in planned.changes() {
                session.cancel.check()?;
                change.write(session.repo.root())?;
            }
            Ok(())
        },
        |()| serde_json::Value::Null,
    )
}

/// From the first effect on: whatever fails leads to the taking back.
fn go(
    session: &Session,
    request: &Request,
    objective: &Objective,
    planned: &Planned,
    passed: &Passed,
    mut execution: Execution,
    run: &str,
) -> Result<Execution> {
    let mut paths = planned.paths();
    let mut guarded = planned.files().to_vec();
    guarded.push(session.settings.initiative.ledger.clone());
    guarded.extend(planned.pages.iter().map(|page| page.path.clone()));
    record::refuse_changed(session, &guarded)?;
    let target = session.block(session.repo.target(
        &session.settings.git.remote,
        &session.settings.git.branch,
        &session.cancel,
    ))?;
    let base = session.block(session.repo.head(&session.cancel))?;
    let branch = session.block(session.repo.branch(&session.cancel))?;
    paths.sort();
    let header = trail::header(session, &objective.id, "flux", &base, request.reason.as_deref());
    let mut trail = Trail::begin(session, run, &header, base, branch, Some(target), paths)?;
    trail.saw(
        "gate",
        &json!({ "overridden": passed.overridden, "triggers": passed.triggers, "reason": request.reason }),
    )?;
    trail.saw("plan", &json!({ "files": planned.paths(), "reads": planned.reads }))?;

    match deliver(session, request, objective, planned, passed, &mut execution, &mut trail) {
        Ok(()) => {
            let ledger = execution.ledger.clone();
            let ended = if execution.outcome == Outcome::Unchanged { "unchanged" } else { "completed" };
            trail.end(session, ended, &json!({ "ledger": ledger }));
            Ok(execution)
        }
        Err(error) if !trail.has_effect() => {
            trail.end(session, "failed", &json!({ "error": error.message() }));
            Err(error.note("nothing was written"))
        }
        Err(error) => Ok(fail(session, request, objective, planned, execution, trail, &error)),
    }
}

/// Writes, commits, pushes, waits, proves, records.
fn deliver(
    session: &Session,
    request: &Request,
    objective: &Objective,
    planned: &Planned,
    passed: &Passed,
    execution: &mut Execution,
    trail: &mut Trail,
) -> Result<()> {
    let timeout = request.timeout.unwrap_or_else(|| planned.timeout());
    let revision = if planned.paths().is_empty() {
        // Nothing differs: what Flux holds is proved again.
        session.ui.note("  – commit       nothing differs from what is delivered");
        trail.base.clone()
    } else {
        if objective.status != Status::Completed {
            record::in_progress(session, trail, &objective.id)?;
        }
        commit(session, objective, planned, trail)?
    };
    session.cancel.check()?;
    let steps = Steps::new(&session.ui);
    let delivery = Delivery {
        source: planned.source.clone(),
        commit: revision.clone(),
        chain: planned.chain.clone(),
        gone: planned.leaving.clone(),
        timeout,
    };
    trail.intends(
        "wait",
        &json!({ "commit": revision, "chain": planned.chain.iter().map(ToString::to_string).collect::<Vec<_>>() }),
    )?;
    let applied = {
        let on = steps.clone();
        follow(session, &delivery, &session.cancel, &steps.progress(), &move |event| on.on(&event))?
    };
    let objects: usize =
        applied.kustomizations.iter().filter(|k| planned.ours.contains(&k.name)).map(|k| k.inventory.len()).sum();
    trail.saw("wait", &json!({ "revision": applied.revision, "objects": objects }))?;
    execution.applied = Some(Applied { revision: applied.revision.clone(), objects });

    let live = session.ui.live("validate");
    let scratch = trail.scratch();
    trail.intends("validate", &serde_json::Value::Null)?;
    let checks = prove::prove(session, &objective.id, &scratch, live.progress())?;
    let blocking: Vec<&Check> = checks.iter().filter(|c| c.blocks()).collect();
    execution.validation.clone_from(&checks);
    trail.saw("validate", &json!({ "checks": checks }))?;
    if !blocking.is_empty() || checks.is_empty() {
        live.end(Verdict::Fail, &format!("{} of {} checks failed", blocking.len(), checks.len()));
        return Err(not_proved(objective, &blocking));
    }
    live.end(Verdict::Pass, &format!("{} checks passed", checks.len()));
    session.cancel.check()?;
    if trail.commit.is_none() && objective.status == Status::Completed {
        execution.outcome = Outcome::Unchanged;
        execution.ledger = vec!["unchanged: nothing differs, and the proof still holds".to_owned()];
        execution.next = None;
        return Ok(());
    }
    let (run, commit) = (trail.run().to_owned(), trail.commit.clone());
    let evidence = Evidence {
        run: &run,
        commit: commit.as_deref(),
        checks: &checks,
        reason: request.reason.as_deref().filter(|_| passed.needed_reason()),
        adopted: false,
        overridden: passed.overridden.clone(),
        triggers: passed.triggers,
    };
    let live = session.ui.live("record");
    let recorded = record::completed(session, trail, &objective.id, &evidence, &planned.pages)?;
    live.end(if recorded.push.is_ok() { Verdict::Pass } else { Verdict::Warn }, &recorded.text());
    if let Err(error) = &recorded.push {
        session.ui.warning(&format!(
            "the record {} is committed, but not pushed: {}; git pull --rebase && git push",
            short(&recorded.commit),
            error.message()
        ));
    }
    execution.outcome = Outcome::Completed;
    Status::Completed.as_str().clone_into(&mut execution.objective.status);
    execution.ledger = recorded.lines;
    execution.next = recorded.next;
    Ok(())
}

fn commit(session: &Session, objective: &Objective, planned: &Planned, trail: &mut Trail) -> Result<String> {
    write(session, trail, planned)?;
    let message = planned.commit_message(session, objective);
    let live = session.ui.live("commit");
    let paths = trail.paths.clone();
    let sha = trail.step(
        "commit",
        &json!({ "paths": paths, "message": message }),
        || session.block(session.repo.commit_only(&paths, &message, &session.cancel)),
        |sha| json!({ "sha": sha }),
    )?;
    trail.commit = Some(sha.clone());
    session.cancel.check()?;
    live.progress().say("pushing");
    record::push(session, trail, "push", &sha)?;
    trail.pushed = true;
    let to = trail.target.as_ref().map(ToString::to_string).unwrap_or_default();
    live.end(Verdict::Pass, &format!("{} {}, pushed to {to}", short(&sha), message.lines().next().unwrap_or_default()));
    Ok(sha)
}

fn not_proved(objective: &Objective, blocking: &[&Check]) -> Error {
    let first = blocking.first().map_or_else(|| "no check was made".to_owned(), |c| format!("{}: {}", c.name, c.seen));
    let mut error = Error::new(Code::Failed, format!("{} is delivered, but not proved: {first}", objective.title()));
    for (n, check) in blocking.iter().enumerate() {
        if n > 0 {
            error = error.note(format!("{}: {}", check.name, check.seen));
        }
        if !check.details.is_empty() {
            error = error.note(check.details.join("\n"));
        }
    }
    match blocking.iter().find_map(|c| c.remedy.clone()) {
        Some(remedy) => error.hint(remedy),
        None => error,
    }
}

/// Shows why it failed, takes it back, and reports.
fn fail(
    session: &Session,
    request: &Request,
    objective: &Objective,
    planned: &Planned,
    mut execution: Execution,
    mut trail: Trail,
    error: &Error,
) -> Execution {
    session.ui.error(error);
    execution.failure = Some(crate::ui::plain_error(error));
    execution.next = Some(format!("dpb run log {}", trail.run()));
    if let Err(why) =
        trail.saw("failure", &json!({ "code": error.code().as_str(), "error": crate::ui::plain_error(error) }))
    {
        session.ui.warning(&format!("the failure could not be journaled: {why}"));
    }
    if request.no_rollback {
        execution.outcome = Outcome::LeftFailed;
        trail.end(session, "left_failed", &json!({ "error": error.message() }));
        return execution;
    }
    let reached = trail.pushed;
    let rollback =
        rollback::take_back(session, &mut trail, &objective.id, objective.status, &planned.footprint(), error);
    let complete = rollback.incomplete.is_none();
    execution.outcome = if complete { Outcome::RolledBack } else { Outcome::RollbackIncomplete };
    let (status, line) = match objective.status {
        Status::Completed => (objective.status_word.clone(), "stays completed: the proved state is back".to_owned()),
        _ if reached || trail.pushed => {
            (Status::Blocked.as_str().to_owned(), format!("{} blocked: {}", objective.id, error.message()))
        }
        _ => (objective.status_word.clone(), "unchanged: nothing reached the remote".to_owned()),
    };
    execution.objective.status = status;
    execution.ledger = vec![line];
    if complete {
        execution.next = Some(format!("dpb run execute {}", objective.id));
    }
    let outcome = if complete { "rolled_back" } else { "rollback_incomplete" };
    let kept: Vec<String> = rollback.kept.iter().map(|(what, _)| what.clone()).collect();
    trail.end(session, outcome, &json!({ "error": error.message(), "revert": rollback.revert, "kept": kept, "incomplete": rollback.incomplete }));
    execution.rollback = Some(rollback);
    execution
}

/// The exit code of an execution (README, "Exit codes").
pub fn exit_code(execution: &Execution, interrupted: bool, request: &Request, exit_code: bool) -> u8 {
    match execution.outcome {
        Outcome::Planned if exit_code && !execution.files.is_empty() => 1,
        Outcome::Completed | Outcome::Unchanged | Outcome::Planned | Outcome::NotDelivered | Outcome::Declined => 0,
        Outcome::RolledBack if interrupted => 130,
        Outcome::RolledBack => 5,
        Outcome::LeftFailed if request.no_rollback && interrupted => 130,
        Outcome::LeftFailed | Outcome::RollbackIncomplete => 6,
    }
}
