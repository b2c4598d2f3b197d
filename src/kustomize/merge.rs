//! Strategic merge of a patch into an object, as kustomize does it: lists of built-in kinds merge by their keys, lists of
//! other kinds are replaced, `$patch` says `merge`, `replace` or `delete`, null takes a field away.

use serde_json::{Map, Value};

use super::keyed;
use super::schema::Schema;
use crate::error::{Code, Error, Result};

const DIRECTIVE: &str = "$patch";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// The object after the patch; `None` when the patch deletes it. `$patch: replace` at the root changes nothing, as in
/// kustomize.
pub(super) fn merge(object: Value, patch: Value) -> Result<Option<Value>> {
    if patch.get(DIRECTIVE).and_then(Value::as_str) == Some("replace") {
        return Ok(Some(object));
    }
    walk(Some(object), Some(patch), Schema::Unknown, "")
}

fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|v| !v.is_null())
}

/// `Some(Value::Null)` as a result is a null that stays; `None` takes the field away.
fn walk(dest: Option<Value>, patch: Option<Value>, schema: Schema, place: &str) -> Result<Option<Value>> {
    let mut schema = schema;
    if schema == Schema::Unknown {
        schema =
            [&dest, &patch].into_iter().flatten().map(Schema::of).find(|s| *s != Schema::Unknown).unwrap_or(schema);
    }
    let kind = present(dest.as_ref()).or(present(patch.as_ref()));
    if let (Some(a), Some(b)) = (present(dest.as_ref()), present(patch.as_ref()))
        && shape(a) != shape(b)
    {
        return Err(Error::new(
            Code::Kustomize,
            format!("the patch has a {} where the object has a {} (at {})", shape(b), shape(a), shown(place)),
        ));
    }
    match kind {
        None | Some(Value::Object(_)) => walk_map(dest, patch, schema, place),
        Some(Value::Array(_)) => match schema {
            Schema::Merge { keys, .. } => walk_list(dest, patch, schema, keys, place),
            _ => Ok(patch.map_or(dest, |p| if p.is_null() { None } else { Some(p) })),
        },
        Some(_) => Ok(patch.map_or(dest, |p| if p.is_null() { None } else { Some(p) })),
    }
}

fn walk_map(dest: Option<Value>, mut patch: Option<Value>, schema: Schema, place: &str) -> Result<Option<Value>> {
    let directive = match patch.as_mut() {
        Some(Value::Object(map)) => map_directive(map, place)?,
        _ => Directive::Merge,
    };
    let mut target = match present(dest.as_ref()) {
        None => {
            if directive == Directive::Delete {
                return Ok(None);
            }
            match &patch {
                // A null that was written in the object itself stays.
                None => return Ok(dest),
                Some(Value::Object(map)) => map.clone(),
                Some(_) => return Ok(None),
            }
        }
        Some(_) if matches!(patch, Some(Value::Null)) => return Ok(None),
        Some(_) => match (directive, &patch, dest) {
            (Directive::Delete, ..) => return Ok(None),
            (Directive::Replace, Some(Value::Object(map)), _) => map.clone(),
            (_, _, Some(Value::Object(map))) => map,
            (_, _, other) => return Ok(other),
        },
    };
    target.shift_remove(DIRECTIVE);
    let mut patch = match patch {
        Some(Value::Object(patch)) => patch,
        _ => Map::new(),
    };
    let mut keys: Vec<String> = target.keys().cloned().collect();
    keys.extend(patch.keys().filter(|key| !target.contains_key(*key)).cloned());
    for key in keys {
        let below = format!("{place}.{key}");
        let (old, new) = (target.get_mut(&key).map(Value::take), patch.shift_remove(&key));
        match walk(old, new, schema.field(&key), &below)? {
            Some(merged) => drop(target.insert(key, merged)),
            None => drop(target.shift_remove(&key)),
        }
    }
    Ok(Some(Value::Object(target)))
}

fn map_directive(map: &mut Map<String, Value>, place: &str) -> Result<Directive> {
    match map.shift_remove(DIRECTIVE) {
        None => Ok(Directive::Merge),
        Some(Value::String(word)) => directive(&word, place),
        Some(other) => directive(&other.to_string(), place),
    }
}

fn directive(word: &str, place: &str) -> Result<Directive> {
    match word {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        _ => Err(Error::new(Code::Kustomize, format!("unknown $patch directive {word} (at {})", shown(place)))),
    }
}

/// A list item `- $patch: replace` (alone in its item) speaks for the whole list.
fn list_directive(items: &mut Vec<Value>, place: &str) -> Result<Directive> {
    let at = items.iter().position(|item| item.get(DIRECTIVE).is_some());
    let Some(at) = at.filter(|at| items[*at].as_object().is_some_and(|map| map.len() == 1)) else {
        return Ok(Directive::Merge);
    };
    let word = items.remove(at).get(DIRECTIVE).and_then(Value::as_str).unwrap_or_default().to_owned();
    directive(&word, place)
}

fn walk_list(
    dest: Option<Value>,
    patch: Option<Value>,
    schema: Schema,
    keys: &str,
    place: &str,
) -> Result<Option<Value>> {
    let (mut items, added) = match patch {
        Some(Value::Array(items)) => (items, true),
        Some(_) => return Ok(None),
        None => (Vec::new(), false),
    };
    let old = match dest {
        None | Some(Value::Null) => {
            list_directive(&mut items, place)?;
            items.clone()
        }
        Some(Value::Array(old)) if !added => old,
        Some(Value::Array(old)) => match list_directive(&mut items, place)? {
            Directive::Delete => return Ok(None),
            Directive::Replace => items.clone(),
            Directive::Merge => old,
        },
        Some(other) => return Ok(Some(other)),
    };
    if keys.is_empty() {
        return Ok(Some(Value::Array(union(items, old))));
    }
    let keys: Vec<&str> = keys.split(',').collect();
    let below = format!("{place}[]");
    let mut walk_item = |old, new| walk(old, new, schema.item(), &below);
    keyed::merge(old, &items, &keys, &mut walk_item).map(|list| Some(Value::Array(list)))
}

/// Plain values: those of the patch first.
fn union(patch: Vec<Value>, old: Vec<Value>) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for value in patch.into_iter().chain(old) {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

fn shape(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "map",
        Value::Array(_) => "list",
        _ => "scalar",
    }
}

fn shown(place: &str) -> &str {
    let place = place.trim_start_matches('.');
    if place.is_empty() { "its root" } else { place }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn containers_merge_and_patches_come_first() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": [
            {"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}}}});
        let patch = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "c", "image": "z"}, {"name": "b", "image": null}]}}}});
        let merged = merge(object, patch).unwrap().unwrap();
        assert_eq!(
            merged.pointer("/spec/template/spec/containers").unwrap(),
            &json!([{"name": "c", "image": "z"}, {"name": "b"}, {"name": "a", "image": "x"}])
        );
    }

    #[test]
    fn lists_of_unknown_kinds_are_replaced() {
        let object = json!({"apiVersion": "x/v1", "kind": "Y", "spec": {"containers": [{"name": "a"}]}});
        let merged = merge(object, json!({"spec": {"containers": [{"name": "b"}]}})).unwrap().unwrap();
        assert_eq!(merged["spec"]["containers"], json!([{"name": "b"}]));
    }

    #[test]
    fn directives_delete_and_replace() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1", "b": "2"}});
        let merged = merge(object.clone(), json!({"data": {"$patch": "replace", "c": "3"}})).unwrap().unwrap();
        assert_eq!(merged["data"], json!({"c": "3"}));
        assert_eq!(merge(object.clone(), json!({"$patch": "delete"})).unwrap(), None);
        assert!(merge(object, json!({"data": {"$patch": "sometimes"}})).is_err());
    }
}
