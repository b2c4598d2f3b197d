//! Volumes that a set of objects asks for.

use serde_json::Value;

use crate::error::ObjectRef;
use crate::manifest::quantity::Quantity;

/// Storage that an object will claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageClaim {
    /// Who asks for it.
    pub owner: ObjectRef,
    /// Storage class; `None` takes the cluster's default.
    pub class: Option<String>,
    /// Bytes of one claim.
    pub bytes: i64,
    /// How many claims.
    pub count: i64,
}

impl StorageClaim {
    /// Bytes of all its claims.
    pub fn total(&self) -> i64 {
        self.bytes.saturating_mul(self.count)
    }
}

/// The claims of one object: a claim itself, a `StatefulSet`'s templates, a `CloudNativePG` Cluster's volumes.
pub(crate) fn claims(object: &Value, owner: &ObjectRef) -> Vec<StorageClaim> {
    let claim = |class: Option<&Value>, size: Option<&Value>, count: i64| {
        let bytes = Quantity::parse(size?.as_str()?).ok()?.bytes();
        let class = class.and_then(Value::as_str).filter(|c| !c.is_empty()).map(Into::into);
        Some(StorageClaim { owner: owner.clone(), class, bytes, count })
    };
    let of_spec =
        |spec: &Value, count| claim(spec.get("storageClassName"), spec.pointer("/resources/requests/storage"), count);
    match owner.kind.as_str() {
        "PersistentVolumeClaim" => object.get("spec").and_then(|spec| of_spec(spec, 1)).into_iter().collect(),
        "StatefulSet" => {
            let count = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
            let templates = object.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
            templates.into_iter().flatten().filter_map(|t| of_spec(t.get("spec")?, count)).collect()
        }
        "Cluster" => {
            let count = object.pointer("/spec/instances").and_then(Value::as_i64).unwrap_or(1);
            ["storage", "walStorage"]
                .iter()
                .filter_map(|key| object.pointer(&format!("/spec/{key}")))
                .filter_map(|s| {
                    let template = s.get("pvcTemplate");
                    let class = s.get("storageClass").or_else(|| template?.get("storageClassName"));
                    let size = s.get("size").or_else(|| template?.pointer("/resources/requests/storage"));
                    claim(class, size, count)
                })
                .collect()
        }
        _ => Vec::new(),
    }
}
