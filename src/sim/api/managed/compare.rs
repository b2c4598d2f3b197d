//! Which fields differ between two objects.

use std::collections::BTreeMap;

use serde_json::Value;

use super::atom::{Atom, List, Map, Place};
use super::element::{Element, same};
use super::set::Set;

/// What changed from one object to another. A field is in one of the sets only.
#[derive(Clone, Debug, Default)]
pub(super) struct Comparison {
    /// Fields that are gone.
    pub(super) removed: Set,
    /// Fields with another value.
    pub(super) modified: Set,
    /// Fields that are new.
    pub(super) added: Set,
}

impl Comparison {
    /// Between two objects of one kind.
    pub(super) fn between(place: Place, old: &Value, new: &Value) -> Self {
        let mut out = Self::default();
        walk(place, Some(old), Some(new), &mut Vec::new(), &mut out);
        out
    }

    /// Without what lies at or below some fields.
    pub(super) fn without(self, fields: &Set) -> Self {
        Self {
            removed: self.removed.without(fields),
            modified: self.modified.without(fields),
            added: self.added.without(fields),
        }
    }

    /// Fields that have a new value.
    pub(super) fn set(&self) -> Set {
        self.modified.union(&self.added)
    }
}

type Path = Vec<Element>;

fn walk(place: Place, lhs: Option<&Value>, rhs: Option<&Value>, path: &mut Path, out: &mut Comparison) {
    let ((left, left_told), (right, right_told)) = (place.atom(lhs), place.atom(rhs));
    let leaf = if rhs.is_none() {
        handle(left, lhs, rhs, path, out)
    } else {
        if lhs.is_some() && !(left_told == right_told && same_kind(left, right)) {
            handle(left, lhs, rhs, path, out);
        }
        handle(right, lhs, rhs, path, out)
    };
    if !leaf {
        match (lhs, rhs) {
            (None, _) => out.added.insert(path),
            (_, None) => out.removed.insert(path),
            _ => {}
        }
    }
}

fn same_kind(a: Option<Atom>, b: Option<Atom>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => std::mem::discriminant(&a) == std::mem::discriminant(&b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// Says whether the place is owned as a whole.
fn handle(atom: Option<Atom>, lhs: Option<&Value>, rhs: Option<&Value>, path: &mut Path, out: &mut Comparison) -> bool {
    match atom {
        None => false,
        Some(Atom::Scalar(_)) => leaf(lhs, rhs, path, out),
        Some(Atom::List(list)) => {
            let items = |value: Option<&'_ Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
            let (left, right) = (items(lhs), items(rhs));
            if !list.associative || (left.is_empty() && right.is_empty()) {
                return leaf(lhs, rhs, path, out);
            }
            compare_items(&list, &left, &right, path, out);
            false
        }
        Some(Atom::Map(map)) => {
            let empty = |value: Option<&Value>| value.and_then(Value::as_object).is_none_or(serde_json::Map::is_empty);
            if map.atomic || (empty(lhs) && empty(rhs)) {
                return leaf(lhs, rhs, path, out);
            }
            compare_fields(&map, lhs, rhs, path, out);
            false
        }
    }
}

fn leaf(lhs: Option<&Value>, rhs: Option<&Value>, path: &[Element], out: &mut Comparison) -> bool {
    match (lhs, rhs) {
        (None, _) => out.added.insert(path),
        (_, None) => out.removed.insert(path),
        (Some(lhs), Some(rhs)) if !same(lhs, rhs) => out.modified.insert(path),
        _ => {}
    }
    true
}

fn compare_fields(map: &Map, lhs: Option<&Value>, rhs: Option<&Value>, path: &mut Path, out: &mut Comparison) {
    let (left, right) = (lhs.and_then(Value::as_object), rhs.and_then(Value::as_object));
    let mut field = |name: &String, lhs: Option<&Value>, rhs: Option<&Value>| {
        path.push(Element::Field(name.clone()));
        walk(map.field(name), lhs, rhs, path, out);
        path.pop();
    };
    for (name, value) in left.into_iter().flatten() {
        field(name, Some(value), right.and_then(|right| right.get(name)));
    }
    for (name, value) in right.into_iter().flatten() {
        if !left.is_some_and(|left| left.contains_key(name)) {
            field(name, None, Some(value));
        }
    }
}

/// Elements that occur twice on a side are compared as a whole.
fn compare_items(list: &List, lhs: &[Value], rhs: &[Value], path: &mut Path, out: &mut Comparison) {
    let mut all: BTreeMap<Element, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    for item in lhs {
        if let Ok(name) = list.element(item) {
            all.entry(name).or_default().0.push(item);
        }
    }
    for item in rhs {
        if let Ok(name) = list.element(item) {
            all.entry(name).or_default().1.push(item);
        }
    }
    for (name, (left, right)) in all {
        path.push(name);
        match (left.as_slice(), right.as_slice()) {
            ([_, _, ..], [_, _, ..]) => {
                if left.len() != right.len() || !left.iter().zip(&right).all(|(a, b)| same(a, b)) {
                    out.modified.insert(path);
                }
            }
            ([_, _, ..], rest) => {
                if let Some(one) = rest.first() {
                    walk(list.item, None, Some(one), path, out);
                }
                out.removed.insert(path);
            }
            (rest, [_, _, ..]) => {
                if let Some(one) = rest.first() {
                    walk(list.item, Some(one), None, path, out);
                }
                out.added.insert(path);
            }
            (left, right) => walk(list.item, left.first().copied(), right.first().copied(), path, out),
        }
        path.pop();
    }
}
