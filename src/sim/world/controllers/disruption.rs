//! The status of disruption budgets (kubernetes `pkg/controller/disruption`).

use serde_json::{Value, json};

use crate::sim::world::conditions::{Says, Times, set};
use crate::sim::world::id::{Id, kind_name, split};
use crate::sim::world::look::Look;
use crate::sim::world::owner::controller;
use crate::sim::world::plan::Plan;
use crate::sim::world::pods::{ended, ready};
use crate::sim::world::read::{count, deleting, int, labels, nonzero, put, scaled, size, text};
use crate::sim::world::reconcile::{Reconcile, Seen};
use crate::sim::world::selector::selects;
use crate::sim::world::view::View;

const KIND: &str = "PodDisruptionBudget.policy";

/// The controller of disruption budgets.
#[derive(Debug, Default)]
pub struct Disruptions;

impl Reconcile for Disruptions {
    fn name(&self) -> &'static str {
        "disruption-controller"
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        let all = || view.list(KIND, &seen.id.namespace).map(|budget| Id::of(budget).key());
        match seen.id.kind.as_str() {
            KIND => vec![seen.id.key()],
            "Pod" => view
                .list(KIND, &seen.id.namespace)
                .filter(|b| seen.sides().any(|p| selects(b.pointer("/spec/selector"), &labels(p, "/metadata/labels"))))
                .map(|budget| Id::of(budget).key())
                .collect(),
            "Deployment.apps" | "ReplicaSet.apps" | "StatefulSet.apps" => all().collect(),
            _ => vec![],
        }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let (space, name) = split(key);
        let mut plan = Plan::default();
        let Some(budget) = look.view.get(KIND, space, name).filter(|b| !deleting(b)) else { return plan };
        let selector = budget.pointer("/spec/selector");
        let pods: Vec<&Value> = look
            .view
            .list("Pod", space)
            .filter(|pod| selects(selector, &labels(pod, "/metadata/labels")) && !ended(pod))
            .collect();
        let healthy = size(pods.iter().filter(|pod| ready(pod) && !deleting(pod)).count());
        let (expected, desired) = match (budget.pointer("/spec/maxUnavailable"), budget.pointer("/spec/minAvailable")) {
            (Some(most), _) => {
                let expected = scale_of(look.view, &pods);
                (expected, (expected - scaled(Some(most), expected, true)).max(0))
            }
            (None, Some(least @ Value::String(_))) => {
                let expected = scale_of(look.view, &pods);
                (expected, scaled(Some(least), expected, true))
            }
            (None, least) => (size(pods.len()), scaled(least, 0, true)),
        };
        let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
        let mut status = budget.get("status").filter(|s| s.is_object()).cloned().unwrap_or(json!({}));
        status["currentHealthy"] = Value::from(healthy);
        status["desiredHealthy"] = Value::from(desired);
        status["expectedPods"] = Value::from(expected);
        status["disruptionsAllowed"] = Value::from(allowed);
        let generation = count(budget, "/metadata/generation");
        put(&mut status, "observedGeneration", nonzero(generation));
        let (word, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        let says = Says { kind: "DisruptionAllowed", status: word, reason, message: "" };
        if set(&mut status, &says, Times::Transition, &look.stamp())
            && let Some(last) = status["conditions"].as_array_mut().and_then(|all| all.last_mut())
        {
            last["message"] = Value::from("");
            last["observedGeneration"] = Value::from(generation);
        }
        plan.status_if_new(budget, status);
        plan
    }
}

/// How many pods the controllers of these want in all.
fn scale_of(view: &View, pods: &[&Value]) -> i64 {
    let mut owners: Vec<(String, String)> = Vec::new();
    for pod in pods {
        let Some(mut owner) = controller(pod) else { continue };
        let mut kind = kind_name(text(owner, "/apiVersion"), text(owner, "/kind"));
        let set = view.by_uid(text(owner, "/uid"));
        if let Some(deployment) = set.filter(|_| kind == "ReplicaSet.apps").and_then(controller) {
            owner = deployment;
            kind = kind_name(text(owner, "/apiVersion"), text(owner, "/kind"));
        }
        owners.push((kind, text(owner, "/uid").to_owned()));
    }
    owners.sort();
    owners.dedup();
    owners.iter().filter_map(|(_, uid)| int(view.by_uid(uid)?, "/spec/replicas")).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::stage::Stage;

    #[test]
    fn what_may_go() {
        let pod = |name: &str, word: &str| {
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a", "labels": {"app": "db"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "u-db", "controller": true}]},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": word}]}})
        };
        for (rule, healthy_pods, wanted) in [
            (json!({"minAvailable": 2}), 3, (2, 3, 1)),
            (json!({"maxUnavailable": 1}), 3, (2, 3, 1)),
            (json!({"minAvailable": "50%"}), 1, (2, 3, 0)),
            (json!({"maxUnavailable": 0}), 3, (3, 3, 0)),
        ] {
            let mut budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                "metadata": {"name": "b", "namespace": "a", "generation": 1}, "spec": {"selector": {"matchLabels": {"app": "db"}}}});
            json_patch::merge(&mut budget["spec"], &rule);
            let owner = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "a", "uid": "u-db"}, "spec": {"replicas": 3}});
            let mut stage = Stage::new([budget, owner]);
            for index in 0..3 {
                stage.put(pod(&format!("p{index}"), if index < healthy_pods { "True" } else { "False" }));
            }
            stage.run(&mut Disruptions, "a/b");
            let status = stage.get(KIND, "a", "b")["status"].clone();
            let of = |key: &str| count(&status, key);
            assert_eq!((of("/desiredHealthy"), of("/expectedPods"), of("/disruptionsAllowed")), wanted, "{rule}");
        }
    }
}
