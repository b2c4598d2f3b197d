//! Looking at everything that an execute depends on, side by side: triggers, platform, prerequisites, the objective's
//! own review, what it would deliver, and whether that fits. Changes nothing.

use std::sync::Arc;
use std::thread;

use crate::capacity::SharedRoom;
use crate::check::{Check, Verdict};
use crate::cluster::Cluster;
use crate::error::{Code, Error, Result};
use crate::gitops::trial::FLUX;
use crate::goals::{Objective, Status};
use crate::progress::Progress;
use crate::report::Impact;
use crate::script::api::{self, Host};
use crate::script::bridge::Bridge;

use super::joined::joined;
use super::planned::{self, Depth, Planned};
use super::{Session, impact};

/// Everything that was looked at.
pub(super) struct Prepared {
    /// Reasons to start the initiative at all; passed means met.
    pub(super) triggers: Vec<Check>,
    /// Why unmet triggers do not stand in the way; `None` where they do.
    pub(super) triggers_waived: Option<String>,
    /// One check a component.
    pub(super) platform: Vec<Check>,
    /// What has to come first.
    pub(super) prerequisites: Vec<Check>,
    /// What the objective's own review found.
    pub(super) objective: Vec<Check>,
    /// What the repository and the API server say of the deliverables.
    pub(super) firm: Vec<Check>,
    /// Room, quota and budget.
    pub(super) room: Vec<Check>,
    /// What would be delivered; `None` when it could not be planned.
    pub(super) planned: Option<Planned>,
    /// What it takes from the cluster.
    pub(super) impact: Option<Impact>,
}

impl Prepared {
    /// All checks, in the order of the report.
    pub(super) fn all_checks(&self) -> Vec<Check> {
        [&self.triggers, &self.platform, &self.prerequisites, &self.objective, &self.firm, &self.room]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// Delivery `files` leaves Flux to whoever commits them: what the cluster lacks of it is a warning then.
    pub(super) fn without_flux(&mut self) {
        for check in self.firm.iter_mut().filter(|c| c.name == FLUX && c.blocks()) {
            check.verdict = Verdict::Warn;
        }
    }

    /// Unmet triggers as one blocker.
    pub(super) fn trigger_blocker(&self) -> Option<Check> {
        if self.triggers_waived.is_some() || self.triggers.iter().any(|c| c.verdict == Verdict::Pass) {
            return None;
        }
        let seen: Vec<String> = self.triggers.iter().map(|c| format!("{}: {}", c.name, c.seen)).collect();
        Some(
            Check::new(
                "triggers",
                Verdict::Fail,
                format!("none of {} is met ({})", self.triggers.len(), seen.join("; ")),
            )
            .remedy("Set the trigger that applies in goals.json (trigger_conditions), or start with a written reason"),
        )
    }

    /// What an operator's reason lets pass.
    pub(super) fn waivable(&self) -> impl Iterator<Item = &Check> {
        [&self.prerequisites, &self.platform, &self.objective, &self.room].into_iter().flatten().filter(|c| c.blocks())
    }

    /// What no reason lets pass.
    pub(super) fn firm(&self) -> impl Iterator<Item = &Check> {
        self.firm.iter().filter(|c| c.blocks())
    }

    /// Everything that stands in the way. Predecessors come first: what else is missing is often theirs to bring.
    pub(super) fn blockers(&self) -> Vec<Check> {
        let before = self.prerequisites.iter().filter(|c| c.blocks());
        let rest =
            [&self.firm, &self.platform, &self.objective, &self.room].into_iter().flatten().filter(|c| c.blocks());
        let mut all: Vec<Check> = Vec::new();
        for check in self.trigger_blocker().into_iter().chain(before.chain(rest).cloned()) {
            // Platform and objective may have looked at the same thing.
            if !all.iter().any(|c| c.name == check.name && c.seen == check.seen) {
                all.push(check);
            }
        }
        all
    }
}

/// Looks at everything, each part in a thread of its own; the reads of all are shared.
pub(super) fn prepare(session: &Session, objective: &Objective, depth: Depth, progress: &Progress) -> Result<Prepared> {
    let cluster = session.cluster()?.shared();
    // The longest read goes first, once for all who ask: everything else is done before its last pod arrives.
    let namespaces = [session.settings.namespace.clone(), session.settings.storage.namespace.clone()];
    let room = SharedRoom::new(cluster.clone(), namespaces);
    let early = room.clone();
    let early = session.runtime.spawn(async move { early.get().await.is_ok() });
    let host = session.host(cluster.clone()).with_progress(progress.clone()).with_room(room.clone());
    let id = objective.id.as_str();
    let has_script = session.library.objective(id)?.is_some();
    let (triggers, platform, own, declared) = thread::scope(|scope| {
        let spawn = |library: &'static str| {
            let host = host.clone();
            scope.spawn(move || checks_of(&host, library, id))
        };
        let (triggers, platform) = (spawn("lib/triggers"), spawn("lib/platform"));
        let own = scope.spawn(|| if has_script { api::review(&host, id).map(|o| o.checks) } else { Ok(Vec::new()) });
        let declared = scope.spawn(|| {
            if has_script { declared(session, &host, &cluster, &room, id, depth).map(Some) } else { Ok(None) }
        });
        (
            joined(triggers, "looking at the triggers"),
            joined(platform, "looking at the platform"),
            joined(own, "looking at the objective"),
            joined(declared, "looking at the deliverables"),
        )
    });
    session.cancel.check()?;
    early.abort();
    // Credentials that are refused hide everything: one error instead of an unknown for every check.
    if let Err(error) = session.block(room.get())
        && error.code() == Code::Denied
    {
        return Err(error);
    }
    let declared = match declared {
        Ok(declared) => declared,
        // A script or template that is wrong stops everything, with its place.
        Err(error) if !unseen(&error) => return Err(error),
        Err(error) => {
            let check = Check::new("plan", Verdict::Unknown, error.message().to_owned());
            let check = error.hint_text().map_or(check.clone(), |h| check.remedy(h));
            Some(Declared { planned: None, firm: vec![check], room: Vec::new(), impact: None })
        }
    };
    let declared = declared.unwrap_or_else(|| Declared {
        planned: None,
        firm: vec![no_script(objective)],
        room: Vec::new(),
        impact: None,
    });
    Ok(Prepared {
        triggers: triggers?,
        triggers_waived: waived(session, objective),
        platform: platform?,
        prerequisites: prerequisites(session, objective),
        objective: own?,
        firm: declared.firm,
        room: declared.room,
        planned: declared.planned,
        impact: declared.impact,
    })
}

struct Declared {
    planned: Option<Planned>,
    firm: Vec<Check>,
    room: Vec<Check>,
    impact: Option<Impact>,
}

/// Declares, plans, and holds the plan against repository, API server and nodes.
fn declared(
    session: &Session,
    host: &Host,
    cluster: &Cluster,
    room: &SharedRoom,
    id: &str,
    depth: Depth,
) -> Result<Declared> {
    let planned = planned::plan(session, host, id)?;
    let objects = planned.objects();
    let (mut firm, measured, permissions) = session.block(async {
        Ok(tokio::join!(
            planned.judge(cluster, depth),
            impact::measure(cluster, room, &objects, &session.settings),
            planned.permissions(cluster)
        ))
    })?;
    firm.push(permissions);
    let measured = measured?;
    let mut room = measured.checks;
    room.extend(planned.budget(session, id));
    Ok(Declared { firm, room, impact: Some(measured.impact), planned: Some(planned) })
}

fn checks_of(host: &Host, library: &'static str, id: &str) -> Result<Vec<Check>> {
    let functions = api::check_functions(host, library)?;
    let mut all = Vec::new();
    for (_, checks) in api::run_checks(host, library, &functions, Some(id))? {
        all.extend(checks?);
    }
    Ok(all)
}

/// Whether an error says that something could not be seen, rather than that something is wrong.
fn unseen(error: &Error) -> bool {
    matches!(error.code(), Code::Forbidden | Code::Unavailable | Code::Timeout | Code::UnknownKind | Code::Denied)
}

fn no_script(objective: &Objective) -> Check {
    Check::new("script", Verdict::Fail, format!("objective {} has no script", objective.id)).remedy(format!(
        "Write one: scripts/phases/PHASE/{}-NAME.rhai, with review(o), execute(o) and validate(o)",
        objective.id
    ))
}

/// Unmet triggers stop the first objective only, and only until an operator gave a reason.
fn waived(session: &Session, objective: &Objective) -> Option<String> {
    let first = session.ledger.objectives().next().is_some_and(|o| o.id == objective.id);
    let triggers = session.ledger.triggers();
    if !first {
        return Some("the initiative has begun".to_owned());
    }
    if objective.status == Status::Completed {
        return Some("the initiative has begun".to_owned());
    }
    match (&triggers.evaluation_status, &triggers.evaluation_notes) {
        (Some(status), Some(notes)) if status == "evaluated" && !notes.is_empty() => {
            Some(format!("overridden: {notes}"))
        }
        _ => None,
    }
}

fn prerequisites(session: &Session, objective: &Objective) -> Vec<Check> {
    session
        .ledger
        .predecessors(&objective.id)
        .into_iter()
        .map(|before| {
            if before.status == Status::Completed {
                let when = before
                    .completion_timestamp
                    .as_deref()
                    .and_then(|t| t.get(..10))
                    .map_or(String::new(), |d| format!(" {d}"));
                return Check::new(before.title(), Verdict::Pass, format!("completed{when}"));
            }
            Check::new(before.title(), Verdict::Fail, format!("is {}", before.status_word))
                .remedy("It comes first")
                .command(format!("dpb run review {}", before.id))
        })
        .collect()
}

impl Session {
    /// A host for scripts, with this session's settings, ledger and scripts, and a cluster.
    pub(super) fn host(&self, cluster: Cluster) -> Host {
        self.host_of(Ok(cluster))
    }

    /// The same with whatever cluster there is.
    pub(super) fn host_of(&self, cluster: Result<Cluster>) -> Host {
        Host::new(self.library.clone(), Bridge::new(self.runtime.clone(), self.cancel.clone()))
            .with_settings(&self.settings)
            .with_ledger(Arc::new(self.ledger.clone()))
            .with_cluster(cluster)
    }
}
