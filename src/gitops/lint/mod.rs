//! Faults that can be told from the repository alone, looked for in what a change touches.
//!
//! Each rule is one that broke a real cluster. A rule that finds nothing is one check that passes and says what it looked
//! at; a rule that finds something is one check a fault, with file and line.

mod dependencies;
mod health;
mod ownership;
pub mod protection;
mod reach;
mod resources;
mod secrets;
mod sources;
mod substitution;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::check::{Check, Verdict};
use crate::error::Place;
use crate::manifest::object::Id;
use crate::manifest::yaml;

use super::app::{App, Role};
use super::assemble::Assembled;
use super::deliverables::Deliverables;
use super::layout::{Layout, join};
use super::world::{Unit, World};

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

/// Every rule, in the order of a report.
pub fn check(subject: &Subject<'_>) -> Vec<Check> {
    [
        reach::check(subject),
        dependencies::check(subject),
        sources::check(subject),
        ownership::check(subject),
        health::check(subject),
        resources::check(subject),
        secrets::check(subject),
        protection::check(subject),
        substitution::check(subject),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl<'a> Subject<'a> {
    fn layout(&self) -> &'a Layout {
        self.deliverables.layout()
    }

    fn files(&self) -> &'a BTreeMap<String, String> {
        &self.assembled.files
    }

    /// Our apps, each with the name of its Kustomization and that Kustomization as built. One that is not reached or
    /// cannot be built is left out: that is one fault, and every other rule would only repeat it.
    fn apps(&self) -> impl Iterator<Item = (&'a App, &'a Unit)> {
        let after = self.after;
        self.deliverables
            .apps()
            .iter()
            .zip(&self.assembled.kustomizations)
            .filter_map(move |(app, name)| after.unit(name).filter(|unit| unit.error.is_none()).map(|unit| (app, unit)))
    }

    /// The objects of our apps.
    fn objects(&self) -> impl Iterator<Item = (&'a App, &'a Value)> {
        self.apps().flat_map(|(app, unit)| unit.objects.iter().map(move |object| (app, object)))
    }

    /// A place in an app's `ks.yaml`.
    fn in_ks(&self, app: &App, path: &[&str]) -> Place {
        let file = join(&app.dir, "ks.yaml");
        match self.files().get(&file) {
            Some(text) => yaml::place(text, &file, 0, path),
            None => Place::new(file, 1, 1),
        }
    }
}

/// A place in the manifest of one of an app's objects; the app's folder if it is a generated one.
fn in_manifest(app: &App, object: &Value, path: &[&str]) -> Place {
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

/// A fault at a place.
fn fault(name: &str, place: &Place, seen: &str) -> Check {
    Check::new(name, Verdict::Fail, format!("{}:{}: {seen}", place.file, place.line))
}

/// What a rule says: its faults, or that it found none. Nothing if there was nothing to look at.
fn verdict(name: &str, faults: Vec<Check>, seen_if_none: Option<String>) -> Vec<Check> {
    match (faults.is_empty(), seen_if_none) {
        (false, _) => faults,
        (true, Some(seen)) => vec![Check::new(name, Verdict::Pass, seen)],
        (true, None) => Vec::new(),
    }
}

/// `1 dependency`, `2 dependencies`.
fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The pod specs of an object, each with its path: of workloads, Jobs, `CronJobs` and pods.
fn pod_spec(object: &Value) -> Option<(&Value, Vec<&'static str>)> {
    let path: Vec<&'static str> = match object["kind"].as_str()? {
        "Pod" => vec!["spec"],
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => vec!["spec", "template", "spec"],
        "CronJob" => vec!["spec", "jobTemplate", "spec", "template", "spec"],
        _ => return None,
    };
    let spec = path.iter().try_fold(object, |value, key| value.get(key))?;
    Some((spec, path))
}

/// The containers of a pod spec, init containers first: list, index and container.
fn containers(pod: &Value) -> impl Iterator<Item = (&'static str, usize, &Value)> {
    ["initContainers", "containers"]
        .into_iter()
        .flat_map(move |list| pod[list].as_array().into_iter().flatten().enumerate().map(move |(i, c)| (list, i, c)))
}
