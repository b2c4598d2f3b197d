//! What names an object: its group, kind, namespace and name.

use std::fmt;

use serde_json::Value;

use crate::error::ObjectRef;

/// An object's identity across versions of its API.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind (`Deployment`).
    pub kind: String,
    /// Namespace; `None` for cluster-scoped objects, and where the manifest does not say.
    pub namespace: Option<String>,
    /// Name; empty where the manifest has none.
    pub name: String,
}

impl Id {
    /// The identity of an object or manifest.
    pub fn of(object: &Value) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let namespace = text("/metadata/namespace");
        Self {
            group: group(text("/apiVersion")).to_owned(),
            kind: text("/kind").to_owned(),
            namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
            name: text("/metadata/name").to_owned(),
        }
    }

    /// Without the group, for messages and errors.
    pub fn as_ref(&self) -> ObjectRef {
        ObjectRef { kind: self.kind.clone(), namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(ns) => write!(f, "{} {ns}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// The reference of an object or manifest, for messages.
pub fn object_ref(object: &Value) -> ObjectRef {
    Id::of(object).as_ref()
}

/// The group of an `apiVersion` (`apps/v1` is `apps`, `v1` is empty).
pub fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// The objects of a value: itself, or the items of a `List`.
pub fn flatten(value: Value) -> Vec<Value> {
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|k| k.ends_with("List"));
    match value {
        Value::Object(mut map) if is_list && map.get("items").is_some_and(Value::is_array) => {
            match map.remove("items") {
                Some(Value::Array(items)) => items.into_iter().flat_map(flatten).collect(),
                _ => Vec::new(),
            }
        }
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn identity_ignores_the_version() {
        let a = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "namespace": "n"}});
        let b =
            json!({"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "x", "namespace": "n"}});
        assert_eq!(Id::of(&a), Id::of(&b));
        assert_eq!(Id::of(&a).to_string(), "Deployment n/x");
        assert_eq!(Id::of(&json!({"kind": "Node"})).to_string(), "Node ");
    }

    #[test]
    fn lists_are_taken_apart() {
        let list = json!({"kind": "List", "items": [{"kind": "A"}, {"kind": "BList", "items": [{"kind": "B"}]}]});
        let kinds: Vec<_> = flatten(list).iter().map(|o| o["kind"].as_str().unwrap().to_owned()).collect();
        assert_eq!(kinds, ["A", "B"]);
    }
}
