//! A node: what it can take, what its pods ask for, and whom it turns away.

use std::collections::BTreeMap;

use serde_json::Value;

use super::requests::{Requests, requests_of};

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taint {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) effect: String,
}

/// A node and what its pods ask for.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    pub(crate) taints: Vec<Taint>,
    /// Whether its `Ready` condition is `True`.
    pub ready: bool,
    /// Whether it takes no new pods.
    pub cordoned: bool,
    /// What pods may ask for in all.
    pub allocatable: Requests,
    /// How many pods it may hold.
    pub allocatable_pods: i64,
    /// What the pods bound to it ask for, terminating ones included: the scheduler counts them until they are gone.
    pub requested: Requests,
    /// CPU and memory requested, where a container without a request counts as a small one: the scheduler's measure
    /// when it compares nodes.
    pub(crate) nonzero: (i64, i64),
    /// How many pods are bound to it, terminating ones included, ended ones not.
    pub pods: i64,
    /// The part of `requested` that terminating pods will free.
    pub terminating: Requests,
    /// How many of `pods` are terminating.
    pub terminating_pods: i64,
}

impl Node {
    /// A Node object, without pods.
    pub(crate) fn read(object: &Value) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
        let status = object.get("status");
        let source = status
            .and_then(|s| s.get("allocatable"))
            .filter(|a| a.as_object().is_some_and(|a| !a.is_empty()))
            .or_else(|| status.and_then(|s| s.get("capacity")));
        let mut allocatable = requests_of(source);
        let pods = allocatable.other.remove("pods").unwrap_or_default();
        let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
        let labels: BTreeMap<String, String> =
            labels.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_string()))).collect();
        let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
        let ready = conditions.into_iter().flatten().find(|c| c.get("type").and_then(Value::as_str) == Some("Ready"));
        Self {
            name: text("/metadata/name"),
            labels,
            taints: taints(object),
            ready: ready.and_then(|c| c.get("status")).and_then(Value::as_str) == Some("True"),
            cordoned: object.pointer("/spec/unschedulable").and_then(Value::as_bool).unwrap_or(false),
            allocatable,
            allocatable_pods: pods,
            requested: Requests::default(),
            nonzero: (0, 0),
            pods: 0,
            terminating: Requests::default(),
            terminating_pods: 0,
        }
    }

    /// Allocatable less requested; negative where the node is overbooked.
    pub fn free(&self) -> Requests {
        let mut free = self.allocatable.clone();
        free.subtract(&self.requested);
        free
    }

    /// How many more pods it may hold.
    pub fn free_pods(&self) -> i64 {
        self.allocatable_pods - self.pods
    }

    /// Requested memory in percent of allocatable, rounded half up; 100 for a node without memory.
    pub fn memory_percent(&self) -> i64 {
        percent(self.requested.memory, self.allocatable.memory)
    }

    /// Requested CPU in percent of allocatable, rounded half up.
    pub fn cpu_percent(&self) -> i64 {
        percent(self.requested.cpu_milli, self.allocatable.cpu_milli)
    }

    /// Its taints as `key=value:effect`.
    pub fn taints(&self) -> Vec<String> {
        let one = |t: &Taint| match t.value.as_str() {
            "" => format!("{}:{}", t.key, t.effect),
            value => format!("{}={value}:{}", t.key, t.effect),
        };
        self.taints.iter().map(one).collect()
    }
}

/// `part` in percent of `whole`, rounded half up; 100 when there is no whole.
pub(crate) fn percent(part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 100;
    }
    let doubled = i128::from(part) * 200 / i128::from(whole) + 1;
    i64::try_from(doubled.div_euclid(2)).unwrap_or(i64::MAX)
}

fn taints(object: &Value) -> Vec<Taint> {
    let list = object.pointer("/spec/taints").and_then(Value::as_array);
    let word = |taint: &Value, key: &str| taint.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
    list.into_iter()
        .flatten()
        .map(|taint| Taint { key: word(taint, "key"), value: word(taint, "value"), effect: word(taint, "effect") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn percent_rounds_half_up() {
        assert_eq!([percent(1, 200), percent(1, 201), percent(2, 3), percent(0, 5)], [1, 0, 67, 0]);
    }
}
