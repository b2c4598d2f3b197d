//! After the chain has applied: releases deployed, workloads ready, Kustomizations ready. Pods are looked at all the
//! while, since a Kustomization keeps "Reconciliation in progress" until its timeout while a pod crash-loops.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::Result;

use super::apply::Chain;
use super::board::{HELM_RELEASE, KUSTOMIZATION, Key, Seen};
use super::cause;
use super::deliver::Run;
use super::delivery::{AppliedKustomization, Step, WorkloadSeen};
use super::fault::Fault;
use super::inventory::{InventoryEntry, inventory};
use super::judgement::{Judgement, condition, full_name, is_suspended, text};
use super::pod::{FATAL_RESTARTS, PodFault, doing, judge_pod};
use super::workload::{judge_workload, seen};
use super::{helm, members, release};

/// How long a controller may fail to make a pod (quota, admission, a missing service account).
const NO_POD: Duration = Duration::from_secs(10);
/// How often a release's workloads are looked up by label while it has no inventory.
const RELEASE_LOOK: Duration = Duration::from_secs(3);

/// What is remembered from look to look.
#[derive(Default)]
pub(crate) struct Memory {
    /// When a fault was first seen, by pod and kind of fault.
    since: HashMap<(String, &'static str), Instant>,
    /// Restarts of a pod's container when the last of what it depends on became ready.
    baseline: HashMap<(String, String), i64>,
    /// Workloads of releases, and when they were looked up.
    releases: HashMap<Key, (Instant, Vec<InventoryEntry>)>,
    /// Workloads that were ready once: a Job may be removed after it is done.
    done: HashSet<Key>,
}

/// One look at everything below the chain.
struct Look {
    releases: BTreeSet<Key>,
    workloads: BTreeMap<Key, InventoryEntry>,
    /// First release that is not ready.
    helm: Option<(String, Key)>,
    /// First workload that is not ready.
    workload: Option<(String, Key)>,
    fault: Option<(Step, Fault)>,
}

impl Run<'_> {
    /// Waits until releases, workloads and every Kustomization of the chain are ready.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        let mut memory = Memory::default();
        let mut opened: HashSet<usize> = (0..self.delivery.chain.len()).collect();
        let mut step = Step::Helm;
        let mut since = Instant::now();
        let mut begun = false;
        loop {
            // A look may follow new objects; with all of them known, it is repeated at the next change.
            let look = self.look(&mut memory).await?;
            let has_helm = !look.releases.is_empty();
            if step == Step::Helm && !has_helm {
                step = Step::Workloads;
            }
            if !begun {
                since = self.begin(step);
                begun = true;
            }
            let chain = self.chain(&mut opened).await?;
            if let Some((_, fault)) = look.fault {
                return Err(self.fail(step, since, fault));
            }
            if let Chain::Failed(fault) = chain {
                return Err(self.fail(step, since, *fault));
            }
            if step == Step::Helm && look.helm.is_none() {
                let names: Vec<&str> = look.releases.iter().map(|key| key.name.as_str()).collect();
                let seen = format!("HelmRelease {} deployed", names.join(", "));
                self.end(Step::Helm, since, seen);
                step = Step::Workloads;
                since = self.begin(step);
            }
            let all_ready = (0..self.delivery.chain.len()).all(|place| self.ready_after.contains_key(&place));
            match (look.workload, look.helm, chain) {
                (Some((reason, key)), _, _)
                | (None, Some((reason, key)), _)
                | (None, None, Chain::Waiting(reason, key)) => self.say(&reason, &key),
                (None, None, _) if all_ready => {
                    self.settled(since, &look.workloads);
                    return Ok(());
                }
                (None, None, _) => self.say_about(&self.not_ready_yet(), None),
            }
            self.next().await?;
        }
    }

    fn not_ready_yet(&self) -> String {
        let late = (0..self.delivery.chain.len()).find(|place| !self.ready_after.contains_key(place));
        late.map_or_else(String::new, |place| {
            format!("Kustomization {} to finish its health check", self.delivery.chain[place])
        })
    }

    fn settled(&mut self, since: Instant, workloads: &BTreeMap<Key, InventoryEntry>) {
        let mut lines = Vec::new();
        for (key, entry) in workloads {
            let seen = self.board.present(key).map_or_else(|| "done".to_string(), seen);
            lines.push(format!("{} {} {seen}", entry.object.kind, entry.object.name));
            self.applied.workloads.push(WorkloadSeen { object: entry.clone(), seen });
        }
        for (place, name) in self.delivery.chain.iter().enumerate() {
            let Some(ks) = self.board.present(&Key::kustomization(name)) else { continue };
            self.applied.kustomizations.push(AppliedKustomization {
                name: name.clone(),
                revision: text(ks, "/status/lastAppliedRevision").into(),
                inventory: inventory(ks),
                took: self.ready_after.get(&place).copied().unwrap_or_default(),
            });
        }
        let seen = match lines.len() {
            0 => "no workloads".to_string(),
            1..=4 => lines.join(", "),
            n => format!("{n} ready: {}, …", lines[..3].join(", ")),
        };
        self.end(Step::Workloads, since, seen);
    }

    /// Follows what the leaves of the chain own, and judges it.
    async fn look(&mut self, memory: &mut Memory) -> Result<Look> {
        let (releases, mut workloads) = self.owned();
        for key in &releases {
            release::watch(&mut self.board, key).await;
            let Some(release) = self.board.present(key).cloned() else { continue };
            self.learn_chart(&release).await;
            for entry in self.release_workloads(memory, key, &release).await {
                if is_workload(&entry) {
                    workloads.insert(Key::of(&entry), entry);
                }
            }
        }
        for key in workloads.keys() {
            self.board.watch(key).await;
            if let Some(namespace) = &key.namespace {
                self.board.watch_pods(namespace).await;
            }
        }
        let mut look = Look { releases, workloads, helm: None, workload: None, fault: None };
        self.judge_workloads(&mut look, memory).await;
        if look.fault.is_none() {
            self.judge_releases(&mut look).await;
        }
        Ok(look)
    }

    /// Releases and workloads in the inventories of the chain's leaves: what makes another of the chain is no leaf.
    fn owned(&self) -> (BTreeSet<Key>, BTreeMap<Key, InventoryEntry>) {
        let (mut releases, mut workloads) = (BTreeSet::new(), BTreeMap::new());
        let chain: Vec<Key> = self.delivery.chain.iter().map(Key::kustomization).collect();
        for key in &chain {
            let Some(ks) = self.board.present(key) else { continue };
            let entries = inventory(ks);
            if chain.len() > 1 && entries.iter().any(|e| e.kind_name() == KUSTOMIZATION && chain.contains(&Key::of(e)))
            {
                continue;
            }
            for entry in entries {
                if entry.kind_name() == HELM_RELEASE {
                    releases.insert(Key::of(&entry));
                } else if is_workload(&entry) {
                    workloads.insert(Key::of(&entry), entry);
                }
            }
        }
        (releases, workloads)
    }

    async fn learn_chart(&mut self, release: &Value) {
        let chart = release::chart_key(release).and_then(|key| self.board.present(&key).cloned());
        if let Some(chart) = chart {
            self.learn(&chart).await;
        }
    }

    async fn release_workloads(&self, memory: &mut Memory, key: &Key, release: &Value) -> Vec<InventoryEntry> {
        let known = inventory(release);
        if !known.is_empty() {
            return known;
        }
        match memory.releases.get(key) {
            Some((at, found)) if at.elapsed() < RELEASE_LOOK => found.clone(),
            _ => {
                let found = release::workloads(self.cluster, release).await;
                memory.releases.insert(key.clone(), (Instant::now(), found.clone()));
                found
            }
        }
    }

    async fn judge_releases(&self, look: &mut Look) {
        for key in &look.releases {
            let judgement = match self.board.see(key) {
                Seen::Unknown => Judgement::waiting(format!("the first word of {}", key.object())),
                Seen::Absent => Judgement::waiting(format!("{} to be made", key.object())),
                Seen::Present(release) => {
                    let chart = release::chart_key(release).and_then(|chart| self.board.present(&chart));
                    helm::judge_helmrelease(release, chart, None, &|r| self.is_ours(r))
                }
            };
            match judgement {
                Judgement::Ready => {}
                Judgement::Waiting(reason) => {
                    look.helm.get_or_insert((reason, key.clone()));
                }
                Judgement::Failed(reason) => {
                    let own = format!("{}: ", key.object());
                    let mut fault =
                        cause::of_object(self.cluster, key.object(), reason.strip_prefix(&own).unwrap_or(&reason))
                            .await;
                    if self.board.present(key).is_some_and(is_suspended) {
                        let namespace = key.namespace.as_deref().unwrap_or_default();
                        fault.hint = Some(format!("Resume it: flux resume helmrelease {} -n {namespace}", key.name));
                    }
                    if let Some((waiting, _)) = &look.workload {
                        fault.cause = Some(format!("probably because {waiting}"));
                    }
                    look.fault = Some((Step::Helm, fault));
                    return;
                }
            }
        }
    }

    async fn judge_workloads(&self, look: &mut Look, memory: &mut Memory) {
        let mut failed_jobs: Vec<(Key, String)> = Vec::new();
        let mut failed: Option<(Key, String)> = None;
        let mut not_ready: Vec<(Key, String)> = Vec::new();
        for key in look.workloads.keys() {
            match self.board.see(key) {
                Seen::Unknown => not_ready.push((key.clone(), format!("the first word of {}", key.object()))),
                Seen::Absent if memory.done.contains(key) || key.kind == "Job.batch" => {}
                Seen::Absent => not_ready.push((key.clone(), format!("{} to be made", key.object()))),
                Seen::Present(workload) => match judge_workload(workload) {
                    Judgement::Ready => {
                        memory.done.insert(key.clone());
                    }
                    Judgement::Waiting(reason) => not_ready.push((key.clone(), reason)),
                    Judgement::Failed(reason) if key.kind == "Job.batch" => failed_jobs.push((key.clone(), reason)),
                    Judgement::Failed(reason) => {
                        failed.get_or_insert((key.clone(), reason.clone()));
                        not_ready.push((key.clone(), reason));
                    }
                },
            }
        }
        for (key, reason) in &not_ready {
            let pods_text = self.pods_text(key);
            let line = pods_text.map_or_else(|| reason.clone(), |doing| format!("{reason}: {doing}"));
            look.workload.get_or_insert((line, key.clone()));
        }
        let unready: Vec<&Key> = not_ready.iter().map(|(key, _)| key).collect();
        let fault = match self.pod_fault(&unready, !failed_jobs.is_empty(), memory).await {
            Some(mut fault) => {
                if let Some((_, reason)) = failed_jobs.first() {
                    fault.cause.get_or_insert(format!("probably because {reason}"));
                }
                Some(fault)
            }
            None => match (failed_jobs.first(), failed) {
                (Some((key, reason)), _) => Some(self.failed_job(key, reason).await),
                (None, Some((key, reason))) => Some(self.failed_workload(&key, &reason).await),
                (None, None) => self.no_pod(&unready, memory).await,
            },
        };
        look.fault = fault.map(|fault| (Step::Workloads, fault));
    }

    /// What the first pod that is not ready does.
    fn pods_text(&self, key: &Key) -> Option<String> {
        let workload = self.board.present(key)?;
        let pods = members::pods(&self.board, workload);
        let pod = pods.iter().find(|pod| condition(pod, "Ready").is_none_or(|c| c.status != "True"))?;
        if text(pod, "/kind") == text(workload, "/kind") {
            return Some(doing(pod));
        }
        Some(format!("{} {}", text(pod, "/metadata/name"), doing(pod)))
    }

    /// The first pod whose fault has lasted too long.
    async fn pod_fault(&self, unready: &[&Key], job_failed: bool, memory: &mut Memory) -> Option<Fault> {
        let workloads: Vec<&Value> = unready.iter().filter_map(|key| self.board.present(key)).collect();
        for workload in &workloads {
            let blocked = !job_failed && workloads.iter().any(|other| members::depends_on(workload, other));
            let is_job = text(workload, "/kind") == "Job";
            for pod in members::pods(&self.board, workload) {
                let Some(found) = judge_pod(pod) else { continue };
                if is_over(&found, pod, is_job, blocked, memory) {
                    return Some(cause::of_pod(self.cluster, pod, &found).await);
                }
            }
        }
        None
    }

    async fn failed_job(&self, key: &Key, reason: &str) -> Fault {
        let own = format!("{} ", key.object());
        let mut fault = cause::of_object(self.cluster, key.object(), reason.strip_prefix(&own).unwrap_or(reason)).await;
        if let Some(job) = self.board.present(key) {
            fault.log = cause::job_log(self.cluster, &members::pods(&self.board, job)).await;
        }
        fault
    }

    async fn failed_workload(&self, key: &Key, reason: &str) -> Fault {
        let own = format!("{}: ", key.object());
        let mut fault = cause::of_object(self.cluster, key.object(), reason.strip_prefix(&own).unwrap_or(reason)).await;
        if let Some(doing) = self.pods_text(key) {
            fault.cause = Some(format!("probably because Pod {doing}"));
        }
        fault
    }

    /// A workload whose controller can't make its pods: the reason stands in a condition or an event.
    async fn no_pod(&self, unready: &[&Key], memory: &mut Memory) -> Option<Fault> {
        for key in unready {
            let Some(workload) = self.board.present(key) else { continue };
            let none = members::pods(&self.board, workload).is_empty();
            let refused = condition(workload, "ReplicaFailure").filter(|c| c.status == "True").map(|c| c.text());
            let id = (format!("{}", key.object()), "no pod");
            if !none && refused.is_none() {
                memory.since.remove(&id);
                continue;
            }
            let first = *memory.since.entry(id.clone()).or_insert_with(Instant::now);
            if first.elapsed() < NO_POD {
                continue;
            }
            if let Some(refused) = refused {
                return Some(cause::of_object(self.cluster, key.object(), &refused).await);
            }
            memory.since.insert(id, Instant::now()); // events are asked for once in so many seconds
            let mut fault = cause::of_object(self.cluster, key.object(), "its pods can't be made").await;
            if let Some(event) = fault.events.iter().rev().find(|event| event.starts_with("FailedCreate")) {
                fault.reason = format!("its pods can't be made: {event}");
                return Some(fault);
            }
        }
        None
    }

    /// Puts what the workloads show behind a health check that failed.
    pub(crate) async fn explain_health(&mut self, key: &Key, fault: &mut Fault) {
        let Some(ks) = self.board.present(key) else { return };
        for entry in inventory(ks).iter().filter(|entry| is_workload(entry)) {
            let (kind, namespace) = (entry.kind_name(), entry.object.namespace.as_deref());
            let Ok(Some(workload)) = self.cluster.find(kind.as_str(), namespace, &entry.object.name).await else {
                continue;
            };
            let reason = match judge_workload(&workload) {
                Judgement::Ready => continue,
                Judgement::Waiting(reason) | Judgement::Failed(reason) => reason,
            };
            let pods = members::pods(&self.board, &workload);
            let pod = pods.iter().find(|pod| condition(pod, "Ready").is_none_or(|c| c.status != "True"));
            let Some(pod) = pod else {
                fault.cause = Some(format!("probably because {reason}"));
                return;
            };
            fault.cause = Some(format!("probably because {reason}: Pod {} {}", full_name(pod), doing(pod)));
            if let Some(found) = judge_pod(pod)
                && let Some((container, previous)) = found.log_of()
            {
                fault.log = cause::log(self.cluster, pod, container, previous).await;
            }
            return;
        }
    }
}

/// Kinds whose readiness the workloads step waits for: what runs pods, and what an operator makes from a claim (Flux
/// takes a kind without conditions, like a bucket claim, for ready as soon as it is there).
pub(crate) fn is_workload(entry: &InventoryEntry) -> bool {
    matches!(
        (entry.group.as_str(), entry.object.kind.as_str()),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet")
            | ("batch", "Job")
            | ("postgresql.cnpg.io", "Cluster")
            | ("", "Pod")
            | ("objectbucket.io", "ObjectBucketClaim")
            | ("ceph.rook.io", _)
            | ("external-secrets.io", "ExternalSecret" | "SecretStore" | "ClusterSecretStore")
    )
}

/// Whether a pod's fault has lasted too long.
fn is_over(found: &PodFault, pod: &Value, is_job: bool, blocked: bool, memory: &mut Memory) -> bool {
    let uid = text(pod, "/metadata/uid").to_string();
    if let PodFault::CrashLoop { container, restarts, .. } = found {
        // A Job limits its own repetitions.
        if is_job {
            return false;
        }
        let id = (uid, container.clone());
        if blocked {
            memory.baseline.insert(id, *restarts);
            return false;
        }
        // What it waited for is there: it gets two more starts.
        let base = memory.baseline.get(&id).map_or(0, |base| base + 2);
        return *restarts >= FATAL_RESTARTS.max(base);
    }
    if let PodFault::Ended { .. } = found {
        return false; // its owner makes another; a bare Pod is judged as a workload
    }
    let word = match found {
        PodFault::Image { .. } => "image",
        PodFault::Config { .. } => "config",
        _ => "unschedulable",
    };
    let first = memory.since.entry((uid, word)).or_insert_with(Instant::now);
    if blocked && matches!(found, PodFault::Config { .. }) {
        *first = Instant::now(); // a Secret of the database's operator, for one
        return false;
    }
    first.elapsed() >= found.grace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn crash(restarts: i64) -> PodFault {
        PodFault::CrashLoop { container: "c".into(), restarts, exit: "exited 1".into() }
    }

    #[test]
    fn a_crash_loop_is_over_at_three_restarts_unless_something_is_missing() {
        let pod = json!({"metadata": {"uid": "a"}});
        let mut memory = Memory::default();
        assert!(!is_over(&crash(2), &pod, false, false, &mut memory));
        assert!(is_over(&crash(3), &pod, false, false, &mut memory));
        assert!(!is_over(&crash(9), &pod, true, false, &mut memory), "a Job limits itself");
        assert!(!is_over(&crash(5), &pod, false, true, &mut memory), "its database is not ready");
        assert!(!is_over(&crash(6), &pod, false, false, &mut memory), "one start after the database");
        assert!(is_over(&crash(7), &pod, false, false, &mut memory));
    }

    #[test]
    fn other_faults_have_a_time_of_grace() {
        let pod = json!({"metadata": {"uid": "a"}});
        let mut memory = Memory::default();
        let unschedulable = PodFault::Unschedulable { message: "0/3 nodes".into() };
        assert!(!is_over(&unschedulable, &pod, false, false, &mut memory));
        let long_ago = Instant::now().checked_sub(Duration::from_secs(16)).unwrap();
        memory.since.insert(("a".into(), "unschedulable"), long_ago);
        assert!(is_over(&unschedulable, &pod, false, false, &mut memory));
        let config = PodFault::Config { container: "c".into(), message: "secret \"x\" not found".into() };
        memory.since.insert(("a".into(), "config"), long_ago);
        assert!(!is_over(&config, &pod, false, true, &mut memory), "the operator will write it");
    }
}
