//! Watches that tell a script's thread what changed.

use std::collections::BTreeSet;
use std::sync::mpsc::Sender;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;

use super::queue::Key;
use crate::cluster::{Change, Cluster, Query};
use crate::error::Code;

/// How long to wait for a kind whose definition is not installed yet.
const PATIENCE: Duration = Duration::from_secs(1);

/// The label of what a script's objects own: its value is the script's name.
pub(super) const LABEL: &str = "sim.dpb/operator";

/// What a watch tells.
#[derive(Debug)]
pub(super) enum Told {
    /// All objects of a kind.
    All(usize, Vec<Value>),
    /// An object was added or changed.
    Changed(usize, Value),
    /// An object is gone.
    Gone(usize, Value),
    /// Something that an object owns changed, or is gone.
    Owned(Key),
}

/// Watches a played kind for ever: before its definition is installed, and after it came back.
pub(super) async fn watch_kind(cluster: Cluster, index: usize, kind: String, inbox: Sender<Told>) {
    loop {
        let mut changes = cluster.watch_all(kind.as_str(), &Query::default()).await;
        while let Some(change) = changes.next().await {
            let told = match change {
                Ok(Change::Synced(objects)) => Told::All(index, objects),
                Ok(Change::Applied(object)) => Told::Changed(index, object),
                Ok(Change::Deleted(object)) => Told::Gone(index, object),
                Err(error) => {
                    if error.code() != Code::UnknownKind {
                        tracing::warn!("watch of {kind}: {error}");
                    }
                    break;
                }
            };
            if inbox.send(told).is_err() {
                return;
            }
        }
        tokio::time::sleep(PATIENCE).await;
    }
}

/// Watches what a script's objects own of one kind. `kinds` are the played ones, as their objects write them.
pub(super) async fn watch_owned(
    cluster: Cluster,
    kind: String,
    script: String,
    kinds: Vec<String>,
    inbox: Sender<Told>,
) {
    let query = Query::default().labels(format!("{LABEL}={script}"));
    let mut known: BTreeSet<Key> = BTreeSet::new();
    loop {
        let mut changes = cluster.watch_all(kind.as_str(), &query).await;
        while let Some(change) = changes.next().await {
            let owners: BTreeSet<Key> = match change {
                // Owners whose last object went in an outage are told as well.
                Ok(Change::Synced(objects)) => {
                    let now: BTreeSet<Key> = objects.iter().filter_map(|o| owner(o, &kinds)).collect();
                    let before = std::mem::replace(&mut known, now.clone());
                    now.union(&before).cloned().collect()
                }
                Ok(Change::Applied(object) | Change::Deleted(object)) => {
                    let owner = owner(&object, &kinds);
                    known.extend(owner.clone());
                    owner.into_iter().collect()
                }
                Err(error) => {
                    tracing::warn!("watch of {kind}: {error}");
                    break;
                }
            };
            if owners.into_iter().any(|key| inbox.send(Told::Owned(key)).is_err()) {
                return;
            }
        }
        tokio::time::sleep(PATIENCE).await;
    }
}

/// The object that controls this one, if it is of a played kind.
fn owner(object: &Value, kinds: &[String]) -> Option<Key> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let owner = owners.iter().find(|o| o["controller"] == true)?;
    let group = owner["apiVersion"].as_str()?.split_once('/').map_or("", |(group, _)| group);
    let name = format!("{}.{group}", owner["kind"].as_str()?);
    let kind = kinds.iter().position(|k| *k == name.trim_end_matches('.'))?;
    Some(Key {
        kind,
        namespace: object["metadata"]["namespace"].as_str().map(str::to_owned),
        name: owner["name"].as_str()?.to_owned(),
    })
}
