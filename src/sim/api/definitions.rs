//! What the API server does with CustomResourceDefinitions after they are stored: it accepts their names, serves their
//! kinds, and removes their objects before they go.

use serde_json::{Value, json};

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
    accept(state, &mut new, now);
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

fn accept(state: &State, definition: &mut Value, now: &str) {
    let names = definition["spec"]["names"].clone();
    let taken = taken(state, definition);
    let (accepted, reason, message) = match &taken {
        None => ("True", "NoConflicts", "no conflicts found".to_owned()),
        Some((reason, message)) => ("False", *reason, message.clone()),
    };
    set(definition, "NamesAccepted", accepted, reason, &message, now);
    if taken.is_none() {
        definition["status"]["acceptedNames"] = names;
        set(definition, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted", now);
    } else if condition(definition, "Established") != "True" {
        set(definition, "Established", "False", "NotAccepted", "not all names are accepted", now);
    }
    let versions = definition["spec"]["versions"].as_array().cloned().unwrap_or_default();
    let storage = versions.iter().find(|version| version["storage"] == true).map(|version| version["name"].clone());
    let mut stored = definition["status"]["storedVersions"].as_array().cloned().unwrap_or_default();
    if let Some(storage) = storage.filter(|storage| !stored.contains(storage)) {
        stored.push(storage);
    }
    definition["status"]["storedVersions"] = json!(stored);
}

/// A name of the definition that something else in its group has.
fn taken(state: &State, definition: &Value) -> Option<(&'static str, String)> {
    let own = object::name(definition);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, names) = (text(&definition["spec"]["group"]), &definition["spec"]["names"]);
    let others = state.types.all();
    let mut others =
        others.iter().filter(|other| other.gvr.group == group && other.crd.as_ref().is_none_or(|crd| crd.name != own));
    let kind = text(&names["kind"]);
    let list = text(&names["listKind"]);
    others.find_map(|other| {
        let all = [("KindConflict", &kind, &other.kind), ("ListKindConflict", &list, &other.list_kind)];
        let clash = all.into_iter().find(|(_, name, taken)| !name.is_empty() && name == taken);
        clash.map(|(reason, name, _)| (reason, format!("\"{name}\" is already in use")))
    })
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
