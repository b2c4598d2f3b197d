//! `LimitRange` defaults, and what limits add up to.

use serde_json::{Value, json};

use super::requests::{Requests, effective};

/// A pod spec with the defaults of its namespace's `LimitRange`s: a container without a limit gets `default`, one
/// without a request gets `defaultRequest`, unless it names its own limit, which then is its request.
pub(crate) fn with_defaults(spec: &Value, ranges: &[&Value]) -> Value {
    let mut spec = spec.clone();
    let rules: Vec<&Value> = ranges
        .iter()
        .filter_map(|range| range.pointer("/spec/limits")?.as_array())
        .flatten()
        .filter(|rule| rule.get("type").and_then(Value::as_str) == Some("Container"))
        .collect();
    if rules.is_empty() {
        return spec;
    }
    for list in ["containers", "initContainers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let own_limits = container.pointer("/resources/limits").cloned().unwrap_or(Value::Null);
            for rule in &rules {
                fill(container, "requests", rule.get("defaultRequest"), Some(&own_limits));
                fill(container, "limits", rule.get("default"), None);
            }
        }
    }
    spec
}

fn fill(container: &mut Value, what: &str, defaults: Option<&Value>, unless: Option<&Value>) {
    let Some(defaults) = defaults.and_then(Value::as_object) else { return };
    let Some(container) = container.as_object_mut() else { return };
    let resources = container.entry("resources").or_insert_with(|| json!({}));
    let Some(resources) = resources.as_object_mut() else { return };
    let Some(amounts) = resources.entry(what).or_insert_with(|| json!({})).as_object_mut() else { return };
    for (name, amount) in defaults {
        if unless.and_then(|u| u.get(name)).is_none() {
            amounts.entry(name).or_insert_with(|| amount.clone());
        }
    }
}

/// What a pod may use at most: its limits, added up as requests are. A container without a limit adds nothing.
pub(crate) fn effective_limits(spec: &Value) -> Requests {
    let mut spec = spec.clone();
    let strip = |part: &mut Value| {
        if let Some(resources) = part.get_mut("resources").and_then(Value::as_object_mut) {
            resources.remove("requests");
        }
    };
    for list in ["containers", "initContainers"] {
        spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().for_each(strip);
    }
    if let Some(limits) = spec.pointer("/resources/limits").cloned() {
        spec["resources"] = json!({"requests": limits});
    }
    effective(&spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_range_fills_what_is_left_out() {
        let range = json!({"spec": {"limits": [{"type": "Container",
            "defaultRequest": {"cpu": "100m", "memory": "128Mi"}, "default": {"memory": "256Mi"}}]}});
        let spec = json!({"containers": [
            {"name": "a"},
            {"name": "b", "resources": {"limits": {"memory": "64Mi"}}},
            {"name": "c", "resources": {"requests": {"cpu": "1"}}},
        ]});
        let filled = with_defaults(&spec, &[&range]);
        let requests = effective(&filled);
        assert_eq!(requests.cpu_milli, 100 + 100 + 1000);
        assert_eq!(requests.memory >> 20, 128 + 64 + 128);
        assert_eq!(effective_limits(&filled).memory >> 20, 256 + 64 + 256);
    }
}
