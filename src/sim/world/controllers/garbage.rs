//! Garbage collection by owner references (kubernetes `pkg/controller/garbagecollector`).

use serde_json::{Value, json};

use crate::sim::world::id::{Id, kind_name};
use crate::sim::world::look::Look;
use crate::sim::world::owner::owners;
use crate::sim::world::plan::{Plan, Propagation};
use crate::sim::world::read::{deleting, flag, list, namespace, text, uid};
use crate::sim::world::reconcile::{Reconcile, Seen};
use crate::sim::world::view::View;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// The garbage collector.
#[derive(Debug, Default)]
pub struct Garbage;

impl Reconcile for Garbage {
    fn name(&self) -> &'static str {
        "garbage-collector-controller"
    }

    fn user(&self) -> String {
        "system:serviceaccount:kube-system:generic-garbage-collector".into()
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        let mut keys = Vec::new();
        if let Some(new) = seen.new.as_deref()
            && (!owners(new).is_empty() || holds_back(new))
        {
            keys.push(key_of(&seen.id));
        }
        // What an owner's end, or the beginning of it, means for those below and above.
        let ends = seen.new.as_deref().is_none_or(deleting);
        if ends && let Some(object) = seen.last() {
            keys.extend(view.owned_by(uid(object)).map(|dependent| key_of(&Id::of(dependent))));
            for owner in owners(object) {
                keys.extend(view.by_uid(text(owner, "/uid")).map(|owner| key_of(&Id::of(owner))));
            }
        }
        if seen.id.kind == "Event" || seen.id.kind == "Event.events.k8s.io" {
            keys.clear();
        }
        keys
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let mut plan = Plan::default();
        let Some(item) = id_of(key).and_then(|id| look.view.find(&id)) else { return plan };
        if deleting(item) {
            if has_finalizer(item, ORPHAN) {
                orphan(look, item, &mut plan);
            } else if has_finalizer(item, FOREGROUND) {
                clear_the_way(look, item, &mut plan);
            }
            return plan;
        }
        judge(look, item, &mut plan);
        plan
    }
}

fn key_of(id: &Id) -> String {
    format!("{} {}", id.kind, id.key())
}

fn id_of(key: &str) -> Option<Id> {
    let (kind, key) = key.split_once(' ')?;
    let (namespace, name) = crate::sim::world::id::split(key);
    Some(Id::new(kind, namespace, name))
}

fn holds_back(object: &Value) -> bool {
    deleting(object) && (has_finalizer(object, ORPHAN) || has_finalizer(object, FOREGROUND))
}

fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    list(object, "/metadata/finalizers").iter().any(|f| f == finalizer)
}

/// What is left of an owner, for one dependent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Solid,
    Absent,
    /// Waits in the foreground for its dependents.
    Waiting,
    /// Its kind is not served: nothing can be said.
    Unknown,
}

fn standing(look: &Look<'_>, item: &Value, owner: &Value) -> Standing {
    let kind = kind_name(text(owner, "/apiVersion"), text(owner, "/kind"));
    let Some(found) = look.view.by_uid(text(owner, "/uid")) else {
        let known = look.view.served(&kind).is_some();
        return if known { Standing::Absent } else { Standing::Unknown };
    };
    let elsewhere = !namespace(found).is_empty() && namespace(found) != namespace(item);
    let other = Id::of(found).kind != kind || crate::sim::world::read::name(found) != text(owner, "/name");
    if elsewhere || other {
        Standing::Absent
    } else if deleting(found) && has_finalizer(found, FOREGROUND) {
        Standing::Waiting
    } else {
        Standing::Solid
    }
}

fn judge(look: &Look<'_>, item: &Value, plan: &mut Plan) {
    let all: Vec<(&Value, Standing)> = owners(item).iter().map(|owner| (owner, standing(look, item, owner))).collect();
    let has = |wanted: Standing| all.iter().any(|(_, standing)| *standing == wanted);
    if all.is_empty() || has(Standing::Unknown) || !has(Standing::Absent) && !has(Standing::Waiting) {
        return;
    }
    if has(Standing::Solid) {
        let left: Vec<&Value> =
            all.iter().filter(|(_, standing)| *standing == Standing::Solid).map(|(owner, _)| *owner).collect();
        let patch = json!({"metadata": {"uid": uid(item), "ownerReferences": left}});
        plan.merge(item, patch);
        return;
    }
    let dependents = look.view.owned_by(uid(item)).count();
    let how = if has(Standing::Waiting) && dependents > 0 || has_finalizer(item, FOREGROUND) {
        Propagation::Foreground
    } else if has_finalizer(item, ORPHAN) {
        Propagation::Orphan
    } else {
        Propagation::Background
    };
    plan.delete_with(item, Some(how), None);
}

/// Takes the owner's reference from its dependents, then lets it go.
fn orphan(look: &Look<'_>, item: &Value, plan: &mut Plan) {
    for dependent in look.view.owned_by(uid(item)) {
        let left: Vec<&Value> = owners(dependent).iter().filter(|owner| text(owner, "/uid") != uid(item)).collect();
        let left = if left.is_empty() { Value::Null } else { json!(left) };
        plan.merge(dependent, json!({"metadata": {"uid": uid(dependent), "ownerReferences": left}}));
    }
    plan.merge(item, without(item, ORPHAN));
}

/// Removes an owner's dependents, and its finalizer when none is left that blocks it.
fn clear_the_way(look: &Look<'_>, item: &Value, plan: &mut Plan) {
    let mut blocked = false;
    for dependent in look.view.owned_by(uid(item)) {
        let reference = owners(dependent).iter().find(|owner| text(owner, "/uid") == uid(item));
        if reference.is_some_and(|reference| flag(reference, "/blockOwnerDeletion")) {
            blocked = true;
        }
        if !deleting(dependent) {
            judge(look, dependent, plan);
        }
    }
    if !blocked {
        plan.merge(item, without(item, FOREGROUND));
    }
}

fn without(item: &Value, finalizer: &str) -> Value {
    let left: Vec<&Value> = list(item, "/metadata/finalizers").iter().filter(|f| *f != finalizer).collect();
    let left = if left.is_empty() { Value::Null } else { json!(left) };
    json!({"metadata": {"uid": uid(item), "finalizers": left}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::stage::Stage;
    use crate::sim::world::view::Served;
    use std::collections::BTreeMap;

    fn object(name: &str, own: &str, of: &[&str]) -> Value {
        let references: Vec<Value> = of
            .iter()
            .map(|owner| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": format!("u-{owner}"), "blockOwnerDeletion": true}))
            .collect();
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a", "uid": own, "ownerReferences": references}})
    }

    fn stage(objects: Vec<Value>) -> Stage {
        let mut stage = Stage::new(objects);
        let served = Served { plural: "configmaps".into(), group: String::new(), namespaced: true };
        stage.view.serve(BTreeMap::from([("ConfigMap".to_owned(), served)]));
        stage
    }

    fn collect(stage: &mut Stage, name: &str) {
        stage.run(&mut Garbage, &format!("ConfigMap a/{name}"));
    }

    #[test]
    fn what_has_no_owner_left_goes() {
        let mut stage = stage(vec![object("lost", "u-lost", &["gone"]), object("free", "u-free", &[])]);
        collect(&mut stage, "lost");
        collect(&mut stage, "free");
        assert_eq!(stage.names("ConfigMap"), ["free"]);
    }

    #[test]
    fn one_owner_of_two_is_enough() {
        let mut stage = stage(vec![object("p", "u-p", &[]), object("c", "u-c", &["p", "gone"])]);
        collect(&mut stage, "c");
        assert_eq!(owners(&stage.get("ConfigMap", "a", "c")).len(), 1);
    }

    #[test]
    fn an_owner_in_another_namespace_is_absent_and_an_unknown_kind_says_nothing() {
        let mut far = object("p", "u-p", &[]);
        far["metadata"]["namespace"] = json!("b");
        let mut strange = object("s", "u-s", &["x"]);
        strange["metadata"]["ownerReferences"][0]["kind"] = json!("Strange");
        let mut stage = stage(vec![far, object("c", "u-c", &["p"]), strange]);
        collect(&mut stage, "c");
        collect(&mut stage, "s");
        assert_eq!(stage.names("ConfigMap"), ["s", "p"]);
    }

    #[test]
    fn in_the_foreground_dependents_go_first() {
        let mut parent = object("p", "u-p", &[]);
        parent["metadata"]["deletionTimestamp"] = json!("2026-11-24T10:00:00Z");
        parent["metadata"]["finalizers"] = json!([FOREGROUND]);
        let mut stage = stage(vec![parent, object("c", "u-c", &["p"]), object("d", "u-d", &["c"])]);
        collect(&mut stage, "p");
        assert_eq!(stage.names("ConfigMap"), ["d", "p"]);
        collect(&mut stage, "d");
        collect(&mut stage, "p");
        assert!(stage.names("ConfigMap").is_empty());
    }

    #[test]
    fn orphans_stay_without_the_reference() {
        let mut parent = object("p", "u-p", &[]);
        parent["metadata"]["deletionTimestamp"] = json!("2026-11-24T10:00:00Z");
        parent["metadata"]["finalizers"] = json!([ORPHAN]);
        let mut stage = stage(vec![parent, object("c", "u-c", &["p"])]);
        collect(&mut stage, "p");
        assert_eq!(stage.names("ConfigMap"), ["c"]);
        assert!(owners(&stage.get("ConfigMap", "a", "c")).is_empty());
    }
}
