//! Defaults of pods and of what they consist of.

use serde_json::{Map, Value, json};

use super::super::quantity::{Amount, canonical};
use super::fields::{Fields, entry, fill, fill_absent, items, text};

/// Both names of the service account's field say the same.
pub(super) fn service_account(spec: &mut Fields) {
    let name = [text(spec, "serviceAccountName"), text(spec, "serviceAccount")].into_iter().find(|n| !n.is_empty());
    if let Some(name) = name.map(str::to_owned) {
        spec.insert("serviceAccountName".into(), json!(name));
        spec.insert("serviceAccount".into(), json!(name));
    }
}

/// What only pods get, and templates don't.
pub(super) fn pod(object: &mut Fields) {
    let spec = entry(object, "spec");
    for list in ["containers", "initContainers"] {
        for container in items(spec, list) {
            requests_from_limits(container);
        }
    }
    pod_requests(spec);
    fill_absent(spec, "enableServiceLinks", json!(true));
    if spec.get("hostNetwork") == Some(&json!(true)) {
        for list in ["containers", "initContainers"] {
            for container in items(spec, list) {
                for port in items(container, "ports") {
                    let number = port.get("containerPort").cloned().unwrap_or_default();
                    if port.get("hostPort").is_none_or(|p| *p == json!(0)) {
                        port.insert("hostPort".into(), number);
                    }
                }
            }
        }
    }
}

fn requests_from_limits(container: &mut Fields) {
    let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut) else { return };
    let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else { return };
    let requests = entry(resources, "requests");
    for (name, amount) in limits {
        fill_absent(requests, &name, amount);
    }
    requests.sort_keys();
}

/// Requests of the pod as a whole, if it has limits: those of its containers, else the limits.
fn pod_requests(spec: &mut Fields) {
    let Some(limits) = spec.get("resources").and_then(|r| r["limits"].as_object()).filter(|l| !l.is_empty()).cloned()
    else {
        return;
    };
    let lists = ["containers", "initContainers"];
    let asked: Vec<Map<String, Value>> = lists
        .iter()
        .flat_map(|list| spec.get(*list).and_then(Value::as_array).into_iter().flatten())
        .filter_map(|container| container["resources"]["requests"].as_object().cloned())
        .collect();
    let supported = |name: &str| matches!(name, "cpu" | "memory") || name.starts_with("hugepages-");
    let resources = entry(spec, "resources");
    let requests = entry(resources, "requests");
    for (name, amount) in &limits {
        let containers: i128 = asked
            .iter()
            .filter_map(|r| r.get(name)?.as_str())
            .filter_map(|t| Amount::parse(t).ok())
            .map(Amount::nanos)
            .sum();
        if !supported(name) {
            continue;
        }
        let value = if containers > 0 && matches!(name.as_str(), "cpu" | "memory") {
            json!(canonical(&format!("{containers}n")).unwrap_or_default())
        } else {
            amount.clone()
        };
        fill_absent(requests, name, value);
    }
    requests.sort_keys();
}

pub(super) fn spec(spec: &mut Fields) {
    fill(spec, "dnsPolicy", json!("ClusterFirst"));
    fill(spec, "restartPolicy", json!("Always"));
    fill_absent(spec, "securityContext", json!({}));
    fill_absent(spec, "terminationGracePeriodSeconds", json!(30));
    fill(spec, "schedulerName", json!("default-scheduler"));
}

pub(super) fn container(container: &mut Fields) {
    let policy = pull_policy(text(container, "image"));
    fill(container, "imagePullPolicy", json!(policy));
    fill(container, "terminationMessagePath", json!("/dev/termination-log"));
    fill(container, "terminationMessagePolicy", json!("File"));
    // A gRPC probe names a service even if it is empty.
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(grpc) = container.get_mut(probe).and_then(|p| p.get_mut("grpc")).and_then(Value::as_object_mut) {
            fill_absent(grpc, "service", json!(""));
        }
    }
}

pub(super) fn volume(volume: &mut Fields) {
    let none = volume.iter().all(|(name, value)| name == "name" || value.is_null());
    if none {
        volume.insert("emptyDir".into(), json!({}));
    }
    if let Some(image) = volume.get_mut("image").and_then(Value::as_object_mut) {
        let policy = pull_policy(text(image, "reference"));
        fill(image, "pullPolicy", json!(policy));
    }
}

/// An image without a tag, or `latest`, is pulled always; one with a digest is not, nor what is no image at all.
fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let path = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" || has_upper(host) => rest,
        _ => name,
    };
    let last = path.rsplit('/').next().unwrap_or(path);
    let tag = last.split_once(':').map(|(_, tag)| tag);
    let untagged = tag.map_or(path, |tag| &path[..path.len() - tag.len() - 1]);
    if untagged.is_empty() || has_upper(untagged) || untagged.contains(char::is_whitespace) {
        return "IfNotPresent";
    }
    match (tag, digest) {
        (Some("latest"), _) | (None, None) => "Always",
        _ => "IfNotPresent",
    }
}

fn has_upper(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_uppercase())
}
