//! The annotation of client-side apply, which `kubectl apply --server-side` reads and keeps up to date.

use serde_json::{Map, Value};

use super::super::object;
use super::atom::Place;
use super::check::faults;
use super::compare::Comparison;
use super::field_set::field_set;
use super::set::Set;
use super::target::Target;

/// The annotation.
const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// All annotations of an object together may be this long.
const MOST_BYTES: usize = 256 * 1024;

/// Fields that client-side apply wrote and that are still as it wrote them: no conflict for `kubectl`.
pub(super) fn allowed(target: &Target, live: &Value) -> Option<Set> {
    let last: Value =
        serde_json::from_str(object::annotation(live, ANNOTATION).filter(|text| !text.is_empty())?).ok()?;
    if last["apiVersion"] != target.api_version.as_str() {
        return None;
    }
    let place = Place::root(target.schema);
    if faults(place, &last).is_some() || faults(place, live).is_some() {
        return None;
    }
    let changed = Comparison::between(place, &last, live);
    let fields = field_set(place, &last);
    Some(fields.difference(&changed.modified).difference(&changed.added).difference(&changed.removed))
}

/// Writes the applied configuration into the annotation, if the object has it.
pub(super) fn refresh(object: &mut Value, config: &Value) {
    if object::annotation(object, ANNOTATION).is_none_or(str::is_empty) {
        return;
    }
    let mut config = config.clone();
    if let Some(annotations) = config.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove(ANNOTATION);
    }
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else { return };
    annotations.insert(ANNOTATION.into(), Value::String(format!("{}\n", sorted(&config))));
    let size: usize = annotations.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if size > MOST_BYTES {
        annotations.shift_remove(ANNOTATION);
    }
}

/// With the keys in the order in which Go writes a map.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            Value::Object(fields.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
