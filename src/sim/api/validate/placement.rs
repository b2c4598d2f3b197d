//! Where a pod may run: selectors, affinity, tolerations, spread.

use serde_json::Value;

use super::path::{Faults, Path, each, text};
use super::{meta, names};

/// Affinity of all kinds.
pub(super) fn affinity(affinity: &Value, path: &Path, faults: &mut Faults) {
    let (node, own) = (&affinity["nodeAffinity"], path.child("nodeAffinity"));
    let required = &node["requiredDuringSchedulingIgnoredDuringExecution"];
    if !required.is_null() {
        node_selector(required, &own.child("requiredDuringSchedulingIgnoredDuringExecution"), faults);
    }
    let list = "preferredDuringSchedulingIgnoredDuringExecution";
    for (term, path) in each(&node[list], &own.child(list)) {
        weight(term, &path, faults);
        node_term(&term["preference"], &path.child("preference"), faults);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (pods, path) = (&affinity[kind], path.child(kind));
        let required = "requiredDuringSchedulingIgnoredDuringExecution";
        for (term, path) in each(&pods[required], &path.child(required)) {
            pod_term(term, &path, faults);
        }
        for (term, path) in each(&pods[list], &path.child(list)) {
            weight(term, &path, faults);
            pod_term(&term["podAffinityTerm"], &path.child("podAffinityTerm"), faults);
        }
    }
}

fn weight(term: &Value, path: &Path, faults: &mut Faults) {
    if !term["weight"].as_i64().is_some_and(|w| (1..=100).contains(&w)) {
        faults.invalid(&path.child("weight"), &term["weight"], "must be in the range 1-100");
    }
}

fn pod_term(term: &Value, path: &Path, faults: &mut Faults) {
    meta::selector(&term["labelSelector"], &path.child("labelSelector"), faults);
    meta::selector(&term["namespaceSelector"], &path.child("namespaceSelector"), faults);
    for name in term["namespaces"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        faults.each(&path.child("namespace"), name, names::dns_label(name));
    }
    let key = text(term, "topologyKey");
    if key.is_empty() {
        faults.required(&path.child("topologyKey"), "can not be empty");
    }
    faults.each(&path.child("topologyKey"), key, names::qualified(key));
}

/// A node selector: at least one term.
pub(super) fn node_selector(selector: &Value, path: &Path, faults: &mut Faults) {
    let path = path.child("nodeSelectorTerms");
    if selector["nodeSelectorTerms"].as_array().is_none_or(Vec::is_empty) {
        faults.required(&path, "must have at least one node selector term");
    }
    for (term, path) in each(&selector["nodeSelectorTerms"], &path) {
        node_term(term, &path, faults);
    }
}

fn node_term(term: &Value, path: &Path, faults: &mut Faults) {
    meta::expressions(&term["matchExpressions"], &path.child("matchExpressions"), true, faults);
    for (requirement, path) in each(&term["matchFields"], &path.child("matchFields")) {
        if !matches!(text(requirement, "operator"), "In" | "NotIn") {
            faults.invalid_text(
                &path.child("operator"),
                text(requirement, "operator"),
                "not a valid selector operator",
            );
        }
        if text(requirement, "key") != "metadata.name" {
            faults.invalid_text(&path.child("key"), text(requirement, "key"), "not a valid field selector key");
        }
    }
}

/// Tolerations of taints.
pub(super) fn tolerations(list: &Value, path: &Path, faults: &mut Faults) {
    for (toleration, path) in each(list, path) {
        let (key, operator, value) = (text(toleration, "key"), text(toleration, "operator"), text(toleration, "value"));
        if key.is_empty() {
            if operator != "Exists" {
                let detail =
                    "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
                faults.invalid_text(&path.child("operator"), operator, detail);
            }
        } else {
            faults.each(&path.child("key"), key, names::qualified(key));
        }
        let effect = text(toleration, "effect");
        if !toleration["tolerationSeconds"].is_null() && effect != "NoExecute" {
            faults.invalid_text(
                &path.child("effect"),
                effect,
                "effect must be 'NoExecute' when `tolerationSeconds` is set",
            );
        }
        match operator {
            "" | "Equal" => {
                let wrong = names::label_value(value);
                if !wrong.is_empty() {
                    faults.invalid_text(&path.child("operator"), value, &wrong.join(";"));
                }
            }
            "Exists" if !value.is_empty() => {
                faults.invalid_text(&path.child("operator"), value, "value must be empty when `operator` is 'Exists'");
            }
            "Exists" => {}
            "Gt" | "Lt" => {
                faults.unsupported(&path.child("operator"), &toleration["operator"], &["Equal", "Exists", "Lt", "Gt"]);
            }
            _ => faults.unsupported(&path.child("operator"), &toleration["operator"], &["Equal", "Exists"]),
        }
        if !effect.is_empty() && !["NoExecute", "NoSchedule", "PreferNoSchedule"].contains(&effect) {
            faults.unsupported(
                &path.child("effect"),
                &toleration["effect"],
                &["NoSchedule", "PreferNoSchedule", "NoExecute"],
            );
        }
    }
}

/// How pods spread.
pub(super) fn spread(list: &Value, path: &Path, faults: &mut Faults) {
    let all = list.as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, (constraint, path)) in each(list, path).enumerate() {
        if constraint["maxSkew"].as_i64().unwrap_or_default() <= 0 {
            faults.invalid(&path.child("maxSkew"), &constraint["maxSkew"], "must be greater than zero");
        }
        if text(constraint, "topologyKey").is_empty() {
            faults.required(&path.child("topologyKey"), "can not be empty");
        }
        let action = text(constraint, "whenUnsatisfiable");
        if !matches!(action, "DoNotSchedule" | "ScheduleAnyway") {
            faults.unsupported(
                &path.child("whenUnsatisfiable"),
                &Value::String(action.into()),
                &["DoNotSchedule", "ScheduleAnyway"],
            );
        }
        let same = |other: &&Value| {
            other["topologyKey"] == constraint["topologyKey"]
                && other["whenUnsatisfiable"] == constraint["whenUnsatisfiable"]
        };
        if all[index + 1..].iter().any(|other| same(&other)) {
            let pair = format!("{{{}, {action}}}", text(constraint, "topologyKey"));
            faults.duplicate(&path.child("{topologyKey, whenUnsatisfiable}"), &Value::String(pair));
        }
        let least = &constraint["minDomains"];
        if least.as_i64().is_some_and(|n| n <= 0) {
            faults.invalid(&path.child("minDomains"), least, "must be greater than zero");
        }
        if !least.is_null() && action != "DoNotSchedule" {
            faults.invalid(
                &path.child("minDomains"),
                least,
                "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
            );
        }
        meta::selector(&constraint["labelSelector"], &path.child("labelSelector"), faults);
    }
}
