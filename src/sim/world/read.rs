//! Reading fields of objects: an absent field reads as nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Labels, or a selector's `matchLabels`.
pub type Labels = BTreeMap<String, String>;

/// A text; empty where there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A whole number.
pub fn int(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// A whole number; zero where there is none.
pub fn count(object: &Value, pointer: &str) -> i64 {
    int(object, pointer).unwrap_or_default()
}

/// A truth; false where there is none.
pub fn flag(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
}

/// The entries of a list.
pub fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A point in time, as `metav1.Time` or `metav1.MicroTime` writes it.
pub fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer).parse().ok()
}

/// A map of texts.
pub fn labels(object: &Value, pointer: &str) -> Labels {
    let map = object.pointer(pointer).and_then(Value::as_object);
    map.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
}

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// `metadata.namespace`; empty for kinds of the cluster.
pub fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// `metadata.uid`.
pub fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// Whether the object is on its way out.
pub fn deleting(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(Value::is_string)
}

/// An annotation.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations").and_then(|a| a.get(key)).and_then(Value::as_str)
}

/// A label.
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/labels").and_then(|a| a.get(key)).and_then(Value::as_str)
}

/// When it was made; the beginning of time where that is unknown.
pub fn created(object: &Value) -> Timestamp {
    time(object, "/metadata/creationTimestamp").unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The map at a key, made when it is absent or something else.
pub fn map_of<'a>(object: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    static_map(slot(object, key))
}

/// The value at a key, made as an empty map when it is absent.
pub fn slot<'a>(object: &'a mut Value, key: &str) -> &'a mut Value {
    static_map(object).entry(key.to_owned()).or_insert_with(|| Value::Object(Map::new()))
}

fn static_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was made a map"),
    }
}

/// Sets a label or an annotation (`which`); says whether that changed anything.
pub fn set_meta(object: &mut Value, which: &str, key: &str, value: &str) -> bool {
    let map = map_of(slot(object, "metadata"), which);
    let old = map.insert(key.to_owned(), Value::from(value));
    old.as_ref().and_then(Value::as_str) != Some(value)
}

/// A number as the API writes it where zero is left out: `None` removes the field.
pub fn put(object: &mut Value, key: &str, value: impl Into<Option<Value>>) {
    let map = static_map(object);
    match value.into() {
        Some(value) => {
            map.insert(key.to_owned(), value);
        }
        None => {
            map.shift_remove(key);
        }
    }
}

/// A count that the API leaves out when it is zero.
pub fn nonzero(number: i64) -> Option<Value> {
    (number != 0).then(|| Value::from(number))
}

/// `n` of a list's length, as the API counts.
pub fn size(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// A number or a percentage of `whole`, rounded up or down.
pub fn scaled(value: Option<&Value>, whole: i64, up: bool) -> i64 {
    match value {
        Some(Value::String(text)) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or_default();
            (whole * percent + if up { 99 } else { 0 }) / 100
        }
        Some(number) => number.as_i64().unwrap_or_default(),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn percentages_round_as_told() {
        for (value, whole, up, wanted) in [
            (json!("25%"), 3, true, 1),
            (json!("25%"), 3, false, 0),
            (json!("100%"), 7, false, 7),
            (json!(2), 7, true, 2),
            (json!("0%"), 7, true, 0),
        ] {
            assert_eq!(scaled(Some(&value), whole, up), wanted, "{value} of {whole}");
        }
    }

    #[test]
    fn a_missing_map_is_made_and_a_change_is_told() {
        let mut object = json!({"metadata": {"annotations": null}});
        assert!(set_meta(&mut object, "annotations", "a", "1"));
        assert!(!set_meta(&mut object, "annotations", "a", "1"));
        assert!(set_meta(&mut object, "annotations", "a", "2"));
        assert_eq!(annotation(&object, "a"), Some("2"));
        put(&mut object, "gone", Value::from(1));
        put(&mut object, "gone", nonzero(0));
        assert_eq!(object.get("gone"), None);
    }
}
