//! Judging what runs pods: Deployments, `StatefulSet`s, `DaemonSet`s, Jobs, bare Pods, `CloudNativePG` Clusters, claims.

use serde_json::Value;

use crate::cluster::health::{Readiness, readiness};

use super::judgement::{Judgement, condition, full_name, generation, is_observed, number, one_line, text};

/// Whether a workload runs what its present spec asks for. A kind without a rule here is judged by what its operator
/// says in its status.
///
/// A Deployment's progress deadline, a failed Job and a failed bare Pod are final.
pub fn judge_workload(object: &Value) -> Judgement {
    let name = format!("{} {}", text(object, "/kind"), full_name(object));
    if !text(object, "/metadata/deletionTimestamp").is_empty() {
        return Judgement::waiting(format!("{name} is being deleted"));
    }
    match text(object, "/kind") {
        "Deployment" => deployment(object, &name),
        "StatefulSet" => stateful_set(object, &name),
        "DaemonSet" => daemon_set(object, &name),
        "Job" => job(object, &name),
        "Pod" => pod(object, &name),
        "PersistentVolumeClaim" => claim(object, &name),
        "Cluster" if text(object, "/apiVersion").starts_with("postgresql.cnpg.io/") => postgres(object, &name),
        _ => by_operator(object, &name),
    }
}

/// What is seen of a ready workload, for the report: `1 of 1`, `complete`.
pub(crate) fn seen(object: &Value) -> String {
    match text(object, "/kind") {
        "Deployment" => count(number(object, "/status/availableReplicas"), wanted(object)),
        "StatefulSet" => count(number(object, "/status/readyReplicas"), wanted(object)),
        "DaemonSet" => {
            count(number(object, "/status/numberReady"), number(object, "/status/desiredNumberScheduled").unwrap_or(0))
        }
        "Job" => "complete".into(),
        "Cluster" => count(number(object, "/status/readyInstances"), number(object, "/spec/instances").unwrap_or(1)),
        _ => {
            let phase = text(object, "/status/phase");
            if phase.is_empty() { "ready".into() } else { phase.to_lowercase() }
        }
    }
}

fn count(have: Option<i64>, want: i64) -> String {
    format!("{} of {want}", have.unwrap_or_default())
}

fn wanted(object: &Value) -> i64 {
    number(object, "/spec/replicas").unwrap_or(1)
}

fn unobserved(object: &Value, name: &str) -> Option<Judgement> {
    (!is_observed(object)).then(|| Judgement::waiting(format!("{name} to take up generation {}", generation(object))))
}

fn deployment(object: &Value, name: &str) -> Judgement {
    if let Some(judgement) = unobserved(object, name) {
        return judgement;
    }
    if let Some(failed) = condition(object, "Progressing").filter(|c| c.reason == "ProgressDeadlineExceeded") {
        return Judgement::failed(format!("{name}: {}", failed.text()));
    }
    let want = wanted(object);
    let status = |key: &str| number(object, &format!("/status/{key}")).unwrap_or_default();
    let line = format!("{name} {} of {want}", status("availableReplicas").min(status("updatedReplicas")));
    if let Some(failure) = condition(object, "ReplicaFailure").filter(|c| c.status == "True") {
        return Judgement::waiting(format!("{line}: {}", failure.text()));
    }
    if status("updatedReplicas") < want {
        return Judgement::waiting(format!("{line}: {} updated", status("updatedReplicas")));
    }
    if status("replicas") > status("updatedReplicas") {
        return Judgement::waiting(format!("{line}: old pods still run"));
    }
    if status("availableReplicas") < want {
        return Judgement::Waiting(line);
    }
    Judgement::Ready
}

fn stateful_set(object: &Value, name: &str) -> Judgement {
    if let Some(judgement) = unobserved(object, name) {
        return judgement;
    }
    let want = wanted(object);
    let status = |key: &str| number(object, &format!("/status/{key}")).unwrap_or_default();
    let line = format!("{name} {} of {want}", status("readyReplicas"));
    if status("readyReplicas") < want {
        return Judgement::Waiting(line);
    }
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Judgement::Ready;
    }
    let kept = number(object, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or_default();
    let update = text(object, "/status/updateRevision");
    if update != text(object, "/status/currentRevision") && status("updatedReplicas") < want - kept {
        return Judgement::waiting(format!("{line}: {} updated", status("updatedReplicas")));
    }
    Judgement::Ready
}

fn daemon_set(object: &Value, name: &str) -> Judgement {
    if let Some(judgement) = unobserved(object, name) {
        return judgement;
    }
    let status = |key: &str| number(object, &format!("/status/{key}")).unwrap_or_default();
    let want = status("desiredNumberScheduled");
    let line = format!("{name} {} of {want}", status("numberAvailable"));
    let rolls = text(object, "/spec/updateStrategy/type") != "OnDelete";
    if rolls && status("updatedNumberScheduled") < want {
        return Judgement::waiting(format!("{line}: {} updated", status("updatedNumberScheduled")));
    }
    if status("numberAvailable") < want {
        return Judgement::Waiting(line);
    }
    Judgement::Ready
}

fn job(object: &Value, name: &str) -> Judgement {
    if let Some(failed) = condition(object, "Failed").filter(|c| c.status == "True") {
        return Judgement::failed(format!("{name} failed ({}): {}", failed.reason, one_line(failed.message)));
    }
    if condition(object, "Complete").is_some_and(|c| c.status == "True") {
        return Judgement::Ready;
    }
    if object.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true) {
        return Judgement::failed(format!("{name} is suspended"));
    }
    let status = |key: &str| number(object, &format!("/status/{key}")).unwrap_or_default();
    let mut line = format!("{name}: {} running", status("active"));
    if status("failed") > 0 {
        line = format!("{line}, {} failed of {} allowed", status("failed"), backoff_limit(object));
    }
    Judgement::Waiting(line)
}

fn backoff_limit(object: &Value) -> i64 {
    number(object, "/spec/backoffLimit").unwrap_or(6)
}

fn pod(object: &Value, name: &str) -> Judgement {
    match text(object, "/status/phase") {
        "Succeeded" => Judgement::Ready,
        "Failed" => {
            let reason = [text(object, "/status/reason"), text(object, "/status/message")].join(" ");
            Judgement::failed(format!("{name} failed {}", reason.trim()).trim().to_string())
        }
        _ if condition(object, "Ready").is_some_and(|c| c.status == "True") => Judgement::Ready,
        "" => Judgement::waiting(format!("{name} is new")),
        phase => Judgement::waiting(format!("{name} is {}", phase.to_lowercase())),
    }
}

fn claim(object: &Value, name: &str) -> Judgement {
    match text(object, "/status/phase") {
        "Lost" => Judgement::failed(format!("{name} lost its volume")),
        // A claim whose class waits for the first consumer binds with its pod; the pod is judged for that.
        _ => Judgement::Ready,
    }
}

fn postgres(object: &Value, name: &str) -> Judgement {
    let want = number(object, "/spec/instances").unwrap_or(1);
    let have = number(object, "/status/readyInstances").unwrap_or_default();
    let phase = text(object, "/status/phase");
    let ready = condition(object, "Ready");
    if have >= want && ready.is_none_or(|c| c.status == "True") && phase == "Cluster in healthy state" {
        return Judgement::Ready;
    }
    let phase = if phase.is_empty() { "not looked at by its operator yet" } else { phase };
    Judgement::waiting(format!("{name} {have} of {want}: {}", one_line(phase)))
}

fn by_operator(object: &Value, name: &str) -> Judgement {
    match readiness(object) {
        Readiness::Ready => Judgement::Ready,
        Readiness::NotReady(reason) | Readiness::Unknown(reason) => Judgement::waiting(format!("{name}: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(kind: &str, spec: &Value, status: &Value) -> Value {
        let version = if kind == "Cluster" { "postgresql.cnpg.io/v1" } else { "apps/v1" };
        json!({"apiVersion": version, "kind": kind, "spec": spec, "status": status,
            "metadata": {"name": "x", "namespace": "data", "generation": 2}})
    }

    #[test]
    fn every_kind_by_what_it_counts() {
        let done = |conditions: Value| object("Job", &json!({}), &json!({"conditions": conditions}));
        let table = [
            (
                object(
                    "Deployment",
                    &json!({"replicas": 2}),
                    &json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}),
                ),
                "ready",
            ),
            (
                object(
                    "Deployment",
                    &json!({"replicas": 2}),
                    &json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}),
                ),
                "take up generation 2",
            ),
            (
                object(
                    "Deployment",
                    &json!({"replicas": 2}),
                    &json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}),
                ),
                "old pods still run",
            ),
            (
                object(
                    "Deployment",
                    &json!({}),
                    &json!({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1}),
                ),
                "Deployment data/x 0 of 1",
            ),
            (
                object(
                    "Deployment",
                    &json!({}),
                    &json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}),
                ),
                "failed: ProgressDeadlineExceeded",
            ),
            (
                object(
                    "StatefulSet",
                    &json!({"replicas": 1}),
                    &json!({"observedGeneration": 2, "readyReplicas": 1, "updatedReplicas": 0, "updateRevision": "b", "currentRevision": "a"}),
                ),
                "0 updated",
            ),
            (
                object(
                    "StatefulSet",
                    &json!({"replicas": 1}),
                    &json!({"observedGeneration": 2, "readyReplicas": 1, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "b"}),
                ),
                "ready",
            ),
            (
                object(
                    "DaemonSet",
                    &json!({}),
                    &json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 2}),
                ),
                "2 of 3",
            ),
            (done(json!([{"type": "Complete", "status": "True"}])), "ready"),
            (
                done(
                    json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}]),
                ),
                "failed: BackoffLimitExceeded",
            ),
            (
                object(
                    "Cluster",
                    &json!({"instances": 1}),
                    &json!({"readyInstances": 0, "phase": "Setting up primary"}),
                ),
                "0 of 1: Setting up primary",
            ),
            (
                object(
                    "Cluster",
                    &json!({"instances": 1}),
                    &json!({"readyInstances": 1, "phase": "Cluster in healthy state"}),
                ),
                "ready",
            ),
            (object("Pod", &json!({}), &json!({"phase": "Failed", "reason": "Evicted"})), "failed: Evicted"),
            (object("PersistentVolumeClaim", &json!({}), &json!({"phase": "Pending"})), "ready"),
            (object("ConfigMap", &json!({}), &json!({})), "ready"),
            (
                object(
                    "ExternalSecret",
                    &json!({}),
                    &json!({"conditions": [{"type": "Ready", "status": "False", "reason": "SecretSyncedError"}]}),
                ),
                "SecretSyncedError",
            ),
        ];
        for (object, wanted) in table {
            let judged = judge_workload(&object);
            let holds = match (&judged, wanted.strip_prefix("failed: ")) {
                (Judgement::Ready, _) => wanted == "ready",
                (Judgement::Failed(reason), Some(part)) => reason.contains(part),
                (Judgement::Waiting(reason), None) => reason.contains(wanted),
                _ => false,
            };
            assert!(holds, "{object}: {judged:?}, wanted {wanted}");
        }
    }
}
