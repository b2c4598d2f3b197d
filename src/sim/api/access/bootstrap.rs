//! The roles and bindings of a fresh cluster, as the true server makes them (`rig/extract-roles` writes the file anew).

use serde_json::Value;

use crate::error::{Code, Error, Result};

const TEXT: &str = include_str!("bootstrap.json");

/// Roles first, then bindings; those with a namespace (`kube-system`, `kube-public`) need it to exist.
pub fn objects() -> Result<Vec<Value>> {
    serde_json::from_str(TEXT).map_err(|e| Error::new(Code::Internal, format!("roles of a fresh cluster: {e}")))
}
