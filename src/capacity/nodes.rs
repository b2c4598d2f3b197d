//! Reading Node objects: what they can take, and whom they turn away.

use std::collections::BTreeMap;

use serde_json::Value;

use super::requests::{Requests, requests_of};
use super::room::Node;

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taint {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) effect: String,
}

/// A Node object without pods.
pub(crate) fn node(object: &Value) -> Node {
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
    Node {
        name: text("/metadata/name"),
        labels,
        taints: taints(object),
        ready: ready.and_then(|c| c.get("status")).and_then(Value::as_str) == Some("True"),
        cordoned: object.pointer("/spec/unschedulable").and_then(Value::as_bool).unwrap_or(false),
        allocatable,
        allocatable_pods: pods,
        requested: Requests::default(),
        pods: 0,
        terminating: Requests::default(),
        terminating_pods: 0,
    }
}

fn taints(object: &Value) -> Vec<Taint> {
    let list = object.pointer("/spec/taints").and_then(Value::as_array);
    let word = |taint: &Value, key: &str| taint.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
    list.into_iter()
        .flatten()
        .map(|taint| Taint { key: word(taint, "key"), value: word(taint, "value"), effect: word(taint, "effect") })
        .collect()
}
