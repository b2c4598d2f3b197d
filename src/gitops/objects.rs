//! Objects before and after: what comes, what changes, what goes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::manifest::object::Id;

use super::flux_files::Name;
use super::world::{Unit, World};

/// An object and the Kustomization that makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Namespace and name of the Kustomization.
    pub by: Name,
    /// The object.
    pub object: Value,
}

/// An object that is there before and after, and differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Namespace and name of the Kustomization that makes it after the change.
    pub by: Name,
    /// As it was.
    pub before: Value,
    /// As it will be.
    pub after: Value,
}

/// The difference between two builds of a repository.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects {
    /// What comes.
    pub added: Vec<Made>,
    /// What changes.
    pub changed: Vec<Changed>,
    /// What goes.
    pub removed: Vec<Made>,
}

impl Objects {
    /// Compares everything that two builds make. What moves from one Kustomization to another unchanged is no change; what
    /// is made twice is compared once.
    pub fn between(before: &World, after: &World) -> Self {
        let made = |unit: &Unit, object: &Value| Made { by: unit.name.clone(), object: object.clone() };
        let mut old: BTreeMap<Id, Made> = before.objects().map(|(u, o)| (Id::of(o), made(u, o))).collect();
        let mut seen = BTreeSet::new();
        let mut out = Self::default();
        for (unit, object) in after.objects() {
            let id = Id::of(object);
            if !seen.insert(id.clone()) {
                continue;
            }
            match old.remove(&id) {
                Some(was) if was.object == *object => {}
                Some(was) => {
                    out.changed.push(Changed { by: unit.name.clone(), before: was.object, after: object.clone() });
                }
                None => out.added.push(made(unit, object)),
            }
        }
        out.removed = old.into_values().collect();
        out
    }

    /// What is applied: the new objects and the changed ones, as they will be.
    pub fn applied(&self) -> impl Iterator<Item = &Value> {
        self.added.iter().map(|m| &m.object).chain(self.changed.iter().map(|c| &c.after))
    }
}
