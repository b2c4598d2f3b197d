//! What the rules look at, and where it stands in the files.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::Place;
use crate::manifest::object::Id;
use crate::manifest::yaml;

use super::super::app::{App, Role};
use super::super::assemble::Assembled;
use super::super::deliverables::Deliverables;
use super::super::layout::{Layout, join};
use super::super::world::{Unit, World};

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What is delivered.
    pub deliverables: &'a Deliverables,
    /// The files it comes to.
    pub assembled: &'a Assembled,
    /// The repository after the change.
    pub after: &'a World,
}

impl<'a> Subject<'a> {
    pub(super) fn layout(&self) -> &'a Layout {
        self.deliverables.layout()
    }

    pub(super) fn files(&self) -> &'a BTreeMap<String, String> {
        &self.assembled.files
    }

    /// Our apps, each with the name of its Kustomization and that Kustomization as built. One that is not reached or
    /// cannot be built is left out: that is one fault, and every other rule would only repeat it.
    pub(super) fn apps(&self) -> impl Iterator<Item = (&'a App, &'a Unit)> {
        let after = self.after;
        self.deliverables
            .apps()
            .iter()
            .zip(&self.assembled.kustomizations)
            .filter_map(move |(app, name)| after.unit(name).filter(|unit| unit.error.is_none()).map(|unit| (app, unit)))
    }

    /// The objects of our apps.
    pub(super) fn objects(&self) -> impl Iterator<Item = (&'a App, &'a Value)> {
        self.apps().flat_map(|(app, unit)| unit.objects.iter().map(move |object| (app, object)))
    }

    /// A place in an app's `ks.yaml`.
    pub(super) fn in_ks(&self, app: &App, path: &[&str]) -> Place {
        let file = join(&app.dir, "ks.yaml");
        match self.files().get(&file) {
            Some(text) => yaml::place(text, &file, 0, path),
            None => Place::new(file, 1, 1),
        }
    }
}

/// A place in the manifest of one of an app's objects; the app's folder if it is a generated one.
pub(super) fn in_manifest(app: &App, object: &Value, path: &[&str]) -> Place {
    let id = Id::of(object);
    for file in app.files.iter().filter(|f| f.role == Role::Resource) {
        let display = join(&app.path(), &file.file);
        let Ok(documents) = yaml::documents(&file.text, &display) else { continue };
        let found = documents.iter().position(|d| {
            let other = Id::of(&d.value);
            (other.kind == id.kind && other.group == id.group) && id.name.ends_with(&other.name)
        });
        if let Some(index) = found {
            return yaml::place(&file.text, &display, index, path);
        }
    }
    Place::new(join(&app.path(), "kustomization.yaml"), 1, 1)
}
