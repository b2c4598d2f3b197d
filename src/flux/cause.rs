//! Finding out what lies behind a failure: events, the last log lines, what is missing.

use serde_json::Value;

use crate::cluster::{Cluster, Query};
use crate::error::ObjectRef;

use super::fault::{Fault, LogTail};
use super::judgement::{condition, text};
use super::pod::PodFault;

/// How many events and log lines a failure carries.
const EVENTS: usize = 5;
const LOG_LINES: u32 = 20;

/// The latest events of an object, warnings before others, oldest first. Reading them is best effort.
pub(crate) async fn events(cluster: &Cluster, object: &ObjectRef) -> Vec<String> {
    let all = match cluster.events(object).await {
        Ok(all) => all,
        Err(error) => {
            tracing::debug!("events of {object}: {error}");
            return Vec::new();
        }
    };
    let warnings: Vec<&crate::cluster::Event> = all.iter().filter(|event| event.warning).collect();
    let chosen: Vec<&crate::cluster::Event> = if warnings.is_empty() { all.iter().collect() } else { warnings };
    chosen.iter().rev().take(EVENTS).rev().map(ToString::to_string).collect()
}

/// A fault of an object with its events.
pub(crate) async fn of_object(cluster: &Cluster, object: ObjectRef, reason: &str) -> Fault {
    let events = events(cluster, &object).await;
    let mut fault = Fault::new(object, reason);
    // Flux repeats its condition as an event: said once is enough.
    fault.events = events.into_iter().filter(|event| !event.ends_with(reason) && !reason.ends_with(event)).collect();
    fault
}

/// A fault of a pod with its events and the last lines of the container at fault.
pub(crate) async fn of_pod(cluster: &Cluster, pod: &Value, found: &PodFault) -> Fault {
    let object = crate::cluster::object_ref(pod);
    let mut fault = of_object(cluster, object, &found.text()).await;
    if let Some((container, previous)) = found.log_of() {
        fault.log = log(cluster, pod, container, previous).await;
    }
    if let PodFault::Config { message, .. } = found {
        fault.cause = missing(cluster, pod, message).await;
    }
    fault
}

/// The last lines of a container. The log of a former instance may be gone; then the present one's.
pub(crate) async fn log(cluster: &Cluster, pod: &Value, container: &str, previous: bool) -> Option<LogTail> {
    let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
    let attempts: &[bool] = if previous { &[true, false] } else { &[false] };
    for previous in attempts {
        let read = cluster.logs(namespace, name, Some(container), *previous, Some(LOG_LINES)).await;
        let lines: Vec<String> = match read {
            Ok(log) => log.lines().map(str::trim_end).filter(|l| !l.is_empty()).map(Into::into).collect(),
            Err(error) => {
                tracing::debug!("log of {namespace}/{name}: {error}");
                continue;
            }
        };
        if !lines.is_empty() {
            return Some(LogTail {
                pod: format!("{namespace}/{name}"),
                container: container.into(),
                previous: *previous,
                lines,
            });
        }
    }
    None
}

/// The log of a failed Job: of its newest pod that ended badly.
pub(crate) async fn job_log(cluster: &Cluster, pods: &[&Value]) -> Option<LogTail> {
    let mut failed: Vec<&&Value> = pods.iter().filter(|pod| text(pod, "/status/phase") == "Failed").collect();
    failed.sort_by_key(|pod| text(pod, "/metadata/creationTimestamp"));
    let pod = failed.last().or(pods.first().as_ref()).map(|pod| **pod)?;
    for list in ["initContainerStatuses", "containerStatuses"] {
        let statuses = pod.pointer(&format!("/status/{list}")).and_then(Value::as_array);
        for status in statuses.into_iter().flatten() {
            let code = status.pointer("/state/terminated/exitCode").and_then(Value::as_i64);
            if code.is_some_and(|code| code != 0) {
                return log(cluster, pod, text(status, "/name"), false).await;
            }
        }
    }
    let container = pod.pointer("/spec/containers/0/name").and_then(Value::as_str)?;
    log(cluster, pod, container, false).await
}

/// What stands behind `secret "x" not found`: the `ExternalSecret` that should have made it.
async fn missing(cluster: &Cluster, pod: &Value, message: &str) -> Option<String> {
    let (before, rest) = message.split_once('"')?;
    let name = rest.split('"').next()?;
    let namespace = text(pod, "/metadata/namespace");
    if !before.contains("secret") {
        return Some(format!("{}{namespace}/{name} does not exist", before.trim_start()));
    }
    let externals = cluster.list("ExternalSecret.external-secrets.io", &Query::namespace(namespace)).await.ok()?;
    let maker = externals.iter().find(|external| {
        let target = text(external, "/spec/target/name");
        target == name || (target.is_empty() && text(external, "/metadata/name") == name)
    });
    let Some(maker) = maker else {
        return Some(format!("Secret {namespace}/{name} does not exist, and no ExternalSecret makes it"));
    };
    let said = condition(maker, "Ready").map_or_else(|| "it says nothing yet".into(), |c| c.text());
    Some(format!(
        "Secret {namespace}/{name} does not exist: ExternalSecret {namespace}/{}: {said}",
        text(maker, "/metadata/name")
    ))
}
