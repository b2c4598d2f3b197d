//! An object under reconciliation: its conditions and status as they become, written as Flux's patcher writes them.

use serde_json::{Map, Value, json};

use super::condition::{self, Condition};
use super::server::{Server, Target, is_absent};
use crate::sim::api::{Status, object};

/// An object as it was read, and as it shall be.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// As it shall be.
    pub(super) value: Value,
    before: Value,
    kind: &'static str,
}

impl Object {
    /// As it was read.
    pub(super) fn new(kind: &'static str, value: Value) -> Self {
        Self { before: value.clone(), value, kind }
    }

    pub(super) fn name(&self) -> &str {
        object::name(&self.value)
    }

    pub(super) fn namespace(&self) -> &str {
        object::namespace(&self.value)
    }

    /// `namespace/name`.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.namespace(), self.name())
    }

    pub(super) fn generation(&self) -> i64 {
        self.value["metadata"]["generation"].as_i64().unwrap_or_default()
    }

    /// A field of the spec as text; empty when it is absent.
    pub(super) fn spec(&self, pointer: &str) -> &str {
        self.value["spec"].pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a field of the spec is `true`.
    pub(super) fn is(&self, pointer: &str) -> bool {
        self.value["spec"].pointer(pointer) == Some(&Value::Bool(true))
    }

    /// A field of the spec that holds a duration.
    pub(super) fn duration(&self, pointer: &str) -> Option<std::time::Duration> {
        super::duration::parse(self.spec(pointer))
    }

    /// A list of the spec; empty when it is absent.
    pub(super) fn list(&self, pointer: &str) -> &[Value] {
        self.value["spec"].pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// A field of the status as text; empty when it is absent.
    pub(super) fn status(&self, pointer: &str) -> &str {
        self.value["status"].pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn observed(&self) -> i64 {
        self.value["status"]["observedGeneration"].as_i64().unwrap_or_default()
    }

    /// Sets a field of the status; an empty text, `null` or an empty list takes it away.
    pub(super) fn set_status(&mut self, field: &str, value: Value) {
        let empty = value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty);
        let status = self.status_mut();
        if empty {
            status.shift_remove(field);
        } else {
            status.insert(field.to_owned(), value);
        }
    }

    fn status_mut(&mut self) -> &mut Map<String, Value> {
        if !self.value["status"].is_object() {
            self.value["status"] = json!({});
        }
        match &mut self.value["status"] {
            Value::Object(map) => map,
            _ => unreachable!("it was made an object"),
        }
    }

    pub(super) fn conditions(&self) -> Vec<Condition> {
        condition::read(&self.value)
    }

    pub(super) fn condition(&self, kind: &str) -> Option<Condition> {
        self.conditions().into_iter().find(|c| c.kind == kind)
    }

    /// The status of a condition, empty while it is absent.
    pub(super) fn state(&self, kind: &str) -> String {
        self.condition(kind).map(|c| c.status).unwrap_or_default()
    }

    pub(super) fn is_true(&self, kind: &str) -> bool {
        self.state(kind) == "True"
    }

    /// Replaces all conditions.
    pub(super) fn set_conditions(&mut self, all: &[Condition]) {
        let list: Vec<Value> = all.iter().map(Condition::to_value).collect();
        self.status_mut().insert("conditions".into(), Value::Array(list));
    }

    /// Sets a condition.
    pub(super) fn mark(&mut self, kind: &str, status: &str, reason: &str, message: &str, now: &str) {
        let mut all = self.conditions();
        condition::set(&mut all, Condition::new(kind, status, reason, message), self.generation(), now);
        self.set_conditions(&all);
    }

    /// Removes a condition.
    pub(super) fn unmark(&mut self, kind: &str) {
        let mut all = self.conditions();
        let before = all.len();
        all.retain(|c| c.kind != kind);
        if all.len() != before {
            self.set_conditions(&all);
        }
    }

    /// `Reconciling`, and no more `Stalled`.
    pub(super) fn mark_reconciling(&mut self, reason: &str, message: &str, now: &str) {
        self.unmark("Stalled");
        self.mark("Reconciling", "True", reason, message, now);
    }

    /// `Stalled`, and no more `Reconciling`.
    pub(super) fn mark_stalled(&mut self, reason: &str, message: &str, now: &str) {
        self.unmark("Reconciling");
        self.mark("Stalled", "True", reason, message, now);
    }

    /// `Reconciling`, and `Ready=Unknown` while nothing else is known or what was known is outdated.
    pub(super) fn progress(&mut self, drift: bool, message: &str, now: &str) {
        self.mark_reconciling("Progressing", message, now);
        if drift || matches!(self.state("Ready").as_str(), "" | "Unknown") {
            self.mark("Ready", "Unknown", "Progressing", message, now);
        }
    }

    /// The token of the annotation by which somebody asks for a reconciliation.
    pub(super) fn token(&self) -> Option<String> {
        object::annotation(&self.value, "reconcile.fluxcd.io/requestedAt").map(str::to_owned)
    }

    /// Adds a finalizer; whether it was not there.
    pub(super) fn add_finalizer(&mut self, finalizer: &str) -> bool {
        let mut list: Vec<String> = object::finalizers(&self.value).into_iter().map(str::to_owned).collect();
        if list.iter().any(|f| f == finalizer) {
            return false;
        }
        list.push(finalizer.to_owned());
        object::set_meta(&mut self.value, "finalizers", json!(list));
        true
    }

    /// Removes a finalizer.
    pub(super) fn remove_finalizer(&mut self, finalizer: &str) {
        let list: Vec<String> =
            object::finalizers(&self.value).into_iter().filter(|f| *f != finalizer).map(str::to_owned).collect();
        object::set_meta(&mut self.value, "finalizers", json!(list));
    }

    /// Writes what has changed: the conditions first, then finalizers, then the rest of the status. Whoever looks between two
    /// of these writes sees half of the truth, as with Flux.
    pub(super) fn write(&mut self, server: &dyn Server, manager: &str) -> Result<(), Status> {
        let result = self.write_all(server, manager);
        self.before = self.value.clone();
        match result {
            Err(status) if is_absent(&status) => Ok(()),
            other => other,
        }
    }

    fn write_all(&mut self, server: &dyn Server, manager: &str) -> Result<(), Status> {
        let (namespace, name) = (self.namespace().to_owned(), self.name().to_owned());
        let target = |status| Target { kind: self.kind, namespace: &namespace, name: &name, status };
        let (old, new) = (condition::read(&self.before), condition::read(&self.value));
        if old != new {
            let latest = server.get(self.kind, &namespace, &name)?;
            let mut all = condition::read(&latest);
            all.retain(|c| new.iter().any(|n| n.kind == c.kind) || old.iter().all(|o| o.kind != c.kind));
            let generation = latest["metadata"]["generation"].as_i64().unwrap_or_default();
            for changed in new.iter().filter(|c| !old.contains(c)) {
                let stamp = changed.since.clone();
                condition::set(&mut all, changed.clone(), generation, &stamp);
            }
            let list: Vec<Value> = all.iter().map(Condition::to_value).collect();
            server.patch(target(true), &json!({"status": {"conditions": list}}), manager)?;
        }
        if object::finalizers(&self.before) != object::finalizers(&self.value) {
            let list = json!(object::finalizers(&self.value));
            server.patch(target(false), &json!({"metadata": {"finalizers": list}}), manager)?;
            if object::is_deleting(&self.value) && object::finalizers(&self.value).is_empty() {
                return Ok(());
            }
        }
        let rest = |value: &Value| {
            let mut status = value["status"].as_object().cloned().unwrap_or_default();
            status.shift_remove("conditions");
            status
        };
        let patch = difference(&rest(&self.before), &rest(&self.value));
        if !patch.is_empty() {
            server.patch(target(true), &json!({"status": patch}), manager)?;
        }
        Ok(())
    }
}

/// The merge patch from one object to another.
fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in after {
        match (before.get(key), value) {
            (Some(old), new) if old == new => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                patch.insert(key.clone(), Value::Object(difference(old, new)));
            }
            _ => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    patch
}
