//! What the API server does with `CustomResourceDefinitions` after they are stored: it accepts their names, serves their
//! kinds, and removes their objects before they go.

use serde_json::{Value, json};

use super::crd;
use super::gvr::Gvr;
use super::object;
use super::status::Status;
use super::work::State;

const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// The resource of definitions.
pub(super) fn gvr() -> Gvr {
    Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions")
}

/// Brings what is served in line with a definition that was written, and its status in line with that.
pub(super) fn settle(state: &mut State, name: &str, now: &str) -> Result<(), Status> {
    let Some(definition) = state.store.get(&gvr(), "", name).cloned() else {
        state.types.remove_crd(name);
        return Ok(());
    };
    if object::is_deleting(&definition) {
        return remove(state, &definition, now);
    }
    let mut new = (*definition).clone();
    let others: Vec<_> = state.store.list("customresourcedefinitions", "apiextensions.k8s.io", "").cloned().collect();
    let others: Vec<&Value> = others.iter().map(|other| &**other).filter(|other| object::name(other) != name).collect();
    new["status"] = crd::accept(&new, &others, now);
    if new != *definition {
        state.store.put(&gvr(), object::order(new.clone()))?;
    }
    if condition(&new, "Established") == "True" {
        state.types.set_crd(&new);
    }
    Ok(())
}

/// Takes all definitions of a restored store into service.
pub(super) fn serve_all(state: &mut State) {
    let all: Vec<_> = state.store.list("customresourcedefinitions", "apiextensions.k8s.io", "").cloned().collect();
    for definition in all.iter().filter(|definition| condition(definition, "Established") == "True") {
        state.types.set_crd(definition);
    }
}

fn condition<'a>(definition: &'a Value, name: &str) -> &'a str {
    let all = definition["status"]["conditions"].as_array().into_iter().flatten();
    all.into_iter().find(|one| one["type"] == name).and_then(|one| one["status"].as_str()).unwrap_or_default()
}

fn set(definition: &mut Value, name: &str, status: &str, reason: &str, message: &str, now: &str) {
    if !definition["status"].is_object() {
        definition["status"] = json!({});
    }
    if !definition["status"]["conditions"].is_array() {
        definition["status"]["conditions"] = json!([]);
    }
    let Some(all) = definition["status"]["conditions"].as_array_mut() else { return };
    let new = |at: &Value| json!({"type": name, "status": status, "lastTransitionTime": at, "reason": reason, "message": message});
    match all.iter_mut().find(|one| one["type"] == name) {
        Some(one) => {
            let same = one["status"] == status;
            let at = if same { one["lastTransitionTime"].clone() } else { json!(now) };
            // An established definition keeps the reason it was established with.
            if !(same && name == "Established") {
                *one = new(&at);
            }
        }
        None => all.push(new(&json!(now))),
    }
}

/// Removes the objects of a definition; it goes itself when none is left.
fn remove(state: &mut State, definition: &Value, now: &str) -> Result<(), Status> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, plural) = (text(&definition["spec"]["group"]), text(&definition["spec"]["names"]["plural"]));
    let stored = definition["spec"]["versions"].as_array().into_iter().flatten();
    let storage = stored.into_iter().find(|version| version["storage"] == true).map(|version| text(&version["name"]));
    let kind = Gvr::new(&group, &storage.unwrap_or_default(), &plural);
    let objects: Vec<_> = state.store.list(&plural, &group, "").cloned().collect();
    let mut left = false;
    for one in objects {
        if object::finalizers(&one).is_empty() {
            state.store.remove(&kind, object::namespace(&one), object::name(&one))?;
            continue;
        }
        left = true;
        if !object::is_deleting(&one) {
            let mut going = (*one).clone();
            object::set_meta(&mut going, "deletionTimestamp", json!(now));
            object::set_meta(&mut going, "deletionGracePeriodSeconds", json!(0));
            state.store.put(&kind, object::order(going))?;
        }
    }
    if left {
        let mut waiting = definition.clone();
        set(
            &mut waiting,
            "Terminating",
            "True",
            "InstanceDeletionInProgress",
            "CustomResource deletion is in progress",
            now,
        );
        if waiting != *definition {
            state.store.put(&gvr(), waiting)?;
        }
        return Ok(());
    }
    let name = object::name(definition).to_owned();
    state.types.remove_crd(&name);
    state.store.end_feeds(&kind.resource());
    let others: Vec<&str> = object::finalizers(definition).into_iter().filter(|f| *f != CLEANUP).collect();
    if others.is_empty() {
        return state.store.remove(&gvr(), "", &name);
    }
    let mut waiting = definition.clone();
    object::set_meta(&mut waiting, "finalizers", json!(others));
    state.store.put(&gvr(), waiting)?;
    Ok(())
}
