//! Where a parent switches on `postBuild`, Flux replaces every `${name}` in our manifests, dashboards and scripts too:
//! a name that it does not know becomes nothing.

use crate::check::Check;
use crate::gitops::app::Role;
use crate::gitops::flux_files::{SUBSTITUTE, has_variables};
use crate::manifest::yaml;

use super::subject::Subject;
use super::verdict::{fault, verdict};

const NAME: &str = "substitution";

pub(super) fn check(subject: &Subject<'_>) -> Vec<Check> {
    let mut faults = Vec::new();
    let mut is_on = false;
    for (app, unit) in subject.apps().filter(|(_, u)| u.object["spec"]["postBuild"].is_object()) {
        is_on = true;
        for file in app.files.iter().filter(|f| f.role == Role::Resource) {
            let display = format!("{}/{}", app.path(), file.file);
            for (i, document) in yaml::documents(&file.text, &display).unwrap_or_default().into_iter().enumerate() {
                let metadata = &document.value["metadata"];
                let off = ["labels", "annotations"].iter().any(|m| metadata[*m][SUBSTITUTE] == "disabled");
                if off || !has_variables(&document.value.to_string()) {
                    continue;
                }
                let place = yaml::place(&file.text, &display, i, &["metadata", "annotations"]);
                let kind = document.value["kind"].as_str().unwrap_or_default();
                let name = metadata["name"].as_str().unwrap_or_default();
                let text = format!(
                    "{kind} {name} holds ${{…}}, which Flux replaces: Kustomization {}/{} has postBuild",
                    unit.name.0, unit.name.1
                );
                faults.push(fault(NAME, &place, &text).remedy(format!("Annotate it with {SUBSTITUTE}: disabled")));
            }
        }
    }
    verdict(NAME, faults, is_on.then(|| "postBuild is on, and leaves our files as they are".to_owned()))
}
