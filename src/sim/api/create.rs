//! Making an object.

use serde_json::{Value, json};

use super::call::{Answer, Verb};
use super::field_error::FieldError;
use super::fields_owned;
use super::finalize;
use super::names;
use super::object;
use super::status::Status;
use super::strategy;
use super::work::Work;

/// How often a generated name that is taken is made anew.
const ATTEMPTS: usize = 8;

/// POST to a collection.
pub(super) fn create(work: &mut Work) -> Result<Answer, Status> {
    let mut object = work.body()?;
    work.decode(&mut object)?;
    if let Some(map) = object.as_object_mut() {
        map.entry("metadata").or_insert_with(|| json!({}));
    }
    work.settle_namespace(&mut object)?;
    work.resource.clone().default(&mut object);
    system_fields(work, &mut object);
    fields_owned::track(work, None, &mut object);
    make(work, object)
}

/// The rest of a create, after the body was read and its owner noted: also an apply of what is not there.
pub(super) fn make(work: &mut Work, mut object: Value) -> Result<Answer, Status> {
    if !object::version(&object).is_empty() {
        return Err(Status::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    finalize::check_namespace(work, &object)?;
    work.mutate(Verb::Create, &mut object, None)?;
    let generated = object::name(&object).is_empty() && !object::meta(&object, "generateName").is_empty();
    for attempt in 0..ATTEMPTS {
        if generated {
            let name = names::generated(object::meta(&object, "generateName"));
            object::set_meta(&mut object, "name", json!(name));
        }
        match place(work, object.clone()) {
            Err(status) if generated && attempt + 1 < ATTEMPTS && status.reason() == "AlreadyExists" => {}
            other => return other,
        }
    }
    Err(Status::already_exists(&work.resource.gvr, object::name(&object)))
}

fn place(work: &mut Work, mut object: Value) -> Result<Answer, Status> {
    let resource = work.resource.clone();
    resource.prepare_create(&mut object);
    if object::name(&object).is_empty() {
        let error = FieldError::required("metadata.name", "name or generateName is required");
        work.refuse_invalid(&object, &[error])?;
    }
    let errors = resource.validate(&object, None, None);
    work.refuse_invalid(&object, &errors)?;
    work.admit(Verb::Create, &object, None)?;
    let name = object::name(&object).to_owned();
    if let Some(there) = work.state.store.get(&work.kept(), work.namespace(), &name) {
        let taken = Status::already_exists(&resource.gvr, &name);
        let going = object::is_deleting(there);
        let message = format!("object is being deleted: {}", taken.message());
        return Err(if going { taken.with_message(message) } else { taken });
    }
    strategy::allocate(&work.state.store, &resource, None, &mut object)?;
    let stored = work.store(object)?;
    Ok(work.answer(stored, true))
}

/// `FillObjectMetaSystemFields`.
pub(super) fn system_fields(work: &Work, object: &mut Value) {
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        object::remove_meta(object, field);
    }
    if object::version(object).is_empty() {
        object::remove_meta(object, "resourceVersion");
    }
    object::set_meta(object, "creationTimestamp", json!(work.clock.stamp()));
    object::set_meta(object, "uid", json!(names::uid()));
}
