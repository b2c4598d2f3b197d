//! What a controller wants done after a look at the world.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::id::Id;

/// How the dependants of a deleted object are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// Removed after it.
    Background,
    /// Removed before it.
    Foreground,
    /// Left alone.
    Orphan,
}

/// One write.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A new object.
    Create(Value),
    /// The object as it shall be; a conflict sends the controller back to look again.
    Update(Value),
    /// Its status as it shall be, through the subresource.
    Status(Value),
    /// A namespace's finalizers, through the subresource `finalize`.
    Finalize(Value),
    /// A merge patch.
    Merge {
        /// Of what.
        id: Id,
        /// The patch.
        patch: Value,
    },
    /// Puts a pod on a node.
    Bind {
        /// The pod.
        id: Id,
        /// Its uid.
        uid: String,
        /// The node.
        node: String,
    },
    /// Removes an object, if it is still the one with this uid.
    Delete {
        /// What.
        id: Id,
        /// Its uid.
        uid: String,
        /// Background by default.
        propagation: Option<Propagation>,
        /// Seconds that a pod is given.
        grace: Option<i64>,
    },
    /// Tells people.
    Event(Note),
}

/// An event to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The object that it is about, as much of it as a reference holds.
    pub about: Value,
    /// Whether it is a warning.
    pub warning: bool,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// What was tried, where the reporter says so (`Scheduling`, `Binding`).
    pub action: Option<&'static str>,
    /// Who reports, where it is not the controller itself (`kubelet`).
    pub from: Option<Reporter>,
    /// `spec.containers{name}` for an event of one container.
    pub field: Option<String>,
}

/// Who reports an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reporter {
    /// `kubelet`.
    pub component: String,
    /// The node.
    pub host: String,
}

/// What to do, in order, and when to look again.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// In order; the first that is refused ends the plan.
    pub acts: Vec<Act>,
    /// The earliest time of another look, whatever changes until then.
    pub wake: Option<Timestamp>,
    /// The same for what comes round again and again (a schedule, an interval): a virtual clock does not jump there by
    /// itself.
    pub lazy: Option<Timestamp>,
}

impl Plan {
    /// A new object.
    pub fn create(&mut self, object: Value) {
        self.acts.push(Act::Create(object));
    }

    /// An object as it shall be.
    pub fn update(&mut self, object: Value) {
        self.acts.push(Act::Update(object));
    }

    /// A status as it shall be.
    pub fn status(&mut self, object: Value) {
        self.acts.push(Act::Status(object));
    }

    /// A status as it shall be, unless it is so already.
    pub fn status_if_new(&mut self, old: &Value, status: Value) {
        if old.get("status") != Some(&status) {
            let mut object = old.clone();
            object["status"] = status;
            self.status(object);
        }
    }

    /// A merge patch.
    pub fn merge(&mut self, object: &Value, patch: Value) {
        self.acts.push(Act::Merge { id: Id::of(object), patch });
    }

    /// Removes an object as its kind does by default.
    pub fn delete(&mut self, object: &Value) {
        self.delete_with(object, None, None);
    }

    /// Removes an object.
    pub fn delete_with(&mut self, object: &Value, propagation: Option<Propagation>, grace: Option<i64>) {
        let uid = super::read::uid(object).to_owned();
        self.acts.push(Act::Delete { id: Id::of(object), uid, propagation, grace });
    }

    /// Tells people that all is well.
    pub fn normal(&mut self, about: &Value, reason: &str, message: impl Into<String>) {
        self.note(about, false, reason, message);
    }

    /// Tells people that something is not.
    pub fn warning(&mut self, about: &Value, reason: &str, message: impl Into<String>) {
        self.note(about, true, reason, message);
    }

    fn note(&mut self, about: &Value, warning: bool, reason: &str, message: impl Into<String>) {
        self.acts.push(Act::Event(Note::new(about, warning, reason, message)));
    }

    /// Looks again at `when`, or earlier if that was wanted before.
    pub fn wake_at(&mut self, when: Timestamp) {
        self.wake = Some(self.wake.map_or(when, |known| known.min(when)));
    }

    /// Looks again at `when`, if the time comes.
    pub fn lazily_at(&mut self, when: Timestamp) {
        self.lazy = Some(self.lazy.map_or(when, |known| known.min(when)));
    }

    /// Looks again after a while.
    pub fn wake_after(&mut self, now: Timestamp, after: Duration) {
        self.wake_at(later(now, after));
    }
}

impl Note {
    /// An event about an object.
    pub fn new(about: &Value, warning: bool, reason: &str, message: impl Into<String>) -> Self {
        Self {
            about: reference(about),
            warning,
            reason: reason.to_owned(),
            message: message.into(),
            action: None,
            from: None,
            field: None,
        }
    }
}

/// The reference to an object that an event carries.
fn reference(object: &Value) -> Value {
    use super::read::{name, namespace, text, uid};
    let mut about = serde_json::json!({
        "kind": text(object, "/kind"),
        "namespace": namespace(object),
        "name": name(object),
        "uid": uid(object),
        "apiVersion": text(object, "/apiVersion"),
        "resourceVersion": text(object, "/metadata/resourceVersion"),
    });
    if let Some(map) = about.as_object_mut() {
        map.retain(|_, value| value.as_str() != Some(""));
    }
    about
}

/// A while after a point in time; the end of time where that cannot be counted.
pub fn later(from: Timestamp, after: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(after).ok().and_then(|after| from.checked_add(after).ok()).unwrap_or(Timestamp::MAX)
}

/// Seconds after a point in time.
pub fn seconds_later(from: Timestamp, seconds: i64) -> Timestamp {
    from.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
