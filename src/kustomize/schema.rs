//! What kustomize knows of the built-in kinds: which are cluster-scoped, and by which keys their lists merge.
//!
//! The table is taken from the Kubernetes 1.21 `OpenAPI` schema that kustomize embeds, cut down to the fields that lead to
//! a list with a merge strategy. A kind that is not in it counts as namespaced, and its lists are replaced whole.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde_json::Value;

#[derive(serde::Deserialize)]
struct Table {
    cluster_scoped: HashSet<String>,
    kinds: HashMap<String, String>,
    types: HashMap<String, HashMap<String, String>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("schema.json")).unwrap_or(Table {
        cluster_scoped: HashSet::new(),
        kinds: HashMap::new(),
        types: HashMap::new(),
    })
});

/// Whether a kind is known to live outside namespaces.
pub(super) fn is_cluster_scoped(api_version: &str, kind: &str) -> bool {
    TABLE.cluster_scoped.contains(&format!("{api_version} {kind}"))
}

/// What is known of a node of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    /// Nothing: the object is of a kind that is not built in.
    Unknown,
    /// A part of a built-in kind without any list that merges.
    Plain,
    /// A type of the table.
    Type(&'static str),
    /// A list that merges by keys (none: a list of plain values), and the type of its items.
    Merge {
        /// The keys, joined by commas; empty for plain values.
        keys: &'static str,
        /// The type of an item; empty when it holds no such list.
        item: &'static str,
    },
}

impl Schema {
    /// The schema of an object by its own `apiVersion` and `kind`.
    pub(super) fn of(object: &Value) -> Self {
        let text = |field| object.get(field).and_then(Value::as_str).filter(|s: &&str| !s.is_empty());
        let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else { return Self::Unknown };
        match TABLE.kinds.get(&format!("{api_version} {kind}")) {
            Some(name) => Self::named(name),
            None => Self::Unknown,
        }
    }

    /// The schema of a field of a map.
    pub(super) fn field(self, name: &str) -> Self {
        let Self::Type(type_name) = self else { return self.below() };
        let Some(entry) = TABLE.types.get(type_name).and_then(|fields| fields.get(name)) else { return Self::Plain };
        match entry.split_once('>') {
            Some(("" | "{}", item)) => Self::named(item),
            Some(("*", item)) => Self::Merge { keys: "", item },
            Some((keys, item)) => Self::Merge { keys, item },
            None => Self::Plain,
        }
    }

    /// The schema of an item of a list.
    pub(super) fn item(self) -> Self {
        match self {
            Self::Merge { item, .. } => Self::named(item),
            other => other.below(),
        }
    }

    fn below(self) -> Self {
        if self == Self::Unknown { Self::Unknown } else { Self::Plain }
    }

    fn named(name: &'static str) -> Self {
        if name.is_empty() { Self::Plain } else { Self::Type(name) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_is_readable() {
        assert!(is_cluster_scoped("v1", "Namespace"));
        assert!(!is_cluster_scoped("v1", "Secret"));
        assert!(!is_cluster_scoped("ceph.rook.io/v1", "CephObjectStore"));
    }

    #[test]
    fn containers_merge_by_name() {
        let pod = Schema::of(&json!({"apiVersion": "apps/v1", "kind": "Deployment"}))
            .field("spec")
            .field("template")
            .field("spec")
            .field("containers");
        assert!(matches!(pod, Schema::Merge { keys: "name", .. }));
        assert_eq!(Schema::of(&json!({"apiVersion": "x/v1", "kind": "Y"})).field("containers"), Schema::Unknown);
    }
}
