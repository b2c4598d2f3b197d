//! Recording what was proved: the ledger and the objective's page, in a commit of their own.

use serde_json::{Value, json};

use crate::error::{Code, Error, Result};
use crate::gitops::Change;
use crate::goals::{Edit, Ledger, Next};

use super::cut::short;
use super::evidence::Evidence;
use super::trail::Trail;
use super::{Session, page};

/// What the record changed.
pub(super) struct Recorded {
    /// The commit of ledger and page.
    pub(super) commit: String,
    /// Whether it reached the remote; otherwise why not.
    pub(super) push: Result<()>,
    /// What changed in the ledger.
    pub(super) lines: Vec<String>,
    /// What to type next.
    pub(super) next: Option<String>,
}

impl Recorded {
    /// One line for the step.
    pub(super) fn text(&self) -> String {
        match &self.push {
            Ok(()) => {
                format!("{} in {}, pushed", self.lines.first().map_or("ledger", String::as_str), short(&self.commit))
            }
            Err(error) => format!(
                "{} in {}, not pushed: {}",
                self.lines.first().map_or("ledger", String::as_str),
                short(&self.commit),
                error.message()
            ),
        }
    }
}

/// Files of ours that somebody changed and did not commit stop a run before anything is written.
pub(super) fn refuse_changed(session: &Session, paths: &[String]) -> Result<()> {
    let changed = session.block(session.repo.status(paths, &session.cancel))?;
    if changed.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = changed.iter().map(|c| format!("{} ({})", c.path, c.word())).collect();
    let files: Vec<&str> = changed.iter().map(|c| c.path.as_str()).collect();
    Err(Error::new(
        Code::Conflict,
        format!(
            "{} of this run's files {} not committed: {}",
            list.len(),
            if list.len() == 1 { "is" } else { "are" },
            list.join(", ")
        ),
    )
    .note("nothing was written")
    .hint(format!("Commit them (git add {0} && git commit), or put them away (git stash -- {0})", files.join(" "))))
}

/// Marks the objective as being worked on, in the work tree only. Gives the ledger as it stood.
pub(super) fn in_progress(session: &Session, trail: &mut Trail, id: &str) -> Result<()> {
    let before = session.ledger.text().to_owned();
    let edit = edit(&session.ledger).set_status(id, crate::goals::Status::InProgress);
    let after = Ledger::parse(edit.text()?, session.ledger.display())?.hash();
    trail.ledger_before = Some(before.clone());
    trail.step(
        "mark",
        &json!({ "ledger": session.settings.initiative.ledger, "before": session.ledger.hash(), "after": after }),
        || edit.write(&session.ledger_path(), &session.backups()).map(|_| ()),
        |()| Value::Null,
    )
}

/// Records an objective as completed, with its evidence, and writes its page.
pub(super) fn completed(
    session: &Session,
    trail: &mut Trail,
    id: &str,
    evidence: &Evidence<'_>,
    pages: &[Change],
) -> Result<Recorded> {
    let ledger = Ledger::load(&session.ledger_path(), &session.settings.initiative.ledger)?;
    let title = ledger.objective(id)?.title();
    let mut entry = json!({
        "run": evidence.run,
        "evidence": evidence.checks.iter().map(|c| json!({ "check": c.name, "verdict": c.verdict, "seen": c.seen })).collect::<Vec<_>>(),
        "blocked": null,
    });
    if let Some(commit) = evidence.commit {
        entry["commit"] = json!(commit);
    }
    if evidence.adopted {
        entry["adopted"] = json!(true);
    }
    if let Some(reason) = evidence.reason.filter(|_| !evidence.overridden.is_empty()) {
        entry["override"] = json!({ "reason": reason, "passed": evidence.overridden });
    }
    let mut edit = edit(&ledger).complete(id).set_dpb(id, entry);
    if let Some(reason) = evidence.reason.filter(|_| evidence.triggers) {
        edit = edit.set_evaluation("evaluated", reason);
    }
    let mut paths = vec![session.settings.initiative.ledger.clone()];
    paths.extend(pages.iter().map(|p| p.path.clone()));
    let message = format!("docs({}): {title} completed", session.settings.namespace);
    trail.step(
        "record",
        &json!({ "paths": paths }),
        || {
            edit.write(&session.ledger_path(), &session.backups())?;
            for page in pages {
                let after = page::with_evidence(session, &page.after, evidence);
                Change { after, ..page.clone() }.write(session.repo.root())?;
            }
            Ok(())
        },
        |()| Value::Null,
    )?;
    let commit = trail.step(
        "commit-record",
        &json!({ "paths": paths, "message": message }),
        || session.block(session.repo.commit_only(&paths, &message, &session.cancel)),
        |sha| json!({ "sha": sha }),
    )?;
    let push = push(session, trail, "push-record", &commit);
    let after = Ledger::load(&session.ledger_path(), &session.settings.initiative.ledger)?;
    let next = match after.next() {
        Next::Objective(o) => Some(format!("dpb run review {}", o.id)),
        Next::BlockedBy(o) => Some(format!("dpb run execute {}", o.id)),
        Next::Done => None,
    };
    let lines = vec![
        format!("{id} completed"),
        format!(
            "{} of {} objectives, {} %",
            after.progress().completed,
            after.progress().total,
            after.progress().percent
        ),
    ];
    Ok(Recorded { commit, push, lines, next })
}

/// Records why an objective is blocked, in a commit of its own, and pushes it.
pub(super) fn blocked(session: &Session, trail: &mut Trail, id: &str, why: &str) -> Result<String> {
    let ledger = Ledger::load(&session.ledger_path(), &session.settings.initiative.ledger)?;
    let title = ledger.objective(id)?.title();
    let entry =
        json!({ "run": trail.run(), "blocked": { "reason": why, "since": jiff::Timestamp::now().to_string() } });
    let edit = edit(&ledger).set_status(id, crate::goals::Status::Blocked).set_dpb(id, entry);
    let paths = vec![session.settings.initiative.ledger.clone()];
    let message = format!("docs({}): {title} blocked\n\n{why}", session.settings.namespace);
    trail.step(
        "block",
        &json!({ "reason": why }),
        || edit.write(&session.ledger_path(), &session.backups()).map(|_| ()),
        |()| Value::Null,
    )?;
    let undo = &session.undo;
    let commit = trail.step(
        "commit-block",
        &json!({ "paths": paths }),
        || session.runtime.block_on(session.repo.commit_only(&paths, &message, undo)),
        |sha| json!({ "sha": sha }),
    )?;
    let target = trail.target.clone();
    if let Some(target) = target {
        trail.step(
            "push-block",
            &json!({ "target": target.to_string() }),
            || session.runtime.block_on(session.repo.push(&target.remote, &target.branch, undo)),
            |()| Value::Null,
        )?;
    }
    Ok(commit)
}

/// Pushes what was committed.
pub(super) fn push(session: &Session, trail: &mut Trail, step: &str, commit: &str) -> Result<()> {
    let Some(target) = trail.target.clone() else { return Ok(()) };
    trail.step(
        step,
        &json!({ "target": target.to_string(), "sha": commit }),
        || session.block(session.repo.push(&target.remote, &target.branch, &session.cancel)),
        |()| Value::Null,
    )
}

/// An edit of the ledger with the present time.
pub(super) fn edit(ledger: &Ledger) -> Edit {
    ledger.edit(&jiff::Zoned::now())
}
