//! Sets of fields: a tree of path elements, each of which may itself be a member.

use std::collections::{BTreeMap, BTreeSet};

use super::element::Element;

/// A set of paths. Membership of a field says nothing of what lies below it. No child is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Set {
    /// Fields of this level that are members.
    pub(super) members: BTreeSet<Element>,
    /// Fields of this level below which there are members.
    pub(super) children: BTreeMap<Element, Set>,
}

impl Set {
    /// Of paths made of field names.
    pub(super) fn of(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(&path.iter().map(|name| Element::field(name)).collect::<Vec<_>>());
        }
        set
    }

    /// Adds a path; the empty one, which is the whole object, belongs to nobody.
    pub(super) fn insert(&mut self, path: &[Element]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// Whether a path is a member.
    pub(super) fn has(&self, path: &[Element]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|child| child.has(rest)),
        }
    }

    /// All paths, members of a level before what lies below.
    pub(super) fn paths(&self) -> Vec<Vec<Element>> {
        let mut paths: Vec<Vec<Element>> = self.members.iter().map(|member| vec![member.clone()]).collect();
        for (element, child) in &self.children {
            paths.extend(child.paths().into_iter().map(|mut path| {
                path.insert(0, element.clone());
                path
            }));
        }
        paths
    }

    /// What is in either.
    pub(super) fn union(&self, other: &Self) -> Self {
        let mut out = self.clone();
        out.members.extend(other.members.iter().cloned());
        for (element, child) in &other.children {
            let mine = out.children.entry(element.clone()).or_default();
            *mine = mine.union(child);
        }
        out
    }

    /// What is in both.
    pub(super) fn intersection(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(element, child)| {
            let both = child.intersection(other.children.get(element)?);
            (!both.is_empty()).then(|| (element.clone(), both))
        });
        Self { members: self.members.intersection(&other.members).cloned().collect(), children: children.collect() }
    }

    /// What is in this one only; a field that is taken away leaves what lies below it.
    pub(super) fn difference(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(element, child)| {
            let rest = match other.children.get(element) {
                Some(taken) => child.difference(taken),
                None => child.clone(),
            };
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self { members: self.members.difference(&other.members).cloned().collect(), children: children.collect() }
    }

    /// What is in this one and neither in the other nor below one of its members.
    pub(super) fn without(&self, other: &Self) -> Self {
        let kept = self.children.iter().filter(|(element, _)| !other.members.contains(element));
        let children = kept.filter_map(|(element, child)| {
            let rest = match other.children.get(element) {
                Some(taken) => child.without(taken),
                None => child.clone(),
            };
            (!rest.is_empty()).then(|| (element.clone(), rest))
        });
        Self { members: self.members.difference(&other.members).cloned().collect(), children: children.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_and_what_lies_below_are_apart() {
        let both = Set::of(&[&["a"], &["a", "b"], &["a", "c"], &["d", "e"]]);
        let a = Set::of(&[&["a"]]);
        assert_eq!(both.difference(&a), Set::of(&[&["a", "b"], &["a", "c"], &["d", "e"]]));
        assert_eq!(both.without(&a), Set::of(&[&["d", "e"]]));
        assert_eq!(both.intersection(&Set::of(&[&["a", "b"], &["d"]])), Set::of(&[&["a", "b"]]));
        assert_eq!(a.union(&Set::of(&[&["d", "e"]])), Set::of(&[&["d", "e"], &["a"]]));
        assert_eq!(Set::of(&[&["a", "b"]]).difference(&Set::of(&[&["a", "b"]])), Set::default());
    }
}
