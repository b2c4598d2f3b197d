//! Which pods belong to the present spec of a workload, and what may be wrong with them.

use serde_json::Value;

use super::board::Board;
use super::judgement::{is_observed, text};

/// The pods that a workload's present spec made: those of an older replica set or revision prove nothing.
pub(crate) fn pods<'b>(board: &'b Board, workload: &Value) -> Vec<&'b Value> {
    let members = || board.members();
    let all_pods = move || members().filter(|m| text(m, "/kind") == "Pod");
    let uid = text(workload, "/metadata/uid");
    let owned_by = |object: &Value, uid: &str| {
        let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        !uid.is_empty() && owners.into_iter().flatten().any(|o| text(o, "/uid") == uid)
    };
    let label = |object: &Value, key: &str| {
        let labels = object.pointer("/metadata/labels")?;
        labels.get(key)?.as_str().map(str::to_string)
    };
    match text(workload, "/kind") {
        "Deployment" => {
            if !is_observed(workload) {
                return Vec::new();
            }
            let annotation = |object: &Value| {
                let annotations = object.pointer("/metadata/annotations")?;
                annotations.get("deployment.kubernetes.io/revision")?.as_str().map(str::to_string)
            };
            let revision = annotation(workload);
            let newest = members()
                .filter(|m| text(m, "/kind") == "ReplicaSet" && owned_by(m, uid))
                .find(|set| annotation(set) == revision);
            let Some(set) = newest.map(|set| text(set, "/metadata/uid")) else { return Vec::new() };
            all_pods().filter(|pod| owned_by(pod, set)).collect()
        }
        "StatefulSet" => {
            let revision = text(workload, "/status/updateRevision");
            all_pods()
                .filter(|pod| owned_by(pod, uid))
                .filter(|pod| label(pod, "controller-revision-hash").is_none_or(|hash| hash == revision))
                .collect()
        }
        "DaemonSet" => {
            let annotations = workload.pointer("/metadata/annotations");
            let generation = annotations.and_then(|a| a.get("deprecated.daemonset.template.generation"));
            let generation = generation.and_then(Value::as_str);
            all_pods()
                .filter(|pod| owned_by(pod, uid))
                .filter(|pod| {
                    let of_pod = label(pod, "pod-template-generation");
                    generation.is_none() || of_pod.is_none() || of_pod.as_deref() == generation
                })
                .collect()
        }
        "Cluster" => {
            let name = text(workload, "/metadata/name");
            let namespace = text(workload, "/metadata/namespace");
            all_pods()
                .filter(|pod| text(pod, "/metadata/namespace") == namespace)
                .filter(|pod| label(pod, "cnpg.io/cluster").as_deref() == Some(name))
                .collect()
        }
        "Pod" => all_pods().filter(|pod| text(pod, "/metadata/uid") == uid).collect(),
        _ => all_pods().filter(|pod| owned_by(pod, uid)).collect(),
    }
}

/// Whether `workload` needs `other` before it can work: databases, claims of state and Jobs come before what serves;
/// otherwise only when the pod template mentions the other's name.
pub(crate) fn depends_on(workload: &Value, other: &Value) -> bool {
    let (own, kind) = (text(workload, "/kind"), text(other, "/kind"));
    let first = |kind: &str| matches!(kind, "Cluster" | "Job");
    if own == "Cluster" {
        return false;
    }
    if first(kind) {
        // A Job may need the database, not another Job.
        return own != "Job" || kind == "Cluster";
    }
    let template = workload.pointer("/spec/template").map(ToString::to_string).unwrap_or_default();
    let name = text(other, "/metadata/name");
    let stateful = kind == "StatefulSet" && own != "StatefulSet" && own != "Job";
    stateful || (!name.is_empty() && name != text(workload, "/metadata/name") && template.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn databases_and_jobs_come_first_and_names_tell_the_rest() {
        let object = |kind: &str, name: &str, env: &str| {
            json!({"kind": kind, "metadata": {"name": name}, "spec": {"template": {"spec": {"containers": [
                {"env": [{"name": "URL", "value": env}]}]}}}})
        };
        let hive = object("Deployment", "hive", "thrift://catalog:9083");
        assert!(depends_on(&hive, &object("Cluster", "hive-db", "")));
        assert!(depends_on(&hive, &object("Job", "hive-schema", "")));
        assert!(depends_on(&hive, &object("StatefulSet", "redis", "")));
        assert!(depends_on(&hive, &object("Deployment", "catalog", "")));
        assert!(!depends_on(&hive, &object("Deployment", "trino", "")));
        assert!(!depends_on(&object("Cluster", "hive-db", ""), &hive));
        assert!(depends_on(&object("Job", "hive-schema", ""), &object("Cluster", "hive-db", "")));
        assert!(!depends_on(&object("Job", "hive-schema", ""), &object("Job", "other", "")));
    }
}
