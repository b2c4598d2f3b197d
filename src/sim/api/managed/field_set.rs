//! All fields that a configuration mentions, and the fields that are named on the way to them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::atom::{Atom, Place};
use super::element::Element;
use super::set::Set;

/// Every leaf and every element of a list in `value`.
pub(super) fn field_set(place: Place, value: &Value) -> Set {
    let mut set = Set::default();
    walk(place, value, &mut Vec::new(), &mut set);
    set
}

fn walk(place: Place, value: &Value, path: &mut Vec<Element>, set: &mut Set) {
    match place.atom(Some(value)).0 {
        None => {}
        Some(Atom::Scalar(_)) => set.insert(path),
        Some(Atom::List(list)) if !list.associative => set.insert(path),
        Some(Atom::Map(map)) if map.atomic => set.insert(path),
        Some(Atom::List(list)) => {
            let items = value.as_array().into_iter().flatten();
            let named: Vec<(Element, &Value)> =
                items.filter_map(|item| list.element(item).ok().map(|name| (name, item))).collect();
            let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
            for (name, _) in &named {
                if !seen.insert(name) {
                    twice.insert(name);
                }
            }
            for (name, item) in &named {
                path.push(name.clone());
                if !twice.contains(name) {
                    walk(list.item, item, path, set);
                }
                set.insert(path);
                path.pop();
            }
        }
        Some(Atom::Map(map)) => {
            for (name, value) in value.as_object().into_iter().flatten() {
                path.push(Element::Field(name.clone()));
                walk(map.field(name), value, path, set);
                let bare = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
                if bare || !map.declares(name) {
                    set.insert(path);
                }
                path.pop();
            }
        }
    }
}

/// The set with the fields that a schema names and that lie on the way to a member: with `a.b.c` also `a`.
pub(super) fn with_named(set: &Set, place: Place) -> Set {
    let (map, list) = (place.map(), place.list());
    let mut out = Set { members: set.members.clone(), ..Set::default() };
    for (element, child) in &set.children {
        let below = match (element, map, list) {
            (Element::Field(name), Some(map), _) => {
                if map.declares(name) {
                    out.members.insert(element.clone());
                }
                map.field(name)
            }
            (Element::Key(_), _, Some(list)) => list.item,
            _ => Place::Undeclared,
        };
        out.children.insert(element.clone(), with_named(child, below));
    }
    out
}
