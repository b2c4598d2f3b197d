//! The objects with their versions, the log of what changed, and who is told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::access::Objects;
use super::change::{Change, Keep};
use super::gvr::Gvr;
use super::object;
use super::status::Status;

/// Changes that are remembered, for watches and pages that go on from an older version.
const LOG: usize = 20_000;

/// All objects of a cluster, each in the version that its kind is kept in.
pub struct Store {
    version: u64,
    collections: HashMap<String, BTreeMap<String, Arc<Value>>>,
    log: VecDeque<Arc<Change>>,
    /// The newest version whose change is not in the log any more.
    compacted: u64,
    feeds: Vec<Feed>,
    keep: Box<dyn Keep>,
}

struct Feed {
    /// `pods`, `deployments.apps`; everything if absent.
    resource: Option<String>,
    out: UnboundedSender<Arc<Change>>,
}

/// A version that is not remembered any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The oldest version that one can still go on from.
    pub oldest: u64,
}

impl Store {
    /// An empty store at version 1, as etcd starts.
    pub fn new(keep: Box<dyn Keep>) -> Self {
        Self { version: 1, collections: HashMap::new(), log: VecDeque::new(), compacted: 0, feeds: Vec::new(), keep }
    }

    /// Takes over objects that were kept, with their versions; nobody is told. What is older than `version` is
    /// forgotten.
    pub fn restore(&mut self, version: u64, objects: impl IntoIterator<Item = (Gvr, Arc<Value>)>) {
        for (gvr, value) in objects {
            let key = key(object::namespace(&value), object::name(&value));
            self.collections.entry(gvr.resource()).or_default().insert(key, value);
        }
        self.version = self.version.max(version);
        self.compacted = self.version;
        self.log.clear();
    }

    /// The version of the newest change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// An object. The version of `gvr` does not matter.
    pub fn get(&self, gvr: &Gvr, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.collections.get(&gvr.resource())?.get(&key(namespace, name))
    }

    /// An object by plural and group.
    pub fn find(&self, plural: &str, group: &str, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.collections.get(&resource(plural, group))?.get(&key(namespace, name))
    }

    /// The objects of a resource, of one namespace or of all (`""`), in the order of their keys.
    pub fn list<'a>(
        &'a self,
        plural: &str,
        group: &str,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        self.of(&resource(plural, group), namespace).map(|(_, value)| value)
    }

    /// Keys and objects of a resource as messages name it.
    pub(super) fn of<'a>(
        &'a self,
        resource: &str,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Arc<Value>)> + use<'a> {
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
        let from = prefix.clone();
        let all = self.collections.get(resource);
        all.into_iter()
            .flat_map(move |all| all.range(from.clone()..))
            .take_while(move |(key, _)| key.starts_with(&prefix))
    }

    /// All objects with their resources: `deployments.apps` and its objects by key.
    pub fn everything(&self) -> impl Iterator<Item = (&String, &BTreeMap<String, Arc<Value>>)> {
        self.collections.iter()
    }

    /// The objects of a resource as they were at a version.
    pub(super) fn at(&self, resource: &str, version: u64) -> Result<BTreeMap<String, Arc<Value>>, Compacted> {
        if version < self.compacted {
            return Err(Compacted { oldest: self.compacted });
        }
        let mut then = self.collections.get(resource).cloned().unwrap_or_default();
        for change in self.log.iter().rev().take_while(|change| change.version > version) {
            if change.gvr.resource() == resource {
                let key = key(&change.namespace, &change.name);
                match &change.old {
                    Some(old) => then.insert(key, old.clone()),
                    None => then.remove(&key),
                };
            }
        }
        Ok(then)
    }

    /// The changes of a resource after a version.
    pub(super) fn since(&self, resource: &str, version: u64) -> Result<Vec<Arc<Change>>, Compacted> {
        if version < self.compacted {
            return Err(Compacted { oldest: self.compacted });
        }
        let from = self.log.partition_point(|change| change.version <= version);
        Ok(self.log.range(from..).filter(|change| change.gvr.resource() == resource).cloned().collect())
    }

    /// A feed of changes from now on, of one resource or of all.
    pub(super) fn subscribe(&mut self, resource: Option<String>) -> UnboundedReceiver<Arc<Change>> {
        let (out, feed) = unbounded_channel();
        self.feeds.retain(|feed| !feed.out.is_closed());
        self.feeds.push(Feed { resource, out });
        feed
    }

    /// Ends the feeds of a resource that is served no longer.
    pub(super) fn end_feeds(&mut self, resource: &str) {
        self.feeds.retain(|feed| feed.resource.as_deref() != Some(resource));
    }

    /// Stores an object under its own name, and gives it a new version.
    pub(super) fn put(&mut self, gvr: &Gvr, mut value: Value) -> Result<Arc<Value>, Status> {
        let version = self.version + 1;
        object::set_meta(&mut value, "resourceVersion", json!(version.to_string()));
        let value = Arc::new(value);
        let old = self.get(gvr, object::namespace(&value), object::name(&value)).cloned();
        self.commit(gvr, version, old, Some(value.clone()))?;
        Ok(value)
    }

    /// Removes an object, if it is there.
    pub(super) fn remove(&mut self, gvr: &Gvr, namespace: &str, name: &str) -> Result<(), Status> {
        match self.get(gvr, namespace, name).cloned() {
            Some(old) => self.commit(gvr, self.version + 1, Some(old), None),
            None => Ok(()),
        }
    }

    fn commit(
        &mut self,
        gvr: &Gvr,
        version: u64,
        old: Option<Arc<Value>>,
        new: Option<Arc<Value>>,
    ) -> Result<(), Status> {
        let subject = new.as_deref().or(old.as_deref()).unwrap_or(&Value::Null);
        let (namespace, name) = (object::namespace(subject).to_owned(), object::name(subject).to_owned());
        let change = Arc::new(Change { version, gvr: gvr.clone(), namespace, name, old, new });
        self.keep.keep(&change).map_err(|e| Status::internal(format!("the change could not be written down: {e}")))?;
        let resource = gvr.resource();
        let key = key(&change.namespace, &change.name);
        let all = self.collections.entry(resource.clone()).or_default();
        match &change.new {
            Some(new) => all.insert(key, new.clone()),
            None => all.remove(&key),
        };
        self.version = version;
        self.log.push_back(change.clone());
        if self.log.len() > LOG
            && let Some(oldest) = self.log.pop_front()
        {
            self.compacted = oldest.version;
        }
        let wanted = |feed: &Feed| feed.resource.as_ref().is_none_or(|r| *r == resource);
        self.feeds.retain(|feed| !wanted(feed) || feed.out.send(change.clone()).is_ok());
        Ok(())
    }

    /// Forgets all changes up to now, as etcd does when it compacts.
    pub fn compact(&mut self) {
        self.compacted = self.version;
        self.log.clear();
    }
}

impl Objects for Store {
    fn find(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        Store::find(self, plural, group, namespace, name).cloned()
    }

    fn list(&self, group: &str, plural: &str, namespace: &str) -> Vec<Arc<Value>> {
        Store::list(self, plural, group, namespace).cloned().collect()
    }
}

/// The key of an object: etcd's order of objects is the order of these.
pub(super) fn key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

fn resource(plural: &str, group: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

#[cfg(test)]
mod tests {
    use super::super::change::Forget;
    use super::*;

    fn cm(namespace: &str, name: &str) -> Value {
        json!({"metadata": {"namespace": namespace, "name": name}})
    }

    #[test]
    fn the_past_can_be_read_until_it_is_compacted() {
        let gvr = Gvr::new("", "v1", "configmaps");
        let mut store = Store::new(Box::new(Forget));
        store.put(&gvr, cm("a", "one")).unwrap();
        let then = store.version();
        store.put(&gvr, cm("a", "two")).unwrap();
        store.remove(&gvr, "a", "one").unwrap();
        let keys: Vec<_> = store.at("configmaps", then).unwrap().into_keys().collect();
        assert_eq!(keys, ["a/one"]);
        assert_eq!(store.since("configmaps", then).unwrap().len(), 2);
        store.compact();
        assert_eq!(store.at("configmaps", then), Err(Compacted { oldest: 4 }));
    }

    #[test]
    fn a_namespace_is_not_a_prefix_of_another() {
        let gvr = Gvr::new("", "v1", "configmaps");
        let mut store = Store::new(Box::new(Forget));
        for (namespace, name) in [("a", "x"), ("a-b", "x"), ("a", "y"), ("ab", "x")] {
            store.put(&gvr, cm(namespace, name)).unwrap();
        }
        assert_eq!(store.list("configmaps", "", "a").count(), 2);
        let keys: Vec<_> = store.of("configmaps", "").map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["a-b/x", "a/x", "a/y", "ab/x"]);
    }
}
