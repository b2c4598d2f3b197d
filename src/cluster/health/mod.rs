//! Whether an object is ready, from what its status says: no request is made.
//!
//! Kubernetes' own kinds follow the rules of kstatus (<https://github.com/fluxcd/cli-utils>, `pkg/kstatus`), which Flux
//! uses too; operators' kinds follow their documentation.

mod condition;
mod operators;
mod pods;
mod readiness;
mod workloads;

use serde_json::Value;

use super::kind::{group_version, type_of};

pub use condition::{Condition, condition, conditions};
pub use pods::{container_trouble, pod_reason, restarts};
pub use readiness::Readiness;

use readiness::{by_condition, lag};

/// Whether an object is ready.
pub fn is_ready(object: &Value) -> bool {
    readiness(object).is_ready()
}

/// Whether an object is ready, and why not.
pub fn readiness(object: &Value) -> Readiness {
    if let Some(since) = object["metadata"]["deletionTimestamp"].as_str() {
        return Readiness::NotReady(format!("being deleted since {since}"));
    }
    let (api_version, kind) = type_of(object);
    let (group, _) = group_version(api_version);
    if let Some(readiness) =
        workloads::readiness(group, kind, object).or_else(|| operators::readiness(group, kind, object))
    {
        return readiness;
    }
    generic(group, object)
}

/// By `observedGeneration` and the conditions `Ready`, `Stalled`, `Reconciling`.
fn generic(group: &str, object: &Value) -> Readiness {
    if let Some(lag) = lag(object) {
        return lag;
    }
    if let Some(stalled) = condition(object, "Stalled").filter(Condition::is_true) {
        return Readiness::NotReady(stalled.text());
    }
    for kind in ["Ready", "Available", "Established"] {
        if let Some(found) = condition(object, kind) {
            return by_condition(object, &found);
        }
    }
    match object.get("status").filter(|s| s.as_object().is_some_and(|s| !s.is_empty())) {
        // Kinds without a state of their own (ConfigMap, StorageClass, ClusterRole) are ready by being there.
        None if is_own(group) => Readiness::Ready,
        None => Readiness::Unknown("it reports no state yet".into()),
        Some(status) => match status["phase"].as_str() {
            Some("Ready" | "Active" | "Bound" | "Available" | "Running" | "Succeeded" | "Healthy" | "Connected") => {
                Readiness::Ready
            }
            Some(phase) => Readiness::NotReady(format!("phase {phase}")),
            None if is_own(group) => Readiness::Ready,
            None => Readiness::Unknown("it has no Ready condition".into()),
        },
    }
}

/// A group of Kubernetes itself.
fn is_own(group: &str) -> bool {
    !group.contains('.') || group.ends_with(".k8s.io")
}

#[cfg(test)]
mod tests;
