//! Health checks name objects that their Kustomization creates.

use serde_json::Value;

use crate::check::{Check, Verdict};
use crate::manifest::object::{Id, group};

use super::subject::Subject;
use super::verdict::{count, fault, verdict};

const NAME: &str = "health checks";

pub(super) fn check(subject: &Subject<'_>) -> Vec<Check> {
    let mut faults = Vec::new();
    let mut seen = 0;
    for (app, unit) in subject.apps() {
        let checks = unit.object["spec"]["healthChecks"].as_array();
        for (i, check) in checks.into_iter().flatten().enumerate() {
            seen += 1;
            let text = |key: &str| check[key].as_str().unwrap_or_default();
            let wanted = Id {
                group: group(text("apiVersion")).to_owned(),
                kind: text("kind").to_owned(),
                namespace: check["namespace"].as_str().map(str::to_owned),
                name: text("name").to_owned(),
            };
            if unit.objects.iter().any(|o| Id::of(o) == wanted) {
                continue;
            }
            let place = subject.in_ks(app, &["spec", "healthChecks", &i.to_string()]);
            let from_chart = unit.objects.iter().any(|o: &Value| o["kind"] == "HelmRelease");
            let mut fault = fault(
                NAME,
                &place,
                &format!("{wanted} is not among the {} objects of this Kustomization", unit.objects.len()),
            );
            if from_chart {
                fault.verdict = Verdict::Warn;
                fault.seen.push_str("; its chart may make it");
            } else {
                fault = fault.remedy("Flux would wait for it until the time is over: correct the name, or render it");
            }
            faults.push(fault);
        }
    }
    verdict(NAME, faults, (seen > 0).then(|| count(seen, "object, made here", "objects, all made here")))
}
