//! The `finalize` subresource of namespaces: the namespace's own finalizers, and its end.

use serde_json::{Value, json};

use super::call::Answer;
use super::object;
use super::removal;
use super::status::Status;
use super::work::Work;

/// PUT of a namespace whose `spec.finalizers` are wanted.
pub(super) fn finalize(work: &mut Work) -> Result<Answer, Status> {
    let wanted = work.body()?;
    if object::name(&wanted) != work.call.name() {
        let (name, url) = (object::name(&wanted), work.call.name());
        return Err(Status::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({url})"
        )));
    }
    let old = work.stored()?;
    let sent = object::version(&wanted);
    if !sent.is_empty() && sent != object::version(&old) {
        return Err(Status::modified(&work.resource.gvr, object::name(&old)));
    }
    let mut new = (*old).clone();
    let finalizers = wanted["spec"]["finalizers"].clone();
    new["spec"] = if finalizers.as_array().is_some_and(|all| !all.is_empty()) {
        json!({"finalizers": finalizers})
    } else {
        json!({})
    };
    if removal::is_finished(&work.resource.gvr, &new) {
        if !work.dry_run() {
            let kept = work.kept();
            work.state.store.remove(&kept, "", object::name(&old))?;
        }
        return Ok(work.answer(new, false));
    }
    if new == *old {
        return Ok(work.answer(old, false));
    }
    let stored = work.store(new)?;
    Ok(work.answer(stored, false))
}

/// Whether a namespace takes new objects: 404 if it is absent, 403 if it is on its way out.
pub(super) fn check_namespace(work: &Work, object: &Value) -> Result<(), Status> {
    if !work.resource.namespaced || work.resource.gvr.plural == "namespaces" {
        return Ok(());
    }
    let namespace = work.namespace();
    let kind = super::gvr::Gvr::new("", "v1", "namespaces");
    let Some(found) = work.state.store.get(&kind, "", namespace) else {
        return Err(Status::not_found(&kind, namespace));
    };
    if object::is_deleting(found) {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let cause = format!("namespace {namespace} is being terminated");
        let refusal = Status::forbidden(&work.resource.gvr, object::name(object), &why);
        return Err(refusal.with_causes(&[("NamespaceTerminating", &cause, "metadata.namespace")]));
    }
    Ok(())
}
