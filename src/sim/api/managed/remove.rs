//! Takes fields out of an object.

use serde_json::{Map as Fields, Value, json};

use super::atom::{Atom, Place};
use super::element::Element;
use super::set::Set;

/// The value without the fields of a set; null if nothing is left that was not emptied on purpose.
pub(super) fn remove(place: Place, value: &Value, fields: &Set) -> Value {
    match (place.atom(Some(value)).0, value) {
        (Some(Atom::Scalar(_)), _) => value.clone(),
        (Some(Atom::List(list)), Value::Array(items)) if list.associative => {
            let mut kept = Vec::new();
            let mut emptied = false;
            for item in items {
                let Ok(name) = list.element(item) else {
                    kept.push(item.clone());
                    continue;
                };
                if fields.members.contains(&name) {
                    continue;
                }
                match below(fields, &name) {
                    Some(child) => {
                        emptied = true;
                        kept.push(within(list.item, item, child));
                    }
                    None => kept.push(item.clone()),
                }
            }
            if kept.is_empty() && !emptied { Value::Null } else { Value::Array(kept) }
        }
        (Some(Atom::Map(map)), Value::Object(old)) if !map.atomic => {
            let mut kept = Fields::new();
            let mut emptied = false;
            for (name, value) in old {
                let element = Element::Field(name.clone());
                if fields.members.contains(&element) {
                    continue;
                }
                let value = match below(fields, &element) {
                    Some(child) => {
                        emptied = true;
                        within(map.field(name), value, child)
                    }
                    None => value.clone(),
                };
                kept.insert(name.clone(), value);
            }
            if kept.is_empty() && !emptied { Value::Null } else { Value::Object(kept) }
        }
        _ => Value::Null,
    }
}

fn below<'a>(fields: &'a Set, name: &Element) -> Option<&'a Set> {
    fields.children.get(name).filter(|child| !child.is_empty())
}

/// What held the removed fields stays, even if it is empty now.
fn within(place: Place, value: &Value, fields: &Set) -> Value {
    match (remove(place, value, fields), value) {
        (Value::Null, Value::Object(_)) => json!({}),
        (Value::Null, Value::Array(_)) => json!([]),
        (left, _) => left,
    }
}
