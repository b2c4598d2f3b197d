//! Fits sets that were written under an earlier schema to the one in force: what is owned as a whole now has no fields.

use super::atom::{Atom, Place};
use super::element::Element;
use super::set::Set;

/// The set under the present schema.
pub(super) fn reconcile(set: &Set, place: Place) -> Set {
    let (mut gone, mut whole) = (Set::default(), Set::default());
    walk(set, place, &mut Vec::new(), &mut gone, &mut whole);
    if gone.is_empty() && whole.is_empty() { set.clone() } else { set.without(&gone).union(&whole) }
}

/// `set` is not empty: what has members below it is no whole.
fn walk(set: &Set, place: Place, path: &mut Vec<Element>, gone: &mut Set, added: &mut Set) {
    let mut replace = |path: &[Element]| {
        gone.insert(path);
        added.insert(path);
    };
    match place.atom(None).0 {
        Some(Atom::List(list)) if !list.associative => replace(path),
        Some(Atom::Map(map)) if map.is_deduced() => {}
        Some(Atom::Map(map)) if map.atomic => replace(path),
        Some(atom) => {
            for (element, child) in &set.children {
                let below = match (atom, element) {
                    (Atom::List(list), _) => list.item,
                    (Atom::Map(map), Element::Field(name)) => map.field(name),
                    _ => Place::Undeclared,
                };
                path.push(element.clone());
                walk(child, below, path, gone, added);
                path.pop();
            }
        }
        None => {}
    }
}
