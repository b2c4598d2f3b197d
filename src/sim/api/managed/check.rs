//! Whether a configuration fits its schema, in the words of the true server's typed merge.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::go_text;
use super::atom::{Atom, Place, Scalar};
use super::element::Element;

/// All faults in one text, `None` if there are none. Elements of sets and maps must not occur twice.
pub(super) fn faults(place: Place, value: &Value) -> Option<String> {
    let mut faults = Vec::new();
    walk(place, value, "", &mut faults);
    match faults.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("errors:\n  {}", many.join("\n  "))),
    }
}

fn fault(path: &str, text: &str) -> String {
    if path.is_empty() { text.to_owned() } else { format!("{path}: {text}") }
}

fn walk(place: Place, value: &Value, path: &str, faults: &mut Vec<String>) {
    match (place.atom(Some(value)).0, value) {
        (None, _) => faults.push(fault(path, "schema error: invalid atom: inlined")),
        (Some(_), Value::Null) => {}
        (Some(Atom::Scalar(scalar)), _) => {
            if let Some(text) = scalar_fault(scalar, value) {
                faults.push(fault(path, &text));
            }
        }
        (Some(Atom::List(list)), Value::Array(items)) => {
            let mut seen = BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                let name = if list.associative {
                    match list.element(item) {
                        Ok(name) => name,
                        Err(why) => {
                            faults.push(fault(path, &format!("element {index}: {why}")));
                            return;
                        }
                    }
                } else {
                    Element::Index(i64::try_from(index).unwrap_or(i64::MAX))
                };
                let below = format!("{path}{name}");
                let text = format!("duplicate entries for key {name}");
                if !seen.insert(name) {
                    faults.push(fault(path, &text));
                }
                walk(list.item, item, &below, faults);
            }
        }
        (Some(Atom::List(_)), _) => faults.push(fault(path, &format!("expected list, got {}", wrapped(value)))),
        (Some(Atom::Map(map)), Value::Object(fields)) => {
            for (name, value) in fields {
                let below = format!("{path}.{name}");
                let place = map.field(name);
                if matches!(place, Place::Undeclared) {
                    faults.push(fault(&below, "field not declared in schema"));
                    return;
                }
                walk(place, value, &below, faults);
            }
        }
        (Some(Atom::Map(_)), _) => faults.push(fault(path, &format!("expected map, got {}", wrapped(value)))),
    }
}

fn scalar_fault(scalar: Scalar, value: &Value) -> Option<String> {
    match scalar {
        Scalar::Number if !value.is_number() => {
            Some(format!("expected numeric (int or float), got {}", go_text::type_name(value)))
        }
        Scalar::Text if !value.is_string() => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_text::syntax(value)))
        }
        Scalar::Boolean if !value.is_boolean() => Some(format!("expected boolean, got {}", wrapped(value))),
        Scalar::Any if value.is_array() || value.is_object() => {
            Some(format!("expected any scalar, got {}", wrapped(value)))
        }
        _ => None,
    }
}

/// A pointer to a struct that holds the value, as Go prints it.
fn wrapped(value: &Value) -> String {
    format!("&{{{}}}", go_text::plain(value))
}
