//! Deployments (kubernetes `pkg/controller/deployment`): replica sets by revision, rolled out step by step.

mod history;
mod rollout;
mod scale;
mod status;
mod wanted;

use serde_json::Value;

use crate::sim::world::id::split;
use crate::sim::world::look::Look;
use crate::sim::world::owner::controlled_by;
use crate::sim::world::plan::{Act, Plan};
use crate::sim::world::read::{deleting, labels, namespace};
use crate::sim::world::reconcile::{Reconcile, Refusal, Seen, keys_of_controllers, keys_of_owners};
use crate::sim::world::selector::{selects, selects_all};
use crate::sim::world::view::View;

use rollout::Rollout;

const KIND: &str = "Deployment.apps";
const SET: &str = "ReplicaSet.apps";

/// The controller of Deployments.
#[derive(Debug, Default)]
pub struct Deployments;

impl Reconcile for Deployments {
    fn name(&self) -> &'static str {
        "deployment-controller"
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        match seen.id.kind.as_str() {
            KIND => vec![seen.id.key()],
            SET => keys_of_owners(seen, view, KIND),
            // Recreate waits for the last old pod.
            "Pod" if seen.new.is_none() => {
                let sets = keys_of_controllers(seen, SET);
                let owners = sets.iter().filter_map(|key| {
                    let (namespace, name) = split(key);
                    let set = view.get(SET, namespace, name)?;
                    let owner = crate::sim::world::owner::controller_name(set, KIND)?;
                    Some(format!("{namespace}/{owner}"))
                });
                owners.collect()
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let (namespace, name) = split(key);
        let Some(deployment) = look.view.get(KIND, namespace, name) else { return Plan::default() };
        let mut plan = Plan::default();
        if selects_all(deployment.pointer("/spec/selector")) {
            let message = "This deployment is selecting all pods. A non-empty selector is required.";
            plan.warning(deployment, "SelectingAll", message);
            return plan;
        }
        let sets = claimed_sets(look, deployment, &mut plan);
        let mut rollout = Rollout::new(look, deployment, sets, plan);
        rollout.sync();
        rollout.finish()
    }

    fn refused(&mut self, look: &Look<'_>, key: &str, act: &Act, refusal: &Refusal) -> Plan {
        let (namespace, name) = split(key);
        let mut plan = Plan::default();
        if let (Act::Create(set), Some(deployment)) = (act, look.view.get(KIND, namespace, name))
            && !refusal.terminating
        {
            status::set_failed(look, deployment, set, &refusal.message, &mut plan);
        }
        plan
    }
}

fn claimed_sets(look: &Look<'_>, deployment: &Value, plan: &mut Plan) -> Vec<Value> {
    let selector = deployment.pointer("/spec/selector");
    let mut mine = Vec::new();
    for set in look.view.list(SET, namespace(deployment)) {
        let taken = selects(selector, &labels(set, "/metadata/labels"));
        if controlled_by(set, deployment) {
            if taken || deleting(deployment) {
                mine.push(set.clone());
            } else {
                plan.update(crate::sim::world::owner::release(set, deployment));
            }
        } else if taken
            && crate::sim::world::owner::controller(set).is_none()
            && !deleting(deployment)
            && !deleting(set)
        {
            plan.update(crate::sim::world::owner::adopt(set, deployment));
        }
    }
    mine
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
