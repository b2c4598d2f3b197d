//! Objects before and after: what comes, what changes, what goes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::manifest::object::Id;

use super::flux_files::Name;
use super::world::World;

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
    /// Compares everything that two builds make. What moves from one Kustomization to another unchanged is no change.
    pub fn between(before: &World, after: &World) -> Self {
        let index = |world: &World| -> BTreeMap<Id, Made> {
            world
                .objects()
                .map(|(unit, object)| (Id::of(object), Made { by: unit.name.clone(), object: object.clone() }))
                .collect()
        };
        let (mut old, new) = (index(before), index(after));
        let mut out = Self::default();
        for (unit, object) in after.objects() {
            let id = Id::of(object);
            match old.remove(&id) {
                Some(was) if was.object == *object => {}
                Some(was) => {
                    out.changed.push(Changed { by: unit.name.clone(), before: was.object, after: object.clone() });
                }
                None if new.get(&id).is_some_and(|m| m.object == *object) && !was_seen(&out, before, &id) => {
                    out.added.push(Made { by: unit.name.clone(), object: object.clone() });
                }
                None => {}
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

/// An object made twice is compared once.
fn was_seen(out: &Objects, before: &World, id: &Id) -> bool {
    out.added.iter().any(|m| Id::of(&m.object) == *id) || before.find(|other| other == id).is_some()
}
