//! What an objective would deliver: its `execute`, held against the repository.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use crate::capacity::{self, Room};
use crate::check::{Check, Verdict};
use crate::cluster::Cluster;
use crate::error::{Code, Error, Result};
use crate::flux::{InventoryEntry, Named};
use crate::gitops::{self, Amounts, Plan, trial};
use crate::goals::{Objective, Status};
use crate::report::FileChange;
use crate::script::api::{self, Host};
use crate::ui::style::{BAD, DIM, GOOD, paint};

use super::Session;
use super::joined::joined;
use super::rollback::Footprint;

/// How far to go: a review only reads, an execute also lets the API server try the manifests (strict dry run).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Reads only: manifests are held against the schemas that the server publishes.
    Read,
    /// Dry runs too.
    Try,
}

/// A plan with what the lifecycle asks of it.
pub(super) struct Planned {
    plan: Plan,
    /// The source that Flux fetches from.
    pub(super) source: Named,
    /// The Kustomizations to wait for, in order.
    pub(super) chain: Vec<Named>,
    /// Those that the objective itself declares.
    pub(super) ours: Vec<Named>,
    /// Objects that go with the change.
    pub(super) leaving: Vec<InventoryEntry>,
    /// Pages, with their text before evidence is added.
    pub(super) pages: Vec<gitops::Change>,
    /// What the script read while it declared.
    pub(super) reads: Vec<String>,
    names: Vec<String>,
    timeout: Duration,
}

/// Runs the objective's `execute` and plans what it declares.
pub(super) fn plan(session: &Session, host: &Host, id: &str) -> Result<Planned> {
    let (root, layout) = (session.repo.root(), host.layout()?);
    let cluster = host.cluster()?;
    // Building what lies there takes as long as the script: side by side.
    let (before, outcome) = std::thread::scope(|scope| {
        let before = scope.spawn(|| session.block(trial::before(cluster, root, &layout)));
        let outcome = api::execute(host, id);
        (joined(before, "building the repository"), outcome)
    });
    let outcome = outcome?;
    let deliverables = outcome.deliverables.ok_or_else(|| {
        Error::new(Code::Script, format!("execute of {id} declares nothing"))
            .hint("Declare what it delivers: gitops::app, gitops::file")
    })?;
    let plan = Plan::make(root, &deliverables, &before?)?;
    let flux = &session.settings.flux;
    let name = |n: &gitops::Name| Named::new(&n.0, &n.1);
    let timeout = deliverables
        .apps()
        .iter()
        .filter_map(|a| crate::settings::Span::new(&a.timeout))
        .map(|s| s.duration())
        .fold(Duration::ZERO, Duration::saturating_add);
    Ok(Planned {
        source: Named::new(&flux.namespace, &flux.source),
        chain: plan.kustomizations.iter().map(|k| name(&k.name)).collect(),
        ours: plan.kustomizations.iter().filter(|k| k.is_ours).map(|k| name(&k.name)).collect(),
        leaving: plan
            .objects
            .removed
            .iter()
            .filter(|m| !gitops::lint::protection::is_kept(&m.object))
            .map(|m| entry(&m.object))
            .collect(),
        pages: plan.docs.clone(),
        reads: outcome.reads,
        names: deliverables.apps().iter().map(|a| a.name.clone()).collect(),
        timeout: timeout.max(flux.timeout.duration()),
        plan,
    })
}

impl Planned {
    /// Files that change, below the repository's root.
    pub(super) fn paths(&self) -> Vec<String> {
        self.plan.changes.iter().map(|c| c.path.clone()).collect()
    }

    /// Every file of the delivery: one that lies here as it should and is not committed has not been delivered.
    pub(super) fn files(&self) -> &[String] {
        &self.plan.files
    }

    /// The changes themselves.
    pub(super) fn changes(&self) -> &[gitops::Change] {
        &self.plan.changes
    }

    /// What the objective's own Kustomizations make: what has to fit.
    pub(super) fn objects(&self) -> Vec<Value> {
        self.plan.own_objects()
    }

    /// How long Flux and the workloads may take, unless the operator says otherwise.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// For the report.
    pub(super) fn file_changes(&self) -> Vec<FileChange> {
        let change = |c: &gitops::Change| FileChange {
            path: c.path.clone(),
            change: if c.is_new() { "added" } else { "changed" }.to_owned(),
            diff: c.diff().to_string(),
        };
        self.plan.changes.iter().map(change).collect()
    }

    /// One line for the step.
    pub(super) fn summary(&self) -> String {
        let added = self.plan.changes.iter().filter(|c| c.is_new()).count();
        let changed = self.plan.changes.len() - added;
        let o = &self.plan.objects;
        if self.plan.changes.is_empty() {
            return "nothing differs from what is delivered".to_owned();
        }
        format!(
            "{added} files added, {changed} changed; {} objects added, {} changed, {} removed",
            o.added.len(),
            o.changed.len(),
            o.removed.len()
        )
    }

    /// One line a folder or list, for a review.
    pub(super) fn deliverables(&self) -> Vec<String> {
        let mut folders: Vec<(String, usize)> = Vec::new();
        let mut lines = Vec::new();
        for change in &self.plan.changes {
            if change.is_new() {
                let folder = change.path.split("/app/").next().unwrap_or(&change.path);
                let folder = folder.strip_suffix("/ks.yaml").unwrap_or(folder).to_owned();
                match folders.iter_mut().find(|(f, _)| *f == folder) {
                    Some((_, n)) => *n += 1,
                    None => folders.push((folder, 1)),
                }
            } else {
                lines.push(format!("a change in {}", change.path));
            }
        }
        let one = |(folder, n): (String, usize)| {
            if n == 1 { format!("1 file: {folder}") } else { format!("{n} files in {folder}") }
        };
        let mut all: Vec<String> = folders.into_iter().map(one).collect();
        all.append(&mut lines);
        if all.is_empty() {
            all.push("nothing: the repository says all of it already".to_owned());
        }
        all
    }

    /// The diff of every file, coloured.
    pub(super) fn diff_text(&self) -> String {
        let mut out = String::new();
        for change in &self.plan.changes {
            for line in change.diff().to_string().lines() {
                let line = match line.as_bytes().first() {
                    Some(b'+') => paint(GOOD, line),
                    Some(b'-') => paint(BAD, line),
                    Some(b'@') => paint(DIM, line),
                    _ => line.to_owned(),
                };
                let _ = writeln!(out, "    {line}");
            }
        }
        out
    }

    /// What repository and API server say of it.
    pub(super) async fn judge(&self, cluster: &Cluster, depth: Depth) -> Vec<Check> {
        let mut checks = self.plan.checks.clone();
        checks.extend(self.plan.dangers.iter().cloned());
        let more = match depth {
            Depth::Read => trial::look_at(cluster, &self.plan).await,
            Depth::Try => trial::try_on(cluster, &self.plan).await,
        };
        match more {
            Ok(more) => checks.extend(more),
            Err(error) => checks.push(Check::new("API server", Verdict::Unknown, error.message().to_owned())),
        }
        checks
    }

    /// Whether the operator may try what is delivered on the API server (Flux applies it by its own rights).
    pub(super) async fn permissions(&self, cluster: &Cluster) -> Check {
        let mut wanted: Vec<(String, Option<String>)> =
            self.plan.objects.applied().map(|o| of_kind(&entry(o))).collect();
        wanted.sort();
        wanted.dedup();
        let asked = futures::future::join_all(wanted.iter().map(|(kind, namespace)| async move {
            let access = cluster.can_i_kind("patch", kind.as_str(), namespace.as_deref()).await;
            access
                .map(|a| (!a.allowed).then(|| namespace.as_ref().map_or(kind.clone(), |ns| format!("{kind} in {ns}"))))
        }));
        let mut refused = Vec::new();
        for answer in asked.await {
            match answer {
                Ok(None) => {}
                Ok(Some(what)) => refused.push(what),
                // The kind comes with the same change; or nobody can say.
                Err(error) if error.code() == Code::UnknownKind => {}
                Err(error) => {
                    return Check::new("permissions", Verdict::Unknown, error.message().to_owned()).optional();
                }
            }
        }
        if refused.is_empty() {
            return Check::new("permissions", Verdict::Pass, format!("each of {} kinds may be tried", wanted.len()));
        }
        Check::new("permissions", Verdict::Warn, format!("not allowed to patch {}", refused.join(", ")))
            .remedy("Without it the dry run of these falls back to the server's schemas")
            .command("kubectl auth can-i --list")
    }

    /// The phase's budget against everything that the platform's namespace will run.
    pub(super) fn budget(&self, session: &Session, id: &str) -> Option<Check> {
        let phase = session.ledger.phases().iter().find(|p| p.objectives.iter().any(|o| o.id == id))?;
        let budget = phase.resource_allocation?;
        let demand = capacity::demand(&self.plan.objects_in(&session.settings.namespace), &Room::default(), &[]);
        let steady = demand.steady();
        let amount = |n: i64| Some(u64::try_from(n).unwrap_or_default());
        let used = Amounts {
            memory: amount(steady.memory),
            cpu: amount(steady.cpu_milli),
            storage: amount(demand.storage_bytes()),
        };
        let allowed = Amounts { memory: budget.memory, cpu: budget.cpu, storage: budget.storage };
        Some(gitops::budget::check(&phase.id.replace('_', " "), &allowed, &used, &demand.not_counted))
    }

    /// What a revert would leave, and what it would not.
    pub(super) fn footprint(&self) -> Footprint {
        let added = || self.plan.objects.added.iter();
        let is_kept = |m: &&gitops::objects::Made| gitops::lint::protection::is_kept(&m.object);
        Footprint {
            source: self.source.clone(),
            staying: self
                .plan
                .kustomizations
                .iter()
                .filter(|k| !k.is_new)
                .map(|k| Named::new(&k.name.0, &k.name.1))
                .collect(),
            removable: added().filter(|m| !is_kept(m)).map(|m| entry(&m.object)).collect(),
            protected: added().filter(is_kept).map(|m| entry(&m.object)).collect(),
            timeout: self.timeout,
        }
    }

    /// `feat(data-platform): hive-metastore (1.2)`, with what the commit is for.
    pub(super) fn commit_message(&self, session: &Session, objective: &Objective) -> String {
        let names = if self.names.is_empty() { objective.name.clone() } else { self.names.join(", ") };
        let verb = if objective.status == Status::Completed { "change" } else { "deliver" };
        format!("feat({}): {verb} {names} ({})\n\n{}", session.settings.namespace, objective.id, objective.title())
    }
}

fn of_kind(entry: &InventoryEntry) -> (String, Option<String>) {
    (entry.kind_name(), entry.object.namespace.clone())
}

/// An object as an inventory names it.
fn entry(object: &Value) -> InventoryEntry {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    InventoryEntry {
        group: group.to_owned(),
        version: version.to_owned(),
        object: crate::manifest::object::object_ref(object),
    }
}
