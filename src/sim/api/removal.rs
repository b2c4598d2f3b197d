//! Deleting: preconditions, grace, finalizers and propagation. After `rest.BeforeDelete` and `registry.Store.Delete`.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::call::{Answer, Verb};
use super::gvr::Gvr;
use super::object;
use super::status::Status;
use super::work::Work;
use crate::sim::clock;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer that a CRD gets while its objects are removed.
const CRD_CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// DELETE of an object.
pub(super) fn delete(work: &mut Work) -> Result<Answer, Status> {
    let old = work.current()?;
    check_preconditions(work, &old)?;
    work.admit(Verb::Delete, &old, Some(&old))?;
    let answer = one(work, &old)?;
    Ok(work.answer(answer, false))
}

/// Deletes one object; the body that is answered.
pub(super) fn one(work: &mut Work, old: &Arc<Value>) -> Result<Arc<Value>, Status> {
    if work.resource.gvr.resource() == "namespaces" {
        return namespace(work, old);
    }
    if work.resource.gvr.resource() == "customresourcedefinitions.apiextensions.k8s.io" {
        return definition(work, old);
    }
    if work.resource.gvr.resource() == "jobs.batch" && propagation(work).is_none() {
        work.warnings.push("child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning".to_owned());
    }
    let grace = grace(work, old);
    let finalizers = finalizers_after(work, old);
    let going = object::is_deleting(old);
    let mut new = (**old).clone();
    write_finalizers(&mut new, &finalizers);
    if let Some(seconds) = grace.filter(|seconds| *seconds > 0) {
        if going && old["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) <= seconds {
            return Ok(old.clone());
        }
        mark(&mut new, work.clock.now(), seconds, going);
        return work.store(new);
    }
    if finalizers.is_empty() {
        return remove(work, old, new, grace.is_some());
    }
    if !going || old["metadata"]["deletionGracePeriodSeconds"].as_i64() != Some(0) {
        mark(&mut new, work.clock.now(), 0, going);
    }
    if new == **old { Ok(old.clone()) } else { work.store(new) }
}

/// Whether an object that is being deleted has nothing left to wait for.
pub(super) fn is_finished(gvr: &Gvr, object: &Value) -> bool {
    let waits = match gvr.resource().as_str() {
        "namespaces" => object["spec"]["finalizers"].as_array().is_some_and(|f| !f.is_empty()),
        _ => object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) > 0,
    };
    object::is_deleting(object) && object::finalizers(object).is_empty() && !waits
}

fn remove(work: &mut Work, old: &Arc<Value>, mut new: Value, graceful: bool) -> Result<Arc<Value>, Status> {
    if !work.dry_run() {
        let (kept, namespace, name) = (work.kept(), work.namespace_of(old), object::name(old).to_owned());
        work.state.store.remove(&kept, &namespace, &name)?;
    }
    if graceful && !object::is_deleting(&new) {
        mark(&mut new, work.clock.now(), 0, false);
        object::set_meta(&mut new, "resourceVersion", json!(work.state.store.version().to_string()));
    }
    if answers_object(&work.resource.gvr) {
        return Ok(Arc::new(object::order(new)));
    }
    Ok(Arc::new(success(&work.resource.gvr, old)))
}

/// The `Status` that tells of a success.
fn success(gvr: &Gvr, old: &Value) -> Value {
    let mut details = json!({"name": object::name(old)});
    if !gvr.group.is_empty() {
        details["group"] = json!(gvr.group);
    }
    details["kind"] = json!(gvr.plural);
    details["uid"] = json!(object::uid(old));
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// Kinds whose registry returns the deleted object (`ReturnDeletedObject`).
fn answers_object(gvr: &Gvr) -> bool {
    match gvr.group.as_str() {
        "" => matches!(
            gvr.plural.as_str(),
            "pods"
                | "services"
                | "persistentvolumes"
                | "persistentvolumeclaims"
                | "serviceaccounts"
                | "resourcequotas"
                | "podtemplates"
        ),
        "storage.k8s.io" => gvr.plural != "csistoragecapacities",
        "resource.k8s.io" => true,
        _ => false,
    }
}

fn mark(object: &mut Value, now: Timestamp, seconds: i64, going: bool) {
    let at = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
    object::set_meta(object, "deletionTimestamp", json!(clock::stamp(at)));
    object::set_meta(object, "deletionGracePeriodSeconds", json!(seconds));
    if let Some(generation) = object["metadata"]["generation"].as_i64().filter(|g| *g > 0 && !going) {
        object::set_meta(object, "generation", json!(generation + 1));
    }
}

/// Seconds of grace; only pods have any.
fn grace(work: &Work, pod: &Value) -> Option<i64> {
    if work.resource.gvr.resource() != "pods" {
        return None;
    }
    let own = pod["spec"]["terminationGracePeriodSeconds"].as_i64();
    let mut seconds = work.call.options.grace_seconds.or(own).unwrap_or(30);
    if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty()
        || matches!(pod["status"]["phase"].as_str(), Some("Failed" | "Succeeded"))
    {
        seconds = 0;
    }
    Some(if seconds < 0 { 1 } else { seconds })
}

fn check_preconditions(work: &Work, old: &Value) -> Result<(), Status> {
    let options = &work.call.options;
    let named = Gvr::new(&work.resource.gvr.group, "", &work.resource.kind);
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != object::uid(old)) {
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
            object::uid(old)
        );
        return Err(Status::conflict(&named, object::name(old), &why));
    }
    if let Some(version) = options.version.as_deref().filter(|version| *version != object::version(old)) {
        let why = format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({}). The object might have been modified",
            object::version(old)
        );
        return Err(Status::conflict(&named, object::name(old), &why));
    }
    Ok(())
}

/// How dependants are treated, as far as the request says.
fn propagation<'a>(work: &'a Work) -> Option<&'a str> {
    let options = &work.call.options;
    options
        .propagation
        .as_deref()
        .or(options.orphan_dependents.map(|orphan| if orphan { "Orphan" } else { "Background" }))
}

/// The finalizers after the collector's own were put on or taken off.
fn finalizers_after(work: &Work, old: &Value) -> Vec<String> {
    let has = |name: &str| object::finalizers(old).contains(&name);
    let by_default = if matches!(work.resource.gvr.resource().as_str(), "jobs.batch" | "replicationcontrollers") {
        "Orphan"
    } else {
        "Background"
    };
    let policy = propagation(work).unwrap_or(match (has(ORPHAN), has(FOREGROUND)) {
        (true, _) => "Orphan",
        (_, true) => "Foreground",
        _ => by_default,
    });
    let own = [ORPHAN, FOREGROUND];
    let others = object::finalizers(old).into_iter().filter(|name| !own.contains(name));
    let mut all: Vec<String> = others.map(str::to_owned).collect();
    match policy {
        "Orphan" => all.push(ORPHAN.to_owned()),
        "Foreground" => all.push(FOREGROUND.to_owned()),
        _ => {}
    }
    let before: Vec<String> = object::finalizers(old).into_iter().map(str::to_owned).collect();
    let same = before.len() == all.len() && before.iter().all(|name| all.contains(name));
    if same { before } else { all }
}

fn write_finalizers(object: &mut Value, finalizers: &[String]) {
    if finalizers.is_empty() {
        object::remove_meta(object, "finalizers");
    } else {
        object::set_meta(object, "finalizers", json!(finalizers));
    }
}

/// A namespace becomes `Terminating`; it goes when its finalizers are gone.
fn namespace(work: &mut Work, old: &Arc<Value>) -> Result<Arc<Value>, Status> {
    if matches!(object::name(old), "default" | "kube-system" | "kube-public") {
        return Err(Status::forbidden(&work.resource.gvr, object::name(old), "this namespace may not be deleted"));
    }
    if object::is_deleting(old) {
        return Ok(old.clone());
    }
    let mut new = (**old).clone();
    let finalizers = finalizers_after(work, old);
    write_finalizers(&mut new, &finalizers);
    object::set_meta(&mut new, "deletionTimestamp", json!(work.clock.stamp()));
    new["status"]["phase"] = json!("Terminating");
    if is_finished(&work.resource.gvr, &new) {
        return remove(work, old, new, false);
    }
    work.store(new)
}

/// A CRD goes after its objects.
fn definition(work: &mut Work, old: &Arc<Value>) -> Result<Arc<Value>, Status> {
    if object::is_deleting(old) {
        return Ok(old.clone());
    }
    let mut new = (**old).clone();
    let mut finalizers = finalizers_after(work, old);
    if !finalizers.iter().any(|name| name == CRD_CLEANUP) {
        finalizers.push(CRD_CLEANUP.to_owned());
    }
    write_finalizers(&mut new, &finalizers);
    object::set_meta(&mut new, "deletionTimestamp", json!(work.clock.stamp()));
    work.store(new)
}
