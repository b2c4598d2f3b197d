//! What a Kustomization or `HelmRelease` says that it owns: `status.inventory`.

use std::fmt;

use serde_json::Value;

use crate::error::ObjectRef;

/// One object of an inventory. The API writes it as `namespace_name_group_kind` and a version beside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InventoryEntry {
    /// API group; empty for the core group.
    pub group: String,
    /// API version without the group (`v1`).
    pub version: String,
    /// Kind, namespace and name.
    pub object: ObjectRef,
}

impl InventoryEntry {
    /// Reads one id. The name of an RBAC object may hold `__`, which stands for a colon.
    pub fn parse(id: &str, version: &str) -> Option<Self> {
        let (namespace, rest) = id.split_once('_')?;
        let (rest, kind) = rest.rsplit_once('_')?;
        let (name, group) = rest.rsplit_once('_')?;
        if name.is_empty() || kind.is_empty() {
            return None;
        }
        let object = ObjectRef {
            kind: kind.into(),
            namespace: (!namespace.is_empty()).then(|| namespace.to_string()),
            name: name.replace("__", ":"),
        };
        Some(Self { group: group.into(), version: version.into(), object })
    }

    /// The kind as the API server's discovery knows it: `Deployment.apps`, `Job.batch`, `Pod`.
    pub fn kind_name(&self) -> String {
        if self.group.is_empty() { self.object.kind.clone() } else { format!("{}.{}", self.object.kind, self.group) }
    }

    /// Whether it is of this kind and group.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.object.kind == kind
    }
}

impl fmt::Display for InventoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)
    }
}

/// The objects in `status.inventory` of a Kustomization or `HelmRelease`, in the API's order.
pub fn inventory(owner: &Value) -> Vec<InventoryEntry> {
    let entries = owner.pointer("/status/inventory/entries").and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let version = entry.get("v").and_then(Value::as_str).unwrap_or("v1");
            InventoryEntry::parse(entry.get("id")?.as_str()?, version)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form_of_id_is_read() {
        let owner = json!({"status": {"inventory": {"entries": [
            {"id": "data_hive_apps_Deployment", "v": "v1"},
            {"id": "_data__Namespace", "v": "v1"},
            {"id": "data_hive-db_postgresql.cnpg.io_Cluster", "v": "v1"},
            {"id": "_system__node_rbac.authorization.k8s.io_ClusterRole", "v": "v1"},
        ]}}});
        let names: Vec<String> = inventory(&owner).iter().map(|e| format!("{} | {e}", e.kind_name())).collect();
        assert_eq!(
            names,
            [
                "Deployment.apps | Deployment data/hive",
                "Namespace | Namespace data",
                "Cluster.postgresql.cnpg.io | Cluster data/hive-db",
                "ClusterRole.rbac.authorization.k8s.io | ClusterRole system:node",
            ]
        );
    }

    #[test]
    fn an_object_without_inventory_owns_nothing() {
        assert!(inventory(&json!({"status": {}})).is_empty());
        assert!(InventoryEntry::parse("nonsense", "v1").is_none());
    }
}
