//! Events as a controller's recorder writes them: repeated ones are counted.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::server::{Server, Target};
use crate::sim::api::object;

/// A controller's recorder.
#[derive(Debug)]
pub(super) struct Events {
    controller: &'static str,
    told: RefCell<BTreeMap<String, (String, i64)>>,
    count: RefCell<u64>,
}

impl Events {
    pub(super) fn new(controller: &'static str) -> Self {
        Self { controller, told: RefCell::default(), count: RefCell::default() }
    }

    /// Records an event about an object; `notes` become its annotations. An event that can't be written is nobody's trouble.
    pub(super) fn record(&self, server: &dyn Server, about: &Value, event: &Event<'_>, now: &str) {
        let (namespace, name) = (object::namespace(about), object::name(about));
        let key = format!("{namespace}/{name}/{}/{}/{}", event.warning, event.reason, event.message);
        if let Some((known, count)) = self.told.borrow_mut().get_mut(&key) {
            *count += 1;
            let target = Target { kind: "Event", namespace, name: known, status: false };
            let _ = server.patch(target, &json!({"count": *count, "lastTimestamp": now}), self.controller);
            return;
        }
        *self.count.borrow_mut() += 1;
        let own = format!("{name}.{:x}{:06x}", seed(now), *self.count.borrow());
        let mut written = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": own, "namespace": namespace},
            "involvedObject": {
                "kind": about["kind"],
                "namespace": namespace,
                "name": name,
                "uid": about["metadata"]["uid"],
                "apiVersion": about["apiVersion"],
                "resourceVersion": about["metadata"]["resourceVersion"],
            },
            "reason": event.reason,
            "message": event.message,
            "source": {"component": self.controller},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": if event.warning { "Warning" } else { "Normal" },
            "eventTime": null,
            "reportingComponent": self.controller,
            "reportingInstance": "",
        });
        if !event.notes.is_empty() {
            let notes: serde_json::Map<String, Value> =
                event.notes.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
            written["metadata"]["annotations"] = Value::Object(notes);
        }
        if server.create(&written).is_ok() {
            self.told.borrow_mut().insert(key, (own, 1));
        }
    }
}

/// What an event says.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) warning: bool,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
    pub(super) notes: Vec<(String, String)>,
}

fn seed(now: &str) -> u64 {
    now.bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte))) & 0xff_ffff_ffff
}
