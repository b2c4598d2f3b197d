//! Why an object is not ready: from its conditions down its owner chain to pods, their events and last log lines.

use serde_json::Value;

use crate::error::{Code, Error, Result};

use super::connect::Cluster;
use super::health::{Condition, Readiness, conditions, readiness, restarts};
use super::kind::{group_version, type_of};
use super::objects::{Query, object_ref};

/// So many events, and log lines, of one object are shown.
const EVENTS: usize = 3;
const LOG_LINES: u32 = 5;
/// So many pods of one owner are told in full.
const PODS: usize = 5;

/// So many entries of an inventory are looked at.
const ENTRIES: usize = 100;

/// A line of the tree with what hangs below it.
#[derive(Debug, Default)]
struct Node {
    line: String,
    /// Further lines of the same object.
    below: Vec<String>,
    children: Vec<Node>,
}

/// Explains the state of an object as a tree, one line an entry:
///
/// ```text
/// Deployment data-platform/hive-metastore   0 of 1 available
/// └ ReplicaSet hive-metastore-7c9f
///   └ Pod hive-metastore-7c9f-x2x   0/3 nodes are available: 3 Insufficient memory.
/// ```
///
/// What may not be looked at is said in its place.
pub async fn why(cluster: &Cluster, object: &Value) -> Result<Vec<String>> {
    let owned = Owned::read(cluster, object).await?;
    let node = explain(cluster, object, &owned, true).await;
    let mut lines = Vec::new();
    draw(&node, "", "", &mut lines);
    lines.extend(owned.unseen);
    Ok(lines)
}

/// The same for an object that is named as `kind/name` or `kind/namespace/name`.
pub async fn why_named(cluster: &Cluster, target: &str, namespace: Option<&str>) -> Result<Vec<String>> {
    let parts: Vec<&str> = target.split('/').collect();
    let (kind, namespace, name) = match parts.as_slice() {
        [kind, name] => (*kind, namespace, *name),
        [kind, namespace, name] => (*kind, Some(*namespace), *name),
        _ => {
            return Err(Error::new(Code::Invalid, format!("`{target}` names no object"))
                .hint("Like deploy/NAME or deploy/NAMESPACE/NAME"));
        }
    };
    let object = cluster.get(kind, namespace, name).await?;
    why(cluster, &object).await
}

/// Objects of the namespace that others own.
#[derive(Debug, Default)]
struct Owned {
    objects: Vec<Value>,
    unseen: Vec<String>,
}

impl Owned {
    async fn read(cluster: &Cluster, object: &Value) -> Result<Self> {
        let (api_version, kind) = type_of(object);
        let (group, _) = group_version(api_version);
        let kinds: &[&str] = match (group, kind) {
            ("", "Pod" | "PersistentVolumeClaim" | "ConfigMap" | "Secret" | "Service" | "Namespace" | "Node") => &[],
            ("apps", "ReplicaSet" | "StatefulSet" | "DaemonSet") | ("batch", "Job") => &["Pod.v1"],
            ("apps", "Deployment") => &["ReplicaSet.apps", "Pod.v1"],
            ("batch", "CronJob") => &["Job.batch", "Pod.v1"],
            _ => &[
                "Deployment.apps",
                "StatefulSet.apps",
                "ReplicaSet.apps",
                "Job.batch",
                "Pod.v1",
                "PersistentVolumeClaim.v1",
            ],
        };
        let Some(namespace) = object["metadata"]["namespace"].as_str() else { return Ok(Self::default()) };
        let query = Query::namespace(namespace);
        let reads = kinds.iter().map(|kind| {
            let query = &query;
            async move { (*kind, cluster.list(*kind, query).await) }
        });
        let mut owned = Self::default();
        for (kind, answer) in futures::future::join_all(reads).await {
            match answer {
                Ok(objects) => owned.objects.extend(objects),
                Err(error) if matches!(error.code(), Code::Forbidden | Code::UnknownKind) => {
                    owned.unseen.push(format!(
                        "({} not looked at: {})",
                        kind.split('.').next().unwrap_or(kind),
                        error.message()
                    ));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(owned)
    }

    fn of<'a>(&'a self, owner: &Value) -> Vec<&'a Value> {
        let uid = owner["metadata"]["uid"].as_str().unwrap_or_default();
        let belongs = |object: &&Value| {
            !uid.is_empty()
                && object["metadata"]["ownerReferences"].as_array().into_iter().flatten().any(|r| r["uid"] == uid)
        };
        self.objects.iter().filter(belongs).collect()
    }
}

async fn explain(cluster: &Cluster, object: &Value, owned: &Owned, top: bool) -> Node {
    let reference = object_ref(object);
    let label = if top { reference.to_string() } else { format!("{} {}", reference.kind, reference.name) };
    let state = readiness(object);
    let line = match &state {
        Readiness::Ready => format!("{label}   ready"),
        Readiness::NotReady(reason) => format!("{label}   {}", one_line(reason)),
        Readiness::Unknown(reason) => format!("{label}   unknown: {}", one_line(reason)),
    };
    let mut node = Node { line, ..Node::default() };
    if !state.is_ready() {
        node.below = own_lines(cluster, object, &state).await;
    }
    let mut children = owned.of(object);
    // Old replica sets stay behind empty.
    children.retain(|c| {
        c["kind"] != "ReplicaSet" || c["spec"]["replicas"] != 0 || c["status"]["replicas"].as_i64().unwrap_or(0) > 0
    });
    children.sort_by_key(|c| (readiness(c).is_ready(), c["metadata"]["name"].as_str().unwrap_or_default().to_owned()));
    let hidden = children.len().saturating_sub(PODS);
    for child in children.into_iter().take(PODS) {
        node.children.push(Box::pin(explain(cluster, child, owned, false)).await);
    }
    if !state.is_ready() {
        node.children.extend(Box::pin(applied(cluster, object)).await);
    }
    if hidden > 0 {
        node.children.push(Node { line: format!("… and {hidden} more"), ..Node::default() });
    }
    node
}

/// What a Flux Kustomization or `HelmRelease` applied and is not ready, each explained in its turn.
async fn applied(cluster: &Cluster, object: &Value) -> Vec<Node> {
    let entries = object["status"]["inventory"]["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut nodes = Vec::new();
    for entry in entries.iter().take(ENTRIES) {
        let Some((namespace, name, kind)) = inventory_id(entry) else { continue };
        // What cannot be read is no reason to stop explaining.
        let Ok(Some(child)) = cluster.find(&kind, namespace.as_deref(), &name).await else { continue };
        if nodes.len() < PODS
            && !readiness(&child).is_ready()
            && let Ok(owned) = Owned::read(cluster, &child).await
        {
            nodes.push(Box::pin(explain(cluster, &child, &owned, true)).await);
        }
    }
    nodes
}

/// Namespace, name and kind of an inventory entry: `{id: NAMESPACE_NAME_GROUP_KIND, v: VERSION}`
/// (<https://fluxcd.io/flux/components/kustomize/kustomizations/#inventory>).
fn inventory_id(entry: &Value) -> Option<(Option<String>, String, String)> {
    let mut parts = entry["id"].as_str()?.split('_');
    let (namespace, name, group, kind) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let namespace = Some(namespace.to_owned()).filter(|ns| !ns.is_empty());
    let version = entry["v"].as_str().unwrap_or("v1");
    let kind = if group.is_empty() { format!("{kind}.{version}") } else { format!("{kind}.{version}.{group}") };
    // Colons of RBAC names are written as two underscores, which such a split takes apart: those have no health.
    parts.next().is_none().then(|| (namespace, name.to_owned(), kind))
}

/// Conditions, warnings and log lines of one object.
async fn own_lines(cluster: &Cluster, object: &Value, state: &Readiness) -> Vec<String> {
    let mut lines = Vec::new();
    let told = one_line(state.reason());
    for condition in conditions(object).into_iter().filter(is_bad) {
        let text = one_line(&condition.text());
        if !told.contains(&text) && !text.contains(&told) && object["kind"] != "Pod" {
            lines.push(format!("{} is {}: {text}", condition.kind, condition.status));
        }
    }
    match cluster.events(&object_ref(object)).await {
        Ok(events) => {
            let warnings: Vec<_> = events.iter().filter(|e| e.warning).collect();
            let skip = warnings.len().saturating_sub(EVENTS);
            lines.extend(
                warnings
                    .into_iter()
                    .skip(skip)
                    .map(|e| format!("event {e}"))
                    .filter(|l| !l.contains(&told) || told.is_empty()),
            );
        }
        Err(error) => lines.push(format!("(events not looked at: {})", error.message())),
    }
    if object["kind"] == "Pod" {
        lines.extend(log_lines(cluster, object).await);
    }
    lines
}

fn is_bad(condition: &Condition) -> bool {
    // Conditions that are good when true; of the others, those that name trouble.
    let negative = ["Stalled", "Failed", "FailureTarget", "ReplicaFailure", "Degraded", "Failure"];
    if negative.contains(&condition.kind.as_str()) { condition.is_true() } else { condition.status == "False" }
}

/// The end of the log of the container that failed, of its former run where it was restarted.
async fn log_lines(cluster: &Cluster, pod: &Value) -> Vec<String> {
    let Some((container, previous)) = failed_container(pod) else { return Vec::new() };
    let reference = object_ref(pod);
    let namespace = reference.namespace.unwrap_or_default();
    match cluster.logs(&namespace, &reference.name, Some(&container), previous, Some(LOG_LINES)).await {
        Ok(log) if log.trim().is_empty() => Vec::new(),
        Ok(log) => {
            let lines = log.lines().map(|line| format!("  {}", line.trim_end()));
            std::iter::once(format!("last log lines of {container}")).chain(lines).collect()
        }
        Err(error) => vec![format!("(log of {container} not read: {})", error.message())],
    }
}

fn failed_container(pod: &Value) -> Option<(String, bool)> {
    let statuses = ["initContainerStatuses", "containerStatuses"];
    let all = statuses.iter().filter_map(|key| pod["status"][*key].as_array()).flatten();
    for container in all {
        let name = container["name"].as_str().unwrap_or_default().to_owned();
        if container["state"]["terminated"]["exitCode"].as_i64().is_some_and(|code| code != 0) {
            return Some((name, false));
        }
        if container["state"]["waiting"].is_object() && container["lastState"]["terminated"].is_object() {
            return Some((name, true));
        }
    }
    let (count, name) = restarts(pod);
    (count > 0).then_some((name, false))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn draw(node: &Node, first: &str, rest: &str, lines: &mut Vec<String>) {
    lines.push(format!("{first}{}", node.line));
    let more = if node.children.is_empty() { "  " } else { "│ " };
    lines.extend(node.below.iter().map(|line| format!("{rest}{more}{line}")));
    let last = node.children.len().saturating_sub(1);
    for (index, child) in node.children.iter().enumerate() {
        let (branch, line) = if index == last { ("└ ", "  ") } else { ("├ ", "│ ") };
        draw(child, &format!("{rest}{branch}"), &format!("{rest}{line}"), lines);
    }
}
