//! What a set of built objects needs: pods by workload, less what runs already, and storage.

use serde_json::{Value, json};

use crate::cluster::object_ref;
use crate::error::ObjectRef;

use super::claims::{StorageClaim, claims};
use super::eligible::turned_away;
use super::limits::{effective_limits, with_defaults};
use super::requests::{Requests, effective};
use super::room::{BoundPod, Room};
use super::runtime::with_runtime;
use super::selector::{Labels, Selector, labels_of, matches};

/// How long a pod stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PodKind {
    /// Until it is replaced: counts for the budget.
    Steady,
    /// Until its work is done: needs room, but no budget.
    Job,
    /// One on each eligible node: counts for the budget.
    Daemon,
}

/// The pods of one workload.
#[derive(Clone, Debug)]
pub struct PodNeed {
    /// The workload.
    pub workload: ObjectRef,
    /// How long its pods stay.
    pub kind: PodKind,
    /// How many there will be in the end.
    pub wanted: i64,
    /// How many run now.
    pub running: i64,
    /// How many have to be placed: wanted less running, and the surge of a rolling update. A `DaemonSet`'s are placed
    /// node by node.
    pub new: i64,
    /// What one pod asks for.
    pub requests: Requests,
    /// What one pod may use at most, as far as limits are set.
    pub limits: Requests,
    pub(crate) namespace: String,
    pub(crate) labels: Labels,
    pub(crate) spec: Value,
    /// What the `ReplicaSet` or `StatefulSet` of the pods selects.
    pub(crate) owner: Option<Selector>,
    /// Pods that make way because the new ones differ in size: namespace and name.
    pub(crate) replaced: Vec<(String, String)>,
    /// How many of these go before the first new one comes; the others one by one, each after a new one.
    pub(crate) ahead: i64,
}

/// What a set of objects needs.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// By workload, in the objects' order.
    pub pods: Vec<PodNeed>,
    /// Claims, in the objects' order.
    pub storage: Vec<StorageClaim>,
    /// Objects that run pods of unknown number and size (a `HelmRelease`, an operator's kind): `Kind namespace/name`.
    pub not_counted: Vec<String>,
}

impl Demand {
    /// What will run steadily when all is delivered, running pods included: what a budget is compared with.
    pub fn steady(&self) -> Requests {
        self.sum(|need| if need.kind == PodKind::Job { 0 } else { need.wanted })
    }

    /// What is asked for on top of what runs now, steadily: for "needs" in a review.
    pub fn additional(&self) -> Requests {
        self.sum(|need| if need.kind == PodKind::Job { 0 } else { (need.wanted - need.running).max(0) })
    }

    fn sum(&self, count: impl Fn(&PodNeed) -> i64) -> Requests {
        let mut total = Requests::default();
        for need in &self.pods {
            for _ in 0..count(need) {
                total.add(&need.requests);
            }
        }
        total
    }

    /// Bytes of all claims.
    pub fn storage_bytes(&self) -> i64 {
        self.storage.iter().map(StorageClaim::total).fold(0, i64::saturating_add)
    }

    /// The namespaces in which pods are wanted.
    pub fn namespaces(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.pods.iter().map(|need| need.namespace.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Groups whose kinds run no pods by themselves, apart from the workloads known here.
const PASSIVE: [&str; 28] = [
    "",
    "acme.cert-manager.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "cert-manager.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "external-secrets.io",
    "gateway.networking.k8s.io",
    "generators.external-secrets.io",
    "grafana.integreatly.org",
    "kustomize.toolkit.fluxcd.io",
    "networking.k8s.io",
    "node.k8s.io",
    "notification.toolkit.fluxcd.io",
    "objectbucket.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "snapshot.storage.k8s.io",
    "source.toolkit.fluxcd.io",
    "storage.k8s.io",
    "volsync.backube",
];

/// Kinds of other groups that run no pods.
const PASSIVE_KINDS: [&str; 14] = [
    "PrometheusRule",
    "ServiceMonitor",
    "PodMonitor",
    "Probe",
    "ScrapeConfig",
    "AlertmanagerConfig",
    "CephObjectStoreUser",
    "CephBlockPool",
    "CephClient",
    "ScheduledBackup",
    "Backup",
    "Database",
    "ImageCatalog",
    "ClusterImageCatalog",
];

/// Computes the demand of built objects. `room` knows which of their pods run already (see
/// [`room_for`](super::room_for)); `limit_ranges` are the `LimitRange` objects of their namespaces.
pub fn demand(objects: &[Value], room: &Room, limit_ranges: &[Value]) -> Demand {
    let mut ranges: Vec<&Value> = limit_ranges.iter().collect();
    ranges.extend(objects.iter().filter(|o| o.get("kind").and_then(Value::as_str) == Some("LimitRange")));
    let mut demand = Demand::default();
    for object in objects {
        let workload = object_ref(object);
        demand.storage.extend(claims(object, &workload));
        match pods(object, &workload, room, &ranges) {
            Some(need) => demand.pods.push(need),
            None if !is_passive(object) => demand.not_counted.push(workload.to_string()),
            None => {}
        }
    }
    demand
}

fn is_passive(object: &Value) -> bool {
    let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    PASSIVE.contains(&group) || PASSIVE_KINDS.contains(&kind)
}

/// How the pods of one kind are found and counted.
struct Pattern {
    kind: PodKind,
    wanted: i64,
    surge: i64,
    /// How many may be away during an update.
    ahead: i64,
    spec: Value,
    labels: Labels,
    selector: Value,
    /// Whether it is the scheduler's concern to spread the pods over hosts and zones.
    spread: bool,
}

fn pods(object: &Value, workload: &ObjectRef, room: &Room, ranges: &[&Value]) -> Option<PodNeed> {
    let pattern = pattern(object, workload)?;
    let namespace = workload.namespace.clone().unwrap_or_default();
    let ranges: Vec<&Value> = ranges
        .iter()
        .copied()
        .filter(|r| r.pointer("/metadata/namespace").and_then(Value::as_str) == Some(namespace.as_str()))
        .collect();
    let class = pattern.spec.get("runtimeClassName").and_then(Value::as_str);
    let class = class.and_then(|name| room.runtimes.get(name));
    let spec = with_runtime(with_defaults(&pattern.spec, &ranges), class);
    let requests = effective(&spec);
    let running: Vec<&BoundPod> = room
        .pods
        .iter()
        .filter(|pod| pod.namespace == namespace && !pod.terminating)
        .filter(|pod| matches(Some(&pattern.selector), &pod.labels))
        .collect();
    let daemon = pattern.kind == PodKind::Daemon;
    let wanted = if daemon {
        let takes = room.nodes.iter().filter(|node| turned_away(&spec, node, true).is_none()).count();
        i64::try_from(takes).unwrap_or(i64::MAX)
    } else {
        pattern.wanted
    };
    let resized = running.iter().any(|pod| pod.requests != requests);
    let count = i64::try_from(running.len()).unwrap_or(i64::MAX);
    let surge = if running.is_empty() { 0 } else { pattern.surge };
    let stays = if resized { 0 } else { count };
    let labels = stamped(workload, &pattern, running.first().filter(|_| !resized).copied());
    Some(PodNeed {
        owner: pattern.spread.then(|| Selector::read(Some(&json!({"matchLabels": labels})))),
        ahead: pattern.ahead,
        workload: workload.clone(),
        kind: pattern.kind,
        wanted,
        running: count,
        new: if daemon { 0 } else { (wanted - stays).max(0) + surge },
        limits: effective_limits(&spec),
        requests,
        namespace,
        labels,
        spec,
        replaced: if resized {
            running.iter().map(|p| (p.namespace.clone(), p.name.clone())).collect()
        } else {
            vec![]
        },
    })
}

/// The labels of the new pods: those of the template, and those that the controller adds (`matchLabelKeys` name them).
/// A revision is known only from a pod that runs unchanged.
fn stamped(workload: &ObjectRef, pattern: &Pattern, like: Option<&BoundPod>) -> Labels {
    let mut labels = pattern.labels.clone();
    let key = match workload.kind.as_str() {
        "Deployment" => "pod-template-hash",
        "StatefulSet" | "DaemonSet" => "controller-revision-hash",
        "Job" | "CronJob" => {
            for key in ["batch.kubernetes.io/job-name", "job-name"] {
                labels.insert(key.into(), workload.name.clone());
            }
            return labels;
        }
        _ => return labels,
    };
    let revision = like.and_then(|pod| pod.labels.get(key)).map_or("new", String::as_str);
    labels.insert(key.into(), revision.into());
    labels
}

fn pattern(object: &Value, workload: &ObjectRef) -> Option<Pattern> {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let replicas = number("/spec/replicas").unwrap_or(1);
    let templated = |kind, wanted, surge, at: &str| {
        let template = object.pointer(at)?;
        let spec = template.get("spec")?.clone();
        spec.get("containers")?;
        let labels = labels_of(template.pointer("/metadata/labels"));
        let selector = object.pointer("/spec/selector").cloned().unwrap_or_else(|| json!({"matchLabels": labels}));
        let spread = matches!(workload.kind.as_str(), "Deployment" | "ReplicaSet" | "StatefulSet");
        Some(Pattern { kind, wanted, surge, ahead: ahead(object, wanted, surge), spec, labels, selector, spread })
    };
    let job = |at: &str, prefix: &str| {
        let parallelism = number(&format!("{prefix}/parallelism")).unwrap_or(1);
        let completions = number(&format!("{prefix}/completions")).unwrap_or(parallelism);
        let mut pattern = templated(PodKind::Job, parallelism.min(completions), 0, at)?;
        pattern.selector = json!({"matchLabels": {"batch.kubernetes.io/job-name": workload.name}});
        Some(pattern)
    };
    match workload.kind.as_str() {
        "Pod" => Some(Pattern {
            kind: PodKind::Steady,
            wanted: 1,
            surge: 0,
            ahead: 1,
            spread: false,
            spec: object.get("spec")?.clone(),
            labels: labels_of(object.pointer("/metadata/labels")),
            selector: json!({"matchLabels": labels_of(object.pointer("/metadata/labels"))}),
        }),
        "DaemonSet" => templated(PodKind::Daemon, 0, 0, "/spec/template"),
        "Job" if version.starts_with("batch/") => job("/spec/template", "/spec"),
        "CronJob" => job("/spec/jobTemplate/spec/template", "/spec/jobTemplate/spec"),
        "Cluster" if version.starts_with("postgresql.cnpg.io/") => Some(postgres(object, &workload.name)),
        "Deployment" => templated(PodKind::Steady, replicas, surge(object, replicas), "/spec/template"),
        _ => templated(PodKind::Steady, replicas, 0, "/spec/template"),
    }
}

/// A Deployment's `maxSurge`: a number, or a percentage rounded up; 25 % by default.
fn surge(object: &Value, replicas: i64) -> i64 {
    let strategy = object.pointer("/spec/strategy");
    if strategy.and_then(|s| s.get("type")).and_then(Value::as_str) == Some("Recreate") {
        return 0;
    }
    match strategy.and_then(|s| s.pointer("/rollingUpdate/maxSurge")) {
        Some(Value::Number(number)) => number.as_i64().unwrap_or_default(),
        Some(Value::String(text)) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(25);
            (replicas * percent + 99) / 100
        }
        _ => (replicas * 25 + 99) / 100,
    }
}

/// How many pods an update takes away before it has new ones: a Deployment's `maxUnavailable`, by default 25 % rounded
/// down; all when it recreates them; one at a time for other kinds.
fn ahead(object: &Value, replicas: i64, surge: i64) -> i64 {
    if object.get("kind").and_then(Value::as_str) != Some("Deployment") {
        return 1;
    }
    let strategy = object.pointer("/spec/strategy");
    if strategy.and_then(|s| s.get("type")).and_then(Value::as_str) == Some("Recreate") {
        return i64::MAX;
    }
    let percent = |percent: i64| replicas * percent / 100;
    let away = match strategy.and_then(|s| s.pointer("/rollingUpdate/maxUnavailable")) {
        Some(Value::Number(number)) => number.as_i64().unwrap_or_default(),
        Some(Value::String(text)) => percent(text.trim_end_matches('%').parse().unwrap_or(25)),
        _ => percent(25),
    };
    if surge == 0 { away.max(1) } else { away }
}

/// The instances of a `CloudNativePG` Cluster: no template in the object, so the pod that the operator makes of it.
fn postgres(object: &Value, name: &str) -> Pattern {
    let affinity = object.pointer("/spec/affinity");
    let of = |key: &str| affinity.and_then(|a| a.get(key)).cloned().unwrap_or(Value::Null);
    let mut spec = json!({
        "containers": [{"name": "postgres", "resources": object.pointer("/spec/resources").cloned().unwrap_or(json!({}))}],
        "nodeSelector": of("nodeSelector"),
        "tolerations": of("tolerations"),
    });
    let labels = Labels::from([
        ("cnpg.io/cluster".to_string(), name.to_string()),
        ("cnpg.io/podRole".to_string(), "instance".to_string()),
    ]);
    let selector = json!({"matchLabels": labels});
    let apart = affinity.and_then(|a| a.get("enablePodAntiAffinity")).and_then(Value::as_bool).unwrap_or(true);
    if apart && of("podAntiAffinityType") == "required" {
        let key = affinity.and_then(|a| a.get("topologyKey")).and_then(Value::as_str);
        spec["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": selector, "topologyKey": key.unwrap_or("kubernetes.io/hostname")},
        ]}});
    }
    let wanted = object.pointer("/spec/instances").and_then(Value::as_i64).unwrap_or(1);
    Pattern { kind: PodKind::Steady, wanted, surge: 0, ahead: 1, spec, labels, selector, spread: false }
}

#[cfg(test)]
#[path = "demand_tests.rs"]
mod tests;
