//! What holds data carries `prune: disabled`, so that no revert deletes it.

use serde_json::Value;

use crate::check::Check;
use crate::manifest::object::Id;

use super::subject::{Subject, in_manifest};
use super::verdict::{count, fault, verdict};

const NAME: &str = "protected data";
const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";

/// Whether deleting such an object deletes data.
pub fn holds_data(id: &Id) -> bool {
    matches!(
        (id.group.as_str(), id.kind.as_str()),
        ("", "Namespace" | "PersistentVolumeClaim" | "PersistentVolume")
            | ("postgresql.cnpg.io", "Cluster" | "Database")
            | ("objectbucket.io", "ObjectBucketClaim")
            | ("ceph.rook.io", _)
            | ("apiextensions.k8s.io", "CustomResourceDefinition")
    )
}

/// Whether Flux leaves the object in place when its file goes.
pub fn is_kept(object: &Value) -> bool {
    ["annotations", "labels"].iter().any(|m| object["metadata"][*m][PRUNE] == "disabled")
}

pub(super) fn check(subject: &Subject<'_>) -> Vec<Check> {
    let mut faults = Vec::new();
    let mut kept = 0;
    for (app, object) in subject.objects().filter(|(_, o)| holds_data(&Id::of(o))) {
        if is_kept(object) {
            kept += 1;
            continue;
        }
        let place = in_manifest(app, object, &["metadata", "annotations"]);
        faults.push(
            fault(NAME, &place, &format!("{} holds data, and a revert would delete it", Id::of(object)))
                .remedy(format!("Annotate it with {PRUNE}: disabled")),
        );
    }
    let ours = &subject.layout().namespace;
    let namespace = subject.after.find(|id| id.kind == "Namespace" && id.group.is_empty() && id.name == *ours);
    match namespace {
        Some((_, object)) if is_kept(object) => kept += 1,
        Some((unit, _)) => faults.push(
            Check::new(
                NAME,
                crate::check::Verdict::Fail,
                format!(
                    "Namespace {ours}, from Kustomization {}/{}, is not marked {PRUNE}: disabled",
                    unit.name.0, unit.name.1
                ),
            )
            .remedy("Mark it where it is written: a revert of its file would delete everything in it"),
        ),
        None => {}
    }
    verdict(NAME, faults, (kept > 0).then(|| format!("{} kept by every revert", count(kept, "object", "objects"))))
}
