//! A parent lists each `ks.yaml`, the Kustomization lies in the namespace that its file says, and everything touched
//! can be built.

use std::collections::BTreeSet;

use crate::check::{Check, Verdict};
use crate::gitops::flux_files::Name;

use super::subject::Subject;
use super::verdict::{count, fault, verdict};

const NAME: &str = "reached by Flux";

pub(super) fn check(subject: &Subject<'_>) -> Vec<Check> {
    let mut faults = Vec::new();
    let mut seen = 0;
    let mut touched: BTreeSet<Name> = BTreeSet::new();
    for (app, name) in subject.deliverables.apps().iter().zip(&subject.assembled.kustomizations) {
        seen += 1;
        if subject.after.unit(name).is_some() {
            touched.extend(subject.after.chain(name));
            continue;
        }
        let place = subject.in_ks(app, &["metadata", "namespace"]);
        let landed = subject.after.units.iter().find(|u| u.path == app.path());
        faults.push(match landed {
            Some(unit) => {
                let text = format!(
                    "says namespace {}, but a `namespace:` above moves the Kustomization to {}",
                    name.0, unit.name.0
                );
                fault(NAME, &place, &text)
                    .remedy("Take `namespace:` out of the kustomization above, or let it name the same namespace")
            }
            None if subject.after.units.is_empty() => {
                let text = format!("no root: {} holds no Flux Kustomization", subject.layout().cluster);
                fault(NAME, &place, &text)
                    .remedy("Name the folder of the root Kustomizations in dpb.yaml: flux.cluster")
            }
            None => fault(NAME, &place, "no Kustomization of this repository leads to this file").remedy(format!(
                "List {} in the kustomization.yaml above it, up to a path that a root Kustomization applies",
                app.dir
            )),
        });
    }
    // What cannot be built here may hide what it leads to, so each is named even when nothing of ours is below it.
    for unit in &subject.after.units {
        let Some(error) = &unit.error else { continue };
        let about_us = touched.contains(&unit.name) || !faults.is_empty();
        let text = format!("Kustomization {}/{}: {}", unit.name.0, unit.name.1, error.message());
        let verdict = if about_us { Verdict::Fail } else { Verdict::Warn };
        let mut check = Check::new("build", verdict, text);
        check.optional = !about_us;
        check.remedy = error.hint_text().map(str::to_owned);
        check.details = error.places().iter().map(|p| format!("at {}:{}:{}", p.file, p.line, p.column)).collect();
        faults.push(check);
    }
    let only_builds = faults.iter().all(|c| c.name == "build");
    let passed = verdict(NAME, Vec::new(), (seen > 0).then(|| count(seen, "Kustomization", "Kustomizations")));
    if only_builds { passed.into_iter().chain(faults).collect() } else { faults }
}
