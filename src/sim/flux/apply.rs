//! Server-side apply as Flux's resource manager does it: stages, a dry run of everything before anything is written,
//! unchanged objects left alone, immutable ones made anew by force.

use serde_json::{Map, Value, json};

use super::annotations::says;
use super::id::Id;
use super::server::{Server, Target, is_absent};
use crate::sim::api::{Status, object};

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Created,
    Configured,
    Unchanged,
    Skipped,
    Deleted,
    Unknown,
}

impl Action {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Deleted => "deleted",
            Self::Unknown => "unknown",
        }
    }
}

/// An object and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: Id,
    pub(super) action: Action,
}

/// Who applies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    /// Field manager.
    pub(super) manager: &'static str,
    /// Group of its labels and annotations.
    pub(super) group: &'static str,
}

/// Why objects were not applied.
#[derive(Debug)]
pub(super) enum Trouble {
    /// An object that has to go first is still there.
    Leaving,
    /// An error, in words.
    Refused(String),
}

/// The stages in which objects are applied: definitions, classes, the rest; each sorted.
pub(super) fn stages(objects: Vec<Value>) -> [Vec<Value>; 3] {
    let mut stages: [Vec<Value>; 3] = Default::default();
    for object in objects {
        let id = Id::of(&object);
        let definition = matches!(
            (id.group.as_str(), id.kind.as_str()),
            ("apiextensions.k8s.io", "CustomResourceDefinition")
                | ("", "Namespace")
                | ("rbac.authorization.k8s.io", "ClusterRole")
        );
        let stage = if definition { 0 } else { usize::from(!id.kind.ends_with("Class")) + 1 };
        stages[stage].push(object);
    }
    for stage in &mut stages {
        stage.sort_by_cached_key(|object| Id::of(object).rank());
    }
    stages
}

/// The lines of a change set that tell of changes.
pub(super) fn lines(entries: &[Entry], all: bool) -> Vec<String> {
    let told = |entry: &&Entry| all || !matches!(entry.action, Action::Unchanged | Action::Skipped);
    entries.iter().filter(told).map(|e| format!("{} {}", e.id.subject(), e.action.as_str())).collect()
}

/// Applies the objects of one stage.
pub(super) fn all(server: &dyn Server, owner: Owner, objects: &[Value], force: bool) -> Result<Vec<Entry>, Trouble> {
    let mut entries = Vec::new();
    let mut writes = Vec::new();
    for object in objects {
        let (entry, write) = plan(server, owner, object, force)?;
        entries.push(entry);
        writes.extend(write.then_some(object));
    }
    for object in writes {
        server.apply(object, owner.manager, false).map_err(|status| {
            Trouble::Refused(format!("{} apply failed: {}", Id::of(object).subject(), status.message()))
        })?;
    }
    Ok(entries)
}

/// What applying an object would do; whether it has to be written.
fn plan(server: &dyn Server, owner: Owner, desired: &Value, force: bool) -> Result<(Entry, bool), Trouble> {
    let id = Id::of(desired);
    let existing = existing(server, &id).map_err(Trouble::Refused)?;
    let key = |name: &str| format!("{}/{name}", owner.group);
    let either = |name: &str, value: &str| {
        says(desired, &key(name), value) || existing.as_ref().is_some_and(|live| says(live, &key(name), value))
    };
    let stays = either("reconcile", "disabled")
        || either("ssa", "ignore")
        || (existing.is_some() && says(desired, &key("ssa"), "IfNotPresent"));
    if stays {
        return Ok((Entry { id, action: Action::Skipped }, false));
    }
    let tried = match server.apply(desired, owner.manager, true) {
        Ok(tried) => tried,
        Err(status) => {
            if existing.is_some() && is_immutable(&status) && (force || either("force", "enabled")) {
                server.delete(&id.kind_name(), &id.namespace, &id.name).or_else(gone).map_err(|status| {
                    Trouble::Refused(format!(
                        "{} immutable field detected, failed to delete object: {}",
                        id.subject(),
                        status.message()
                    ))
                })?;
                let left = server.get(&id.kind_name(), &id.namespace, &id.name);
                if left.is_ok() {
                    return Err(Trouble::Leaving);
                }
                server
                    .apply(desired, owner.manager, true)
                    .map_err(|status| Trouble::Refused(dry_run_error(&id, &status)))?
            } else {
                return Err(Trouble::Refused(dry_run_error(&id, &status)));
            }
        }
    };
    let Some(live) = &existing else { return Ok((Entry { id, action: Action::Created }, true)) };
    let taken = !either("ssa", "merge") && take_over(server, owner, &id, live);
    let changed = taken || has_drifted(live, &tried);
    let action = if changed { Action::Configured } else { Action::Unchanged };
    Ok((Entry { id, action }, changed))
}

fn existing(server: &dyn Server, id: &Id) -> Result<Option<Value>, String> {
    match server.is_namespaced(&id.api_version(), &id.kind) {
        None => {
            let why = format!("no matches for kind \"{}\" in version \"{}\"", id.kind, id.api_version());
            return Err(format!("{} dry-run failed: {why}", id.subject()));
        }
        Some(true) if id.namespace.is_empty() => {
            return Err(format!(
                "{} namespace not specified: the server could not find the requested resource",
                id.subject()
            ));
        }
        Some(_) => {}
    }
    match server.get(&id.kind_name(), &id.namespace, &id.name) {
        Ok(live) => Ok(Some(live)),
        Err(status) if is_absent(&status) => Ok(None),
        Err(status) => Err(format!("{} query failed: {}", id.subject(), status.message())),
    }
}

fn gone(status: Status) -> Result<(), Status> {
    if is_absent(&status) { Ok(()) } else { Err(status) }
}

fn dry_run_error(id: &Id, status: &Status) -> String {
    if is_absent(status) {
        return format!("{} not found: {}", id.subject(), status.message());
    }
    let reason = if status.reason().is_empty() { String::new() } else { format!(" ({})", status.reason()) };
    format!("{} dry-run failed{reason}: {}", id.subject(), status.message())
}

fn is_immutable(status: &Status) -> bool {
    let text = status.message();
    matches!(status.code(), 409 | 422) || text.contains(" is immutable") || text.contains("immutable field")
}

/// Whether a dry run would change an object: labels, annotations, or anything but metadata and status.
pub(super) fn has_drifted(live: &Value, tried: &Value) -> bool {
    let meta = |object: &Value, field: &str| match &object["metadata"][field] {
        Value::Null => json!({}),
        other => other.clone(),
    };
    let rest = |object: &Value| {
        let mut map = object.as_object().cloned().unwrap_or_default();
        map.retain(|key, _| key != "metadata" && key != "status");
        map
    };
    meta(live, "labels") != meta(tried, "labels")
        || meta(live, "annotations") != meta(tried, "annotations")
        || rest(live) != rest(tried)
}

/// Takes over what `kubectl` has set, so that it is undone; whether there was any.
fn take_over(server: &dyn Server, owner: Owner, id: &Id, live: &Value) -> bool {
    let Some(entries) = live["metadata"]["managedFields"].as_array() else { return false };
    let is_ours = |entry: &Value| entry["manager"] == owner.manager && entry["operation"] == "Apply";
    let is_taken = |entry: &Value| {
        let (manager, update) = (entry["manager"].as_str().unwrap_or_default(), entry["operation"] == "Update");
        entry["subresource"].is_null()
            && (manager.starts_with("kubectl")
                || update && (manager == "before-first-apply" || manager == owner.manager))
    };
    if !entries.iter().any(is_taken) {
        return false;
    }
    let mut fields = json!({});
    for entry in entries.iter().filter(|e| is_taken(e) || is_ours(e)) {
        unite(&mut fields, &entry["fieldsV1"]);
    }
    let mut kept: Vec<Value> = entries.iter().filter(|e| !is_taken(e) && !is_ours(e)).cloned().collect();
    kept.insert(
        0,
        json!({
            "manager": owner.manager, "operation": "Apply", "apiVersion": live["apiVersion"],
            "fieldsType": "FieldsV1", "fieldsV1": fields,
        }),
    );
    let patch = json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": kept},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": object::version(live)},
    ]);
    let kind = id.kind_name();
    let target = Target { kind: &kind, namespace: &id.namespace, name: &id.name, status: false };
    server.json_patch(target, &patch, owner.manager).is_ok()
}

fn unite(into: &mut Value, from: &Value) {
    let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) else { return };
    for (key, value) in from {
        match into.get_mut(key) {
            Some(known) => unite(known, value),
            None => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

/// Deletes objects that carry the owner's labels and don't say that they are to stay; the last applied go first.
pub(super) fn delete(
    server: &dyn Server,
    owner: Owner,
    of: (&str, &str),
    mut ids: Vec<Id>,
) -> (Vec<Entry>, Option<String>) {
    ids.sort_by_cached_key(|id| std::cmp::Reverse(id.rank()));
    let (mut entries, mut errors) = (Vec::new(), String::new());
    let key = |name: &str| format!("{}/{name}", owner.group);
    for id in ids {
        let live = server.get(&id.kind_name(), &id.namespace, &id.name);
        let action = match live {
            Err(status) if is_absent(&status) => Action::Deleted,
            Err(status) => {
                errors += &format!("{} query failed: {};", id.subject(), status.message());
                Action::Unknown
            }
            Ok(live) => {
                let owned = object::label(&live, &key("name")) == Some(of.1)
                    && object::label(&live, &key("namespace")) == Some(of.0);
                let stays = says(&live, &key("prune"), "disabled")
                    || says(&live, &key("reconcile"), "disabled")
                    || says(&live, &key("ssa"), "ignore");
                if !owned || stays {
                    Action::Skipped
                } else if let Err(status) = server.delete(&id.kind_name(), &id.namespace, &id.name).or_else(gone) {
                    errors += &format!("{} delete failed: {};", id.subject(), status.message());
                    Action::Unknown
                } else {
                    Action::Deleted
                }
            }
        };
        entries.push(Entry { id, action });
    }
    (entries, (!errors.is_empty()).then(|| format!("delete failed, errors: {errors}")))
}

/// Marks an object as owned.
pub(super) fn own(value: &mut Value, owner: Owner, namespace: &str, name: &str) {
    let labels = &mut value["metadata"]["labels"];
    if !labels.is_object() {
        *labels = Value::Object(Map::new());
    }
    labels[format!("{}/name", owner.group)] = json!(name);
    labels[format!("{}/namespace", owner.group)] = json!(namespace);
}
