//! The pods and containers of an object.

use serde_json::Value;

/// The pod specs of an object, each with its path: of workloads, Jobs, `CronJobs` and pods.
pub(super) fn pod_spec(object: &Value) -> Option<(&Value, Vec<&'static str>)> {
    let path: Vec<&'static str> = match object["kind"].as_str()? {
        "Pod" => vec!["spec"],
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => vec!["spec", "template", "spec"],
        "CronJob" => vec!["spec", "jobTemplate", "spec", "template", "spec"],
        _ => return None,
    };
    let spec = path.iter().try_fold(object, |value, key| value.get(key))?;
    Some((spec, path))
}

/// The containers of a pod spec, init containers first: list, index and container.
pub(super) fn containers(pod: &Value) -> impl Iterator<Item = (&'static str, usize, &Value)> {
    ["initContainers", "containers"]
        .into_iter()
        .flat_map(move |list| pod[list].as_array().into_iter().flatten().enumerate().map(move |(i, c)| (list, i, c)))
}
