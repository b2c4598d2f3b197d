//! Strategic merge of a patch into an object, as kustomize does it: lists of built-in kinds merge by their keys, lists of
//! other kinds are replaced, `$patch` says `merge`, `replace` or `delete`, null takes a field away.

use serde_json::{Map, Value};

use super::schema::Schema;
use crate::error::{Code, Error, Result};

const DIRECTIVE: &str = "$patch";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// The object after the patch; `None` when the patch deletes it.
pub fn merge(object: Value, patch: Value) -> Result<Option<Value>> {
    walk(Some(object), Some(patch), Schema::Unknown, "")
}

fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|v| !v.is_null())
}

/// `Some(Value::Null)` as a result is a null that stays; `None` takes the field away.
fn walk(dest: Option<Value>, patch: Option<Value>, schema: Schema, path: &str) -> Result<Option<Value>> {
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
            format!("the patch has a {} where the object has a {} (at {})", shape(b), shape(a), shown(path)),
        ));
    }
    match kind {
        None | Some(Value::Object(_)) => walk_map(dest, patch, schema, path),
        Some(Value::Array(_)) => match schema {
            Schema::Merge { keys, .. } => walk_list(dest, patch, schema, keys, path),
            _ => Ok(patch.map_or(dest, |p| if p.is_null() { None } else { Some(p) })),
        },
        Some(_) => Ok(patch.map_or(dest, |p| if p.is_null() { None } else { Some(p) })),
    }
}

fn walk_map(dest: Option<Value>, mut patch: Option<Value>, schema: Schema, path: &str) -> Result<Option<Value>> {
    let directive = match patch.as_mut() {
        Some(Value::Object(map)) => map_directive(map, path)?,
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
    let Some(Value::Object(patch)) = patch else { return Ok(Some(Value::Object(target))) };
    for (key, value) in patch {
        let below = format!("{path}.{key}");
        let old = target.get(&key).cloned();
        match walk(old, Some(value), schema.field(&key), &below)? {
            Some(new) => drop(target.insert(key, new)),
            None => drop(target.shift_remove(&key)),
        }
    }
    Ok(Some(Value::Object(target)))
}

fn map_directive(map: &mut Map<String, Value>, path: &str) -> Result<Directive> {
    match map.shift_remove(DIRECTIVE) {
        None => Ok(Directive::Merge),
        Some(Value::String(word)) => directive(&word, path),
        Some(other) => directive(&other.to_string(), path),
    }
}

fn directive(word: &str, path: &str) -> Result<Directive> {
    match word {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        _ => Err(Error::new(Code::Kustomize, format!("unknown $patch directive {word} (at {})", shown(path)))),
    }
}

/// A list item `- $patch: replace` (alone in its item) speaks for the whole list.
fn list_directive(items: &mut Vec<Value>, path: &str) -> Result<Directive> {
    let at = items.iter().position(|item| item.get(DIRECTIVE).is_some());
    let Some(at) = at.filter(|at| items[*at].as_object().is_some_and(|map| map.len() == 1)) else {
        return Ok(Directive::Merge);
    };
    let word = items.remove(at).get(DIRECTIVE).and_then(Value::as_str).unwrap_or_default().to_owned();
    directive(&word, path)
}

fn walk_list(
    dest: Option<Value>,
    patch: Option<Value>,
    schema: Schema,
    keys: &str,
    path: &str,
) -> Result<Option<Value>> {
    let mut items = match patch {
        Some(Value::Array(items)) => items,
        Some(_) => return Ok(None),
        None => return Ok(dest),
    };
    let old = match dest {
        None | Some(Value::Null) => items.clone(),
        Some(Value::Array(old)) => match list_directive(&mut items, path)? {
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
    keyed(&items, old, &keys, schema, path).map(|list| Some(Value::Array(list)))
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

type KeyValues = Vec<Option<String>>;

fn key_values(item: &Value, keys: &[&str]) -> KeyValues {
    keys.iter().map(|key| item.get(*key).filter(|v| !v.is_null()).map(super::resource::plain_text)).collect()
}

/// Two items are one when they agree in a key and differ only where one of them has none.
fn compatible(a: &KeyValues, b: &KeyValues) -> bool {
    let agree = a.iter().zip(b).any(|(a, b)| a == b);
    agree && a.iter().zip(b).all(|(a, b)| a == b || a.is_none() || b.is_none())
}

/// Items of the patch come first, merged with those of the object that have the same keys; the rest follows.
fn keyed(patch: &[Value], old: Vec<Value>, keys: &[&str], schema: Schema, path: &str) -> Result<Vec<Value>> {
    let mut rest: Vec<Value> = old;
    let mut merged: Vec<Value> = Vec::new();
    let mut done: Vec<KeyValues> = Vec::new();
    for item in patch {
        let values = key_values(item, keys);
        if values.iter().all(Option::is_none) {
            return Err(Error::new(
                Code::Kustomize,
                format!("an item of the patch at {} lacks its merge key {}", shown(path), keys.join(", ")),
            ));
        }
        if done.iter().any(|d| compatible(d, &values)) {
            continue;
        }
        let twin = rest.iter().position(|r| compatible(&key_values(r, keys), &values));
        let old = twin.map(|at| rest[at].clone());
        let below = format!("{path}[{}]", values.iter().flatten().cloned().collect::<Vec<_>>().join(","));
        let new = walk(old, Some(item.clone()), schema.item(), &below)?;
        done.push(values);
        if let Some(at) = twin {
            rest.remove(at);
        }
        if let Some(new) = new.filter(|v| !v.as_object().is_some_and(Map::is_empty)) {
            merged.push(new);
        }
    }
    merged.extend(rest);
    Ok(merged)
}

fn shape(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "map",
        Value::Array(_) => "list",
        _ => "scalar",
    }
}

fn shown(path: &str) -> &str {
    let path = path.trim_start_matches('.');
    if path.is_empty() { "its root" } else { path }
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
