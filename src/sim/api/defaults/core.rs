//! Defaults of the core group, pods apart.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::quantity::Amount;
use super::fields::{Fields, entry, fill, fill_absent, items, text};

/// Amounts are rounded up to thousandths.
pub(super) fn resource_list(list: &mut Value) {
    for (_, amount) in list.as_object_mut().into_iter().flatten() {
        let parsed = amount.as_str().and_then(|text| Amount::parse(text).ok());
        if let Some(parsed) = parsed.filter(|parsed| !parsed.is_milli()) {
            let milli = parsed.nanos().div_euclid(1_000_000) + 1;
            *amount = json!(Amount::parse(&format!("{milli}m")).map(Amount::canonical).unwrap_or_default());
        }
    }
}

/// `stringData` goes over into `data`.
pub(super) fn string_data(secret: &mut Fields) {
    let Some(Value::Object(texts)) = secret.shift_remove("stringData") else { return };
    let data = entry(secret, "data");
    for (key, value) in texts {
        let bytes = STANDARD.encode(value.as_str().unwrap_or_default());
        data.insert(key, json!(bytes));
    }
    data.sort_keys();
}

/// Cluster IPs and node ports are not given out here.
pub(super) fn service(object: &mut Fields) {
    let spec = entry(object, "spec");
    fill(spec, "sessionAffinity", json!("None"));
    match text(spec, "sessionAffinity") {
        "None" => {
            spec.shift_remove("sessionAffinityConfig");
        }
        "ClientIP" => {
            let set = spec
                .get("sessionAffinityConfig")
                .is_some_and(|config| config["clientIP"]["timeoutSeconds"].is_number());
            if !set {
                spec.insert("sessionAffinityConfig".into(), json!({"clientIP": {"timeoutSeconds": 10800}}));
            }
        }
        _ => {}
    }
    fill(spec, "type", json!("ClusterIP"));
    for port in items(spec, "ports") {
        fill(port, "protocol", json!("TCP"));
        let target = port.get("targetPort").cloned().unwrap_or_default();
        if target.is_null() || target == json!(0) || target == json!("") {
            let number = port.get("port").cloned().unwrap_or_else(|| json!(0));
            port.insert("targetPort".into(), number);
        }
    }
    let ty = text(spec, "type").to_owned();
    let has_external = spec.get("externalIPs").and_then(Value::as_array).is_some_and(|ips| !ips.is_empty());
    let reachable = ty == "LoadBalancer" || ty == "NodePort" || (ty == "ClusterIP" && has_external);
    if reachable {
        fill(spec, "externalTrafficPolicy", json!("Cluster"));
    }
    if matches!(ty.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        fill_absent(spec, "internalTrafficPolicy", json!("Cluster"));
    }
    if ty == "LoadBalancer" {
        fill_absent(spec, "allocateLoadBalancerNodePorts", json!(true));
        if let Some(status) =
            object.get_mut("status").and_then(|s| s.get_mut("loadBalancer")).and_then(Value::as_object_mut)
        {
            for ingress in items(status, "ingress") {
                if !text(ingress, "ip").is_empty() {
                    fill_absent(ingress, "ipMode", json!("VIP"));
                }
            }
        }
    }
}

/// Every namespace is labelled with its name.
pub(super) fn namespace(object: &mut Fields) {
    let metadata = entry(object, "metadata");
    let name = text(metadata, "name").to_owned();
    if !name.is_empty() {
        let labels = entry(metadata, "labels");
        labels.insert("kubernetes.io/metadata.name".into(), json!(name));
        labels.sort_keys();
    }
}

pub(super) fn node_status(status: &mut Fields) {
    if let Some(capacity) = status.get("capacity").filter(|c| !c.is_null()).cloned() {
        fill_absent(status, "allocatable", capacity);
    }
}

pub(super) fn persistent_volume(object: &mut Fields) {
    fill(entry(object, "status"), "phase", json!("Pending"));
    let spec = entry(object, "spec");
    fill(spec, "persistentVolumeReclaimPolicy", json!("Retain"));
    fill_absent(spec, "volumeMode", json!("Filesystem"));
}

pub(super) fn limit_range_item(item: &mut Fields) {
    if text(item, "type") != "Container" {
        return;
    }
    let mut copy = |from: &str, to: &str| {
        let source = item.get(from).and_then(Value::as_object).cloned().unwrap_or_default();
        let target = entry(item, to);
        for (resource, amount) in source {
            fill_absent(target, &resource, amount);
        }
        target.sort_keys();
    };
    copy("max", "default");
    copy("default", "defaultRequest");
    copy("min", "defaultRequest");
}

pub(super) fn replication_controller(object: &mut Fields) {
    let spec = entry(object, "spec");
    fill_absent(spec, "replicas", json!(1));
    let labels = spec.get("template").map(|template| template["metadata"]["labels"].clone()).unwrap_or_default();
    if labels.as_object().is_none_or(serde_json::Map::is_empty) {
        return;
    }
    let empty =
        |fields: &Fields, name: &str| fields.get(name).and_then(Value::as_object).is_none_or(serde_json::Map::is_empty);
    if empty(spec, "selector") {
        spec.insert("selector".into(), labels.clone());
    }
    let metadata = entry(object, "metadata");
    if empty(metadata, "labels") {
        metadata.insert("labels".into(), labels);
    }
}
