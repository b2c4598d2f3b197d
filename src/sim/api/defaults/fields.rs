//! The fields of one struct, and how defaults are put among them.

use serde_json::{Map, Value, json};

pub(super) type Fields = Map<String, Value>;

/// Sets a field that is absent, null or an empty text.
pub(super) fn fill(fields: &mut Fields, name: &str, value: Value) {
    if fields.get(name).is_none_or(|v| v.is_null() || *v == json!("")) {
        fields.insert(name.to_owned(), value);
    }
}

/// Sets a field that is absent or null.
pub(super) fn fill_absent(fields: &mut Fields, name: &str, value: Value) {
    if fields.get(name).is_none_or(Value::is_null) {
        fields.insert(name.to_owned(), value);
    }
}

/// The struct in a field, made if it is absent.
pub(super) fn entry<'a>(fields: &'a mut Fields, name: &str) -> &'a mut Fields {
    let value = fields.entry(name).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().unwrap_or_else(|| unreachable!("made an object above"))
}

pub(super) fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn items<'a>(fields: &'a mut Fields, name: &str) -> impl Iterator<Item = &'a mut Fields> {
    fields.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}
