//! Which object: kind, namespace, name.

use std::fmt;

use serde_json::Value;

use super::read::{name, namespace, text};

/// An object by kind (`Pod`, `Deployment.apps`), namespace (empty for kinds of the cluster) and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// `Kind` of the core group, else `Kind.group`.
    pub kind: String,
    /// Empty for kinds of the cluster.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Id {
    /// From its parts.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// Of an object.
    pub fn of(object: &Value) -> Self {
        Self { kind: kind_of(object), namespace: namespace(object).to_owned(), name: name(object).to_owned() }
    }

    /// `namespace/name`, or the name alone: what controllers queue.
    pub fn key(&self) -> String {
        if self.namespace.is_empty() { self.name.clone() } else { format!("{}/{}", self.namespace, self.name) }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.key())
    }
}

/// `Kind` or `Kind.group` of an object.
pub fn kind_of(object: &Value) -> String {
    kind_name(text(object, "/apiVersion"), text(object, "/kind"))
}

/// `Kind` or `Kind.group` from an `apiVersion` and a kind.
pub fn kind_name(api_version: &str, kind: &str) -> String {
    match api_version.split_once('/') {
        Some((group, _)) => format!("{kind}.{group}"),
        None => kind.to_owned(),
    }
}

/// Namespace and name of a queued key.
pub fn split(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or(("", key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_of_kinds_and_keys() {
        let deployment =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "a", "name": "b"}});
        let id = Id::of(&deployment);
        assert_eq!((id.kind.as_str(), id.key().as_str()), ("Deployment.apps", "a/b"));
        assert_eq!(split(&id.key()), ("a", "b"));
        let node = Id::of(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}));
        assert_eq!((node.kind.as_str(), node.key().as_str(), split("n")), ("Node", "n", ("", "n")));
    }
}
