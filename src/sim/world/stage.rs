//! A stage for tests of controllers: carries out their plans on a view, as plainly as can be.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::clock::stamp;
use crate::sim::faults::Faults;

use super::id::{Id, kind_name};
use super::look::{Look, Pace};
use super::plan::{Act, Plan, seconds_later};
use super::read::{count, deleting, list, name, text, uid};
use super::reconcile::{Reconcile, Refusal, Seen};
use super::view::View;

pub(crate) struct Stage {
    pub(crate) view: View,
    pub(crate) faults: Faults,
    pub(crate) pace: Pace,
    now: Timestamp,
    names: Cell<u64>,
    events: Vec<String>,
    refused: Option<(String, String)>,
    number: i64,
    before: BTreeMap<Id, String>,
}

impl Stage {
    pub(crate) fn new(objects: impl IntoIterator<Item = Value>) -> Self {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let mut stage = Self {
            view: View::default(),
            faults: Faults::default(),
            pace: Pace::default(),
            now,
            names: Cell::new(0),
            events: vec![],
            refused: None,
            number: 0,
            before: BTreeMap::new(),
        };
        for object in objects {
            stage.put(object);
        }
        stage
    }

    pub(crate) fn put(&mut self, mut object: Value) {
        self.number += 1;
        let metadata = &mut object["metadata"];
        if metadata.get("uid").is_none() {
            metadata["uid"] = json!(format!("uid-{}", self.number));
        }
        if metadata.get("creationTimestamp").is_none() {
            metadata["creationTimestamp"] = json!(stamp(self.now));
        }
        metadata["resourceVersion"] = json!(self.number.to_string());
        self.view.set(Arc::new(object));
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now = seconds_later(self.now, seconds);
    }

    pub(crate) fn get(&self, kind: &str, namespace: &str, name: &str) -> Value {
        self.view.get(kind, namespace, name).unwrap_or_else(|| panic!("no {kind} {namespace}/{name}")).clone()
    }

    pub(crate) fn all(&self, kind: &str) -> Vec<Value> {
        self.view.all(kind).cloned().collect()
    }

    pub(crate) fn names(&self, kind: &str) -> Vec<String> {
        self.view.all(kind).map(|o| name(o).to_owned()).collect()
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.events.clone()
    }

    pub(crate) fn refuse(&mut self, kind: &str, message: &str) {
        self.refused = Some((kind.to_owned(), message.to_owned()));
    }

    pub(crate) fn allow(&mut self) {
        self.refused = None;
    }

    pub(crate) fn edit(&mut self, kind: &str, namespace: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(kind, namespace, name);
        let spec = object.get("spec").cloned();
        change(&mut object);
        self.bump(&mut object, spec.as_ref());
        self.put(object);
    }

    pub(crate) fn make_ready(&mut self, kind: &str) {
        for mut object in self.all(kind) {
            object["status"] = json!({"phase": "Running", "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": stamp(self.now)}]});
            self.put(object);
        }
    }

    /// Runs a controller on a key and carries out its plan; says when it wants to look again.
    pub(crate) fn run(&mut self, controller: &mut dyn Reconcile, key: &str) -> Option<Timestamp> {
        let plan = controller.reconcile(
            &Look { view: &self.view, now: self.now, faults: &self.faults, pace: &self.pace, names: &self.names },
            key,
        );
        let wake = plan.wake;
        let before: BTreeMap<Id, String> =
            self.view.everything().map(|o| (Id::of(o), text(o, "/metadata/resourceVersion").to_owned())).collect();
        self.before = before;
        for act in &plan.acts {
            if let Err(refusal) = self.carry_out(act) {
                let more = controller.refused(
                    &Look {
                        view: &self.view,
                        now: self.now,
                        faults: &self.faults,
                        pace: &self.pace,
                        names: &self.names,
                    },
                    key,
                    act,
                    &refusal,
                );
                self.finish(&more);
                return more.wake.or(wake);
            }
        }
        wake
    }

    fn finish(&mut self, plan: &Plan) {
        for act in &plan.acts {
            assert!(self.carry_out(act).is_ok(), "{act:?}");
        }
    }

    /// What a controller wants looked at when an object is as it is now.
    pub(crate) fn touched(&self, controller: &dyn Reconcile, kind: &str, namespace: &str, name: &str) -> Vec<String> {
        let new = self.view.shared(kind, namespace, name).cloned();
        controller.touched(&Seen { id: Id::new(kind, namespace, name), old: None, new }, &self.view)
    }

    fn carry_out(&mut self, act: &Act) -> Result<(), Refusal> {
        match act {
            Act::Create(object) => {
                let kind = kind_name(text(object, "/apiVersion"), text(object, "/kind"));
                if let Some((refused, message)) = &self.refused
                    && *refused == kind
                {
                    return Err(Refusal {
                        code: 403,
                        reason: "Forbidden".into(),
                        message: message.clone(),
                        terminating: false,
                    });
                }
                assert!(self.view.find(&Id::of(object)).is_none(), "{} is there", Id::of(object));
                let mut object = object.clone();
                object["metadata"]["generation"] = json!(1);
                self.put(object);
            }
            Act::Update(object) | Act::Status(object) | Act::Finalize(object) => {
                let old = self.view.find(&Id::of(object)).cloned();
                let old = old.unwrap_or_else(|| panic!("{} is gone", Id::of(object)));
                // Later writes of one plan go on from its earlier ones, as in the driver.
                let known = self.before.get(&Id::of(object)).map(String::as_str);
                assert_eq!(known, Some(text(object, "/metadata/resourceVersion")), "conflict on {}", Id::of(object));
                let mut object = object.clone();
                if matches!(act, Act::Update(_)) {
                    self.bump(&mut object, old.get("spec"));
                }
                let status = matches!(act, Act::Status(_));
                if !status && deleting(&object) && list(&object, "/metadata/finalizers").is_empty() {
                    self.view.remove(&Id::of(&object));
                } else {
                    self.put(object);
                }
            }
            Act::Merge { id, patch } => {
                let mut object = self.view.find(id).cloned().unwrap_or_else(|| panic!("{id} is gone"));
                json_patch::merge(&mut object, patch);
                if deleting(&object) && list(&object, "/metadata/finalizers").is_empty() {
                    self.view.remove(id);
                } else {
                    self.put(object);
                }
            }
            Act::Bind { id, node, .. } => {
                let mut pod = self.view.find(id).cloned().unwrap_or_else(|| panic!("{id} is gone"));
                pod["spec"]["nodeName"] = json!(node);
                self.put(pod);
            }
            Act::Delete { id, uid: wanted, .. } => {
                let Some(object) = self.view.find(id).cloned() else { return Ok(()) };
                assert_eq!(uid(&object), wanted);
                if list(&object, "/metadata/finalizers").is_empty() {
                    self.view.remove(id);
                } else {
                    let mut object = object;
                    object["metadata"]["deletionTimestamp"] = json!(stamp(self.now));
                    self.put(object);
                }
            }
            Act::Event(note) => {
                let kind = if note.warning { "Warning" } else { "Normal" };
                self.events.push(format!("{kind} {} {}", note.reason, note.message));
            }
        }
        Ok(())
    }

    #[allow(clippy::unused_self, reason = "one of the stage's steps")]
    fn bump(&self, object: &mut Value, spec: Option<&Value>) {
        if object.get("spec") != spec {
            let generation = count(object, "/metadata/generation").max(1) + 1;
            object["metadata"]["generation"] = json!(generation);
        }
    }
}
