//! Every namespace in use is created by something, and no object has two owners.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Check, Verdict};
use crate::gitops::flux_files::Name;
use crate::manifest::object::Id;

use super::subject::{Subject, in_manifest};
use super::verdict::{count, fault, verdict};

/// Namespaces that every cluster has, and the one that Flux was installed into.
const GIVEN: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

pub(super) fn check(subject: &Subject<'_>) -> Vec<Check> {
    let mut checks = namespaces(subject);
    checks.extend(owners(subject));
    checks
}

fn namespaces(subject: &Subject<'_>) -> Vec<Check> {
    let mut used: BTreeSet<&str> = subject.deliverables.apps().iter().map(|a| a.namespace.as_str()).collect();
    used.extend(subject.objects().filter_map(|(_, o)| o["metadata"]["namespace"].as_str()));
    let missing: Vec<Check> = used
        .iter()
        .filter(|ns| !GIVEN.contains(ns) && **ns != subject.layout().flux_namespace)
        .filter(|ns| !subject.after.creates_namespace(ns))
        .map(|ns| {
            Check::new("namespaces", Verdict::Warn, format!("nothing in the repository creates namespace {ns}"))
                .remedy(
                    "Flux cannot apply into a namespace that does not exist: make sure that something else creates it",
                )
                .command(format!("kubectl get namespace {ns}"))
        })
        .collect();
    let seen = used.iter().copied().collect::<Vec<_>>().join(", ");
    verdict("namespaces", missing, (!used.is_empty()).then_some(seen))
}

fn owners(subject: &Subject<'_>) -> Vec<Check> {
    let mut by_id: BTreeMap<Id, Vec<&Name>> = BTreeMap::new();
    for (unit, object) in subject.after.objects() {
        by_id.entry(Id::of(object)).or_default().push(&unit.name);
    }
    let mut faults = Vec::new();
    let mut seen = 0;
    for (app, object) in subject.objects() {
        seen += 1;
        let owners = by_id.get(&Id::of(object)).map(Vec::as_slice).unwrap_or_default();
        if owners.len() > 1 {
            let names: Vec<String> = owners.iter().map(|(ns, name)| format!("{ns}/{name}")).collect();
            let place = in_manifest(app, object, &["metadata", "name"]);
            let text = format!("{} is made by more than one Kustomization: {}", Id::of(object), names.join(", "));
            faults.push(
                fault("owners", &place, &text).remedy("They would overwrite and prune each other's: leave it to one"),
            );
        }
    }
    verdict("owners", faults, (seen > 0).then(|| format!("{}, one owner each", count(seen, "object", "objects"))))
}
