//! What the controllers know of the cluster: every object as it was last seen on the change feed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::id::Id;
use super::owner::owners;
use super::read::uid;

/// Objects by kind, owner and uid. Shares them with the store.
#[derive(Debug, Default)]
pub struct View {
    kinds: BTreeMap<String, BTreeMap<(String, String), Arc<Value>>>,
    owned: HashMap<String, BTreeSet<Id>>,
    uids: HashMap<String, Id>,
    served: BTreeMap<String, Served>,
}

/// A kind that the API serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// `deployments`
    pub plural: String,
    /// `apps`; empty for the core group.
    pub group: String,
    /// Whether its objects lie in namespaces.
    pub namespaced: bool,
}

impl View {
    /// With these objects.
    pub fn of(objects: impl IntoIterator<Item = Value>) -> Self {
        let mut view = Self::default();
        for object in objects {
            view.set(Arc::new(object));
        }
        view
    }

    /// Takes an object as it is now.
    pub fn set(&mut self, object: Arc<Value>) {
        let id = Id::of(&object);
        self.remove(&id);
        self.uids.insert(uid(&object).to_owned(), id.clone());
        for owner in owners(&object) {
            self.owned.entry(uid_of(owner).to_owned()).or_default().insert(id.clone());
        }
        self.kinds.entry(id.kind).or_default().insert((id.namespace, id.name), object);
    }

    /// Forgets an object.
    pub fn remove(&mut self, id: &Id) {
        let Some(objects) = self.kinds.get_mut(&id.kind) else { return };
        let Some(old) = objects.remove(&(id.namespace.clone(), id.name.clone())) else { return };
        if objects.is_empty() {
            self.kinds.remove(&id.kind);
        }
        self.uids.remove(uid(&old));
        for owner in owners(&old) {
            if let Some(set) = self.owned.get_mut(uid_of(owner)) {
                set.remove(id);
                if set.is_empty() {
                    self.owned.remove(uid_of(owner));
                }
            }
        }
    }

    /// One object.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.shared(kind, namespace, name).map(Arc::as_ref)
    }

    /// One object, shared.
    pub fn shared(&self, kind: &str, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.kinds.get(kind)?.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The object of an id.
    pub fn find(&self, id: &Id) -> Option<&Value> {
        self.get(&id.kind, &id.namespace, &id.name)
    }

    /// The object of a uid.
    pub fn by_uid(&self, uid: &str) -> Option<&Value> {
        self.find(self.uids.get(uid)?)
    }

    /// All of a kind, by namespace and name.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.kinds.get(kind).into_iter().flat_map(BTreeMap::values).map(Arc::as_ref)
    }

    /// All of a kind in a namespace, by name.
    pub fn list<'a>(&'a self, kind: &str, namespace: &'a str) -> impl Iterator<Item = &'a Value> {
        let from = (namespace.to_owned(), String::new());
        let objects = self.kinds.get(kind).into_iter().flat_map(move |all| all.range(from.clone()..));
        objects.take_while(move |((ns, _), _)| ns == namespace).map(|(_, object)| object.as_ref())
    }

    /// The objects that name this uid as an owner.
    pub fn owned_by<'a>(&'a self, uid: &str) -> impl Iterator<Item = &'a Value> {
        self.owned.get(uid).into_iter().flatten().filter_map(|id| self.find(id))
    }

    /// Everything in a namespace.
    pub fn inside<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Value> {
        self.kinds.keys().flat_map(move |kind| self.list(kind, namespace)).filter(move |_| !namespace.is_empty())
    }

    /// Notes the kinds that the API serves now, by name (`Deployment.apps`).
    pub fn serve(&mut self, kinds: BTreeMap<String, Served>) {
        self.served = kinds;
    }

    /// A kind as the API serves it.
    pub fn served(&self, kind: &str) -> Option<&Served> {
        self.served.get(kind)
    }

    /// The kinds of which something is there.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    /// Everything.
    pub fn everything(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.kinds.values().flat_map(BTreeMap::values)
    }
}

fn uid_of(reference: &Value) -> &str {
    reference.get("uid").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(ns: &str, name: &str, owner: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": ns, "name": name, "uid": format!("u-{name}"),
            "ownerReferences": [{"uid": owner}]}})
    }

    #[test]
    fn found_by_namespace_owner_and_uid_and_forgotten() {
        let mut view = View::of([pod("a", "x", "o"), pod("a", "y", "o"), pod("b", "z", "p")]);
        assert_eq!(view.list("Pod", "a").count(), 2);
        assert_eq!(view.owned_by("o").count(), 2);
        view.set(Arc::new(pod("a", "y", "p")));
        assert_eq!((view.owned_by("o").count(), view.owned_by("p").count()), (1, 2));
        assert_eq!(view.by_uid("u-z").map(super::super::read::namespace), Some("b"));
        view.remove(&Id::new("Pod", "a", "x"));
        view.remove(&Id::new("Pod", "a", "x"));
        assert_eq!((view.list("Pod", "a").count(), view.owned_by("o").count(), view.inside("a").count()), (1, 0, 1));
    }
}
