//! Kubernetes' own kinds.

use serde_json::Value;

use super::condition::{Condition, condition};
use super::pods;
use super::readiness::{Readiness, by_condition, lag};

/// `None` for kinds that the general rule serves.
pub(super) fn readiness(group: &str, kind: &str, object: &Value) -> Option<Readiness> {
    Some(match (group, kind) {
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => replica_set(object),
        ("batch", "Job") => job(object),
        ("batch", "CronJob") => Readiness::Ready,
        ("", "Pod") => pods::readiness(object),
        ("", "PersistentVolumeClaim") => phase(object, &["Bound"]),
        ("", "PersistentVolume") => phase(object, &["Bound", "Available"]),
        ("", "Namespace") => phase(object, &["Active"]),
        ("", "Service") => service(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => named(object, "Established"),
        ("apiregistration.k8s.io", "APIService") => named(object, "Available"),
        _ => return None,
    })
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

fn named(object: &Value, kind: &str) -> Readiness {
    match condition(object, kind) {
        Some(found) => by_condition(object, &found),
        None => Readiness::NotReady(format!("no condition {kind} yet")),
    }
}

fn phase(object: &Value, ready: &[&str]) -> Readiness {
    match object["status"]["phase"].as_str() {
        Some(phase) if ready.contains(&phase) => Readiness::Ready,
        Some(phase) => Readiness::NotReady(phase.to_owned()),
        None => Readiness::NotReady("no phase yet".into()),
    }
}

fn deployment(object: &Value) -> Readiness {
    if let Some(lag) = lag(object) {
        return lag;
    }
    let status = &object["status"];
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let (updated, available, all) =
        (number(&status["updatedReplicas"]), number(&status["availableReplicas"]), number(&status["replicas"]));
    let stuck = condition(object, "Progressing").filter(|c| c.reason == "ProgressDeadlineExceeded");
    if let Some(stuck) = stuck {
        return Readiness::NotReady(stuck.text());
    }
    if available < wanted || updated < wanted {
        let blocked =
            condition(object, "ReplicaFailure").filter(Condition::is_true).map(|c| format!(": {}", c.message));
        let counts = if updated < wanted && available >= wanted {
            format!("{updated} of {wanted} updated")
        } else {
            format!("{available} of {wanted} available")
        };
        return Readiness::NotReady(counts + &blocked.unwrap_or_default());
    }
    if all > updated {
        return Readiness::NotReady(format!("{} old pods still there", all - updated));
    }
    if status["observedGeneration"].is_null() && object["metadata"]["generation"].is_i64() {
        return Readiness::NotReady("its controller has not seen it yet".into());
    }
    Readiness::Ready
}

fn stateful_set(object: &Value) -> Readiness {
    if let Some(lag) = lag(object) {
        return lag;
    }
    let status = &object["status"];
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let ready = number(&status["readyReplicas"]);
    if ready < wanted {
        return Readiness::NotReady(format!("{ready} of {wanted} ready"));
    }
    let strategy = &object["spec"]["updateStrategy"];
    let held = strategy["rollingUpdate"]["partition"].as_i64().unwrap_or(0);
    let updated = number(&status["updatedReplicas"]);
    let to_update = (wanted - held).max(0);
    if strategy["type"] != "OnDelete" && status["currentRevision"] != status["updateRevision"] && updated < to_update {
        return Readiness::NotReady(format!("{updated} of {to_update} updated"));
    }
    Readiness::Ready
}

fn daemon_set(object: &Value) -> Readiness {
    if let Some(lag) = lag(object) {
        return lag;
    }
    let status = &object["status"];
    if status["observedGeneration"].is_null() {
        return Readiness::NotReady("its controller has not seen it yet".into());
    }
    let wanted = number(&status["desiredNumberScheduled"]);
    let (updated, available) = (number(&status["updatedNumberScheduled"]), number(&status["numberAvailable"]));
    if object["spec"]["updateStrategy"]["type"] != "OnDelete" && updated < wanted {
        return Readiness::NotReady(format!("{updated} of {wanted} updated"));
    }
    if available < wanted {
        Readiness::NotReady(format!("{available} of {wanted} available"))
    } else {
        Readiness::Ready
    }
}

fn replica_set(object: &Value) -> Readiness {
    if let Some(lag) = lag(object) {
        return lag;
    }
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let available = number(&object["status"]["availableReplicas"]);
    if available < wanted {
        let blocked =
            condition(object, "ReplicaFailure").filter(Condition::is_true).map(|c| format!(": {}", c.message));
        return Readiness::NotReady(format!("{available} of {wanted} available") + &blocked.unwrap_or_default());
    }
    Readiness::Ready
}

/// A job is ready when it is done: that is what waiting for one means.
fn job(object: &Value) -> Readiness {
    if let Some(failed) = condition(object, "Failed").filter(Condition::is_true) {
        return Readiness::NotReady(format!("failed: {}", failed.text()));
    }
    if condition(object, "Complete").is_some_and(|c| c.is_true()) {
        return Readiness::Ready;
    }
    if object["spec"]["suspend"] == true {
        return Readiness::NotReady("suspended".into());
    }
    let status = &object["status"];
    let wanted = object["spec"]["completions"].as_i64().unwrap_or(1);
    let (done, failed) = (number(&status["succeeded"]), number(&status["failed"]));
    let failures = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    Readiness::NotReady(format!("{done} of {wanted} done, {} running{failures}", number(&status["active"])))
}

fn service(object: &Value) -> Readiness {
    let waits = object["spec"]["type"] == "LoadBalancer"
        && object["status"]["loadBalancer"]["ingress"].as_array().is_none_or(Vec::is_empty);
    if waits { Readiness::NotReady("no address from the load balancer yet".into()) } else { Readiness::Ready }
}
