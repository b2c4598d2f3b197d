//! What Flux's controllers ask of an API server.

use serde_json::Value;

use crate::sim::api::Status;

/// An API server as a controller sees it. Kinds go by name: `ConfigMap`, `Deployment.apps`.
pub trait Server {
    /// One object.
    fn get(&self, kind: &str, namespace: &str, name: &str) -> Result<Value, Status>;
    /// Every object of a kind, sorted by namespace and name.
    fn list(&self, kind: &str) -> Result<Vec<Value>, Status>;
    /// Server-side apply with force.
    fn apply(&self, object: &Value, manager: &str, dry_run: bool) -> Result<Value, Status>;
    /// Creates an object.
    fn create(&self, object: &Value) -> Result<Value, Status>;
    /// A merge patch of an object, or of its status.
    fn patch(&self, of: Target<'_>, patch: &Value, manager: &str) -> Result<Value, Status>;
    /// A JSON patch of an object.
    fn json_patch(&self, of: Target<'_>, patch: &Value, manager: &str) -> Result<Value, Status>;
    /// Deletes an object; what it owns goes in the background.
    fn delete(&self, kind: &str, namespace: &str, name: &str) -> Result<(), Status>;
    /// Whether objects of a kind lie in namespaces; `None` for a kind that is not served.
    fn is_namespaced(&self, api_version: &str, kind: &str) -> Option<bool>;
}

/// What a patch is for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The kind, by name.
    pub kind: &'a str,
    /// Namespace; empty for a kind of the cluster.
    pub namespace: &'a str,
    /// Name.
    pub name: &'a str,
    /// The status subresource rather than the object.
    pub status: bool,
}

/// The name of a kind from an object's type.
pub fn kind_name(api_version: &str, kind: &str) -> String {
    match api_version.split_once('/') {
        Some((group, _)) => format!("{kind}.{group}"),
        None => kind.to_owned(),
    }
}

/// Whether a refusal says that the object is not there.
pub(super) fn is_absent(status: &Status) -> bool {
    status.code() == 404
}
