//! Taking back what a run did, as far as it came: restore, or revert, push, and wait until Flux has followed.

use std::time::Duration;

use serde_json::json;

use crate::check::Verdict;
use crate::error::{Code, Error, Result};
use crate::flux::{Delivery, InventoryEntry, Named};
use crate::goals::{Ledger, Status};
use crate::report::Rollback;

use super::cut::short;
use super::follow::follow;
use super::trail::Trail;
use super::{Session, record};

/// A revert waits this long beyond the delivery's own time: a child whose health check is running ends that check first
/// (54 s of a 60 s timeout were measured), and only then looks at the revert.
const BEYOND: Duration = Duration::from_mins(5);

/// What the delivery would leave behind.
pub(super) struct Footprint {
    /// The source that Flux fetches from.
    pub(super) source: Named,
    /// The Kustomizations that are there after the revert too: parents first.
    pub(super) staying: Vec<Named>,
    /// Objects that the delivery adds and that a revert removes.
    pub(super) removable: Vec<InventoryEntry>,
    /// Objects that the delivery adds and that carry `prune: disabled`.
    pub(super) protected: Vec<InventoryEntry>,
    /// How long Flux may take.
    pub(super) timeout: Duration,
}

/// Takes everything back. `was` is the status before the run: a completed objective stays completed.
pub(super) fn take_back(
    session: &Session,
    trail: &mut Trail,
    id: &str,
    was: Status,
    footprint: &Footprint,
    failure: &Error,
) -> Rollback {
    let mut rollback = Rollback::default();
    if let Err(error) = undo(session, trail, id, was, footprint, failure, &mut rollback) {
        let why = error.hint_text().map_or_else(|| error.message().to_owned(), |h| format!("{}. {h}", error.message()));
        session.ui.note(&format!("  ✗ rollback     {why}"));
        rollback.incomplete = Some(why);
    }
    rollback
}

fn undo(
    session: &Session,
    trail: &mut Trail,
    id: &str,
    was: Status,
    footprint: &Footprint,
    failure: &Error,
    rollback: &mut Rollback,
) -> Result<()> {
    let undo = &session.undo;
    if let Some(commit) = trail.commit.clone()
        && !trail.pushed
    {
        // The push may have arrived although it was cut off.
        trail.pushed = arrived(session, trail, &commit)?;
    }
    let Some(commit) = trail.commit.clone().filter(|_| trail.pushed) else {
        return restore(session, trail);
    };
    let live = session.ui.live("rollback");
    let title = session.ledger.objective(id)?.title();
    let message = format!(
        "revert({}): {title}\n\nThis reverts commit {commit}.\n\n{}",
        session.settings.namespace,
        failure.message()
    );
    restore_ledger(session, trail)?;
    let reverted = trail.step(
        "revert",
        &json!({ "commit": commit }),
        || {
            session.runtime.block_on(session.repo.revert_in_worktree(
                std::slice::from_ref(&commit),
                &message,
                &trail_branch(session)?,
                undo,
            ))
        },
        |r| json!({ "sha": r.as_ref().map(|r| r.sha.clone()) }),
    )?;
    let Some(reverted) = reverted else {
        live.end_with("↩", "nothing was left to revert");
        return finish(session, trail, id, was, failure);
    };
    rollback.revert = Some(reverted.sha.clone());
    if let Some(target) = trail.target.clone() {
        live.progress().say(&format!("pushing {} to {target}", short(&reverted.sha)));
        trail
            .step(
                "push-revert",
                &json!({ "target": target.to_string() }),
                || session.runtime.block_on(session.repo.push(&target.remote, &target.branch, undo)),
                |()| serde_json::Value::Null,
            )
            .map_err(|e| {
                e.hint(format!(
                    "{} reverts the delivery, but is not at {target}: git pull --rebase && git push",
                    short(&reverted.sha)
                ))
            })?;
    }
    rollback.to_go = footprint.removable.len();
    let delivery = Delivery {
        source: footprint.source.clone(),
        commit: reverted.sha.clone(),
        chain: footprint.staying.clone(),
        gone: footprint.removable.clone(),
        timeout: footprint.timeout.saturating_add(BEYOND),
    };
    live.progress().say(&format!(
        "a health check that runs ends before Flux looks at the revert: up to {} min",
        footprint.timeout.as_secs().div_ceil(60)
    ));
    trail.intends("wait-revert", &json!({ "commit": reverted.sha }))?;
    let waited = follow(session, &delivery, undo, &live.progress(), &|_| ());
    let applied = match waited {
        Ok(applied) => applied,
        Err(error) => {
            // The ledger says what is so even when the cluster could not be seen to follow.
            finish(session, trail, id, was, failure)?;
            return Err(error.context(format!("{} is pushed, but Flux was not seen to follow", short(&reverted.sha))));
        }
    };
    trail.saw("wait-revert", &json!({ "revision": applied.revision, "gone": applied.gone }))?;
    rollback.gone = applied.gone;
    rollback.kept = kept(session, footprint);
    live.end_with(
        "↩",
        &format!(
            "reverted {} as {}, pushed, applied; {} of {} unprotected objects gone{}",
            short(&commit),
            short(&reverted.sha),
            rollback.gone,
            rollback.to_go,
            kept_text(&rollback.kept)
        ),
    );
    finish(session, trail, id, was, failure)
}

/// Whether the remote holds the commit.
fn arrived(session: &Session, trail: &Trail, commit: &str) -> Result<bool> {
    let Some(target) = &trail.target else { return Ok(false) };
    let undo = &session.undo;
    session.runtime.block_on(async {
        let Some(head) = session.repo.remote_head(&target.remote, &target.branch, undo).await? else {
            return Ok(false);
        };
        if head == commit {
            return Ok(true);
        }
        session.repo.fetch(&target.remote, &target.branch, undo).await?;
        session.repo.is_ancestor(commit, &head, undo).await
    })
}

/// Nothing has left this repository: files, branch and ledger go back to what they were.
fn restore(session: &Session, trail: &mut Trail) -> Result<()> {
    let undo = &session.undo;
    let live = session.ui.live("rollback");
    let (paths, base, commit, branch) =
        (trail.paths.clone(), trail.base.clone(), trail.commit.clone(), trail.branch.clone());
    trail.step(
        "restore",
        &json!({ "paths": paths, "base": base, "commit": commit }),
        || {
            session.runtime.block_on(async {
                match &commit {
                    Some(commit) if !session.repo.drop_newest(commit, &paths, &branch, undo).await? => {
                        Err(Error::new(Code::Conflict, format!("branch {branch} has moved on since {}", short(commit)))
                            .hint(format!("Take it back by hand: git revert {}", short(commit))))
                    }
                    Some(_) => Ok(()),
                    None => session.repo.restore(&paths, &base, undo).await,
                }
            })
        },
        |()| serde_json::Value::Null,
    )?;
    restore_ledger(session, trail)?;
    live.end_with("↩", "files and branch are as before; nothing reached the remote or the cluster");
    Ok(())
}

/// The mark `in_progress` was in the work tree only: the bytes from before come back, unless somebody changed them.
fn restore_ledger(session: &Session, trail: &mut Trail) -> Result<()> {
    let Some(before) = trail.ledger_before.take() else { return Ok(()) };
    let path = &session.settings.initiative.ledger;
    let now = Ledger::load(&session.ledger_path(), path)?;
    let status = now.objectives().any(|o| o.status == Status::InProgress);
    if now.text() != before && status {
        let now = now.text().to_owned();
        crate::gitops::Change { path: path.clone(), before: Some(now), after: before }.write(session.repo.root())?;
    }
    Ok(())
}

/// The ledger after a revert: blocked with the reason, or untouched where the objective was completed before.
fn finish(session: &Session, trail: &mut Trail, id: &str, was: Status, failure: &Error) -> Result<()> {
    if was == Status::Completed {
        session.ui.note("  ✓ ledger       stays completed: the proved state is back");
        return Ok(());
    }
    let live = session.ui.live("ledger");
    let commit = record::blocked(session, trail, id, failure.message())?;
    live.end(Verdict::Pass, &format!("{id} blocked, recorded in {}", short(&commit)));
    Ok(())
}

/// What stays because it holds data, and what it owns, each with the command that would remove it.
fn kept(session: &Session, footprint: &Footprint) -> Vec<(String, String)> {
    let Ok(cluster) = session.cluster() else { return Vec::new() };
    session.runtime.block_on(async {
        let mut kept = Vec::new();
        for entry in &footprint.protected {
            let namespace = entry.object.namespace.as_deref();
            let Ok(Some(object)) = cluster.find(entry.kind_name().as_str(), namespace, &entry.object.name).await else {
                continue;
            };
            kept.push((entry.object.to_string(), command(&entry.kind_name(), namespace, &entry.object.name)));
            let (Some(uid), Some(namespace)) = (object.pointer("/metadata/uid").and_then(|u| u.as_str()), namespace)
            else {
                continue;
            };
            let Ok(claims) = cluster.list("PersistentVolumeClaim", &crate::cluster::Query::namespace(namespace)).await
            else {
                continue;
            };
            for claim in claims.iter().filter(|c| owned_by(c, uid)) {
                let name = claim.pointer("/metadata/name").and_then(|n| n.as_str()).unwrap_or_default();
                kept.push((format!("PersistentVolumeClaim {namespace}/{name}"), command("pvc", Some(namespace), name)));
            }
        }
        kept
    })
}

fn owned_by(object: &serde_json::Value, uid: &str) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(|o| o.as_array());
    owners.is_some_and(|owners| owners.iter().any(|o| o["uid"] == uid))
}

fn command(kind: &str, namespace: Option<&str>, name: &str) -> String {
    let kind = kind.to_lowercase();
    match namespace {
        Some(ns) => format!("kubectl -n {ns} delete {kind} {name}"),
        None => format!("kubectl delete {kind} {name}"),
    }
}

fn kept_text(kept: &[(String, String)]) -> String {
    if kept.is_empty() {
        return String::new();
    }
    format!("; kept: {}", kept.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>().join(", "))
}

fn trail_branch(session: &Session) -> Result<String> {
    session.runtime.block_on(session.repo.branch(&session.undo))
}
