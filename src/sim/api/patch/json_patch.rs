//! JSON patch (RFC 6902), with the liberties of the true server's library: indices from the end, `replace` of a field
//! that is not there, and `test` against null for one.

use serde_json::{Map, Value};

use super::super::go_text;
use super::super::status::Status;

const MOST_OPERATIONS: usize = 10_000;

/// The patched object. Every way in which a patch does not fit is the same 422, as on the true server.
pub fn json_patch(live: &Value, patch: &Value) -> Result<Value, Status> {
    let Some(operations) = patch.as_array() else {
        let kind = go_text::json_name(patch);
        return Err(undecodable(&format!("cannot unmarshal {kind} into Go value of type []handlers.jsonPatchOp")));
    };
    let mut checked = Vec::with_capacity(operations.len());
    for operation in operations {
        let Some(operation) = operation.as_object() else {
            let kind = go_text::json_name(operation);
            return Err(undecodable(&format!("cannot unmarshal {kind} into Go value of type handlers.jsonPatchOp")));
        };
        for field in ["op", "path", "from"] {
            if let Some(value) = operation.get(field).filter(|value| !value.is_string() && !value.is_null()) {
                let kind = go_text::json_name(value);
                let text = format!("cannot unmarshal {kind} into Go struct field jsonPatchOp.{field} of type string");
                return Err(undecodable(&text));
            }
        }
        checked.push(operation);
    }
    if checked.len() > MOST_OPERATIONS {
        return Err(Status::too_large(format!(
            "The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {}",
            checked.len()
        )));
    }
    let mut document = live.clone();
    for operation in checked {
        step(&mut document, operation).ok_or_else(unfitting)?;
    }
    Ok(document)
}

/// Members of operations that RFC 6902 does not know, as strict validation names them.
pub fn unknown_members(patch: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (index, operation) in patch.as_array().into_iter().flatten().enumerate() {
        for name in operation.as_object().into_iter().flat_map(Map::keys) {
            if !matches!(name.as_str(), "op" | "path" | "from" | "value") {
                found.push(format!("json patch unknown field \"[{index}].{name}\""));
            }
        }
    }
    found
}

fn undecodable(why: &str) -> Status {
    Status::bad_request(format!("error decoding patch: json: {why}"))
}

fn unfitting() -> Status {
    Status::unprocessable("the server rejected our request due to an error in our request").with_empty_details()
}

fn step(document: &mut Value, operation: &Map<String, Value>) -> Option<()> {
    let text = |field: &str| operation.get(field).and_then(Value::as_str);
    let value = operation.get("value").unwrap_or(&Value::Null);
    let path = text("path");
    match text("op")? {
        "add" => add(document, path?, value.clone()),
        "remove" => remove(document, path?).map(drop),
        "replace" if path?.is_empty() => {
            *document = Some(value.clone()).filter(|value| value.is_object() || value.is_array())?;
            Some(())
        }
        "replace" => {
            let (holder, key) = find(document, path?)?;
            match holder {
                Value::Object(fields) => {
                    fields.insert(key, value.clone());
                }
                Value::Array(items) => {
                    let at = index(&key, items.len())?;
                    items[at] = value.clone();
                }
                _ => return None,
            }
            Some(())
        }
        "move" => {
            let from = text("from")?;
            let moved = remove(document, from)?;
            add(document, path?, moved)
        }
        "copy" => {
            let copied = get(document, text("from")?)?;
            add(document, path?, copied)
        }
        "test" => {
            let found = if path?.is_empty() { document.clone() } else { get(document, path?)? };
            (found == *value).then_some(())
        }
        _ => None,
    }
}

/// What holds the last step of a path, and that step. What stands before the first slash is ignored.
fn find<'a>(document: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let steps: Vec<String> = path.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let (last, before) = steps.split_last()?;
    let mut holder = document;
    for step in before {
        holder = match holder {
            Value::Object(fields) => fields.get_mut(step)?,
            Value::Array(items) => {
                let at = index(step, items.len())?;
                &mut items[at]
            }
            _ => return None,
        };
    }
    (holder.is_object() || holder.is_array()).then(|| (holder, last.clone()))
}

/// A position in a list, counted from its end if negative.
fn index(text: &str, len: usize) -> Option<usize> {
    let index: i64 = text.parse().ok()?;
    let len = i64::try_from(len).ok()?;
    let index = if index < 0 { index + len } else { index };
    usize::try_from(index).ok().filter(|_| index < len)
}

/// The value at a path; null for an absent field, but nothing for an absent element.
fn get(document: &mut Value, path: &str) -> Option<Value> {
    let (holder, key) = find(document, path)?;
    match holder {
        Value::Array(items) => Some(items[index(&key, items.len())?].clone()),
        holder => Some(holder.get(&key).cloned().unwrap_or(Value::Null)),
    }
}

fn add(document: &mut Value, path: &str, value: Value) -> Option<()> {
    let (holder, key) = find(document, path)?;
    match holder {
        Value::Object(fields) => {
            fields.insert(key, value);
        }
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => {
            let at = index(&key, items.len() + 1)?;
            items.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(document: &mut Value, path: &str) -> Option<Value> {
    let (holder, key) = find(document, path)?;
    match holder {
        Value::Object(fields) => fields.shift_remove(&key),
        Value::Array(items) => {
            let at = index(&key, items.len())?;
            Some(items.remove(at))
        }
        _ => None,
    }
}
