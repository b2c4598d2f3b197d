//! New claims and volumes get the finalizer that keeps them while they are used (`StorageObjectInUseProtection`).

use serde_json::{Value, json};

use crate::sim::api::admission::{Admission, Attempt};
use crate::sim::api::status::Status;
use crate::sim::world::read::list;

/// The protection of claims and volumes in use.
#[derive(Clone, Copy, Debug)]
pub struct Protection;

impl Admission for Protection {
    fn mutate(&self, attempt: &Attempt, object: &mut Value) -> Result<(), Status> {
        let finalizer = if attempt.creates("persistentvolumeclaims", "") {
            "kubernetes.io/pvc-protection"
        } else if attempt.creates("persistentvolumes", "") {
            "kubernetes.io/pv-protection"
        } else {
            return Ok(());
        };
        let mut all = list(object, "/metadata/finalizers").to_vec();
        if !all.iter().any(|f| f == finalizer) {
            all.push(json!(finalizer));
            object["metadata"]["finalizers"] = Value::Array(all);
        }
        Ok(())
    }
}
