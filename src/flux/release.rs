//! `HelmRelease`s of a delivery: their charts, and the workloads that they own.

use serde_json::Value;

use crate::cluster::object_ref;
use crate::cluster::{Cluster, Query};

use super::board::{Board, HELM_CHART, Key, OCI_REPOSITORY};
use super::inventory::{InventoryEntry, inventory};
use super::judgement::text;

/// The object that holds a release's chart, if the release names it already.
pub(crate) fn chart_key(release: &Value) -> Option<Key> {
    let namespace = text(release, "/metadata/namespace");
    if let Some(reference) = release.pointer("/spec/chartRef") {
        let kind = match text(reference, "/kind") {
            "HelmChart" => HELM_CHART,
            _ => OCI_REPOSITORY,
        };
        let named = text(reference, "/namespace");
        let namespace = if named.is_empty() { namespace } else { named };
        return Some(Key::new(kind, namespace, text(reference, "/name")));
    }
    let (namespace, name) = text(release, "/status/helmChart").split_once('/')?;
    Some(Key::new(HELM_CHART, namespace, name))
}

/// Watches what a release stands on.
pub(crate) async fn watch(board: &mut Board, key: &Key) {
    board.watch(key).await;
    if let Some(chart) = board.present(key).and_then(chart_key) {
        board.watch(&chart).await;
    }
}

/// The workloads of a release: from its inventory (helm-controller 1.5 and later), else by the labels that the
/// controller sets. The latter also finds them while the first installation still runs.
pub(crate) async fn workloads(cluster: &Cluster, release: &Value) -> Vec<InventoryEntry> {
    let listed = inventory(release);
    if !listed.is_empty() {
        return listed;
    }
    let (namespace, name) = (text(release, "/metadata/namespace"), text(release, "/metadata/name"));
    let target = text(release, "/spec/targetNamespace");
    let target = if target.is_empty() { namespace } else { target };
    let labels = format!("helm.toolkit.fluxcd.io/name={name},helm.toolkit.fluxcd.io/namespace={namespace}");
    let mut found = Vec::new();
    for (kind, group) in [("Deployment", "apps"), ("StatefulSet", "apps"), ("DaemonSet", "apps"), ("Job", "batch")] {
        let query = Query::namespace(target).labels(labels.clone());
        match cluster.list(format!("{kind}.{group}").as_str(), &query).await {
            Ok(objects) => found.extend(objects.iter().map(|object| InventoryEntry {
                group: group.into(),
                version: "v1".into(),
                object: object_ref(object),
            })),
            Err(error) => tracing::debug!("workloads of HelmRelease {namespace}/{name}: {error}"),
        }
    }
    found
}
