//! Every object of the cluster before and after, compared one by one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::person::Person;

/// Kinds that change by themselves, or that belong to the rig: the beat of nodes and leaders, addresses of what comes and
/// goes, faults and the logs of their pods.
const OTHERS: [&str; 8] =
    ["events", "leases", "endpoints", "endpointslices", "ipaddresses", "nodes", "stages", "clusterlogs"];

/// Fields that count or date what happened, rather than say what is.
const PASSING: [&str; 10] = [
    "lastTransitionTime",
    "lastUpdateTime",
    "lastProbeTime",
    "observedGeneration",
    "lastHandledReconcileAt",
    "resourceVersion",
    "generation",
    "managedFields",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
];

/// Owners may delete what they own a little after they went themselves.
const SETTLING: Duration = Duration::from_secs(20);

/// Every object, by kind, namespace and name.
pub(crate) struct Objects(BTreeMap<String, Value>);

impl Objects {
    pub(crate) fn of(person: &Person) -> Self {
        let kinds = person.kubectl(&["api-resources", "--verbs=list,delete", "-o", "name"]);
        let ours = |kind: &&str| !OTHERS.contains(&kind.split('.').next().unwrap());
        let kinds: Vec<&str> = kinds.lines().filter(ours).collect();
        let list: Value =
            serde_json::from_str(&person.kubectl(&["get", &kinds.join(","), "-A", "-o", "json"])).unwrap();
        Self(list["items"].as_array().unwrap().iter().filter(|o| !is_history(o)).map(|o| (key(o), o.clone())).collect())
    }

    /// What an object's `metadata.uid` is.
    #[track_caller]
    pub(crate) fn uid(&self, key: &str) -> &Value {
        &self.0.get(key).unwrap_or_else(|| panic!("no {key} among {:#?}", self.0.keys()))["metadata"]["uid"]
    }

    /// Objects of a namespace whose key holds this text.
    pub(crate) fn named(&self, part: &str) -> Vec<&str> {
        self.0.keys().filter(|k| k.contains(part)).map(String::as_str).collect()
    }

    /// How these differ from what was before: one line a difference.
    fn differences(&self, before: &Self, may_stay: &[String]) -> Vec<String> {
        let mut found = Vec::new();
        for (key, object) in &before.0 {
            match self.0.get(key) {
                None => found.push(format!("{key} is gone")),
                Some(now) => compare(key, &essence(object), &essence(now), &mut found),
            }
        }
        for key in self.0.keys().filter(|key| !before.0.contains_key(*key)) {
            if !self.stays(key, may_stay) {
                found.push(format!("{key} is new"));
            }
        }
        found
    }

    /// Whether an object is one of those that may stay, is owned by one, is its volume, or what the API server puts into every
    /// namespace.
    fn stays(&self, key: &str, may_stay: &[String]) -> bool {
        let object = &self.0[key];
        let name = object["metadata"]["name"].as_str().unwrap();
        if may_stay.iter().any(|k| k == key) || (object["kind"] == "ConfigMap" && name == "kube-root-ca.crt") {
            return true;
        }
        if object["kind"] == "ServiceAccount" && name == "default" {
            return true;
        }
        let claim = &object["spec"]["claimRef"]["uid"];
        let owners = object["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
        let above = owners.iter().map(|o| &o["uid"]).chain([claim]).filter(|uid| !uid.is_null());
        let mut above = above.flat_map(|uid| self.0.iter().filter(move |(_, o)| &o["metadata"]["uid"] == uid));
        above.any(|(owner, _)| owner != key && self.stays(owner, may_stay))
    }
}

/// Fails the test unless every object is as before, save those that may stay and what they own.
#[track_caller]
pub(crate) fn assert_as_before(person: &Person, before: &Objects, may_stay: &[String]) -> Objects {
    let end = Instant::now() + SETTLING;
    loop {
        let now = Objects::of(person);
        let found = now.differences(before, may_stay);
        if found.is_empty() {
            eprintln!("  {} objects are as before", before.0.len());
            return now;
        }
        assert!(Instant::now() < end, "objects differ from before:\n  {}", found.join("\n  "));
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// `Kind namespace/name`, as reports name it. Pods of a Deployment or Job go by their owner: their names are random.
fn key(object: &Value) -> String {
    let metadata = &object["metadata"];
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let kind = text(&object["kind"]);
    let owner = &metadata["ownerReferences"][0];
    let name = match owner["kind"].as_str() {
        Some("ReplicaSet" | "Job") if kind == "Pod" => format!("of {}", text(&owner["name"])),
        _ => text(&metadata["name"]),
    };
    match metadata["namespace"].as_str() {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

/// A `ReplicaSet` without pods is a Deployment's memory of an earlier template, which Kubernetes keeps.
fn is_history(object: &Value) -> bool {
    object["kind"] == "ReplicaSet" && object["spec"]["replicas"] == 0
}

/// What an object is, without what only dates or counts.
fn essence(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| key != "reconcile.fluxcd.io/requestedAt");
        if annotations.is_empty() {
            object["metadata"].as_object_mut().unwrap().remove("annotations");
        }
    }
    if object["apiVersion"].as_str().is_some_and(|v| v.contains("toolkit.fluxcd.io")) {
        // Which commit it is at, and its history, move on with every commit; what it owns and whether it is ready don't.
        let status = &object["status"];
        let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
        let ready: Map<String, Value> = conditions
            .iter()
            .map(|c| (c["type"].as_str().unwrap_or_default().to_owned(), c["status"].clone()))
            .collect();
        object["status"] = serde_json::json!({ "ready": ready, "inventory": status["inventory"] });
    }
    if object["kind"] == "Pod" {
        // The name of a pod that was made anew is another; its spec has to be the same.
        for field in ["name", "uid", "creationTimestamp"] {
            object["metadata"].as_object_mut().unwrap().remove(field);
        }
        object["status"] = object["status"]["phase"].clone();
        object["spec"].as_object_mut().unwrap().remove("nodeName");
        // Named after the pod.
        object["spec"].as_object_mut().unwrap().remove("volumes");
        for list in ["containers", "initContainers"] {
            for container in object["spec"][list].as_array_mut().into_iter().flatten() {
                container.as_object_mut().unwrap().remove("volumeMounts");
            }
        }
    }
    strip(&mut object);
    object
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !PASSING.contains(&key.as_str()));
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Notes every leaf in which two values differ.
fn compare(place: &str, before: &Value, now: &Value, found: &mut Vec<String>) {
    match (before, now) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))).collect();
            keys.sort();
            for key in keys {
                let of = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                compare(&format!("{place} .{key}"), &of(a), &of(b), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{place}[{n}]"), a, b, found);
            }
        }
        (a, b) if a != b => found.push(format!("{place}: {b} in place of {a}")),
        _ => {}
    }
}
