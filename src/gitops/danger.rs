//! What a plan would do that cannot simply be taken back: fields that cannot change, data that leaves, objects that are
//! orphaned.

use serde_json::Value;

use crate::check::{Check, Verdict};
use crate::manifest::object::Id;

use super::lint::protection::{holds_data, is_kept};
use super::objects::Objects;
use super::world::World;

const FORCE: &str = "kustomize.toolkit.fluxcd.io/force";

/// Dangers that the repository alone shows. One that stands in the way has failed, the others warn.
pub fn in_repository(objects: &Objects, after: &World, chain: &[super::flux_files::Name]) -> Vec<Check> {
    let mut out = Vec::new();
    for made in &objects.removed {
        let id = Id::of(&made.object);
        match (holds_data(&id), is_kept(&made.object)) {
            (true, false) => out.push(
                danger(Verdict::Fail, format!("{id} goes, and its data with it"))
                    .remedy("Mark it kustomize.toolkit.fluxcd.io/prune: disabled in a commit of its own first"),
            ),
            (_, true) => out.push(danger(
                Verdict::Warn,
                format!("{id} stays in the cluster without an owner: its file goes, and it is marked prune: disabled"),
            )),
            (false, false) => {}
        }
    }
    for changed in &objects.changed {
        let id = Id::of(&changed.after);
        match (is_kept(&changed.before), is_kept(&changed.after)) {
            (true, false) => {
                out.push(danger(Verdict::Warn, format!("{id} loses prune: disabled: from now on a revert deletes it")));
            }
            (false, true) if !holds_data(&id) => {
                out.push(danger(Verdict::Warn, format!("{id} gains prune: disabled: a revert leaves it behind")));
            }
            _ => {}
        }
        out.extend(immutable(&changed.before, &changed.after, after, &changed.by));
    }
    for name in chain {
        if after.unit(name).is_some_and(super::world::Unit::is_suspended) {
            out.push(
                danger(
                    Verdict::Fail,
                    format!("Kustomization {}/{} is suspended: nothing below it would be applied", name.0, name.1),
                )
                .remedy("Take suspend: true out of its file, or resume it")
                .command(format!("flux resume kustomization {} -n {}", name.1, name.0)),
            );
        }
    }
    out
}

/// Fields of an object that differ from the live one and that the API server refuses to change.
pub fn against_live(wanted: &Value, live: &Value) -> Vec<Check> {
    if is_forced(wanted) {
        return Vec::new();
    }
    fields(wanted)
        .into_iter()
        .filter_map(|path| {
            let (new, old) = (wanted.pointer(path)?, live.pointer(path)?);
            (!is_subset(new, old)).then(|| refused(wanted, path))
        })
        .collect()
}

fn immutable(before: &Value, after: &Value, world: &World, by: &super::flux_files::Name) -> Vec<Check> {
    let forced = is_forced(after) || world.unit(by).is_some_and(|u| u.object["spec"]["force"] == true);
    let changed = fields(after).into_iter().filter(|path| before.pointer(path) != after.pointer(path));
    if forced {
        return changed
            .take(1)
            .map(|_| danger(Verdict::Warn, format!("{} is replaced: deleted and made anew", Id::of(after))))
            .collect();
    }
    changed.map(|path| refused(after, path)).collect()
}

fn refused(object: &Value, path: &str) -> Check {
    let field = path.trim_start_matches('/').replace('/', ".");
    let id = Id::of(object);
    let remedy = if holds_data(&id) || id.kind == "StatefulSet" {
        "Give the new one another name and move the data over, or keep the old value"
    } else {
        "Annotate it with kustomize.toolkit.fluxcd.io/force: enabled, so that Flux replaces it"
    };
    danger(Verdict::Fail, format!("{id}: {field} cannot change")).remedy(remedy)
}

/// Fields that the API server (or the operator) refuses to change.
fn fields(object: &Value) -> Vec<&'static str> {
    let id = Id::of(object);
    match (id.group.as_str(), id.kind.as_str()) {
        ("apps", "Deployment" | "DaemonSet") => vec!["/spec/selector"],
        ("apps", "StatefulSet") => {
            vec!["/spec/selector", "/spec/serviceName", "/spec/volumeClaimTemplates", "/spec/podManagementPolicy"]
        }
        ("batch", "Job") => vec!["/spec/selector", "/spec/template", "/spec/completionMode"],
        ("", "PersistentVolumeClaim") => {
            vec!["/spec/storageClassName", "/spec/accessModes", "/spec/volumeMode", "/spec/selector"]
        }
        ("", "Secret") if object["immutable"] == true => vec!["/data", "/type"],
        ("", "Secret") => vec!["/type"],
        ("", "ConfigMap") if object["immutable"] == true => vec!["/data", "/binaryData"],
        ("storage.k8s.io", "StorageClass") => {
            vec!["/provisioner", "/parameters", "/reclaimPolicy", "/volumeBindingMode"]
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => vec!["/roleRef"],
        ("postgresql.cnpg.io", "Cluster") => vec!["/spec/storage/storageClass", "/spec/bootstrap/initdb/database"],
        ("objectbucket.io", "ObjectBucketClaim") => vec!["/spec/storageClassName", "/spec/bucketName"],
        _ => Vec::new(),
    }
}

/// Whether Flux may delete and make the object anew.
pub fn is_forced(object: &Value) -> bool {
    ["annotations", "labels"].iter().any(|m| object["metadata"][*m][FORCE] == "enabled")
}

/// Whether everything that is asked for is there; the live object may have defaults beside it.
fn is_subset(wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(w), Value::Object(l)) => w.iter().all(|(k, v)| l.get(k).is_some_and(|o| is_subset(v, o))),
        (Value::Array(w), Value::Array(l)) => w.len() == l.len() && w.iter().zip(l).all(|(a, b)| is_subset(a, b)),
        (a, b) => a == b || same_amount(a, b),
    }
}

/// `1Gi` and `1024Mi` are one amount; the server writes its own form back.
fn same_amount(a: &Value, b: &Value) -> bool {
    let parse =
        |v: &Value| crate::manifest::Quantity::parse(&v.as_str().map_or_else(|| v.to_string(), str::to_owned)).ok();
    matches!((parse(a), parse(b)), (Some(x), Some(y)) if x == y)
}

fn danger(verdict: Verdict, seen: String) -> Check {
    Check::new("danger", verdict, seen)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn live_defaults_are_no_change() {
        let wanted = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"},
            "spec": {"template": {"spec": {"containers": [{"name": "a", "resources": {"limits": {"memory": "1Gi"}}}]}}}});
        let mut live = wanted.clone();
        live["spec"]["template"]["spec"]["restartPolicy"] = "Never".into();
        live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "1024Mi".into();
        assert!(against_live(&wanted, &live).is_empty());
        live["spec"]["template"]["spec"]["containers"][0]["name"] = "b".into();
        let found = against_live(&wanted, &live);
        assert_eq!(found[0].seen, "Job j: spec.template cannot change");
        let mut forced = wanted;
        forced["metadata"]["annotations"] = json!({FORCE: "enabled"});
        assert!(against_live(&forced, &live).is_empty());
    }
}
