//! `dpb run review`: can the next objective start, what is missing, what to do about it.

use crate::check::{Check, Verdict};
use crate::cluster::Query;
use crate::error::Result;
use crate::flux;
use crate::goals::{Next, Objective, Status};
use crate::report::{self, Head, PhaseProgress, Review, Triggers};

use super::Session;
use super::cut::short;
use super::joined::joined;
use super::planned::Depth;
use super::prepare::{self, Prepared};
use super::session::named;

/// Reviews an objective: the named one, the first open one of a phase, or the next.
pub fn review(session: &Session, id: Option<&str>, phase: Option<&str>) -> Result<Review> {
    let objective = chosen(session, id, phase)?;
    session.cluster()?;
    let live = session.ui.live("review");
    live.progress().say("looking at the cluster");
    let progress = live.progress();
    let (head, prepared) = std::thread::scope(|scope| {
        let head = scope.spawn(|| head(session));
        let prepare = |o| prepare::prepare(session, o, Depth::Read, &progress);
        let prepared = objective.map(prepare).transpose();
        (joined(head, "looking at the commit in hand"), prepared)
    });
    let (head, prepared) = (head?, prepared?);
    drop(live);
    Ok(describe(session, objective, prepared, head))
}

fn chosen<'a>(session: &'a Session, id: Option<&str>, phase: Option<&str>) -> Result<Option<&'a Objective>> {
    if let Some(id) = id {
        return session.ledger.objective(id).map(Some);
    }
    if let Some(phase) = phase {
        let phase = session.ledger.phase(phase)?;
        return Ok(phase
            .objectives
            .iter()
            .find(|o| o.status != Status::Completed)
            .or_else(|| phase.objectives.first()));
    }
    Ok(match session.ledger.next() {
        Next::Objective(objective) | Next::BlockedBy(objective) => Some(objective),
        Next::Done => session.ledger.objectives().last(),
    })
}

/// The commit in hand, and what Flux says of it.
fn head(session: &Session) -> Result<Option<Head>> {
    let (repo, cancel) = (&session.repo, &session.cancel);
    let Ok(commit) = session.block(repo.head(cancel)) else { return Ok(None) };
    let branch = session.block(repo.branch(cancel)).unwrap_or_else(|_| "detached".to_owned());
    let flux = match session.cluster() {
        Err(error) => format!("Flux unknown: {}", error.message()),
        Ok(cluster) => {
            let settings = &session.settings.flux;
            let shared = cluster.shared();
            let found = session.block(async {
                let query = Query::namespace(&settings.namespace);
                Ok(tokio::join!(
                    shared.find("GitRepository.source.toolkit.fluxcd.io", Some(&settings.namespace), &settings.source),
                    shared.list("Kustomization.kustomize.toolkit.fluxcd.io", &query)
                ))
            })?;
            match found {
                (Err(error), _) | (_, Err(error)) => format!("Flux unknown: {}", error.message()),
                (Ok(None), _) => format!("no GitRepository {}/{}", settings.namespace, settings.source),
                (Ok(Some(source)), Ok(all)) => {
                    let revision =
                        source.pointer("/status/artifact/revision").and_then(|r| r.as_str()).unwrap_or_default();
                    let behind = all
                        .iter()
                        .filter(|k| k.pointer("/status/lastAppliedRevision").and_then(|r| r.as_str()) != Some(revision))
                        .count();
                    match (flux::commit_of(revision) == commit, behind) {
                        (true, 0) => "applied by Flux".to_owned(),
                        (true, n) => format!("fetched by Flux, {n} of {} Kustomizations behind", all.len()),
                        (false, _) if revision.is_empty() => "Flux has fetched nothing yet".to_owned(),
                        (false, _) => format!("Flux is at {}", flux::short(revision)),
                    }
                }
            }
        }
    };
    Ok(Some(Head { branch, commit: short(&commit).to_owned(), flux }))
}

fn describe(
    session: &Session,
    objective: Option<&Objective>,
    prepared: Option<Prepared>,
    head: Option<Head>,
) -> Review {
    let ledger = &session.ledger;
    let progress = ledger.progress();
    let phase = objective.and_then(|o| progress.phases.iter().find(|p| p.id == o.phase));
    let next = match ledger.next() {
        Next::Objective(o) | Next::BlockedBy(o) => Some(named(o)),
        Next::Done => None,
    };
    let blockers = prepared.as_ref().map(Prepared::blockers).unwrap_or_default();
    let done = ledger.next() == Next::Done;
    let command =
        objective.filter(|o| !done || o.status != Status::Completed).map(|o| format!("dpb run execute {}", o.id));
    let ready = blockers.is_empty() && objective.is_some();
    let mut warnings = ledger.warnings();
    if let Some(o) = objective.filter(|o| o.status == Status::Blocked) {
        let why = o
            .dpb
            .as_ref()
            .and_then(|d| d.pointer("/blocked/reason"))
            .and_then(|r| r.as_str())
            .unwrap_or("no reason is recorded");
        warnings.push(format!("{} is blocked: {why}", o.id));
    }
    let mut actions: Vec<String> = blockers
        .iter()
        .map(|b| b.remedy.as_ref().map_or_else(|| format!("{}: {}", b.name, b.seen), |r| format!("{}: {r}", b.name)))
        .collect();
    if ready && command.is_some() {
        actions.push(format!("See what would change: {} --dry-run --diff", command.as_deref().unwrap_or_default()));
    }
    let Parts { triggers, platform, objective, impact } = parts(objective, prepared);
    Review {
        initiative: session.title(),
        cluster: session.cluster_name(),
        head,
        phase: phase.map(|p| PhaseProgress {
            id: p.id.clone(),
            name: p.name.clone(),
            completed: p.completed,
            total: p.total,
        }),
        completed: progress.completed,
        total: progress.total,
        percent: u8::try_from(progress.percent).unwrap_or(100),
        next,
        warnings,
        triggers,
        platform,
        objective,
        blockers,
        impact,
        actions,
        command,
        ready,
    }
}

struct Parts {
    triggers: Triggers,
    platform: Vec<Check>,
    objective: Option<report::Objective>,
    impact: Option<report::Impact>,
}

fn parts(objective: Option<&Objective>, prepared: Option<Prepared>) -> Parts {
    let (Some(objective), Some(p)) = (objective, prepared) else {
        return Parts { triggers: Triggers::default(), platform: Vec::new(), objective: None, impact: None };
    };
    let deliverables = p.planned.as_ref().map(super::planned::Planned::deliverables).unwrap_or_default();
    let checks = p.objective.into_iter().chain(p.firm).chain(p.room).collect();
    Parts {
        triggers: Triggers {
            met: p.triggers.iter().filter(|c| c.verdict == Verdict::Pass).count(),
            checks: p.triggers,
            waived: p.triggers_waived,
        },
        platform: p.platform,
        objective: Some(report::Objective {
            name: named(objective),
            prerequisites: p.prerequisites,
            checks,
            deliverables,
        }),
        impact: p.impact,
    }
}
