//! The objects of a build, in order, each under an id of its own.

use super::resource::{Behavior, Id, ORIGIN, Resource, error_about};
use crate::error::Result;

/// Objects in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Collection(pub Vec<Resource>);

impl Collection {
    /// Adds an object; an error when one with the same id is here already.
    pub(super) fn append(&mut self, resource: Resource) -> Result<()> {
        let id = resource.id();
        if self.0.iter().any(|r| r.id().is_same(&id)) {
            return Err(error_about(&id, format!("{id} is there twice"))
                .hint("Take one of the two out of the resources, or change it with a patch"));
        }
        self.0.push(resource);
        Ok(())
    }

    /// Adds every object of another collection.
    pub(super) fn append_all(&mut self, other: Self) -> Result<()> {
        other.0.into_iter().try_for_each(|resource| self.append(resource))
    }

    /// Adds a generated object, or lets it replace or be merged into the one that is here.
    pub(super) fn absorb(&mut self, mut resource: Resource) -> Result<()> {
        let id = resource.id();
        let mut matches = self.0.iter_mut().filter(|r| !r.is_empty() && r.is_known_as(&id));
        let Some(old) = matches.next() else {
            if resource.behavior != Behavior::Create {
                return Err(error_about(&id, format!("{id} does not exist: nothing to merge with or to replace")));
            }
            return self.append(resource);
        };
        if matches.next().is_some() {
            return Err(error_about(&id, format!("several objects could be merged with {id}")));
        }
        match resource.behavior {
            Behavior::Create => {
                return Err(error_about(&id, format!("{id} exists already"))
                    .hint("Set behavior: merge or behavior: replace on the generator"));
            }
            Behavior::Replace => take_metadata(&mut resource, old),
            Behavior::Merge => {
                take_metadata(&mut resource, old);
                if let Some((_, origin)) = old.texts("annotations").iter().find(|(key, _)| key == ORIGIN) {
                    resource.set_text("annotations", ORIGIN, origin);
                }
                for field in ["data", "binaryData"] {
                    merge_map(&mut resource, old, field);
                }
            }
        }
        *old = resource;
        Ok(())
    }

    /// The one object that is, or was, known under `id`.
    pub(super) fn find(&self, id: &Id) -> Result<usize> {
        let mut matches = self.0.iter().enumerate().filter(|(_, r)| !r.is_empty() && r.is_known_as(id));
        match (matches.next(), matches.next()) {
            (Some((index, _)), None) => Ok(index),
            (None, _) => Err(error_about(id, format!("no object matches the patch of {id}"))),
            (Some(_), Some(_)) => Err(error_about(id, format!("several objects match the patch of {id}"))),
        }
    }

    /// Leaves out what patches deleted.
    pub(super) fn drop_empty(&mut self) {
        self.0.retain(|r| !r.is_empty());
    }

    /// Fails when two objects have one id.
    pub(super) fn check_ids(&self) -> Result<()> {
        let mut seen = Self::default();
        self.0.iter().try_for_each(|r| seen.append(r.clone()))
    }
}

/// Name, namespace, labels, annotations and history of the object that is merged with or replaced.
fn take_metadata(new: &mut Resource, old: &Resource) {
    for field in ["labels", "annotations"] {
        let ours = new.texts(field);
        for (key, text) in old.texts(field).into_iter().chain(ours) {
            new.set_text(field, &key, &text);
        }
    }
    new.set_name(old.name());
    new.set_namespace(old.namespace());
    new.inherit(old);
}

fn merge_map(new: &mut Resource, old: &Resource, field: &str) {
    let Some(old_map) = old.value.get(field).and_then(serde_json::Value::as_object) else { return };
    let mut merged = old_map.clone();
    if let Some(new_map) = new.value.get(field).and_then(serde_json::Value::as_object) {
        merged.extend(new_map.clone());
    }
    if let Some(object) = new.value.as_object_mut() {
        object.insert(field.into(), merged.into());
    }
}
