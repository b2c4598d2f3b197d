//! A small API server in memory, for the tests of this module: enough of apply, generations, finalizers and statuses.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::server::{Server, Target, kind_name};
use crate::sim::api::{FieldError, FieldErrorKind, Gvr, Status, object};

type Key = (String, String, String);
/// A change: kind, before, after.
pub(super) type Changed = (String, Option<Value>, Option<Value>);

#[derive(Default)]
pub(super) struct FakeServer {
    objects: RefCell<BTreeMap<Key, Value>>,
    applied: RefCell<BTreeMap<(Key, String), Value>>,
    pub(super) changes: RefCell<VecDeque<Changed>>,
    version: RefCell<u64>,
}

const CLUSTER: [&str; 2] = ["Namespace", "ClusterRole.rbac.authorization.k8s.io"];
const SERVED: [&str; 13] = [
    "Namespace",
    "ConfigMap",
    "Secret",
    "Event",
    "ServiceAccount",
    "Service",
    "Deployment",
    "StatefulSet",
    "GitRepository",
    "HelmRepository",
    "HelmChart",
    "HelmRelease",
    "Kustomization",
];

impl FakeServer {
    pub(super) fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        self.objects.borrow().get(&key(kind, namespace, name)).cloned()
    }

    fn store(&self, key: &Key, new: Option<Value>) -> Option<Value> {
        let old = self.objects.borrow().get(key).cloned();
        let new = new.map(|mut value| {
            *self.version.borrow_mut() += 1;
            object::set_meta(&mut value, "resourceVersion", json!(self.version.borrow().to_string()));
            value
        });
        match &new {
            Some(value) => drop(self.objects.borrow_mut().insert(key.clone(), value.clone())),
            None => drop(self.objects.borrow_mut().remove(key)),
        }
        self.changes.borrow_mut().push_back((key.0.clone(), old, new.clone()));
        new
    }

    /// Whatever a write makes of an object: generation, defaults, the end of what is deleted.
    #[allow(clippy::unnecessary_wraps, reason = "what calls it hands on the server's answer")]
    fn commit(&self, key: &Key, mut new: Value, status_only: bool) -> Result<Value, Status> {
        let old = self.objects.borrow().get(key).cloned();
        if let Some(old) = &old {
            if status_only {
                let status = new["status"].clone();
                new = old.clone();
                new["status"] = status;
            } else {
                new["status"] = old["status"].clone();
                let generation = old["metadata"]["generation"].as_i64().unwrap_or(1);
                let bump = i64::from(
                    old["spec"] != new["spec"]
                        || old["metadata"]["deletionTimestamp"] != new["metadata"]["deletionTimestamp"],
                );
                object::set_meta(&mut new, "generation", json!(generation + bump));
            }
            let same = |a: &Value, b: &Value| {
                let strip = |v: &Value| {
                    let mut v = v.clone();
                    object::remove_meta(&mut v, "resourceVersion");
                    v
                };
                strip(a) == strip(b)
            };
            if same(old, &new) {
                return Ok(old.clone());
            }
        } else {
            *self.version.borrow_mut() += 1;
            object::set_meta(&mut new, "uid", json!(format!("uid-{}", self.version.borrow())));
            object::set_meta(&mut new, "generation", json!(1));
            if key.0.contains("fluxcd.io") {
                new["status"] = json!({"observedGeneration": -1});
            }
        }
        play(&mut new);
        if object::is_deleting(&new) && object::finalizers(&new).is_empty() {
            self.store(key, None);
            return Ok(new);
        }
        Ok(self.store(key, Some(new)).unwrap_or_default())
    }
}

/// The state of a Deployment: up at once, unless it asks for a node that isn't there.
fn play(value: &mut Value) {
    if value["kind"] != "Deployment" {
        return;
    }
    let stuck = !value.pointer("/spec/template/spec/nodeSelector").is_none_or(|s| s.is_null() || s == &json!({}));
    let replicas = value["spec"]["replicas"].as_i64().unwrap_or(1);
    let up = if stuck { 0 } else { replicas };
    value["status"] = json!({
        "observedGeneration": value["metadata"]["generation"], "replicas": replicas, "updatedReplicas": replicas,
        "readyReplicas": up, "availableReplicas": up,
        "conditions": [
            {"type": "Available", "status": if stuck { "False" } else { "True" }},
            {"type": "Progressing", "status": "True", "reason": "x"},
        ],
    });
}

fn key(kind: &str, namespace: &str, name: &str) -> Key {
    let namespace = if CLUSTER.contains(&kind) { "" } else { namespace };
    (kind.to_owned(), namespace.to_owned(), name.to_owned())
}

fn key_of(value: &Value) -> Key {
    let text = |field: &str| value[field].as_str().unwrap_or_default();
    key(&kind_name(text("apiVersion"), text("kind")), object::namespace(value), object::name(value))
}

fn absent(kind: &str, name: &str) -> Status {
    let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
    Status::not_found(&Gvr::new(group, "v1", &format!("{}s", kind.to_lowercase())), name)
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                if value.is_null() {
                    into.shift_remove(key);
                } else if value.is_object() {
                    merge(into.entry(key.clone()).or_insert_with(|| json!({})), value);
                } else {
                    into.insert(key.clone(), value.clone());
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// Takes away what was applied before and isn't any more.
fn subtract(from: &mut Value, before: &Value, now: &Value) {
    let (Some(map), Some(before)) = (from.as_object_mut(), before.as_object()) else { return };
    for (key, old) in before {
        match now.get(key) {
            None => drop(map.shift_remove(key)),
            Some(new) => {
                if let Some(inner) = map.get_mut(key) {
                    subtract(inner, old, new);
                }
            }
        }
    }
}

fn validate(new: &Value, old: Option<&Value>) -> Result<(), Status> {
    if new["kind"] != "Deployment" {
        return Ok(());
    }
    let refuse = |field: &str, message: String| {
        let error = FieldError { kind: FieldErrorKind::Invalid, field: field.into(), message };
        Status::invalid("apps", "Deployment", object::name(new), &[error])
    };
    if new["spec"]["replicas"].as_i64().is_some_and(|r| r < 0) {
        return Err(refuse(
            "spec.replicas",
            format!("Invalid value: {}: must be greater than or equal to 0", new["spec"]["replicas"]),
        ));
    }
    if old.is_some_and(|old| old["spec"]["selector"] != new["spec"]["selector"]) {
        return Err(refuse("spec.selector", format!("Invalid value: {}: field is immutable", new["spec"]["selector"])));
    }
    Ok(())
}

impl Server for FakeServer {
    fn get(&self, kind: &str, namespace: &str, name: &str) -> Result<Value, Status> {
        self.find(kind, namespace, name).ok_or_else(|| absent(kind, name))
    }

    fn list(&self, kind: &str) -> Result<Vec<Value>, Status> {
        Ok(self.objects.borrow().iter().filter(|(key, _)| key.0 == kind).map(|(_, value)| value.clone()).collect())
    }

    fn apply(&self, wanted: &Value, manager: &str, dry_run: bool) -> Result<Value, Status> {
        let key = key_of(wanted);
        let old = self.objects.borrow().get(&key).cloned();
        let mut wanted = wanted.clone();
        if let Some(spec) = wanted.pointer_mut("/spec/template/spec").and_then(Value::as_object_mut) {
            spec.shift_remove("nonsense");
        }
        let mut new = old.clone().unwrap_or_else(|| json!({}));
        if let Some(before) = self.applied.borrow().get(&(key.clone(), manager.to_owned())) {
            subtract(&mut new, before, &wanted);
        }
        let selector = wanted.pointer("/spec/selector").cloned();
        merge(&mut new, &wanted);
        if let Some(selector) = selector.filter(|_| wanted["kind"] == "Deployment") {
            new["spec"]["selector"] = selector;
        }
        validate(&new, old.as_ref())?;
        if dry_run {
            return Ok(new);
        }
        self.applied.borrow_mut().insert((key.clone(), manager.to_owned()), wanted);
        self.commit(&key, new, false)
    }

    fn create(&self, value: &Value) -> Result<Value, Status> {
        self.commit(&key_of(value), value.clone(), false)
    }

    fn patch(&self, of: Target<'_>, patch: &Value, _: &str) -> Result<Value, Status> {
        let key = key(of.kind, of.namespace, of.name);
        let mut new = self.get(of.kind, of.namespace, of.name)?;
        merge(&mut new, patch);
        self.commit(&key, new, of.status)
    }

    fn json_patch(&self, of: Target<'_>, _: &Value, _: &str) -> Result<Value, Status> {
        self.get(of.kind, of.namespace, of.name)
    }

    fn delete(&self, kind: &str, namespace: &str, name: &str) -> Result<(), Status> {
        let key = key(kind, namespace, name);
        let mut value = self.get(kind, namespace, name)?;
        self.applied.borrow_mut().retain(|(known, _), _| *known != key);
        if object::is_deleting(&value) {
            return Ok(());
        }
        object::set_meta(&mut value, "deletionTimestamp", json!("2026-11-24T10:00:00Z"));
        self.commit(&key, value, false).map(drop)
    }

    fn is_namespaced(&self, api_version: &str, kind: &str) -> Option<bool> {
        SERVED.contains(&kind).then(|| !CLUSTER.contains(&kind_name(api_version, kind).as_str()))
    }
}
