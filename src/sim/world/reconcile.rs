//! A controller that looks at one object at a time and says what to write.

use super::id::Id;
use super::look::Look;
use super::plan::{Act, Plan};
use super::view::View;
use std::sync::Arc;

use serde_json::Value;

/// One change of an object.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which object.
    pub id: Id,
    /// Before; nothing for a new one.
    pub old: Option<Arc<Value>>,
    /// After; nothing for one that is gone.
    pub new: Option<Arc<Value>>,
}

impl Seen {
    /// The object as it is, or as it was last.
    pub fn last(&self) -> Option<&Value> {
        self.new.as_deref().or(self.old.as_deref())
    }

    /// Before and after, as far as there are both.
    pub fn sides(&self) -> impl Iterator<Item = &Value> {
        [self.old.as_deref(), self.new.as_deref()].into_iter().flatten()
    }
}

/// Why the API refused a write.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The HTTP code.
    pub code: u16,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// Whether the namespace is on its way out.
    pub terminating: bool,
}

/// A controller: pure apart from what it remembers. What it wants written is in its plan; what is refused comes back.
pub trait Reconcile: Send {
    /// `deployment-controller`: also what its events say they come from.
    fn name(&self) -> &'static str;

    /// The user as whom it writes.
    fn user(&self) -> String {
        format!("system:serviceaccount:kube-system:{}", self.name())
    }

    /// The manager whom the API notes for its writes.
    fn manager(&self) -> &'static str {
        "kube-controller-manager"
    }

    /// The objects (keys) that have to be looked at after a change.
    fn touched(&self, seen: &Seen, view: &View) -> Vec<String>;

    /// A look at one object.
    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan;

    /// A write of the plan was refused (conflicts and what is gone already apart: those only lead to another look). The
    /// rest of the plan was not carried out. What comes back is carried out; without a time to look again, that is after
    /// a growing while.
    fn refused(&mut self, look: &Look<'_>, key: &str, act: &Act, refusal: &Refusal) -> Plan {
        let _ = (look, key, act, refusal);
        Plan::default()
    }
}

/// The key of the object that controls a changed one, if it is of this kind; before and after the change.
pub fn keys_of_controllers(seen: &Seen, kind: &str) -> Vec<String> {
    let mut keys: Vec<String> = seen
        .sides()
        .filter_map(|object| {
            let owner = super::owner::controller_name(object, kind)?;
            Some(Id::new(kind, super::read::namespace(object), owner).key())
        })
        .collect();
    keys.dedup();
    keys
}

/// The keys of the objects of a kind that control a changed one, or would take it since nobody does.
pub fn keys_of_owners(seen: &Seen, view: &View, kind: &str) -> Vec<String> {
    let mut keys = keys_of_controllers(seen, kind);
    keys.extend(keys_of_selectors(seen, view, kind));
    keys
}

/// The keys of the objects of a kind whose selector takes an object that nobody controls.
fn keys_of_selectors(seen: &Seen, view: &View, kind: &str) -> Vec<String> {
    let Some(object) = seen.new.as_deref().filter(|o| super::owner::controller(o).is_none()) else { return vec![] };
    let labels = super::read::labels(object, "/metadata/labels");
    if labels.is_empty() {
        return vec![];
    }
    view.list(kind, super::read::namespace(object))
        .filter(|owner| super::selector::selects(owner.pointer("/spec/selector"), &labels))
        .map(|owner| Id::of(owner).key())
        .collect()
}
