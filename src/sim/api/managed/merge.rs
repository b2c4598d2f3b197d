//! Lays an applied configuration over an object.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map as Fields, Value};

use super::atom::{Atom, List, Map, Place};
use super::element::Element;

/// Both together; where they differ, `rhs` wins. No field is removed. `None` if nothing comes of it.
pub(super) fn merge(place: Place, lhs: Option<&Value>, rhs: Option<&Value>) -> Option<Value> {
    match place.atom(rhs.or(lhs)).0 {
        Some(Atom::List(list)) if list.associative => {
            let (left, right) = (items(lhs), items(rhs));
            if left.is_empty() && right.is_empty() { keep(lhs, rhs) } else { merge_items(&list, left, right) }
        }
        Some(Atom::Map(map)) if !map.atomic => merge_fields(&map, lhs, rhs),
        _ => keep(lhs, rhs),
    }
}

fn keep(lhs: Option<&Value>, rhs: Option<&Value>) -> Option<Value> {
    rhs.or(lhs).cloned()
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn merge_fields(map: &Map, lhs: Option<&Value>, rhs: Option<&Value>) -> Option<Value> {
    let fields =
        |value: Option<&'_ Value>| value.and_then(Value::as_object).filter(|fields| !fields.is_empty()).cloned();
    let (left, right) = (fields(lhs), fields(rhs));
    if left.is_none() && right.is_none() {
        return keep(lhs, rhs);
    }
    let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
    let mut out = Fields::new();
    let added = right.keys().filter(|name| !left.contains_key(*name));
    for name in left.keys().chain(added) {
        if let Some(value) = merge(map.field(name), left.get(name), right.get(name)) {
            out.insert(name.clone(), value);
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

/// One list with its elements' names. An element that occurs twice is merged with nothing.
struct Side<'a> {
    names: Vec<Element>,
    items: Vec<&'a Value>,
    known: BTreeMap<Element, &'a Value>,
}

impl<'a> Side<'a> {
    fn of(list: &List, items: &'a [Value]) -> Self {
        let mut side = Self { names: Vec::new(), items: Vec::new(), known: BTreeMap::new() };
        for item in items {
            // Elements without a name were refused before; live objects may hold some of old.
            let Ok(name) = list.element(item) else { continue };
            let twice = side.known.contains_key(&name);
            side.known.insert(name.clone(), if twice { &Value::Null } else { item });
            side.names.push(name);
            side.items.push(item);
        }
        side
    }
}

/// Keeps the order of `rhs`; what only `lhs` has stays as near to its neighbours as that allows.
fn merge_items(list: &List, lhs: &[Value], rhs: &[Value]) -> Option<Value> {
    let (left, right) = (Side::of(list, lhs), Side::of(list, rhs));
    let mut out = Vec::new();
    let mut shared: VecDeque<&Element> = right.names.iter().filter(|name| left.known.contains_key(name)).collect();
    let mut next = shared.pop_front();
    let mut done = BTreeSet::new();
    let (mut l, mut r) = (0, 0);
    let mut take = |lhs: Option<&Value>, rhs: Option<&Value>| out.extend(merge(list.item, lhs, rhs));
    while l < left.names.len() || r < right.names.len() {
        if l < left.names.len() && r < right.names.len() {
            let name = &left.names[l];
            if *name == right.names[r] {
                done.insert(name);
                take(left.known.get(name).copied(), right.known.get(name).copied());
                (l, r) = (l + 1, r + 1);
                next = shared.pop_front();
                continue;
            }
            if right.known.contains_key(name) && next.is_some_and(|next| next != name) {
                l += 1;
                continue;
            }
        }
        if l < left.names.len() {
            let name = &left.names[l];
            if !right.known.contains_key(name) {
                take(Some(left.items[l]), None);
                l += 1;
                continue;
            }
            if done.contains(name) {
                l += 1;
            }
        }
        if r < right.names.len() {
            let name = &right.names[r];
            done.insert(name);
            take(left.known.get(name).copied(), right.known.get(name).copied());
            r += 1;
            if next == Some(name) {
                next = shared.pop_front();
            }
        }
    }
    (!out.is_empty()).then_some(Value::Array(out))
}
