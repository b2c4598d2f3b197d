//! What is checked of every patch.

use serde_json::Value;

use super::super::field_error::{FieldError, FieldErrorKind};
use super::super::go_text;
use super::super::object;
use super::super::status::Status;

const LONGEST_MANAGER: usize = 128;

/// `fieldManager` and `force` of a patch: 422 of `PatchOptions`.
pub fn check_options(is_apply: bool, manager: Option<&str>, force: Option<bool>) -> Result<(), Status> {
    let mut faults = Vec::new();
    let manager = manager.unwrap_or_default();
    if is_apply && manager.is_empty() {
        faults.push(FieldError::required("fieldManager", "is required for apply patch"));
    } else if !is_apply && force.is_some() {
        faults.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
    }
    faults.extend(manager_fault(manager));
    if faults.is_empty() { Ok(()) } else { Err(Status::invalid("meta.k8s.io", "PatchOptions", "", &faults)) }
}

/// What is wrong with the name of a field manager, also of create and update.
fn manager_fault(manager: &str) -> Option<FieldError> {
    if manager.len() > LONGEST_MANAGER {
        let text = format!("Too long: may not be more than {LONGEST_MANAGER} bytes");
        return Some(FieldError::new(FieldErrorKind::TooLong, "fieldManager", text));
    }
    let (at, c) = manager.chars().enumerate().find(|(_, c)| c.is_control())?;
    let detail = format!("invalid character U+{:04X} (at position {at})", c as u32);
    Some(FieldError::invalid("fieldManager", &go_text::quote(manager), &detail))
}

/// Whether a patched object is still the one of the URL. `namespace` is that of the request, empty for objects of the
/// cluster (whose own namespace is dropped, not refused).
pub fn check_name(object: &Value, name: &str, namespace: &str) -> Result<(), Status> {
    let own = object::namespace(object);
    if !own.is_empty() && !namespace.is_empty() && own != namespace {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    match object::name(object) {
        "" => Err(Status::bad_request(format!(
            "the name of the object ({name} based on URL) was undeterminable: name must be provided"
        ))),
        own if own != name => Err(Status::bad_request(format!(
            "the name of the object ({own}) does not match the name on the URL ({name})"
        ))),
        _ => Ok(()),
    }
}

/// 422 for a patch that leads to something that cannot be read. `text` is what the true server quotes: the whole patched
/// object as JSON with sorted keys, or for a strategic merge patch the patch as Go prints it ([`go_text::plain`]).
pub fn invalid_patch(text: &str, why: &str) -> Status {
    Status::invalid("", "", "", &[FieldError::invalid("patch", &go_text::quote(text), why)])
}
