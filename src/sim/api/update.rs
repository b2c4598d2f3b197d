//! Changing an object: update and the four kinds of patches.

use std::sync::Arc;

use serde_json::Value;

use super::call::{Answer, PatchType, Verb};
use super::create;
use super::field_error::FieldError;
use super::fields_owned;
use super::object;
use super::removal;
use super::status::Status;
use super::strategy;
use super::work::Work;

/// PUT of an object or of its status.
pub(super) fn update(work: &mut Work) -> Result<Answer, Status> {
    let mut object = work.body()?;
    work.decode(&mut object)?;
    check_name(work, &mut object)?;
    work.resource.clone().default(&mut object);
    let old = match work.current() {
        Ok(old) => old,
        Err(missing) if work.subresource().is_empty() && strategy::made_by_update(&work.resource.gvr) => {
            if !object::uid(&object).is_empty() {
                return Err(missing);
            }
            object::remove_meta(&mut object, "resourceVersion");
            create::system_fields(work, &mut object);
            fields_owned::track(work, None, &mut object);
            return create::make(work, object);
        }
        Err(missing) => return Err(missing),
    };
    let sent = object::uid(&object);
    if !sent.is_empty() && sent != object::uid(&old) {
        let (uid, is) = (sent.to_owned(), object::uid(&old).to_owned());
        return Err(uid_conflict(work, &uid, &is));
    }
    fields_owned::track(work, Some(&old), &mut object);
    replace(work, &old, object)
}

/// PATCH of an object or of its status.
pub(super) fn patch(work: &mut Work) -> Result<Answer, Status> {
    let kind = work.call.patch.ok_or_else(|| Status::bad_request("the patch has no type"))?;
    fields_owned::check(work, kind)?;
    let old = work.current();
    if kind == PatchType::Apply {
        return apply(work, old.ok());
    }
    let old = old?;
    let (patch, resource) = (work.body()?, work.resource.clone());
    let mut object = fields_owned::patched(&resource, &old, &patch, kind)?;
    fields_owned::decode_patched(work, &mut object, &patch, kind)?;
    check_name(work, &mut object)?;
    resource.default(&mut object);
    fields_owned::track(work, Some(&old), &mut object);
    replace(work, &old, object)
}

fn apply(work: &mut Work, old: Option<Arc<Value>>) -> Result<Answer, Status> {
    if old.is_none() && !work.subresource().is_empty() {
        return Err(Status::not_found(&work.resource.gvr, work.call.name()));
    }
    let mut config = work.body()?;
    fields_owned::check_config(work, &mut config)?;
    let mut object = fields_owned::apply(work, old.as_deref(), &config)?;
    let resource = work.resource.clone();
    work.decode(&mut object)?;
    check_name(work, &mut object)?;
    resource.default(&mut object);
    let Some(old) = old else {
        if !object::uid(&object).is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {}, and no existing object was found",
                object::uid(&object)
            );
            return Err(Status::conflict(&resource.gvr, work.call.name(), &why));
        }
        create::system_fields(work, &mut object);
        return create::make(work, object);
    };
    replace(work, &old, object)
}

/// The rest of an update, after the new object was read and its owner noted.
pub(super) fn replace(work: &mut Work, old: &Arc<Value>, mut object: Value) -> Result<Answer, Status> {
    let resource = work.resource.clone();
    check_version(work, old, &mut object)?;
    object::set_meta(&mut object, "resourceVersion", old["metadata"]["resourceVersion"].clone());
    if object::uid(&object).is_empty() {
        object::set_meta(&mut object, "uid", old["metadata"]["uid"].clone());
    }
    for field in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        if old["metadata"][field].is_null() {
            object::remove_meta(&mut object, field);
        } else if object["metadata"][field].is_null() || field != "creationTimestamp" {
            object::set_meta(&mut object, field, old["metadata"][field].clone());
        }
    }
    work.mutate(Verb::Update, &mut object, Some(old))?;
    let subresource = work.call.subresource.clone();
    resource.prepare_update(&mut object, old, subresource.as_deref());
    let errors = resource.validate(&object, Some(old), subresource.as_deref());
    work.refuse_invalid(&object, &errors)?;
    work.admit(Verb::Update, &object, Some(old))?;
    strategy::allocate(&work.state.store, &resource, Some(old), &mut object)?;
    if removal::is_finished(&resource.gvr, &object) {
        // The last finalizer went: the object goes too, and is answered as it would have been.
        if !work.dry_run() {
            let (kept, namespace, name) = (work.kept(), work.namespace().to_owned(), object::name(old).to_owned());
            work.state.store.remove(&kept, &namespace, &name)?;
        }
        return Ok(work.answer(object::order(object), false));
    }
    fields_owned::keep_times(old, &mut object);
    if object == **old {
        return Ok(work.answer(old.clone(), false));
    }
    let stored = work.store(object)?;
    Ok(work.answer(stored, false))
}

fn check_version(work: &Work, old: &Value, object: &mut Value) -> Result<(), Status> {
    let sent = object::version(object);
    if sent.is_empty() || sent == "0" {
        if work.call.verb == Verb::Update && !strategy::may_overwrite(&work.resource) {
            let error = FieldError::invalid("metadata.resourceVersion", "0", "must be specified for an update");
            let (group, kind) = (&work.resource.gvr.group, &work.resource.gvr.plural);
            let kind = if work.resource.is_custom() { format!("{kind}.{group}") } else { kind.clone() };
            let status = Status::invalid(group, &work.resource.gvr.plural, object::name(object), &[error]);
            let rest = status.message().split_once(" \"").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
            return Err(status.with_message(format!("{kind} \"{rest}")));
        }
        return Ok(());
    }
    if sent.parse::<u64>().is_err() {
        return Err(Status::new(500, "", format!("strconv.ParseUint: parsing {sent:?}: invalid syntax")));
    }
    if sent != object::version(old) {
        return Err(Status::modified(&work.resource.gvr, object::name(old)));
    }
    Ok(())
}

/// The object is the one of the URL.
fn check_name(work: &Work, object: &mut Value) -> Result<(), Status> {
    let (name, url) = (object::name(object), work.call.name());
    if name.is_empty() {
        return Err(Status::bad_request(format!(
            "the name of the object ({url} based on URL) was undeterminable: name must be provided"
        )));
    }
    if name != url {
        return Err(Status::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({url})"
        )));
    }
    work.settle_namespace(object)
}

fn uid_conflict(work: &Work, sent: &str, is: &str) -> Status {
    let (gvr, name) = (&work.resource.gvr, work.call.name());
    let group = if work.resource.is_custom() { format!("{}/", gvr.group) } else { String::new() };
    let place = if work.namespace().is_empty() { name.to_owned() } else { format!("{}/{name}", work.namespace()) };
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{group}{}/{place}, ResourceVersion: 0, \
         AdditionalErrorMsg: Precondition failed: UID in precondition: {sent}, UID in object meta: {is}",
        gvr.plural
    );
    Status::conflict(gvr, name, &why)
}
