//! Ids of objects: as an inventory lists them, and as messages name them.

use serde_json::{Value, json};

use super::server::kind_name;
use crate::sim::api::object;

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) version: String,
}

impl Id {
    /// Of an object.
    pub(super) fn of(value: &Value) -> Self {
        let text = |field: &str| value[field].as_str().unwrap_or_default();
        let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
        Self {
            namespace: object::namespace(value).to_owned(),
            name: object::name(value).to_owned(),
            group: group.to_owned(),
            kind: text("kind").to_owned(),
            version: version.to_owned(),
        }
    }

    /// From an entry of an inventory.
    pub(super) fn of_entry(entry: &Value) -> Option<Self> {
        let mut parts = entry["id"].as_str()?.split('_');
        let namespace = parts.next()?.to_owned();
        let rest: Vec<&str> = parts.collect();
        let [name @ .., group, kind] = rest.as_slice() else { return None };
        Some(Self {
            namespace,
            name: name.join("_").replace("__", ":"),
            group: (*group).to_owned(),
            kind: (*kind).to_owned(),
            version: entry["v"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// `namespace_name_group_Kind`.
    pub(super) fn id(&self) -> String {
        let name =
            if self.group == "rbac.authorization.k8s.io" { self.name.replace(':', "__") } else { self.name.clone() };
        format!("{}_{name}_{}_{}", self.namespace, self.group, self.kind)
    }

    /// An entry of an inventory.
    pub(super) fn entry(&self) -> Value {
        json!({"id": self.id(), "v": self.version})
    }

    /// `Kind/namespace/name`.
    pub(super) fn subject(&self) -> String {
        if self.namespace.is_empty() {
            format!("{}/{}", self.kind, self.name)
        } else {
            format!("{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }

    /// The kind's name.
    pub(super) fn kind_name(&self) -> String {
        kind_name(&self.api_version(), &self.kind)
    }

    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Order of applying; the reverse is the order of deleting.
    pub(super) fn rank(&self) -> (i32, String, String, String, String) {
        const FIRST: [&str; 23] = [
            "CustomResourceDefinition",
            "Namespace",
            "ClusterRole",
            "ClusterClass",
            "RuntimeClass",
            "PriorityClass",
            "StorageClass",
            "VolumeSnapshotClass",
            "IngressClass",
            "GatewayClass",
            "ClusterRoleBinding",
            "ResourceQuota",
            "ServiceAccount",
            "Role",
            "RoleBinding",
            "ConfigMap",
            "Secret",
            "Service",
            "LimitRange",
            "Deployment",
            "StatefulSet",
            "CronJob",
            "PodDisruptionBudget",
        ];
        let place = |kind: &str| {
            if let Some(at) = FIRST.iter().position(|k| *k == kind) {
                return i32::try_from(at).unwrap_or_default() - 100;
            }
            match kind {
                "MutatingWebhookConfiguration" => 1,
                "ValidatingWebhookConfiguration" => 2,
                _ => 0,
            }
        };
        (place(&self.kind), self.group.clone(), self.kind.clone(), self.namespace.clone(), self.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_and_read() {
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "system:x"}});
        let id = Id::of(&role);
        assert_eq!(id.id(), "_system__x_rbac.authorization.k8s.io_ClusterRole");
        assert_eq!(Id::of_entry(&id.entry()).unwrap(), id);
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}});
        let id = Id::of(&config);
        assert_eq!((id.id().as_str(), id.subject().as_str()), ("n_c__ConfigMap", "ConfigMap/n/c"));
        assert_eq!(Id::of_entry(&id.entry()).unwrap(), id);
    }
}
