//! One object in several versions: which are kept together, and how they are turned into each other.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::decode_custom;
use super::gvr::Gvr;
use super::resource::Resource;
use super::status::Status;

/// Fields of an event that are named otherwise in `events.k8s.io/v1`.
const EVENT_FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

impl Resource {
    /// Turns an object of another version of this CRD into one of this version: conversion `None` changes `apiVersion`
    /// alone, and what this version's schema lacks is pruned.
    pub fn convert(&self, object: &mut Value) {
        object["apiVersion"] = Value::String(self.api_version());
        let pruned = decode_custom::read(self, object);
        debug_assert!(pruned.is_ok(), "a stored object has well-formed metadata");
        self.default(object);
    }
}

/// The resource in the version that its objects are kept in. Events of both groups are kept as core ones.
pub(super) fn kept(resource: &Resource) -> Gvr {
    let gvr = &resource.gvr;
    if gvr.group == "events.k8s.io" && gvr.plural == "events" {
        return Gvr::new("", "v1", "events");
    }
    Gvr::new(&gvr.group, &resource.storage_version, &gvr.plural)
}

/// A kept object in the version of `resource`.
pub(super) fn to_served(value: &Arc<Value>, resource: &Resource) -> Result<Arc<Value>, Status> {
    let wanted = resource.gvr.api_version();
    if value["apiVersion"] == wanted.as_str() {
        return Ok(value.clone());
    }
    if resource.is_custom() {
        let mut object = Value::clone(value);
        resource.convert(&mut object);
        return Ok(Arc::new(object));
    }
    convert(value, &wanted, resource).map(Arc::new)
}

/// A written object in the version that is kept.
pub(super) fn to_kept(value: Value, resource: &Resource) -> Result<Value, Status> {
    let wanted = kept(resource).api_version();
    if value["apiVersion"] == wanted.as_str() { Ok(value) } else { convert(&value, &wanted, resource) }
}

fn convert(value: &Value, wanted: &str, resource: &Resource) -> Result<Value, Status> {
    if resource.gvr.plural == "events" && !resource.is_custom() {
        return Ok(event(value, wanted));
    }
    if !resource.is_custom() {
        let has = value["apiVersion"].as_str().unwrap_or_default();
        let (kind, name) = (&resource.kind, super::object::name(value));
        return Err(Status::not_simulated(format!("the conversion of {kind} {name} from {has} to {wanted}")));
    }
    let mut value = value.clone();
    value["apiVersion"] = json!(wanted);
    Ok(value)
}

fn event(value: &Value, wanted: &str) -> Value {
    let newer = wanted.starts_with("events.k8s.io");
    let mut out = Map::new();
    for (field, value) in value.as_object().into_iter().flatten() {
        let renamed = EVENT_FIELDS
            .iter()
            .find_map(|(old, new)| if newer { (old == field).then_some(*new) } else { (new == field).then_some(*old) });
        out.insert(renamed.unwrap_or(field).to_owned(), value.clone());
    }
    out.insert("apiVersion".to_owned(), json!(wanted));
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_the_same_after_there_and_back() {
        let core = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "x"}, "involvedObject": {"name": "a"},
            "message": "m", "source": {"component": "c"}, "count": 2, "reason": "r"});
        let newer = event(&core, "events.k8s.io/v1");
        assert_eq!(
            (&newer["regarding"]["name"], &newer["note"], &newer["deprecatedCount"]),
            (&json!("a"), &json!("m"), &json!(2))
        );
        assert_eq!(event(&newer, "v1"), core);
    }
}
