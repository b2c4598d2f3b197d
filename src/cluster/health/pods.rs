//! Pods and their containers.

use serde_json::Value;

use super::condition::condition;
use super::readiness::Readiness;

/// A pod is ready when it serves, or has ended well.
pub(super) fn readiness(pod: &Value) -> Readiness {
    match pod["status"]["phase"].as_str() {
        Some("Succeeded") => return Readiness::Ready,
        Some("Running") if condition(pod, "Ready").is_some_and(|c| c.is_true()) => return Readiness::Ready,
        _ => {}
    }
    Readiness::NotReady(pod_reason(pod).unwrap_or_else(|| "not ready".into()))
}

/// Why a pod does not serve, in one line: scheduling, images, crashes, probes. `None` when nothing is amiss.
pub fn pod_reason(pod: &Value) -> Option<String> {
    let status = &pod["status"];
    if let Some(unscheduled) = condition(pod, "PodScheduled").filter(|c| c.status == "False") {
        return Some(if unscheduled.message.is_empty() { unscheduled.reason } else { unscheduled.message });
    }
    if let Some(trouble) = container_trouble(pod) {
        return Some(trouble);
    }
    let phase = status["phase"].as_str().unwrap_or("Pending");
    if phase == "Failed" {
        let text = |key: &str| status[key].as_str().filter(|t| !t.is_empty());
        return Some(text("message").or(text("reason")).unwrap_or("failed").to_owned());
    }
    if phase == "Running" {
        let not_ready: Vec<&str> = containers(pod, "containerStatuses")
            .iter()
            .filter(|c| c["ready"] != true && c["state"]["running"].is_object())
            .filter_map(|c| c["name"].as_str())
            .collect();
        if !not_ready.is_empty() {
            return Some(format!("{} running, readiness probe not passed yet", not_ready.join(", ")));
        }
    }
    let ready = condition(pod, "Ready").is_some_and(|c| c.is_true());
    if ready || phase == "Succeeded" {
        return None;
    }
    let starting: Vec<&str> = containers(pod, "initContainerStatuses")
        .iter()
        .filter(|c| c["state"]["running"].is_object() && c["ready"] != true)
        .filter_map(|c| c["name"].as_str())
        .collect();
    match starting.first() {
        Some(first) => Some(format!("init container {first} running")),
        None => Some(phase.to_lowercase()),
    }
}

/// What holds a container up: a waiting reason other than plain starting, or an end with an error.
pub fn container_trouble(pod: &Value) -> Option<String> {
    let all = ["initContainerStatuses", "containerStatuses"].iter().flat_map(|key| containers(pod, key));
    for container in all {
        let name = container["name"].as_str().unwrap_or_default();
        let waiting = &container["state"]["waiting"];
        let reason = waiting["reason"].as_str().unwrap_or_default();
        if !matches!(reason, "" | "ContainerCreating" | "PodInitializing") {
            let last = &container["lastState"]["terminated"];
            let times = container["restartCount"].as_i64().unwrap_or(0);
            return Some(if last.is_object() {
                format!("container {name} {} ({reason}, restarted {times} times)", ended(last))
            } else {
                let message = waiting["message"].as_str().unwrap_or_default();
                let message = if message.is_empty() { String::new() } else { format!(": {message}") };
                format!("container {name} {reason}{message}")
            });
        }
        let terminated = &container["state"]["terminated"];
        if terminated.is_object() && terminated["exitCode"] != 0 {
            return Some(format!("container {name} {}", ended(terminated)));
        }
    }
    None
}

fn ended(terminated: &Value) -> String {
    let code = terminated["exitCode"].as_i64().unwrap_or(0);
    match terminated["reason"].as_str() {
        Some("OOMKilled") => "was killed for want of memory (OOMKilled)".into(),
        _ => format!("exited {code}"),
    }
}

/// The most restarts of any container, and which.
pub fn restarts(pod: &Value) -> (i64, String) {
    let all = ["initContainerStatuses", "containerStatuses"].iter().flat_map(|key| containers(pod, key));
    all.map(|c| (c["restartCount"].as_i64().unwrap_or(0), c["name"].as_str().unwrap_or_default().to_owned()))
        .max_by_key(|(count, _)| *count)
        .unwrap_or_default()
}

pub(in crate::cluster) fn containers<'a>(pod: &'a Value, key: &str) -> &'a [Value] {
    pod["status"][key].as_array().map(Vec::as_slice).unwrap_or_default()
}
