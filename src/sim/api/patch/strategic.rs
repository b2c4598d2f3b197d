//! Strategic merge patch: lists merge by key where the schema says so, and `$patch`, `$retainKeys`,
//! `$deleteFromPrimitiveList` and `$setElementOrder` direct the merge.

use serde_json::{Map, Value};

use super::super::go_text;
use super::super::schema::Node;
use super::super::status::Status;
use super::order::{arrange, check, identity, no_key};
use super::shape::{Field, Shape, unforeseen};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

type Fields = Map<String, Value>;

/// The patched object. Custom resources do not take this kind of patch: refused before, with 415.
pub fn strategic_merge(schema: &Node, live: &Value, patch: &Value) -> Result<Value, Status> {
    let Value::Object(patch) = patch else {
        let kind = go_text::json_name(patch);
        let text = format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}");
        return Err(Status::bad_request(text));
    };
    let live = live.as_object().cloned().unwrap_or_default();
    merge_map(live, patch.clone(), Shape::of(schema)).map(Value::Object)
}

fn malformed(what: &str) -> Status {
    Status::bad_request(format!("invalid patch format of {what}"))
}

fn bad_type(expected: &Value, value: &Value) -> Status {
    let (expected, received) = (go_text::type_name(expected), go_text::type_name(value));
    unforeseen(format!("expected a {expected}, but received a {received}"))
}

fn as_list(value: &Value) -> Result<&Vec<Value>, Status> {
    value.as_array().ok_or_else(|| bad_type(&Value::Array(Vec::new()), value))
}

fn unknown_directive(directive: &Value, map: &Fields) -> Status {
    let (directive, map) = (go_text::plain(directive), go_text::plain(&Value::Object(map.clone())));
    unforeseen(format!("unknown patch type: {directive} in map: {map}"))
}

fn merge_map(mut live: Fields, mut patch: Fields, shape: Shape) -> Result<Fields, Status> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => {
                patch.shift_remove(DIRECTIVE);
                Ok(patch)
            }
            Some("delete") => Ok(Fields::new()),
            _ => Err(unknown_directive(directive, &patch)),
        };
    }
    retain_keys(&mut live, &mut patch)?;
    let ordered: Vec<String> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    for key in ordered {
        merge_ordered(&key, &mut live, &mut patch, shape)?;
    }
    for (key, value) in patch {
        let (key, deletes) = if key.starts_with(DELETE_FROM) {
            let name = key.strip_prefix(DELETE_FROM).and_then(|rest| rest.strip_prefix('/'));
            (name.ok_or_else(|| malformed("primitive list"))?.to_owned(), true)
        } else {
            (key, false)
        };
        merge_field(&mut live, &key, value, deletes, shape)?;
    }
    Ok(live)
}

fn merge_field(live: &mut Fields, key: &str, patch: Value, deletes: bool, shape: Shape) -> Result<(), Status> {
    if patch.is_null() {
        live.shift_remove(key);
        return Ok(());
    }
    let merged = match (live.get(key).cloned(), patch) {
        (Some(Value::Object(present)), Value::Object(patch)) if !deletes => {
            let field = shape.map_field(key)?;
            let replaces = field.strategy == "replace";
            Some(Value::Object(if replaces { patch } else { merge_map(present, patch, field.shape)? }))
        }
        (Some(Value::Array(present)), Value::Array(patch)) => {
            Some(Value::Array(merge_list(present, patch, &shape.list_field(key)?, deletes)?))
        }
        _ if deletes => return Ok(()),
        (_, patch) => without_directives(without_nulls(patch)),
    };
    match merged {
        Some(merged) => {
            live.insert(key.to_owned(), merged);
        }
        None => {
            live.shift_remove(key);
        }
    }
    Ok(())
}

/// Drops what `$retainKeys` does not name; the patch may not set anything else either.
fn retain_keys(live: &mut Fields, patch: &mut Fields) -> Result<(), Status> {
    let Some(keys) = patch.shift_remove(RETAIN_KEYS) else { return Ok(()) };
    let keys = keys.as_array().ok_or_else(|| malformed("retainKeys"))?;
    let kept = |key: &str| keys.iter().any(|kept| kept == key);
    let directive = |key: &str| key.starts_with(DELETE_FROM) || key.starts_with(SET_ORDER);
    if patch.iter().any(|(key, value)| !value.is_null() && !directive(key) && !kept(key)) {
        return Err(malformed("retainKeys"));
    }
    live.retain(|key, _| kept(key));
    Ok(())
}

/// A list with `$setElementOrder`, and with what the patch says of its elements.
fn merge_ordered(directive: &str, live: &mut Fields, patch: &mut Fields, shape: Shape) -> Result<(), Status> {
    let Some(wanted) = patch.shift_remove(directive) else { return Ok(()) };
    let wanted = as_list(&wanted)?;
    let name = directive.strip_prefix(SET_ORDER).and_then(|rest| rest.strip_prefix('/'));
    let name = name.ok_or_else(|| malformed("setElementOrder list"))?;
    let present = live.get(name).map(as_list).transpose()?.cloned();
    let changed = patch.get(name).map(as_list).transpose()?.cloned();
    let field = shape.list_field(name)?;
    check(changed.as_deref().unwrap_or_default(), wanted, field.key, DIRECTIVE)?;
    let merged = match (&present, &changed) {
        (None, None) => return Ok(()),
        (Some(present), None) => present.clone(),
        (None, Some(changed)) => match without_directives(Value::Array(changed.clone())) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        (Some(present), Some(changed)) => merge_list(present.clone(), changed.clone(), &field, false)?,
    };
    let present = present.unwrap_or_default();
    same_kind(&present, changed.as_deref().unwrap_or_default())?;
    live.insert(name.to_owned(), Value::Array(arrange(merged, wanted, &present, field.key)?));
    patch.shift_remove(name);
    Ok(())
}

/// A sample of the elements of both, which must be of one kind and no lists.
fn same_kind<'a>(a: &'a [Value], b: &'a [Value]) -> Result<&'a Value, Status> {
    let mut all = a.iter().chain(b);
    let Some(first) = all.next() else { return Err(unforeseen("no elements in any of the given slices")) };
    if first.is_array() {
        let text = "the server rejected our request due to an error in our request";
        return Err(Status::unprocessable(text).with_empty_details());
    }
    if all.all(|item| go_text::type_name(item) == go_text::type_name(first)) {
        return Ok(first);
    }
    let both = Value::Array(vec![Value::Array(a.to_vec()), Value::Array(b.to_vec())]);
    Err(unforeseen(format!("list element types are not identical: {}", go_text::plain(&both))))
}

fn merge_list(live: Vec<Value>, patch: Vec<Value>, field: &Field, deletes: bool) -> Result<Vec<Value>, Status> {
    if field.strategy != "merge" && !deletes {
        return Ok(patch);
    }
    if live.is_empty() && patch.is_empty() {
        return Ok(live);
    }
    if !same_kind(&live, &patch)?.is_object() {
        if deletes {
            return Ok(live.into_iter().filter(|item| !patch.contains(item)).collect());
        }
        let mut merged: Vec<Value> = Vec::new();
        for item in live.iter().chain(&patch) {
            if !merged.contains(item) {
                merged.push(item.clone());
            }
        }
        return arrange(merged, &patch, &live, field.key);
    }
    if field.key.is_empty() {
        return Err(unforeseen(format!("cannot merge lists without merge key for {}", field.shape.kind())));
    }
    let (live, patch) = obey_directives(live, patch, field.key)?;
    let merged = merge_elements(live.clone(), &patch, field)?;
    arrange(merged, &patch, &live, field.key)
}

/// Elements with `$patch: delete` go, one with `$patch: replace` puts the patch's list in the place of the live one.
fn obey_directives(mut live: Vec<Value>, patch: Vec<Value>, key: &str) -> Result<(Vec<Value>, Vec<Value>), Status> {
    let mut kept = Vec::new();
    let mut replaces = false;
    for item in patch {
        let Some(directive) = item.get(DIRECTIVE) else {
            kept.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let doomed = item.get(key).ok_or_else(|| no_key(&item, key))?;
                live.retain(|present| present.get(key) != Some(doomed));
            }
            Some("replace") => replaces = true,
            Some("merge") => return Err(unforeseen("merging lists cannot yet be specified in the patch")),
            _ => return Err(unknown_directive(directive, item.as_object().unwrap_or(&Fields::new()))),
        }
    }
    Ok(if replaces { (kept, Vec::new()) } else { (live, kept) })
}

fn merge_elements(mut live: Vec<Value>, patch: &[Value], field: &Field) -> Result<Vec<Value>, Status> {
    for item in patch {
        let name = item.get(field.key).ok_or_else(|| no_key(item, field.key))?;
        let found =
            live.iter_mut().find(|present| identity(present, field.key) == name && present.get(field.key).is_some());
        match (found, item) {
            (Some(Value::Object(present)), Value::Object(item)) => {
                *present = merge_map(std::mem::take(present), item.clone(), field.shape)?;
            }
            _ => live.push(item.clone()),
        }
    }
    Ok(live)
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let set = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(set.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// What is left of a value that meets nothing to be merged with; `None` if it is only a directive.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(DIRECTIVE) => None,
        Value::Object(fields) => {
            let kept = fields.into_iter().filter_map(|(name, value)| Some((name, without_directives(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}
