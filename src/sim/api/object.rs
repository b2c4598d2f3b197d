//! Reading and writing the metadata of an object.

use serde_json::{Map, Value, json};

/// `metadata.FIELD` as text; empty if it is absent.
pub fn meta<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    meta(object, "name")
}

/// `metadata.namespace`, empty for an object of the cluster.
pub fn namespace(object: &Value) -> &str {
    meta(object, "namespace")
}

/// `metadata.uid`.
pub fn uid(object: &Value) -> &str {
    meta(object, "uid")
}

/// `metadata.resourceVersion`.
pub fn version(object: &Value) -> &str {
    meta(object, "resourceVersion")
}

/// Whether the object is being deleted.
pub fn is_deleting(object: &Value) -> bool {
    !meta(object, "deletionTimestamp").is_empty()
}

/// `metadata.finalizers`.
pub fn finalizers(object: &Value) -> Vec<&str> {
    object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A label's value.
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["labels"][key].as_str()
}

/// An annotation's value.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["annotations"][key].as_str()
}

/// Sets `metadata.FIELD`; what is no object is left as it is.
pub fn set_meta(object: &mut Value, field: &str, value: Value) {
    let Some(object) = object.as_object_mut() else { return };
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert(field.to_owned(), value);
    }
}

/// Removes `metadata.FIELD`, and keeps the order of the others.
pub fn remove_meta(object: &mut Value, field: &str) -> Option<Value> {
    object.get_mut("metadata")?.as_object_mut()?.shift_remove(field)
}

/// The owner that is the controller: `(apiVersion, kind, name, uid)`.
pub fn controller(object: &Value) -> Option<(&str, &str, &str, &str)> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    Some((owner["apiVersion"].as_str()?, owner["kind"].as_str()?, owner["name"].as_str()?, owner["uid"].as_str()?))
}

/// Writes the metadata in the true server's order of fields, and `apiVersion`, `kind`, `metadata` first.
pub fn order(object: Value) -> Value {
    const ORDER: [&str; 14] = [
        "name",
        "generateName",
        "namespace",
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
        "ownerReferences",
        "finalizers",
    ];
    let Value::Object(mut object) = object else { return object };
    let mut out = Map::with_capacity(object.len());
    for key in ["kind", "apiVersion"] {
        if let Some(value) = object.shift_remove(key) {
            out.insert(key.to_owned(), value);
        }
    }
    if let Some(Value::Object(mut metadata)) = object.shift_remove("metadata") {
        let mut sorted = Map::with_capacity(metadata.len());
        for key in ORDER {
            if let Some(value) = metadata.shift_remove(key) {
                sorted.insert(key.to_owned(), value);
            }
        }
        sorted.extend(metadata);
        out.insert("metadata".to_owned(), Value::Object(sorted));
    }
    out.extend(object);
    Value::Object(out)
}
