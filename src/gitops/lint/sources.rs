//! `sourceRef` and `chartRef` name a source that something defines, in the namespace where it lies.

use serde_json::Value;

use crate::check::Check;
use crate::error::Place;
use crate::manifest::object::Id;

use super::subject::{Subject, in_manifest};
use super::verdict::{count, fault, verdict};

const NAME: &str = "sources";

pub(super) fn check(subject: &Subject<'_>) -> Vec<Check> {
    let mut faults = Vec::new();
    let mut seen = 0;
    let mut look = |reference: &Value, own_namespace: &str, place: Place| {
        let text = |key: &str| reference[key].as_str().filter(|t| !t.is_empty());
        let (Some(kind), Some(name)) = (text("kind"), text("name")) else { return };
        seen += 1;
        let namespace = text("namespace").unwrap_or(own_namespace);
        let layout = subject.layout();
        // Flux' own source comes from its bootstrap, in most repositories from outside.
        if kind == "GitRepository" && namespace == layout.flux_namespace && name == layout.source {
            return;
        }
        let is_it = |id: &Id| id.group == "source.toolkit.fluxcd.io" && id.kind == kind && id.name == name;
        let exact = |id: &Id| is_it(id) && id.namespace.as_deref() == Some(namespace);
        if subject.after.find(exact).is_some() {
            return;
        }
        faults.push(match subject.after.find(is_it) {
            Some((_, other)) => {
                let there = other["metadata"]["namespace"].as_str().unwrap_or_default();
                fault(NAME, &place, &format!("{kind} {name} lies in namespace {there}, not in {namespace}"))
                    .remedy(format!("Write namespace: {there} beside its name"))
            }
            None => fault(NAME, &place, &format!("nothing in the repository makes {kind} {namespace}/{name}"))
                .remedy("Declare it with gitops::repo, or correct its name"),
        });
    };
    for (app, unit) in subject.apps() {
        look(&unit.object["spec"]["sourceRef"], &unit.name.0, subject.in_ks(app, &["spec", "sourceRef"]));
    }
    for (app, object) in subject.objects().filter(|(_, o)| o["kind"] == "HelmRelease") {
        let own = object["metadata"]["namespace"].as_str().unwrap_or(&app.namespace);
        let chart = ["spec", "chart", "spec", "sourceRef"];
        look(&object["spec"]["chart"]["spec"]["sourceRef"], own, in_manifest(app, object, &chart));
        look(&object["spec"]["chartRef"], own, in_manifest(app, object, &["spec", "chartRef"]));
    }
    verdict(NAME, faults, (seen > 0).then(|| format!("{} found", count(seen, "reference", "references"))))
}
