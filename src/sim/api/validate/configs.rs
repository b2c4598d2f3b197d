//! Config maps, secrets, endpoints, events, nodes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::path::{Faults, Path, each, text};
use super::{meta, names, resources};

/// A mebibyte: the limit of both config maps and secrets.
const MOST: usize = 1024 * 1024;

/// A config map; `old` on update.
pub(super) fn config_map(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    frozen(new, old, &["data", "binaryData"], faults);
    let mut size = 0;
    for (key, value) in new["data"].as_object().into_iter().flatten() {
        let path = Path::new("data").key(key);
        faults.each(&path, key, names::config_key(key));
        if !new["binaryData"][key].is_null() {
            faults.invalid_text(&path, key, "duplicate of key present in binaryData");
        }
        size += value.as_str().unwrap_or_default().len();
    }
    for (key, value) in new["binaryData"].as_object().into_iter().flatten() {
        faults.each(&Path::new("binaryData").key(key), key, names::config_key(key));
        size += decoded(value).len();
    }
    if size > MOST {
        faults.too_long(&Path::new(""), MOST);
    }
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default()
}

fn frozen(new: &Value, old: Option<&Value>, fields: &[&str], faults: &mut Faults) {
    let Some(old) = old.filter(|old| old["immutable"] == true) else { return };
    if new["immutable"] != true {
        faults.forbidden(&Path::new("immutable"), "field is immutable when `immutable` is set");
    }
    for field in fields {
        if new[field] != old[field] {
            faults.forbidden(&Path::new(field), "field is immutable when `immutable` is set");
        }
    }
}

/// A secret; `old` on update.
pub(super) fn secret(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    if let Some(old) = old {
        faults.immutable(&Path::new("type"), &new["type"], &old["type"]);
    }
    frozen(new, old, &["data"], faults);
    let path = Path::new("data");
    let mut size = 0;
    for (key, value) in new["data"].as_object().into_iter().flatten() {
        faults.each(&path.key(key), key, names::config_key(key));
        size += decoded(value).len();
    }
    if size > MOST {
        faults.too_long(&path, MOST);
    }
    let has = |key: &str| new["data"][key].is_string();
    let mut need = |keys: &[&str]| {
        for key in keys.iter().filter(|key| !has(key)) {
            faults.required(&path.key(key), "");
        }
    };
    match text(new, "type") {
        "kubernetes.io/tls" => need(&["tls.crt", "tls.key"]),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => need(&["username", "password"]),
        "kubernetes.io/ssh-auth" => need(&["ssh-privatekey"]),
        "kubernetes.io/dockerconfigjson" => docker(new, ".dockerconfigjson", faults),
        "kubernetes.io/dockercfg" => docker(new, ".dockercfg", faults),
        "kubernetes.io/service-account-token" => {
            let key = "kubernetes.io/service-account.name";
            if text(&new["metadata"]["annotations"], key).is_empty() {
                faults.required(&Path::new("metadata").child("annotations").key(key), "");
            }
        }
        _ => {}
    }
}

fn docker(secret: &Value, key: &str, faults: &mut Faults) {
    let path = Path::new("data").key(key);
    if !secret["data"][key].is_string() {
        faults.required(&path, "");
        return;
    }
    let bytes = decoded(&secret["data"][key]);
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(Value::Object(_)) => {}
        Ok(_) => faults.invalid_text(
            &path,
            "<secret contents redacted>",
            "json: cannot unmarshal value into Go value of type map[string]interface {}",
        ),
        Err(_) if bytes.is_empty() => {
            faults.invalid_text(&path, "<secret contents redacted>", "unexpected end of JSON input");
        }
        Err(_) => {
            let first = char::from(bytes.iter().copied().find(|b| !b.is_ascii_whitespace()).unwrap_or(b' '));
            let detail = format!("invalid character '{first}' looking for beginning of value");
            faults.invalid_text(&path, "<secret contents redacted>", &detail);
        }
    }
}

const SCOPES: [&str; 7] = [
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
];

/// What a namespace may own.
pub(super) fn quota(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let (spec, path) = (&new["spec"], Path::new("spec"));
    for (name, amount) in spec["hard"].as_object().into_iter().flatten() {
        let at = path.child("hard").key(name);
        faults.each(&at, name, names::qualified(name));
        if !name.contains('/') && !resources::is_standard_anywhere(name) {
            faults.invalid_text(&at, name, "must be a standard resource type or fully qualified");
            faults.invalid_text(&at, name, "must be a standard resource for quota");
        }
        resources::quantity(name, amount, &at, faults);
    }
    let scopes: Vec<&str> = spec["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for scope in &scopes {
        if !SCOPES.contains(scope) {
            faults.invalid(&path.child("scopes"), &spec["scopes"], "unsupported scope");
        }
    }
    for pair in [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] {
        if pair.iter().all(|scope| scopes.contains(scope)) {
            faults.invalid(&path.child("scopes"), &spec["scopes"], "conflicting scopes");
        }
    }
    if let Some(old) = old {
        let sorted = |value: &Value| {
            let mut list: Vec<String> = value.as_array().into_iter().flatten().map(ToString::to_string).collect();
            list.sort();
            list
        };
        if sorted(&spec["scopes"]) != sorted(&old["spec"]["scopes"]) {
            faults.invalid(&path.child("scopes"), &spec["scopes"], "field is immutable");
        }
    }
}

/// Least, most and usual amounts.
pub(super) fn limit_range(new: &Value, faults: &mut Faults) {
    for (limit, path) in each(&new["spec"]["limits"], &Path::new("spec").child("limits")) {
        let ty = text(limit, "type");
        let names = ["min", "max", "default", "defaultRequest", "maxLimitRequestRatio"];
        let mut all: Vec<&String> = Vec::new();
        for field in names {
            for (name, amount) in limit[field].as_object().into_iter().flatten() {
                resources::quantity(name, amount, &path.child(field).key(name), faults);
                if !all.contains(&name) {
                    all.push(name);
                }
            }
        }
        if ty == "Pod" {
            for field in ["default", "defaultRequest"] {
                if limit[field].as_object().is_some_and(|f| !f.is_empty()) {
                    faults.forbidden(&path.child(field), "may not be specified when `type` is 'Pod'");
                }
            }
        }
        if ty == "PersistentVolumeClaim" && limit["min"]["storage"].is_null() && limit["max"]["storage"].is_null() {
            faults.required(
                &path.child("limits"),
                "either minimum or maximum storage value is required, but neither was provided",
            );
        }
        for name in all {
            let more = |a: &str, b: &str| {
                resources::compare(&limit[a][name], &limit[b][name]) == Some(std::cmp::Ordering::Greater)
            };
            let shown = |field: &str| limit[field][name].as_str().unwrap_or_default().to_owned();
            for (low, high, what) in [
                ("min", "max", "min value {a} is greater than max value {b}"),
                ("min", "defaultRequest", "min value {a} is greater than default request value {b}"),
                ("defaultRequest", "max", "default request value {a} is greater than max value {b}"),
                ("defaultRequest", "default", "default request value {a} is greater than default limit value {b}"),
                ("min", "default", "min value {a} is greater than default value {b}"),
                ("default", "max", "default value {a} is greater than max value {b}"),
            ] {
                if more(low, high) {
                    let detail = what.replace("{a}", &shown(low)).replace("{b}", &shown(high));
                    // Which of the two is blamed, and which is shown, has no system.
                    let (blamed, value) = match (low, high) {
                        ("min", "max") => ("min", "min"),
                        ("min", "default") => ("default", "min"),
                        ("default", _) => ("default", "max"),
                        _ => ("defaultRequest", "defaultRequest"),
                    };
                    faults.invalid(&path.child(blamed).key(name), &limit[value][name], &detail);
                }
            }
        }
    }
}

/// Taints of a node.
pub(super) fn node(new: &Value, faults: &mut Faults) {
    let mut seen = Vec::new();
    for (taint, path) in each(&new["spec"]["taints"], &Path::new("metadata").child("taints")) {
        let (key, value, effect) = (text(taint, "key"), text(taint, "value"), text(taint, "effect"));
        faults.each(&path.child("key"), key, names::qualified(key));
        let wrong = names::label_value(value);
        if !wrong.is_empty() {
            faults.invalid_text(&path.child("value"), value, &wrong.join(";"));
        }
        faults.one_of(&path.child("effect"), &taint["effect"], &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
        if seen.contains(&(key, effect)) {
            let shown = json!({"Key": key, "Value": value, "Effect": effect, "TimeAdded": null});
            faults.duplicate_because(&path, &shown, "taints must be unique by key and effect pair");
        }
        seen.push((key, effect));
    }
}

/// A priority class; `old` on update.
pub(super) fn priority_class(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let (name, value) = (text(&new["metadata"], "name"), new["value"].as_i64().unwrap_or_default());
    if name.starts_with("system-") && !["system-node-critical", "system-cluster-critical"].contains(&name) {
        faults.forbidden(&Path::new("metadata").child("name"), "priority class names with 'system-' prefix are reserved for system use only. error: NAME is not a known system priority class".replace("NAME", name).as_str());
    } else if value > 1_000_000_000 && !name.starts_with("system-") {
        faults.forbidden(&Path::new("value"), "maximum allowed value of a user defined priority is 1000000000");
    }
    faults.one_of_if_set(&Path::new("preemptionPolicy"), &new["preemptionPolicy"], &["Never", "PreemptLowerPriority"]);
    if let Some(old) = old {
        if new["value"] != old["value"] {
            faults.forbidden(&Path::new("value"), "may not be changed in an update.");
        }
        faults.immutable(&Path::new("preemptionPolicy"), &new["preemptionPolicy"], &old["preemptionPolicy"]);
    }
}

/// A disruption budget.
pub(super) fn disruption_budget(new: &Value, faults: &mut Faults) {
    let (spec, path) = (&new["spec"], Path::new("spec"));
    if !spec["minAvailable"].is_null() && !spec["maxUnavailable"].is_null() {
        let shown = json!({
            "MinAvailable": spec["minAvailable"], "Selector": spec["selector"], "MaxUnavailable": spec["maxUnavailable"],
            "UnhealthyPodEvictionPolicy": spec["unhealthyPodEvictionPolicy"],
        });
        faults.invalid(&path, &shown, "minAvailable and maxUnavailable cannot be both set");
    }
    for field in ["minAvailable", "maxUnavailable"] {
        if !spec[field].is_null() {
            super::workloads::int_or_percent(&spec[field], &path.child(field), faults);
            super::workloads::at_most_all(&spec[field], &path.child(field), faults);
        }
    }
    meta::selector(&spec["selector"], &path.child("selector"), faults);
    faults.one_of_if_set(
        &path.child("unhealthyPodEvictionPolicy"),
        &spec["unhealthyPodEvictionPolicy"],
        &["AlwaysAllow", "IfHealthyBudget"],
    );
}

/// A lease.
pub(super) fn lease(new: &Value, faults: &mut Faults) {
    let (spec, path) = (&new["spec"], Path::new("spec"));
    if spec["leaseDurationSeconds"].as_i64().is_some_and(|seconds| seconds <= 0) {
        faults.invalid(&path.child("leaseDurationSeconds"), &spec["leaseDurationSeconds"], "must be greater than 0");
    }
    faults.nonnegative(&path.child("leaseTransitions"), &spec["leaseTransitions"]);
}
