//! What the authorizer and the streams need of the object store.

use std::sync::Arc;

use serde_json::Value;

/// Reads stored objects. Whoever holds the store's lock implements it over what is locked.
pub trait Objects {
    /// One object by group, plural, namespace (empty at the cluster scope) and name.
    fn find(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Arc<Value>>;
    /// All objects of a namespace, or everywhere with an empty namespace, in order of namespace and name.
    fn list(&self, group: &str, plural: &str, namespace: &str) -> Vec<Arc<Value>>;
}
