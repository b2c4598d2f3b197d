//! A pod's phase and conditions from the statuses of its containers (`pkg/kubelet/status/generate.go`).

use serde_json::{Value, json};

use crate::sim::world::conditions::{Says, Times, set, word};
use crate::sim::world::look::Look;
use crate::sim::world::read::{flag, int, list, text};

use super::container::Finished;

/// Writes statuses, phase and conditions.
pub(super) fn fill(
    look: &Look<'_>,
    pod: &Value,
    status: &mut Value,
    init: Vec<Value>,
    main: Vec<Value>,
    mounted: bool,
    finished: Option<Finished>,
) {
    let started =
        main.iter().any(|s| s.pointer("/state/waiting").is_none() || s.pointer("/lastState/terminated").is_some());
    let phase = match finished {
        Some(Finished::Well) => "Succeeded",
        Some(Finished::Badly) => "Failed",
        None if started => "Running",
        None => "Pending",
    };
    status["phase"] = Value::from(phase);
    if let Some(generation) = int(pod, "/metadata/generation").filter(|g| *g > 0) {
        status["observedGeneration"] = Value::from(generation);
    }
    if !init.is_empty() {
        status["initContainerStatuses"] = Value::Array(init);
    }
    status["containerStatuses"] = Value::Array(main);
    conditions(look, pod, status, mounted);
}

fn names(all: &[&str]) -> String {
    format!("[{}]", all.join(" "))
}

fn conditions(look: &Look<'_>, pod: &Value, status: &mut Value, mounted: bool) {
    let phase = text(status, "/phase").to_owned();
    let now = look.stamp();
    let init = list(status, "/initContainerStatuses").to_vec();
    let main = list(status, "/containerStatuses").to_vec();
    let sidecar = |name: &str| {
        list(pod, "/spec/initContainers")
            .iter()
            .any(|c| text(c, "/name") == name && text(c, "/restartPolicy") == "Always")
    };
    let incomplete: Vec<&str> = init
        .iter()
        .filter(|s| if sidecar(text(s, "/name")) { !flag(s, "/started") } else { !flag(s, "/ready") })
        .map(|s| text(s, "/name"))
        .collect();
    let unready: Vec<&str> = init
        .iter()
        .filter(|s| sidecar(text(s, "/name")))
        .chain(&main)
        .filter(|s| !flag(s, "/ready"))
        .map(|s| text(s, "/name"))
        .collect();
    let over = matches!(phase.as_str(), "Succeeded" | "Failed");
    let mut say = |kind: &str, holds: bool, reason: &str, message: &str| {
        set(status, &Says { kind, status: word(holds), reason, message }, Times::Pod, &now);
    };
    say("PodReadyToStartContainers", mounted && !over, "", "");
    let begun =
        main.iter().any(|s| s.pointer("/state/waiting").is_none() || s.pointer("/lastState/terminated").is_some());
    if phase == "Succeeded" {
        say("Initialized", true, "PodCompleted", "");
    } else if incomplete.is_empty() || begun {
        say("Initialized", true, "", "");
    } else {
        let message = format!("containers with incomplete status: {}", names(&incomplete));
        say("Initialized", false, "ContainersNotInitialized", &message);
    }
    let message = format!("containers with unready status: {}", names(&unready));
    let (containers, reason, message) = match phase.as_str() {
        "Succeeded" => (false, "PodCompleted", ""),
        "Failed" => (false, "PodFailed", ""),
        _ if unready.is_empty() => (true, "", ""),
        _ => (false, "ContainersNotReady", message.as_str()),
    };
    let gates: Vec<String> = list(pod, "/spec/readinessGates")
        .iter()
        .map(|gate| text(gate, "/conditionType"))
        .filter(|gate| !crate::sim::world::conditions::holds(pod, gate))
        .map(|gate| match crate::sim::world::conditions::find(pod, gate) {
            None => format!("corresponding condition of pod readiness gate \"{gate}\" does not exist."),
            Some(condition) => {
                format!(
                    "the status of pod readiness gate \"{gate}\" is not \"True\", but {}",
                    text(condition, "/status")
                )
            }
        })
        .collect();
    if containers && !gates.is_empty() {
        say("Ready", false, "ReadinessGatesNotReady", &gates.join(", "));
    } else {
        say("Ready", containers, reason, message);
    }
    say("ContainersReady", containers, reason, message);
    say("PodScheduled", true, "", "");
    order(status);
}

/// The order in which the kubelet writes them; others follow.
fn order(status: &mut Value) {
    let wanted = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
    if let Some(all) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        all.sort_by_key(|c| wanted.iter().position(|w| *w == text(c, "/type")).unwrap_or(wanted.len()));
    }
}

/// Ends every container that still runs.
pub(super) fn end_all(look: &Look<'_>, status: &mut Value, code: i64) {
    for group in ["initContainerStatuses", "containerStatuses"] {
        let Some(all) = status.get_mut(group).and_then(Value::as_array_mut) else { continue };
        for container in all {
            if let Some(since) = container.pointer("/state/running/startedAt").cloned() {
                let reason = if code == 0 { "Completed" } else { "Error" };
                container["state"] = json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": since,
                    "finishedAt": look.stamp(), "containerID": text(container, "/containerID")}});
            }
            container["ready"] = Value::from(false);
            container["started"] = Value::from(false);
        }
    }
}

/// The conditions of a pod that has ended.
pub(super) fn close(look: &Look<'_>, pod: &Value, status: &mut Value) {
    conditions(look, pod, status, false);
}
