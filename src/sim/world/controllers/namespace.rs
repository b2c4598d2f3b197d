//! The end of namespaces (kubernetes `pkg/controller/namespace`): everything in one goes, then the namespace.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sim::world::conditions::{Says, Times, set};
use crate::sim::world::id::kind_of;
use crate::sim::world::look::Look;
use crate::sim::world::plan::{Plan, Propagation};
use crate::sim::world::read::{deleting, list, put};
use crate::sim::world::reconcile::{Reconcile, Seen};
use crate::sim::world::view::View;

const KIND: &str = "Namespace";

/// The controller that empties namespaces.
#[derive(Debug, Default)]
pub struct Namespaces;

impl Reconcile for Namespaces {
    fn name(&self) -> &'static str {
        "namespace-controller"
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        if seen.id.kind == KIND {
            return vec![seen.id.name.clone()];
        }
        let ends = view.get(KIND, "", &seen.id.namespace).is_some_and(deleting);
        if ends { vec![seen.id.namespace.clone()] } else { vec![] }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let mut plan = Plan::default();
        let Some(namespace) = look.view.get(KIND, "", key).filter(|n| deleting(n)) else { return plan };
        let inside: Vec<&Value> = look.view.inside(key).collect();
        let to_delete: Vec<&Value> = inside.iter().copied().filter(|object| !deleting(object)).collect();
        if !to_delete.is_empty() {
            for object in to_delete {
                plan.delete_with(object, Some(Propagation::Background), None);
            }
            plan.wake_at(look.now);
            return plan;
        }
        let mut ended = namespace.clone();
        ended["status"] = status(look, namespace, &inside);
        let changed = ended["status"] != namespace["status"];
        if !inside.is_empty() {
            if changed {
                plan.status(ended);
            }
            return plan;
        }
        if changed {
            plan.status(ended);
            plan.wake_at(look.now);
            return plan;
        }
        let left: Vec<&Value> = list(namespace, "/spec/finalizers").iter().filter(|f| *f != "kubernetes").collect();
        if left.len() < list(namespace, "/spec/finalizers").len() {
            let left = json!(left);
            put(&mut ended["spec"], "finalizers", (left != json!([])).then_some(left));
            plan.acts.push(crate::sim::world::plan::Act::Finalize(ended));
        }
        plan
    }
}

fn status(look: &Look<'_>, namespace: &Value, inside: &[&Value]) -> Value {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut finalizers: BTreeMap<String, usize> = BTreeMap::new();
    for object in inside {
        *kinds.entry(kind_of(object)).or_default() += 1;
        for finalizer in list(object, "/metadata/finalizers").iter().filter_map(Value::as_str) {
            *finalizers.entry(finalizer.to_owned()).or_default() += 1;
        }
    }
    let mut resources: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| {
            let (plural, group) = resource(look.view, kind);
            format!("{plural}.{group} has {count} resource instances")
        })
        .collect();
    resources.sort();
    let held: Vec<String> =
        finalizers.iter().map(|(name, count)| format!("{name} in {count} resource instances")).collect();
    let remaining = format!("Some resources are remaining: {}", resources.join(", "));
    let finalizing = format!("Some content in the namespace has finalizers remaining: {}", held.join(", "));
    let mut status = namespace.get("status").cloned().unwrap_or(json!({}));
    status["phase"] = Value::from("Terminating");
    let ok = |kind, reason, message| Says { kind, status: "False", reason, message };
    let said = [
        ok("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
        ok(
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        ok(
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        if resources.is_empty() {
            ok("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed")
        } else {
            Says {
                kind: "NamespaceContentRemaining",
                status: "True",
                reason: "SomeResourcesRemain",
                message: &remaining,
            }
        },
        if held.is_empty() {
            ok("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished")
        } else {
            Says {
                kind: "NamespaceFinalizersRemaining",
                status: "True",
                reason: "SomeFinalizersRemain",
                message: &finalizing,
            }
        },
    ];
    for says in said {
        set(&mut status, &says, Times::Transition, &look.stamp());
    }
    status
}

/// Plural and group of a kind; a kind that is not served any more keeps its own name.
fn resource(view: &View, kind: &str) -> (String, String) {
    if let Some(served) = view.served(kind) {
        return (served.plural.clone(), served.group.clone());
    }
    let (name, group) = kind.split_once('.').unwrap_or((kind, ""));
    (format!("{}s", name.to_lowercase()), group.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::conditions::find;
    use crate::sim::world::read::text;
    use crate::sim::world::stage::Stage;

    #[test]
    fn waits_for_finalizers_and_says_so() {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "deletionTimestamp": "2026-11-24T10:00:00Z"},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Terminating"}});
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "a", "finalizers": ["x/keep"]}});
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "a"}});
        let mut stage = Stage::new([namespace, claim, config]);
        stage.run(&mut Namespaces, "a");
        assert!(stage.all("ConfigMap").is_empty());
        stage.run(&mut Namespaces, "a");
        let object = stage.get(KIND, "", "a");
        let says = |kind: &str| text(find(&object, kind).unwrap(), "/message").to_owned();
        assert_eq!(
            says("NamespaceContentRemaining"),
            "Some resources are remaining: persistentvolumeclaims. has 1 resource instances"
        );
        assert_eq!(
            says("NamespaceFinalizersRemaining"),
            "Some content in the namespace has finalizers remaining: x/keep in 1 resource instances"
        );
        stage.edit("PersistentVolumeClaim", "a", "c", |c| c["metadata"]["finalizers"] = json!([]));
        stage.view.remove(&crate::sim::world::id::Id::new("PersistentVolumeClaim", "a", "c"));
        stage.run(&mut Namespaces, "a");
        stage.run(&mut Namespaces, "a");
        assert!(stage.all(KIND).is_empty());
    }
}
