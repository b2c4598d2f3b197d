//! Rules of the true server's registry that differ from kind to kind.

use serde_json::Value;

use super::gvr::Gvr;
use super::resource::Resource;
use super::service_addresses;
use super::status::Status;
use super::store::Store;

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
            "admissionregistration.k8s.io"
            | "coordination.k8s.io"
            | "apiextensions.k8s.io"
            | "apiregistration.k8s.io"
            | "policy"
            | "node.k8s.io",
            _,
        ) => false,
        _ => true,
    }
}
