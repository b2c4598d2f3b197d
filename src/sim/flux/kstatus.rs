//! The state of an object by the rules of kstatus, which Flux's health checks follow.

use serde_json::Value;

use super::condition;

/// What kstatus says of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// As its spec asks.
    Current,
    /// On its way.
    InProgress,
    /// It will not get there.
    Failed,
    /// Being deleted.
    Terminating,
    /// Not there.
    NotFound,
}

impl State {
    /// As messages write it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
        }
    }
}

/// How long a pod may be unschedulable before that counts as failed, in seconds.
const UNSCHEDULABLE: i64 = 15;

/// The state of an object at a time.
pub(super) fn state(object: &Value, now: jiff::Timestamp) -> State {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return State::Terminating;
    }
    let status = &object["status"];
    if let (Some(observed), Some(generation)) =
        (status["observedGeneration"].as_i64(), object["metadata"]["generation"].as_i64())
        && observed != generation
    {
        return State::InProgress;
    }
    if is(object, "Reconciling", "True") {
        return State::InProgress;
    }
    if is(object, "Stalled", "True") {
        return State::Failed;
    }
    let group = object["apiVersion"].as_str().unwrap_or_default().split_once('/').map_or("", |(group, _)| group);
    match (group, object["kind"].as_str().unwrap_or_default()) {
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "DaemonSet") => daemon_set(status),
        ("apps", "ReplicaSet") => replica_set(object),
        ("", "Pod") => pod(object, now),
        ("batch", "Job") => match (is(object, "Failed", "True"), is(object, "Complete", "True")) {
            (true, _) => State::Failed,
            (_, true) => State::Current,
            _ => State::InProgress,
        },
        ("", "PersistentVolumeClaim") => when(status["phase"] == "Bound"),
        ("", "Service") => {
            let balancer = object["spec"]["type"] == "LoadBalancer";
            when(!balancer || !object["spec"]["clusterIP"].as_str().unwrap_or_default().is_empty())
        }
        ("policy", "PodDisruptionBudget") => {
            when(number(&status["currentHealthy"]) >= number(&status["desiredHealthy"]))
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            if is(object, "NamesAccepted", "False") {
                State::Failed
            } else {
                when(is(object, "Established", "True"))
            }
        }
        ("batch", "CronJob") | ("", "ConfigMap" | "Secret") => State::Current,
        _ => when(matches!(of(object, "Ready").as_deref(), None | Some("True"))),
    }
}

fn when(current: bool) -> State {
    if current { State::Current } else { State::InProgress }
}

fn of(object: &Value, kind: &str) -> Option<String> {
    condition::read(object).into_iter().find(|c| c.kind == kind).map(|c| c.status)
}

fn is(object: &Value, kind: &str, status: &str) -> bool {
    of(object, kind).as_deref() == Some(status)
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn wanted(object: &Value) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1)
}

fn deployment(object: &Value) -> State {
    let status = &object["status"];
    let progressing = condition::read(object).into_iter().find(|c| c.kind == "Progressing");
    if progressing.as_ref().is_some_and(|c| c.reason == "ProgressDeadlineExceeded") {
        return State::Failed;
    }
    let has_deadline = object["spec"]["progressDeadlineSeconds"].as_i64().is_some_and(|s| s != i64::from(i32::MAX));
    let (all, updated) = (number(&status["replicas"]), number(&status["updatedReplicas"]));
    let (available, ready, want) =
        (number(&status["availableReplicas"]), number(&status["readyReplicas"]), wanted(object));
    when(
        want <= all
            && want <= updated
            && all <= want
            && updated <= available
            && want <= ready
            && (!has_deadline || progressing.is_some_and(|c| c.status == "True"))
            && is(object, "Available", "True"),
    )
}

fn stateful_set(object: &Value) -> State {
    if object["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return State::Current;
    }
    let status = &object["status"];
    let (all, ready, want) = (number(&status["replicas"]), number(&status["readyReplicas"]), wanted(object));
    if want > all || want > ready || all > want {
        return State::InProgress;
    }
    let partition = number(&object["spec"]["updateStrategy"]["rollingUpdate"]["partition"]);
    if partition > 0 {
        return when(number(&status["updatedReplicas"]) >= want - partition);
    }
    when(number(&status["currentReplicas"]) >= want && status["currentRevision"] == status["updateRevision"])
}

fn daemon_set(status: &Value) -> State {
    let Some(want) = status["desiredNumberScheduled"].as_i64() else { return State::InProgress };
    let enough = ["currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"];
    when(!status["observedGeneration"].is_null() && enough.iter().all(|field| number(&status[field]) >= want))
}

fn replica_set(object: &Value) -> State {
    let (status, want) = (&object["status"], wanted(object));
    let enough = ["fullyLabeledReplicas", "availableReplicas", "readyReplicas"];
    let all = number(&status["replicas"]);
    when(
        !is(object, "ReplicaFailure", "True")
            && all <= want
            && enough.iter().all(|field| number(&status[field]) >= want),
    )
}

fn pod(object: &Value, now: jiff::Timestamp) -> State {
    let status = &object["status"];
    let loops = ["containerStatuses", "initContainerStatuses"].iter().any(|field| {
        let list = status[field].as_array();
        list.into_iter().flatten().any(|c| c["state"]["waiting"]["reason"] == "CrashLoopBackOff")
    });
    match status["phase"].as_str().unwrap_or_default() {
        "Succeeded" => State::Current,
        "Failed" => State::Failed,
        "Running" if is(object, "Ready", "True") => State::Current,
        "Running" if loops => State::Failed,
        "Pending" => {
            let scheduled = condition::read(object).into_iter().find(|c| c.kind == "PodScheduled");
            let stuck = scheduled.is_some_and(|c| c.status == "False" && c.reason == "Unschedulable");
            let created =
                object["metadata"]["creationTimestamp"].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok());
            let old = created.is_some_and(|t| now.as_second() - t.as_second() >= UNSCHEDULABLE);
            if stuck && old || loops { State::Failed } else { State::InProgress }
        }
        _ => State::InProgress,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn states_of_workloads() {
        let now: jiff::Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let up = json!([{"type": "Available", "status": "True"}, {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]);
        let deployment = |status: Value| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 2},
                "spec": {"replicas": 2, "progressDeadlineSeconds": 600}, "status": status})
        };
        let table = [
            (deployment(json!({"observedGeneration": 1})), State::InProgress),
            (
                deployment(
                    json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 1, "availableReplicas": 2, "conditions": up}),
                ),
                State::InProgress,
            ),
            (
                deployment(
                    json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2, "conditions": up}),
                ),
                State::Current,
            ),
            (
                deployment(
                    json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}),
                ),
                State::Failed,
            ),
            (json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}), State::Current),
            (
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"deletionTimestamp": "x"}}),
                State::Terminating,
            ),
            (
                json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "status": {"conditions": [{"type": "Failed", "status": "True"}]}}),
                State::Failed,
            ),
            (json!({"apiVersion": "a.example/v1", "kind": "Thing", "metadata": {}}), State::Current),
            (
                json!({"apiVersion": "a.example/v1", "kind": "Thing", "metadata": {}, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}),
                State::InProgress,
            ),
            (
                json!({"apiVersion": "a.example/v1", "kind": "Thing", "metadata": {}, "status": {"conditions": [{"type": "Stalled", "status": "True"}]}}),
                State::Failed,
            ),
            (
                json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"creationTimestamp": "2026-11-24T09:59:50Z"},
                "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}}),
                State::InProgress,
            ),
            (
                json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"creationTimestamp": "2026-11-24T09:59:00Z"},
                "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}}),
                State::Failed,
            ),
        ];
        for (object, expected) in table {
            assert_eq!(state(&object, now), expected, "{object}");
        }
    }
}
