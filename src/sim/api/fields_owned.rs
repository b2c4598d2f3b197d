//! Patches, and who owns which field after a write.

use serde_json::Value;

use super::call::PatchType;
use super::decode::{FieldValidation, strict_error};
use super::go_text;
use super::managed::{self, Write};
use super::object;
use super::patch::{self, check_options};
use super::resource::Resource;
use super::shipped::shipped;
use super::status::Status;
use super::work::Work;

fn noted<T>(work: &Work, note: impl FnOnce(&Write) -> T) -> T {
    let now = work.clock.stamp();
    let subresource = work.call.subresource.as_deref().filter(|part| !part.is_empty());
    note(&Write { resource: &work.resource, subresource, manager: work.call.manager(), now: &now })
}

/// Notes the owner of what was written.
pub(super) fn track(work: &Work, old: Option<&Value>, new: &mut Value) {
    noted(work, |write| managed::track(write, old, new));
}

/// A write that changes nothing leaves the times of owners alone.
pub(super) fn keep_times(old: &Value, new: &mut Value) {
    managed::keep_times(old, new);
}

/// Checks the options of a patch.
pub(super) fn check(work: &Work, kind: PatchType) -> Result<(), Status> {
    let options = &work.call.options;
    let manager = Some(options.field_manager.as_str());
    check_options(kind == PatchType::Apply, manager, options.force.then_some(true))
}

/// The object with a patch that is no apply.
pub(super) fn patched(resource: &Resource, old: &Value, patch: &Value, kind: PatchType) -> Result<Value, Status> {
    match kind {
        PatchType::Json => patch::json_patch(old, patch),
        PatchType::Merge => patch::merge_patch(old, patch),
        PatchType::Strategic if resource.is_custom() => Err(Status::unsupported_media(&[
            PatchType::Json.media_type(),
            PatchType::Merge.media_type(),
            PatchType::Apply.media_type(),
        ])),
        PatchType::Strategic => patch::strategic_merge(&resource.schema, old, patch),
        PatchType::Apply => Err(Status::internal("an apply is no plain patch")),
    }
}

/// Reads what a patch made of an object.
pub(super) fn decode_patched(work: &mut Work, new: &mut Value, patch: &Value, kind: PatchType) -> Result<(), Status> {
    let text = match kind {
        PatchType::Strategic => go_text::plain(patch),
        _ => sorted(new).to_string(),
    };
    if let Some(why) = work.other_kind(new) {
        return Err(patch::invalid_patch(&text, &why));
    }
    let resource = work.resource.clone();
    let duplicates = work.call.duplicates.clone();
    let faults = resource.read(new, &duplicates).map_err(|why| patch::invalid_patch(&text, &why))?;
    work.named(new);
    match work.validation() {
        FieldValidation::Strict if !faults.is_empty() => Err(patch::invalid_patch(&text, &strict_error(&faults))),
        FieldValidation::Warn => {
            work.warnings.extend(faults);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn sorted(object: &Value) -> Value {
    let mut fields: Vec<_> = object.as_object().into_iter().flatten().collect();
    fields.sort_by(|a, b| a.0.cmp(b.0));
    Value::Object(fields.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Checks the configuration of an apply before it is merged: unknown fields of it, its name.
pub(super) fn check_config(work: &mut Work, config: &mut Value) -> Result<(), Status> {
    let name = object::name(config);
    if !name.is_empty() && name != work.call.name() {
        return patch::check_name(config, work.call.name(), work.namespace());
    }
    let resource = work.resource.clone();
    let kind = config["kind"].as_str().unwrap_or_default();
    if kind == resource.kind {
        // Strictness is about what the client sent: the merged object has lost what is not known.
        let warnings = resource.decode(&mut config.clone(), &work.call.duplicates, work.validation());
        match warnings {
            Ok(warnings) => work.warnings.extend(warnings),
            Err(status) if work.validation() == FieldValidation::Strict => return Err(status),
            Err(_) => {}
        }
    }
    if name.is_empty() {
        object::set_meta(config, "name", work.call.name().into());
    }
    if work.resource.namespaced && object::namespace(config).is_empty() {
        object::set_meta(config, "namespace", work.namespace().into());
    }
    Ok(())
}

/// The object with an applied configuration.
pub(super) fn apply(work: &Work, old: Option<&Value>, config: &Value) -> Result<Value, Status> {
    noted(work, |write| managed::apply(write, old, config, work.call.options.force))
}

/// Notes in the object who set its replicas through a scale.
pub(super) fn track_scale(work: &Work, old: &Value, scale: &Value, new: &mut Value, replicas: &[String]) {
    let path: Vec<&str> = replicas.iter().map(String::as_str).collect();
    let (Some(schema), before) = (scale_schema(), of_scale(old, &path)) else { return };
    let mut after = scale.clone();
    object::set_meta(&mut after, "managedFields", before["metadata"]["managedFields"].clone());
    noted(work, |write| managed::track_scale(write, schema, &before, &mut after));
    managed::from_scale(new, &after, &path, &work.resource.api_version());
}

/// The scale after an applied configuration; who owns its replicas is noted in the object.
pub(super) fn apply_scale(
    work: &Work,
    parent: &Value,
    scale: &Value,
    config: &Value,
    replicas: &[String],
) -> Result<(Value, Value), Status> {
    let path: Vec<&str> = replicas.iter().map(String::as_str).collect();
    let schema = scale_schema().ok_or_else(|| Status::not_simulated("server-side apply of a scale"))?;
    let mut live = scale.clone();
    object::set_meta(&mut live, "managedFields", managed::to_scale(parent, &path));
    let force = work.call.options.force;
    let after = noted(work, |write| managed::apply_scale(write, schema, &live, config, force))?;
    let mut new = parent.clone();
    managed::from_scale(&mut new, &after, &path, &work.resource.api_version());
    Ok((after, new))
}

fn of_scale(parent: &Value, path: &[&str]) -> Value {
    let replicas = path.iter().try_fold(parent, |value, part| value.get(part)).cloned().unwrap_or_default();
    serde_json::json!({"kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": object::name(parent), "namespace": object::namespace(parent), "managedFields": managed::to_scale(parent, path)},
        "spec": {"replicas": replicas}})
}

/// The schema of `Scale`.
fn scale_schema() -> Option<&'static super::schema::NodeRef> {
    shipped().nodes.get("io.k8s.api.autoscaling.v1.Scale")
}

/// A scale with a patch that is no apply.
pub(super) fn patched_scale(old: &Value, patch: &Value, kind: PatchType) -> Result<Value, Status> {
    match kind {
        PatchType::Merge | PatchType::Strategic => patch::merge_patch(old, patch),
        PatchType::Json => patch::json_patch(old, patch),
        PatchType::Apply => Err(Status::not_simulated("server-side apply of a scale")),
    }
}
