//! Everything that a wait looks at, kept up to date by watches: single objects, and the pods of a few namespaces.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{BoxStream, SelectAll};
use serde_json::Value;

use crate::cluster::{Change, Cluster, Query};
use crate::error::{Code, ObjectRef, Result};

use super::delivery::Named;
use super::inventory::InventoryEntry;
use super::judgement::text;

/// One object: its kind as discovery knows it (`Kind.group`), namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

pub(crate) const GIT_REPOSITORY: &str = "GitRepository.source.toolkit.fluxcd.io";
pub(crate) const HELM_CHART: &str = "HelmChart.source.toolkit.fluxcd.io";
pub(crate) const OCI_REPOSITORY: &str = "OCIRepository.source.toolkit.fluxcd.io";
pub(crate) const KUSTOMIZATION: &str = "Kustomization.kustomize.toolkit.fluxcd.io";
pub(crate) const HELM_RELEASE: &str = "HelmRelease.helm.toolkit.fluxcd.io";

impl Key {
    pub(crate) fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.into(), namespace: Some(namespace.into()), name: name.into() }
    }

    pub(crate) fn kustomization(name: &Named) -> Self {
        Self::new(KUSTOMIZATION, &name.namespace, &name.name)
    }

    pub(crate) fn of(entry: &InventoryEntry) -> Self {
        Self { kind: entry.kind_name(), namespace: entry.object.namespace.clone(), name: entry.object.name.clone() }
    }

    /// The object for reports: without the group.
    pub(crate) fn object(&self) -> ObjectRef {
        let kind = self.kind.split('.').next().unwrap_or(&self.kind);
        ObjectRef { kind: kind.into(), namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

/// What is known of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'a> {
    /// Its watch has not answered yet.
    Unknown,
    /// It does not exist.
    Absent,
    /// Its newest version.
    Present(&'a Value),
}

enum Moved {
    Object(Key, Result<Option<Value>>),
    /// A pod or replica set of a namespace.
    Member(Result<Change>),
}

/// The objects that are watched, each in its newest version.
pub(crate) struct Board {
    cluster: Cluster,
    streams: SelectAll<BoxStream<'static, Moved>>,
    objects: HashMap<Key, Option<Value>>,
    watched: HashSet<Key>,
    namespaces: HashSet<String>,
    /// Pods and replica sets by uid.
    members: HashMap<String, Value>,
    /// The last version of a Flux object that said `Ready=False`: it may have stood for ten milliseconds.
    failed: HashMap<Key, Value>,
    /// Why the API server can't be followed now.
    outage: Option<String>,
}

impl Board {
    pub(crate) fn new(cluster: &Cluster) -> Self {
        Self {
            cluster: cluster.fresh(),
            streams: SelectAll::new(),
            objects: HashMap::new(),
            watched: HashSet::new(),
            namespaces: HashSet::new(),
            members: HashMap::new(),
            failed: HashMap::new(),
            outage: None,
        }
    }

    /// Follows an object from now on.
    pub(crate) async fn watch(&mut self, key: &Key) {
        if !self.watched.insert(key.clone()) {
            return;
        }
        let stream = self.cluster.watch(key.kind.as_str(), key.namespace.as_deref(), &key.name).await;
        let own = key.clone();
        self.streams.push(stream.map(move |state| Moved::Object(own.clone(), state)).boxed());
    }

    /// Follows the pods and replica sets of a namespace from now on.
    pub(crate) async fn watch_pods(&mut self, namespace: &str) {
        if !self.namespaces.insert(namespace.to_string()) {
            return;
        }
        for kind in ["Pod", "ReplicaSet.apps"] {
            let stream = self.cluster.watch_all(kind, &Query::namespace(namespace)).await;
            self.streams.push(stream.map(Moved::Member).boxed());
        }
    }

    /// The newest version of an object.
    pub(crate) fn see(&self, key: &Key) -> Seen<'_> {
        match self.objects.get(key) {
            None => Seen::Unknown,
            Some(None) => Seen::Absent,
            Some(Some(object)) => Seen::Present(object),
        }
    }

    /// The newest version of an object that exists.
    pub(crate) fn present(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)?.as_ref()
    }

    /// The last version that said `Ready=False`.
    pub(crate) fn failed(&self, key: &Key) -> Option<&Value> {
        self.failed.get(key)
    }

    /// Pods and replica sets of the watched namespaces.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Value> {
        self.members.values()
    }

    /// Why the API server can't be followed now, if it can't.
    pub(crate) fn outage(&self) -> Option<&str> {
        self.outage.as_deref()
    }

    /// Reads an object anew, past the watch: two watches may lag behind each other.
    pub(crate) async fn refresh(&mut self, key: &Key) -> Result<()> {
        let found = self.cluster.find(key.kind.as_str(), key.namespace.as_deref(), &key.name).await?;
        self.store(key, found);
        Ok(())
    }

    /// Waits for the next change, for `at_most` that long. Each version of an object is one change: the caller judges
    /// every one of them.
    pub(crate) async fn next(&mut self, at_most: Duration) -> Result<()> {
        let Ok(moved) = tokio::time::timeout(at_most, self.streams.next()).await else { return Ok(()) };
        match moved {
            Some(Moved::Object(key, Ok(state))) => {
                self.outage = None;
                self.store(&key, state);
            }
            Some(Moved::Member(Ok(change))) => {
                self.outage = None;
                self.member(change);
            }
            Some(Moved::Object(_, Err(error)) | Moved::Member(Err(error))) if error.code() == Code::Unavailable => {
                self.outage = Some(error.message().to_string());
            }
            // A kind that is not served any more has no objects.
            Some(Moved::Object(key, Err(error))) if error.code() == Code::UnknownKind => self.store(&key, None),
            // Without the right to read pods, workloads still tell how many are ready.
            Some(Moved::Member(Err(error))) if matches!(error.code(), Code::Forbidden | Code::UnknownKind) => {
                tracing::warn!("pods can't be followed: {}", error.message());
            }
            Some(Moved::Object(_, Err(error)) | Moved::Member(Err(error))) => return Err(error),
            None => tokio::time::sleep(at_most).await,
        }
        Ok(())
    }

    fn store(&mut self, key: &Key, state: Option<Value>) {
        if let (Some(new), Some(Some(old))) = (&state, self.objects.get(key))
            && is_older(new, old)
        {
            return;
        }
        if let Some(object) = state.as_ref().filter(|o| is_not_ready(o)) {
            self.failed.insert(key.clone(), object.clone());
        }
        self.objects.insert(key.clone(), state);
    }

    fn member(&mut self, change: Change) {
        match change {
            Change::Applied(object) => {
                self.members.insert(text(&object, "/metadata/uid").to_string(), object);
            }
            Change::Deleted(object) => {
                self.members.remove(text(&object, "/metadata/uid"));
            }
            Change::Synced(objects) => {
                if let Some(first) = objects.first() {
                    let (kind, namespace) = (text(first, "/kind").to_string(), text(first, "/metadata/namespace"));
                    self.members.retain(|_, o| text(o, "/kind") != kind || text(o, "/metadata/namespace") != namespace);
                }
                for object in objects {
                    self.members.insert(text(&object, "/metadata/uid").to_string(), object);
                }
            }
        }
    }
}

/// Whether `new` was written before `old`. Resource versions of one object are numbers that grow.
fn is_older(new: &Value, old: &Value) -> bool {
    if text(new, "/metadata/uid") != text(old, "/metadata/uid") {
        return false;
    }
    let version = |object: &Value| text(object, "/metadata/resourceVersion").parse::<u64>();
    matches!((version(new), version(old)), (Ok(new), Ok(old)) if new < old)
}

fn is_not_ready(object: &Value) -> bool {
    super::judgement::condition(object, "Ready").is_some_and(|c| c.status == "False")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn version(uid: &str, version: &str) -> Value {
        json!({"metadata": {"uid": uid, "resourceVersion": version}})
    }

    #[test]
    fn a_lagging_watch_does_not_turn_time_back() {
        assert!(is_older(&version("a", "9"), &version("a", "10")));
        assert!(!is_older(&version("a", "10"), &version("a", "9")));
        assert!(!is_older(&version("b", "9"), &version("a", "10")), "made anew");
        assert!(!is_older(&version("a", "x"), &version("a", "10")), "not comparable");
    }
}
