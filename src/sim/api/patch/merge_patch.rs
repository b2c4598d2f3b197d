//! JSON merge patch (RFC 7386).

use serde_json::{Map, Value};

use super::super::go_text;
use super::super::status::Status;

/// The patched object.
pub fn merge_patch(live: &Value, patch: &Value) -> Result<Value, Status> {
    match patch {
        Value::Object(fields) => {
            let mut new = live.as_object().cloned().unwrap_or_default();
            merge(&mut new, fields);
            Ok(Value::Object(new))
        }
        Value::Null => Err(Status::bad_request("Invalid JSON Patch")),
        other => Err(Status::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            go_text::json_name(other)
        ))),
    }
}

fn merge(fields: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (value, fields.get_mut(name)) {
            (Value::Null, _) => {
                fields.shift_remove(name);
            }
            (Value::Object(patch), Some(Value::Object(fields))) => merge(fields, patch),
            // A list that takes a value's place is taken as it is; a new one loses the nulls in its objects.
            (Value::Array(_), Some(present)) if present.is_object() => *present = value.clone(),
            (value, _) => {
                fields.insert(name.clone(), without_nulls(value));
            }
        }
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let set = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(set.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}
