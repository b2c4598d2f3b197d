//! Rows of the core group.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{NONE, UNKNOWN, access_modes, age, containers, labels, number, object_age, some, text_or};

/// The cells of an object of the core group; nothing for other resources.
pub(super) fn cells(resource: &str, object: &Value, now: Timestamp) -> Option<Vec<Value>> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let name = object["metadata"]["name"].clone();
    let old = object_age(object, now);
    Some(match resource {
        "configmaps" => vec![name, json!(count(&object["data"]) + count(&object["binaryData"])), old],
        "secrets" => vec![name, json!(text_or(&object["type"], "")), json!(count(&object["data"])), old],
        "serviceaccounts" => vec![name, old],
        "namespaces" => vec![name, json!(text_or(&status["phase"], "")), old],
        "limitranges" => vec![name, object["metadata"]["creationTimestamp"].clone()],
        "componentstatuses" => vec![name, json!("Unknown"), json!(""), json!("")],
        "podtemplates" => {
            let (names, images) = containers(&object["template"]["spec"]);
            vec![name, names, images, json!(labels(&object["template"]["metadata"]["labels"]))]
        }
        "replicationcontrollers" => {
            let (names, images) = containers(&spec["template"]["spec"]);
            let selector = labels(&spec["selector"]);
            vec![
                name,
                number(&spec["replicas"]),
                number(&status["replicas"]),
                number(&status["readyReplicas"]),
                old,
                names,
                images,
                json!(selector),
            ]
        }
        "resourcequotas" => vec![name, json!(quota(object, false)), json!(quota(object, true)), old],
        "endpoints" => vec![name, json!(endpoints(object)), old],
        "services" => service(object, name, old),
        "nodes" => node(object, name, old),
        "persistentvolumes" => volume(object, name, old),
        "persistentvolumeclaims" => claim(object, name, old),
        "events" | "events.events.k8s.io" => event(object, name, now),
        _ => return None,
    })
}

fn count(map: &Value) -> usize {
    map.as_object().map_or(0, serde_json::Map::len)
}

fn quota(object: &Value, limits: bool) -> String {
    let mut names: Vec<&String> =
        object["status"]["hard"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
    names.sort();
    let status = &object["status"];
    let text = |value: &Value| value.as_str().unwrap_or("0").to_owned();
    let all = names.into_iter().filter(|name| name.starts_with("limits") == limits);
    let lines: Vec<String> = all
        .map(|name| {
            format!("{name}: {}/{}", text(&status["used"][name.as_str()]), text(&status["hard"][name.as_str()]))
        })
        .collect();
    lines.join(", ")
}

fn endpoints(object: &Value) -> String {
    let mut all = Vec::new();
    for subset in object["subsets"].as_array().into_iter().flatten() {
        let addresses = subset["addresses"].as_array().into_iter().flatten();
        let addresses: Vec<&str> = addresses.filter_map(|a| a["ip"].as_str()).collect();
        let ports: Vec<i64> =
            subset["ports"].as_array().into_iter().flatten().filter_map(|p| p["port"].as_i64()).collect();
        if ports.is_empty() {
            all.extend(addresses.into_iter().map(str::to_owned));
            continue;
        }
        for port in ports {
            all.extend(addresses.iter().map(|address| format!("{address}:{port}")));
        }
    }
    some(&all, 3)
}

fn service(object: &Value, name: Value, old: Value) -> Vec<Value> {
    let spec = &object["spec"];
    let kind = text_or(&spec["type"], "ClusterIP");
    let ingress = object["status"]["loadBalancer"]["ingress"].as_array().into_iter().flatten();
    let balanced: Vec<&str> = ingress.filter_map(|i| i["ip"].as_str().or(i["hostname"].as_str())).collect();
    let given: Vec<&str> = spec["externalIPs"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let external = match kind.as_str() {
        "ExternalName" => text_or(&spec["externalName"], NONE),
        "LoadBalancer" if balanced.is_empty() && given.is_empty() => "<pending>".to_owned(),
        "LoadBalancer" => balanced.into_iter().chain(given).collect::<Vec<_>>().join(","),
        _ if given.is_empty() => NONE.to_owned(),
        _ => given.join(","),
    };
    let ports: Vec<String> = spec["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|port| {
            let (number, protocol) = (port["port"].as_i64().unwrap_or(0), text_or(&port["protocol"], "TCP"));
            match port["nodePort"].as_i64().filter(|n| *n > 0) {
                Some(node) => format!("{number}:{node}/{protocol}"),
                None => format!("{number}/{protocol}"),
            }
        })
        .collect();
    let ports = if ports.is_empty() { NONE.to_owned() } else { ports.join(",") };
    let address = text_or(&spec["clusterIPs"][0], &text_or(&spec["clusterIP"], NONE));
    vec![name, json!(kind), json!(address), json!(external), json!(ports), old, json!(labels(&spec["selector"]))]
}

fn node(object: &Value, name: Value, old: Value) -> Vec<Value> {
    let status = &object["status"];
    let ready = status["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == "Ready");
    let mut words = vec![match ready.and_then(|c| c["status"].as_str()) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }];
    if object["spec"]["unschedulable"] == true {
        words.push("SchedulingDisabled");
    }
    let mut roles: Vec<String> = Vec::new();
    for (key, value) in object["metadata"]["labels"].as_object().into_iter().flatten() {
        if let Some(role) = key.strip_prefix("node-role.kubernetes.io/").filter(|role| !role.is_empty()) {
            roles.push(role.to_owned());
        } else if key == "kubernetes.io/role" {
            roles.extend(value.as_str().map(str::to_owned));
        }
    }
    roles.sort();
    let roles = if roles.is_empty() { NONE.to_owned() } else { roles.join(",") };
    let address = |kind: &str| {
        let all = status["addresses"].as_array().into_iter().flatten();
        let found = all.into_iter().find(|a| a["type"] == kind).and_then(|a| a["address"].as_str());
        found.unwrap_or(NONE).to_owned()
    };
    let info = &status["nodeInfo"];
    vec![
        name,
        json!(words.join(",")),
        json!(roles),
        old,
        json!(text_or(&info["kubeletVersion"], "")),
        json!(address("InternalIP")),
        json!(address("ExternalIP")),
        json!(text_or(&info["osImage"], UNKNOWN)),
        json!(text_or(&info["kernelVersion"], UNKNOWN)),
        json!(text_or(&info["containerRuntimeVersion"], UNKNOWN)),
    ]
}

fn volume(object: &Value, name: Value, old: Value) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let deleting = !object["metadata"]["deletionTimestamp"].is_null();
    let phase = if deleting { "Terminating".to_owned() } else { text_or(&status["phase"], "") };
    let claim = spec["claimRef"]["name"]
        .as_str()
        .map_or_else(String::new, |claim| format!("{}/{claim}", text_or(&spec["claimRef"]["namespace"], "")));
    vec![
        name,
        json!(text_or(&spec["capacity"]["storage"], "")),
        json!(access_modes(&spec["accessModes"])),
        json!(text_or(&spec["persistentVolumeReclaimPolicy"], "")),
        json!(phase),
        json!(claim),
        json!(text_or(&spec["storageClassName"], "")),
        json!(text_or(&spec["volumeAttributesClassName"], "<unset>")),
        json!(text_or(&status["reason"], "")),
        old,
        json!(text_or(&spec["volumeMode"], "<unset>")),
    ]
}

fn claim(object: &Value, name: Value, old: Value) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let deleting = !object["metadata"]["deletionTimestamp"].is_null();
    let phase = if deleting { "Terminating".to_owned() } else { text_or(&status["phase"], "") };
    let bound = !text_or(&spec["volumeName"], "").is_empty();
    let (capacity, modes) = if bound {
        (text_or(&status["capacity"]["storage"], ""), access_modes(&status["accessModes"]))
    } else {
        (String::new(), String::new())
    };
    vec![
        name,
        json!(phase),
        json!(text_or(&spec["volumeName"], "")),
        json!(capacity),
        json!(modes),
        json!(text_or(&spec["storageClassName"], "")),
        json!(text_or(&spec["volumeAttributesClassName"], "<unset>")),
        old,
        json!(text_or(&spec["volumeMode"], "<unset>")),
    ]
}

fn event(object: &Value, name: Value, now: Timestamp) -> Vec<Value> {
    let either = |a: &str, b: &str| if object[a].is_null() { object[b].clone() } else { object[a].clone() };
    let regarding = either("involvedObject", "regarding");
    let micro = &object["eventTime"];
    let seen = |time: Value| if time.is_null() { age(micro, now) } else { age(&time, now) };
    let first = seen(either("firstTimestamp", "deprecatedFirstTimestamp"));
    let count = either("count", "deprecatedCount").as_i64().unwrap_or(0);
    let series = &object["series"];
    let (last, count) = if series.is_object() {
        (age(&series["lastObservedTime"], now), series["count"].as_i64().unwrap_or(1))
    } else {
        (seen(either("lastTimestamp", "deprecatedLastTimestamp")), if count == 0 { 1 } else { count })
    };
    let source = either("source", "deprecatedSource");
    let reporter = either("reportingComponent", "reportingController");
    let component = text_or(&source["component"], &text_or(&reporter, ""));
    let host = text_or(&source["host"], &text_or(&object["reportingInstance"], ""));
    let source = if host.is_empty() { component } else { format!("{component}, {host}") };
    let kind = text_or(&regarding["kind"], "").to_lowercase();
    let message = text_or(&either("message", "note"), "");
    vec![
        json!(last),
        json!(text_or(&object["type"], "")),
        json!(text_or(&object["reason"], "")),
        json!(format!("{kind}/{}", text_or(&regarding["name"], ""))),
        json!(text_or(&regarding["fieldPath"], "")),
        json!(source),
        json!(message.trim()),
        json!(first),
        json!(count),
        name,
    ]
}
