//! Amounts of resources: names, signs, requests against limits.

use std::cmp::Ordering;

use serde_json::Value;

use super::super::quantity::Amount;
use super::names;
use super::path::{Faults, Path};

/// A quantity; the empty one is zero.
pub(super) fn amount(value: &Value) -> Option<Amount> {
    let text = value.as_str().map(str::to_owned).or_else(|| value.as_f64().map(|n| n.to_string()))?;
    Amount::parse(&text).ok()
}

/// Whether one is more than another.
pub(super) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    Some(amount(a)?.nanos().cmp(&amount(b)?.nanos()))
}

/// Requests and limits of a container, or of a pod as a whole.
pub(super) fn requirements(resources: &Value, path: &Path, pod: bool, faults: &mut Faults) {
    let (limits, requests) = (path.child("limits"), path.child("requests"));
    let (mut huge, mut compute) = (false, false);
    let mut look = |name: &str| {
        huge |= name.starts_with("hugepages-");
        compute |= matches!(name, "cpu" | "memory");
    };
    for (name, value) in resources["limits"].as_object().into_iter().flatten() {
        resource_name(name, &limits.key(name), pod, faults);
        quantity(name, value, &limits.key(name), faults);
        look(name);
    }
    for (name, value) in resources["requests"].as_object().into_iter().flatten() {
        resource_name(name, &requests.key(name), pod, faults);
        quantity(name, value, &requests.key(name), faults);
        look(name);
        let limit = &resources["limits"][name];
        let overcommit = is_native(name) && !name.starts_with("hugepages-");
        if limit.is_null() {
            if !overcommit {
                faults.required(&limits, "Limit must be set for non overcommitable resources");
            }
            continue;
        }
        let shown = limit.as_str().unwrap_or_default();
        match compare(value, limit) {
            Some(Ordering::Equal) | None => {}
            Some(_) if !overcommit => {
                faults.invalid(&requests, value, &format!("must be equal to {name} limit of {shown}"));
            }
            Some(Ordering::Greater) => {
                faults.invalid(&requests, value, &format!("must be less than or equal to {name} limit of {shown}"));
            }
            Some(Ordering::Less) => {}
        }
    }
    if huge && !compute {
        faults.forbidden(path, "HugePages require cpu or memory");
    }
}

fn resource_name(name: &str, path: &Path, pod: bool, faults: &mut Faults) {
    faults.each(path, name, names::qualified(name));
    if pod {
        if !(matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")) {
            faults.unsupported(path, &Value::String(name.into()), &["cpu", "hugepages-", "memory"]);
        }
    } else if !name.contains('/') {
        if !is_standard_anywhere(name) {
            faults.invalid_text(path, name, "must be a standard resource type or fully qualified");
        }
        if !is_standard(name) {
            faults.invalid_text(path, name, "must be a standard resource for containers");
        }
    } else if !is_native(name) && !is_extended(name) {
        faults.invalid_text(path, name, "doesn't follow extended resource name standard");
    }
}

/// What has a name of its own, in containers or in quotas.
pub(super) fn is_standard_anywhere(name: &str) -> bool {
    const NAMES: [&str; 19] = [
        "cpu",
        "memory",
        "ephemeral-storage",
        "storage",
        "requests.cpu",
        "requests.memory",
        "requests.storage",
        "requests.ephemeral-storage",
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "persistentvolumeclaims",
        "configmaps",
        "services.nodeports",
    ];
    let huge = name.starts_with("hugepages-") || name.starts_with("requests.hugepages-");
    NAMES.contains(&name) || name == "services.loadbalancers" || huge
}

fn is_standard(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-")
}

fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.") && names::qualified(&format!("requests.{name}")).is_empty()
}

/// A quantity that is not negative, and whole if the resource is counted.
pub(super) fn quantity(name: &str, value: &Value, path: &Path, faults: &mut Faults) {
    nonnegative(value, path, faults);
    let counted = matches!(
        name,
        "pods"
            | "services"
            | "replicationcontrollers"
            | "resourcequotas"
            | "secrets"
            | "configmaps"
            | "persistentvolumeclaims"
            | "services.nodeports"
            | "services.loadbalancers"
    ) || is_extended(name)
        || name.starts_with("count/");
    if counted && amount(value).is_some_and(|amount| !amount.is_whole()) {
        faults.invalid(path, value, "must be an integer");
    }
}

/// A quantity that is not negative.
pub(super) fn nonnegative(value: &Value, path: &Path, faults: &mut Faults) {
    if amount(value).is_some_and(|amount| amount.nanos() < 0) {
        faults.invalid(path, value, "must be greater than or equal to 0");
    }
}
