//! Replica sets: so many pods of a template (kubernetes `pkg/controller/replicaset`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::world::conditions::{Says, Times, set, unset};
use crate::sim::world::id::split;
use crate::sim::world::look::Look;
use crate::sim::world::owner::{controlled_by, controller};
use crate::sim::world::plan::{Act, Plan, seconds_later};
use crate::sim::world::pods::{active, available, claimed, ended, generated, ready, removal_order};
use crate::sim::world::read::{count, deleting, labels, name, namespace, nonzero, put, size, text};
use crate::sim::world::reconcile::{Reconcile, Refusal, Seen, keys_of_owners};
use crate::sim::world::selector::has_all;
use crate::sim::world::view::View;

const KIND: &str = "ReplicaSet.apps";
/// `burstReplicas` of the controller manager.
const BURST: i64 = 500;

/// The controller of replica sets.
#[derive(Debug, Default)]
pub struct ReplicaSets {
    failures: BTreeMap<String, Failure>,
}

/// Pods that could not be made, and when that is tried again.
#[derive(Debug)]
struct Failure {
    message: String,
    times: u32,
    retry: Timestamp,
}

impl Reconcile for ReplicaSets {
    fn name(&self) -> &'static str {
        "replicaset-controller"
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        match seen.id.kind.as_str() {
            KIND => vec![seen.id.key()],
            "Pod" => keys_of_owners(seen, view, KIND),
            _ => vec![],
        }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let (namespace, name) = split(key);
        let Some(set) = look.view.get(KIND, namespace, name) else {
            self.failures.remove(key);
            return Plan::default();
        };
        let mut plan = Plan::default();
        let claimed = claimed(look, set, &mut plan);
        let living: Vec<&Value> = claimed.iter().copied().filter(|pod| active(pod)).collect();
        let terminating = claimed.iter().filter(|pod| deleting(pod) && !ended(pod)).count();
        let surplus = size(living.len()) - count(set, "/spec/replicas");
        if surplus >= 0 {
            self.failures.remove(key);
        }
        if !deleting(set) {
            match self.failures.get(key) {
                Some(failure) if failure.retry > look.now => plan.wake_at(failure.retry),
                _ => manage(look, set, &living, surplus, &mut plan),
            }
        }
        let failure = self.failures.get(key).map(|failure| failure.message.as_str());
        let status = status(look, set, &living, terminating, failure, &mut plan);
        plan.status_if_new(set, status);
        plan
    }

    fn refused(&mut self, look: &Look<'_>, key: &str, act: &Act, refusal: &Refusal) -> Plan {
        let (namespace, name) = split(key);
        let mut plan = Plan::default();
        let (Act::Create(_), Some(set)) = (act, look.view.get(KIND, namespace, name)) else { return plan };
        if refusal.terminating {
            return plan;
        }
        let times = self.failures.get(key).map_or(0, |failure| failure.times) + 1;
        let retry = seconds_later(look.now, 1 << times.min(10));
        self.failures.insert(key.to_owned(), Failure { message: refusal.message.clone(), times, retry });
        plan.warning(set, "FailedCreate", format!("Error creating: {}", refusal.message));
        plan.wake_at(look.now);
        plan
    }
}

fn manage(look: &Look<'_>, set: &Value, living: &[&Value], surplus: i64, plan: &mut Plan) {
    if surplus < 0 {
        let template = set.pointer("/spec/template").cloned().unwrap_or(json!({}));
        for _ in 0..(-surplus).min(BURST) {
            let pod = generated(look, &template, set);
            let message = format!("Created pod: {}", name(&pod));
            plan.create(pod);
            plan.normal(set, "SuccessfulCreate", message);
        }
        if -surplus > BURST {
            plan.wake_at(look.now);
        }
        return;
    }
    let mut order = living.to_vec();
    removal_order(&mut order, |node| crowd(look, set, node));
    for pod in order.iter().take(usize::try_from(surplus).unwrap_or_default()) {
        plan.delete(pod);
        plan.normal(set, "SuccessfulDelete", format!("Deleted pod: {}", name(pod)));
    }
}

/// How many living pods of the same Deployment (or of this set) a node has.
fn crowd(look: &Look<'_>, set: &Value, node: &str) -> usize {
    let pods = look.view.list("Pod", namespace(set));
    let of_deployment = |pod: &Value| {
        let Some(owner) = controller(set) else { return controlled_by(pod, set) };
        let sets = look.view.owned_by(text(owner, "/uid"));
        sets.into_iter().any(|other| controlled_by(pod, other))
    };
    pods.filter(|pod| active(pod) && text(pod, "/spec/nodeName") == node && of_deployment(pod)).count()
}

fn status(
    look: &Look<'_>,
    set_object: &Value,
    living: &[&Value],
    terminating: usize,
    failure: Option<&str>,
    plan: &mut Plan,
) -> Value {
    let min_ready = count(set_object, "/spec/minReadySeconds");
    let template = labels(set_object, "/spec/template/metadata/labels");
    let of = |is: &dyn Fn(&Value) -> bool| size(living.iter().filter(|pod| is(pod)).count());
    let labelled = of(&|pod| has_all(&template, &labels(pod, "/metadata/labels")));
    let is_ready = of(&ready);
    let mut is_available = 0;
    for pod in living {
        is_available += i64::from(available(pod, min_ready, look, plan));
    }
    let mut status = set_object.get("status").filter(|s| s.is_object()).cloned().unwrap_or(json!({}));
    status["replicas"] = Value::from(living.len());
    put(&mut status, "fullyLabeledReplicas", nonzero(labelled));
    put(&mut status, "readyReplicas", nonzero(is_ready));
    put(&mut status, "availableReplicas", nonzero(is_available));
    status["terminatingReplicas"] = Value::from(terminating);
    put(&mut status, "observedGeneration", nonzero(count(set_object, "/metadata/generation")));
    match failure {
        Some(message) => {
            let says = Says { kind: "ReplicaFailure", status: "True", reason: "FailedCreate", message };
            set(&mut status, &says, Times::Transition, &look.stamp());
        }
        None => unset(&mut status, "ReplicaFailure"),
    }
    status
}

#[cfg(test)]
#[path = "replica_set_tests.rs"]
mod tests;
