//! Subresources, definitions and owners in a server.

use serde_json::{Value, json};

use super::call::Verb;
use super::change::Forget;
use super::hand::{Deletion, Hand};
use super::object;
use super::server::Api;
use super::types::Types;
use crate::sim::clock::{Clock, Mode};

fn hand() -> Hand {
    let api = Api::new(Types::shipped(), Clock::new(Mode::Virtual), Box::new(Forget));
    let hand = api.as_user("tester");
    for (kind, name) in [("Namespace", "a"), ("ServiceAccount", "default")] {
        hand.create(json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "a"}})).unwrap();
    }
    hand
}

fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "a"}, "spec": {"replicas": 2,
        "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}})
}

#[test]
fn a_status_write_leaves_the_spec_alone_and_a_scale_changes_the_generation() {
    let hand = hand();
    hand.create(deployment()).unwrap();
    let patch = json!({"status": {"replicas": 5}, "spec": {"replicas": 9}});
    let after = hand.patch_status("Deployment.apps", "a", "d", patch).unwrap();
    assert_eq!((&after["status"]["replicas"], &after["spec"]["replicas"]), (&json!(5), &json!(2)));
    assert_eq!(after["metadata"]["generation"], 1);
    let scale = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d", "namespace": "a"}, "spec": {"replicas": 3}});
    let scaled = hand.send(Verb::Update, scale, "Deployment.apps", "scale").unwrap();
    assert_eq!(
        (&scaled["kind"], &scaled["spec"]["replicas"], &scaled["status"]["selector"]),
        (&json!("Scale"), &json!(3), &json!("a=b"))
    );
    let after = hand.get("Deployment.apps", "a", "d").unwrap();
    assert_eq!((&after["metadata"]["generation"], &after["spec"]["replicas"]), (&json!(2), &json!(3)));
    let owners = after["metadata"]["managedFields"].as_array().unwrap();
    assert!(owners.iter().any(|owner| owner["subresource"] == "scale"), "{owners:?}");
    let below = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d", "namespace": "a"}, "spec": {"replicas": -3}});
    let refused = hand.send(Verb::Update, below, "Deployment.apps", "scale").unwrap_err();
    let wanted =
        "Scale.autoscaling \"d\" is invalid: spec.replicas: Invalid value: -3: must be greater than or equal to 0";
    assert_eq!((refused.code(), refused.message()), (422, wanted));
}

#[test]
fn two_managers_cannot_own_one_field() {
    let hand = hand();
    let cm = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "a"}, "data": {"k": value}});
    hand.apply(cm("1"), "one", false).unwrap();
    let conflict = hand.apply(cm("2"), "two", false).unwrap_err();
    assert_eq!((conflict.code(), conflict.reason()), (409, "Conflict"));
    assert!(conflict.message().contains("conflict with \"one\""), "{conflict}");
    assert_eq!(hand.apply(cm("2"), "two", true).unwrap()["data"]["k"], "2");
}

#[test]
fn a_pod_is_bound_once_and_evicted_only_if_its_budget_allows() {
    let hand = hand();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a", "labels": {"z": "z"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]}});
    hand.create(pod).unwrap();
    let binding = || json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p", "namespace": "a"}, "target": {"kind": "Node", "name": "k8s-1"}});
    hand.send(Verb::Create, binding(), "Pod", "binding").unwrap();
    let again = hand.send(Verb::Create, binding(), "Pod", "binding").unwrap_err();
    assert_eq!(
        again.message(),
        "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"k8s-1\""
    );
    let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    hand.patch_status("Pod", "a", "p", ready).unwrap();
    hand.create(
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "a"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"z": "z"}}}}),
    )
    .unwrap();
    let seen = json!({"status": {"observedGeneration": 1, "disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}});
    hand.patch_status("PodDisruptionBudget.policy", "a", "b", seen).unwrap();
    let eviction =
        || json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p", "namespace": "a"}});
    let refused = hand.send(Verb::Create, eviction(), "Pod", "eviction").unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (429, "TooManyRequests"));
    hand.patch_status("PodDisruptionBudget.policy", "a", "b", json!({"status": {"disruptionsAllowed": 1}})).unwrap();
    hand.send(Verb::Create, eviction(), "Pod", "eviction").unwrap();
    assert!(object::is_deleting(&hand.get("Pod", "a", "p").unwrap()));
}

#[test]
fn a_definition_serves_its_kind_and_takes_its_objects_with_it() {
    let hand = hand();
    let version = json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object",
        "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}}}}});
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.ex.org"},
        "spec": {"group": "ex.org", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"}, "versions": [version]}});
    hand.create(definition).unwrap();
    let crd = "CustomResourceDefinition.apiextensions.k8s.io";
    let conditions = hand.get(crd, "", "widgets.ex.org").unwrap()["status"]["conditions"].clone();
    assert!(conditions.as_array().unwrap().iter().any(|c| c["type"] == "Established" && c["status"] == "True"));
    let widget = json!({"apiVersion": "ex.org/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "a"}, "spec": {"a": "x", "b": 1}});
    let made = hand.create(widget).unwrap();
    assert_eq!(made["spec"], json!({"a": "x"}), "what is not in the schema is pruned");
    let mut stale = (*made).clone();
    object::remove_meta(&mut stale, "resourceVersion");
    let refused = hand.update(stale).unwrap_err();
    let wanted =
        "widgets.ex.org \"w\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update";
    assert_eq!((refused.code(), refused.message()), (422, wanted));
    hand.delete(crd, "", "widgets.ex.org", &Deletion::default()).unwrap();
    assert!(hand.find(crd, "", "widgets.ex.org").unwrap().is_none());
    assert_eq!(hand.get("Widget.ex.org", "a", "w").unwrap_err().code(), 501);
}
