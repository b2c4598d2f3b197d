//! What the kinds do of their own on a write: fields that a client cannot set, generations, rules of the registry.

use serde_json::{Value, json};

use super::field_error::FieldError;
use super::gvr::Gvr;
use super::object;
use super::resource::Resource;
use super::service_addresses;
use super::status::Status;
use super::store::Store;

/// Fills in what was left out.
pub(super) fn default(resource: &Resource, object: &mut Value) {
    let _ = (resource, object);
}

/// What is wrong with an object.
pub(super) fn validate(
    resource: &Resource,
    new: &Value,
    old: Option<&Value>,
    subresource: Option<&str>,
) -> Vec<FieldError> {
    let _ = (resource, new, old, subresource);
    Vec::new()
}

/// Drops what a create cannot set.
pub(super) fn prepare_create(resource: &Resource, object: &mut Value) {
    if resource.status
        && let Some(fields) = object.as_object_mut()
    {
        fields.shift_remove("status");
    }
    if has_generation(resource) {
        object::set_meta(object, "generation", json!(1));
    }
    if resource.gvr.resource() == "namespaces" {
        object["spec"]["finalizers"] = json!(["kubernetes"]);
        object["status"] = json!({"phase": "Active"});
    }
}

/// Takes what this write cannot change from the old object.
pub(super) fn prepare_update(resource: &Resource, object: &mut Value, old: &Value, subresource: Option<&str>) {
    match subresource {
        Some("status") => {
            let status = object["status"].clone();
            let managed = object["metadata"]["managedFields"].clone();
            *object = old.clone();
            set_or_drop(object, "status", status);
            if !managed.is_null() {
                object::set_meta(object, "managedFields", managed);
            }
        }
        _ if resource.status => set_or_drop(object, "status", old["status"].clone()),
        _ => {}
    }
    if has_generation(resource) {
        let generation = old["metadata"]["generation"].as_i64().unwrap_or(0);
        let changed = subresource.is_none() && without_meta(object) != without_meta(old);
        object::set_meta(object, "generation", json!(generation + i64::from(changed)));
    }
}

fn set_or_drop(object: &mut Value, field: &str, value: Value) {
    let Some(fields) = object.as_object_mut() else { return };
    if value.is_null() {
        fields.shift_remove(field);
    } else {
        fields.insert(field.to_owned(), value);
    }
}

fn without_meta(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("metadata");
        fields.shift_remove("status");
    }
    object
}

fn has_generation(resource: &Resource) -> bool {
    resource.is_custom() || resource.status && !resource.gvr.group.is_empty()
}

/// Addresses and ports that the server gives out.
pub(super) fn allocate(
    store: &Store,
    resource: &Resource,
    old: Option<&Value>,
    object: &mut Value,
) -> Result<(), Status> {
    if resource.gvr.resource() == "services" { service_addresses::allocate(store, old, object) } else { Ok(()) }
}

/// Kinds that a PUT may make (`AllowCreateOnUpdate`).
pub(super) fn made_by_update(gvr: &Gvr) -> bool {
    match gvr.group.as_str() {
        "" => matches!(gvr.plural.as_str(), "limitranges" | "events" | "services" | "endpoints"),
        "events.k8s.io" | "rbac.authorization.k8s.io" | "coordination.k8s.io" => true,
        "node.k8s.io" => gvr.plural == "runtimeclasses",
        _ => false,
    }
}

/// Whether a PUT without a version goes over whatever is there (`AllowUnconditionalUpdate`).
pub(super) fn may_overwrite(resource: &Resource) -> bool {
    if resource.is_custom() {
        return false;
    }
    match (resource.gvr.group.as_str(), resource.gvr.plural.as_str()) {
        ("storage.k8s.io", plural) => matches!(plural, "storageclasses" | "volumeattributesclasses"),
        (
            "admissionregistration.k8s.io" | "coordination.k8s.io" | "apiextensions.k8s.io" | "apiregistration.k8s.io",
            _,
        ) => false,
        ("policy", _) | ("node.k8s.io", _) => false,
        _ => true,
    }
}
