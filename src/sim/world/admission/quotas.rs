//! Refuses what would exceed a resource quota, in the words of the plugin `ResourceQuota`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::quantity::Quantity;
use crate::sim::api::admission::{Admission, Attempt};
use crate::sim::api::call::Verb;
use crate::sim::api::status::Status;
use crate::sim::world::read::{list, text};
use crate::sim::world::usage::{Amounts, in_scope, usage, used_of};

/// Resource quotas.
#[derive(Clone, Copy, Debug)]
pub struct Quotas;

/// What a pod has to ask for when a quota limits it.
const MUST_ASK: [&str; 6] = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

impl Admission for Quotas {
    fn check(&self, attempt: &Attempt, object: &Value) -> Result<(), Status> {
        if attempt.verb == Verb::Delete || !attempt.subresource.is_empty() || attempt.namespace.is_empty() {
            return Ok(());
        }
        let gvr = &attempt.resource.gvr;
        let grows = ["services", "persistentvolumeclaims"].contains(&gvr.plural.as_str()) && gvr.group.is_empty();
        if attempt.old.is_some() && !grows {
            return Ok(());
        }
        let quotas: Vec<&Value> =
            attempt.store.list("resourcequotas", "", attempt.namespace).map(AsRef::as_ref).collect();
        for quota in quotas.into_iter().filter(|quota| in_scope(quota, &gvr.plural, object)) {
            judge(attempt, quota, object)?;
        }
        Ok(())
    }
}

fn hard_of(quota: &Value) -> Amounts {
    let hard = quota.pointer("/spec/hard").and_then(Value::as_object);
    let amounts = hard.into_iter().flatten();
    amounts.filter_map(|(name, v)| Some((name.clone(), Quantity::parse(v.as_str()?).ok()?))).collect()
}

fn judge(attempt: &Attempt, quota: &Value, object: &Value) -> Result<(), Status> {
    let gvr = &attempt.resource.gvr;
    let hard = hard_of(quota);
    let quota_name = text(quota, "/metadata/name");
    if gvr.plural == "pods" && gvr.group.is_empty() {
        let missing = missing(&hard, object);
        if !missing.is_empty() {
            let why = format!("failed quota: {quota_name}: must specify {}", missing.join("; "));
            return Err(attempt.forbidden(&why));
        }
    }
    let mut asked = usage(&gvr.plural, &gvr.group, object);
    if let Some(old) = attempt.old {
        let before = usage(&gvr.plural, &gvr.group, old);
        asked.retain(|name, amount| before.get(name).is_none_or(|known| *amount > *known));
        if asked.keys().all(|name| !hard.contains_key(name)) {
            return Ok(());
        }
    }
    let used = used_in_store(attempt, quota);
    let mut exceeded: Vec<&String> = Vec::new();
    for (name, amount) in &asked {
        let (Some(most), Some(already)) = (hard.get(name), used.get(name)) else { continue };
        let before = attempt.old.and_then(|old| usage(&gvr.plural, &gvr.group, old).get(name).copied());
        let sum = already.plus(*amount);
        // A change counts by what it adds.
        let most = before.map_or(*most, |before| most.plus(before));
        if sum > most && *amount > Quantity::default() {
            exceeded.push(name);
        }
    }
    if exceeded.is_empty() {
        return Ok(());
    }
    let show = |amounts: &Amounts| {
        let parts = exceeded.iter().map(|name| format!("{name}={}", amounts.get(*name).copied().unwrap_or_default()));
        parts.collect::<Vec<_>>().join(",")
    };
    let why = format!(
        "exceeded quota: {quota_name}, requested: {}, used: {}, limited: {}",
        show(&asked),
        show(&used),
        show(&hard)
    );
    Err(attempt.forbidden(&why))
}

fn used_in_store(attempt: &Attempt, quota: &Value) -> Amounts {
    let mut objects: Vec<(String, String, &Value)> = Vec::new();
    for (resource, known) in attempt.store.everything() {
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        for object in known.values().filter(|o| text(o, "/metadata/namespace") == attempt.namespace) {
            objects.push((plural.to_owned(), group.to_owned(), object.as_ref()));
        }
    }
    used_of(quota, objects.iter().map(|(plural, group, object)| (plural.as_str(), group.as_str(), *object)))
}

/// What containers leave out that the quota limits: `limits.memory for: a,b`.
fn missing(hard: &Amounts, pod: &Value) -> Vec<String> {
    if pod.pointer("/spec/resources").and_then(Value::as_object).is_some_and(|r| !r.is_empty()) {
        return vec![];
    }
    let mut by_resource: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let containers = list(pod, "/spec/containers").iter().chain(list(pod, "/spec/initContainers"));
    for container in containers {
        for name in MUST_ASK.iter().filter(|name| hard.contains_key(**name)) {
            let (group, resource) = match name.split_once('.') {
                Some((group, resource)) => (group, resource),
                None => ("requests", *name),
            };
            let given = container.pointer(&format!("/resources/{group}")).is_some_and(|r| r.get(resource).is_some());
            if !given {
                by_resource.entry(name).or_default().insert(text(container, "/name").to_owned());
            }
        }
    }
    let listed = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(",");
    by_resource.into_iter().map(|(name, containers)| format!("{name} for: {}", listed(containers))).collect()
}
