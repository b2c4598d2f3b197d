//! Who owns which fields of an object: server-side apply, and the tracking of all other writes in `managedFields`.
//!
//! A port of the true server's own merge (structured-merge-diff 6, `apimachinery/pkg/util/managedfields`). Two ways in:
//! [`apply`] for an apply patch, [`track`] for create, update and the other patches. Both come before the object is
//! defaulted, as on the true server: defaults belong to nobody. Entries of another version of the kind are read as if
//! they were of this one, since the simulator converts nothing but `apiVersion`.

mod atom;
mod blank;
mod check;
mod compare;
mod conflict;
mod element;
mod field_set;
mod fields_v1;
mod last_applied;
mod managers;
mod merge;
mod reconcile;
mod remove;
mod scale;
mod set;
mod target;
#[cfg(test)]
mod tests;
mod updater;

use serde_json::{Value, json};

pub use scale::{from_scale, to_scale};
pub use target::Write;

use super::object;
use super::status::Status;
use atom::Place;
use managers::{Managers, Operation};
use target::Target;

/// Applies a configuration to an object, or makes one of it. What comes back may hold nulls where the configuration
/// holds them, and has no defaults yet. Conflicts are a 409 that names each field and its owner.
///
/// Options ([`super::patch::check_options`]) and the name ([`super::patch::check_name`]) are checked apart.
pub fn apply(write: &Write, live: Option<&Value>, config: &Value, force: bool) -> Result<Value, Status> {
    let target = Target::of(write);
    apply_to(&target, live, config, force)
}

/// Applies a configuration of kind `Scale` to the `Scale` of an object; `schema` is that of `Scale`. Its
/// `managedFields` come from [`to_scale`] and go back with [`from_scale`].
pub fn apply_scale(
    write: &Write,
    schema: &super::schema::Node,
    live: &Value,
    config: &Value,
    force: bool,
) -> Result<Value, Status> {
    let target = scale_target(write, schema);
    let new = apply_to(&target, Some(live), config, force)?;
    if write.resource.is_custom() {
        // The true server cannot do this either, and finds out this late.
        return Err(Status::new(
            500,
            "",
            format!(
                "failed to convert new object ({}/{}; autoscaling/v1, Kind=Scale) to proper version: request to \
                 convert CR to an invalid group/version: autoscaling/v1",
                object::namespace(config),
                object::name(config)
            ),
        ));
    }
    Ok(new)
}

/// Brings `managedFields` of `new` up to date after a create (`old` is `None`), an update, or a patch that is no apply.
pub fn track(write: &Write, old: Option<&Value>, new: &mut Value) {
    track_in(&Target::of(write), old, new);
}

/// As [`track`], of a `Scale`; see [`apply_scale`].
pub fn track_scale(write: &Write, schema: &super::schema::Node, old: &Value, new: &mut Value) {
    track_in(&scale_target(write, schema), Some(old), new);
}

/// Gives the owners of an object their old times back if nothing but these times changed, so that a write that changes
/// nothing is none. To be called right before the object is compared with the old one.
pub fn keep_times(old: &Value, new: &mut Value) {
    let entries = |object: &Value| object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let without_times = |object: &Value| {
        let mut object = object.clone();
        for entry in object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(entry) = entry.as_object_mut() {
                entry.shift_remove("time");
            }
        }
        object
    };
    let (before, after) = (entries(old), entries(new));
    if before.len() == after.len() && before != after && without_times(old) == without_times(new) {
        object::set_meta(new, "managedFields", Value::Array(before));
    }
}

/// Who writes, as `managedFields` names it: the field manager of the request, else the start of the user agent.
pub fn manager_name(field_manager: Option<&str>, user_agent: &str) -> String {
    const LONGEST: usize = 128;
    if let Some(name) = field_manager.filter(|name| !name.is_empty()) {
        return name.to_owned();
    }
    let mut name = String::new();
    for c in user_agent.split('/').next().unwrap_or_default().chars().filter(|c| !c.is_control()) {
        if name.len() + c.len_utf8() > LONGEST {
            break;
        }
        name.push(c);
    }
    name
}

fn scale_target<'a>(write: &Write<'a>, schema: &'a super::schema::Node) -> Target<'a> {
    Target {
        schema,
        api_version: "autoscaling/v1".into(),
        kind: "Scale".into(),
        subresource: "scale".into(),
        custom: false,
        put_back: set::Set::default(),
        manager: write.manager,
        now: write.now,
    }
}

fn empty(target: &Target) -> Value {
    if target.custom {
        json!({"apiVersion": target.api_version, "kind": target.kind})
    } else {
        blank::blank(target.schema)
    }
}

fn gvk(api_version: &str, kind: &str) -> String {
    let slash = if api_version.contains('/') { "" } else { "/" };
    format!("{slash}{api_version}, Kind={kind}")
}

fn apply_to(target: &Target, live: Option<&Value>, config: &Value, force: bool) -> Result<Value, Status> {
    let text = |field: &str| config[field].as_str().unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if api_version != target.api_version || kind != target.kind {
        return Err(Status::bad_request(format!("invalid object type: {}", gvk(api_version, kind))));
    }
    if config["metadata"]["managedFields"].is_array() {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    if let Some(faults) = check::faults(Place::root(target.schema), config) {
        let (namespace, name) = (object::namespace(config), object::name(config));
        let what = format!("{namespace}/{name}; {}", gvk(api_version, kind));
        return Err(Status::new(500, "", format!("failed to create typed patch object ({what}): {faults}")));
    }
    let blank;
    let (live, is_new) = if let Some(live) = live {
        (live, false)
    } else {
        blank = empty(target);
        (&blank, true)
    };
    let mut managers = managers::decode(&live["metadata"]["managedFields"])
        .map_err(|why| Status::new(500, "", format!("failed to decode managed fields: {why}")))?;
    if managers.is_empty() && !is_new {
        // Whatever is there was written before anybody was asked who he is.
        managers = updater::update(target, &empty(target), live, managers, "before-first-apply");
    }
    let applied = updater::apply(target, live, config, managers.clone(), force).or_else(|conflicts| {
        let allowed = (target.manager == "kubectl").then(|| last_applied::allowed(target, live)).flatten();
        let Some(allowed) = allowed else { return Err(conflicts) };
        let left: updater::Conflicts = conflicts.into_iter().filter(|(_, path)| !allowed.has(path)).collect();
        if left.is_empty() { updater::apply(target, live, config, managers, true) } else { Err(left) }
    });
    let (new, managers) = applied.map_err(|conflicts| conflict::status(&conflicts))?;
    let mut new = new.unwrap_or_else(|| live.clone());
    if target.manager == "kubectl" {
        last_applied::refresh(&mut new, config);
    }
    managers::write(&managers, &mut new);
    Ok(new)
}

fn track_in(target: &Target, old: Option<&Value>, new: &mut Value) {
    let Some(known) = known_managers(target, old, new) else { return };
    object::remove_meta(new, "managedFields");
    // Without owners an object is not tracked, until the first apply.
    if known.is_empty() && old.is_some() {
        return;
    }
    let managers = match old {
        Some(old) => update(target, old, new, known),
        None => update(target, &empty(target), new, known),
    };
    managers::write(&managers, new);
}

fn update(target: &Target, old: &Value, new: &Value, known: Managers) -> Managers {
    let name = target.entry(Operation::Update).name;
    let mut managers = updater::update(target, old, new, known, &name);
    managers::cap(&mut managers);
    managers
}

/// The owners to start from: those that the client sent (a list that is empty, or holds an empty entry, clears them), or
/// those of the live object if it sent none, or malformed ones, or writes to a subresource.
fn known_managers(target: &Target, old: Option<&Value>, new: &Value) -> Option<Managers> {
    let live = || {
        old.map_or_else(Managers::new, |old| managers::decode(&old["metadata"]["managedFields"]).unwrap_or_default())
    };
    if !new.is_object() {
        return None;
    }
    if !target.subresource.is_empty() {
        return Some(live());
    }
    let sent = &new["metadata"]["managedFields"];
    if let Some(entries) = sent.as_array() {
        let cleared =
            entries.is_empty() || (entries.len() == 1 && entries[0].as_object().is_some_and(serde_json::Map::is_empty));
        if cleared {
            return Some(Managers::new());
        }
    }
    let sent = managers::decode(sent).unwrap_or_default();
    Some(if sent.is_empty() { live() } else { sent })
}
