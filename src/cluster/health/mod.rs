//! Whether an object is ready, from what its status says: no request is made.
//!
//! Kubernetes' own kinds follow the rules of kstatus (<https://github.com/fluxcd/cli-utils>, `pkg/kstatus`), which Flux
//! uses too; operators' kinds follow their documentation.

mod operators;
mod pods;
mod workloads;

use serde_json::Value;

use super::kind::{group_version, type_of};

pub use pods::{container_trouble, pod_reason, restarts};

/// One entry of `status.conditions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its type (`Ready`).
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Reason in one word.
    pub reason: String,
    /// The reason in words.
    pub message: String,
    /// The generation that it speaks of, where it says so.
    pub observed_generation: Option<i64>,
    /// Since when (RFC 3339).
    pub since: Option<String>,
}

impl Condition {
    /// Whether its status is `True`.
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }

    /// Message and reason in one line.
    pub fn text(&self) -> String {
        let message = self.message.split_whitespace().collect::<Vec<_>>().join(" ");
        match (self.reason.as_str(), message.as_str()) {
            ("", "") => format!("{} is {}", self.kind, self.status),
            ("", message) => message.to_owned(),
            (reason, "") => reason.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }
}

/// Whether an object is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is.
    Ready,
    /// It is not, for this reason.
    NotReady(String),
    /// It does not say; the reason why not.
    Unknown(String),
}

impl Readiness {
    /// Whether it is ready.
    pub fn is_ready(&self) -> bool {
        *self == Self::Ready
    }

    /// Why it is not ready; empty when it is.
    pub fn reason(&self) -> &str {
        match self {
            Self::Ready => "",
            Self::NotReady(reason) | Self::Unknown(reason) => reason,
        }
    }
}

/// All conditions of an object.
pub fn conditions(object: &Value) -> Vec<Condition> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let condition = |c: &Value| Condition {
        kind: text(&c["type"]),
        status: text(&c["status"]),
        reason: text(&c["reason"]),
        message: text(&c["message"]),
        observed_generation: c["observedGeneration"].as_i64(),
        since: c["lastTransitionTime"].as_str().map(Into::into),
    };
    object["status"]["conditions"].as_array().into_iter().flatten().map(condition).collect()
}

/// One condition by its type.
pub fn condition(object: &Value, kind: &str) -> Option<Condition> {
    conditions(object).into_iter().find(|c| c.kind == kind)
}

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

fn by_condition(object: &Value, found: &Condition) -> Readiness {
    let generation = object["metadata"]["generation"].as_i64();
    if let (Some(seen), Some(now)) = (found.observed_generation, generation)
        && seen < now
    {
        return Readiness::NotReady(format!(
            "{} still speaks of generation {seen}, the object is at {now}",
            found.kind
        ));
    }
    match found.status.as_str() {
        "True" => Readiness::Ready,
        _ => Readiness::NotReady(found.text()),
    }
}

/// Not ready while the controller has not seen the newest spec.
fn lag(object: &Value) -> Option<Readiness> {
    let (seen, now) = (object["status"]["observedGeneration"].as_i64()?, object["metadata"]["generation"].as_i64()?);
    (seen < now)
        .then(|| Readiness::NotReady(format!("its controller has seen generation {seen}, the object is at {now}")))
}

#[cfg(test)]
mod tests;
