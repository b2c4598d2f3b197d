//! The kubelets of all nodes, played: images are pulled, containers start, become ready, end and are started again.
//! Nothing runs; how long a container works and what it says comes from a [`Model`].

mod config;
mod container;
mod memory;
mod model;
mod notes;
mod status;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::id::{Id, split};
use super::look::Look;
use super::plan::{Act, Plan, seconds_later};
use super::pods::ended;
use super::read::{deleting, flag, int, list, slot, text, time, uid};
use super::reconcile::{Reconcile, Seen};
use super::view::View;

use container::Turn;
use memory::Memory;
pub use model::{Model, Run, log_of};
use notes::note;

/// The kubelets.
#[derive(Default)]
pub struct Kubelets(Memory);

impl Kubelets {
    /// With a model of what runs in containers; without one, containers of Jobs work for a while, others for ever.
    pub fn new(model: Option<Model>) -> Self {
        Self(Memory { model, ..Memory::default() })
    }
}

impl Reconcile for Kubelets {
    fn name(&self) -> &'static str {
        "kubelet"
    }

    fn user(&self) -> String {
        "system:node".into()
    }

    fn manager(&self) -> &'static str {
        "kubelet"
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        match seen.id.kind.as_str() {
            "Pod" => vec![seen.id.key()],
            // What a container waits for may be here now.
            "ConfigMap" | "Secret" => view
                .list("Pod", &seen.id.namespace)
                .filter(|pod| !text(pod, "/spec/nodeName").is_empty() && waits(pod))
                .map(|pod| Id::of(pod).key())
                .collect(),
            _ => vec![],
        }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let (space, pod_name) = split(key);
        let mut plan = Plan::default();
        let Some(pod) = look.view.get("Pod", space, pod_name) else {
            self.0.forget(look.view);
            return plan;
        };
        let node_name = text(pod, "/spec/nodeName");
        let Some(node) = look.view.get("Node", "", node_name).filter(|_| !look.faults.node_lost(node_name)) else {
            return plan;
        };
        if deleting(pod) {
            self.stop(look, pod, &mut plan);
        } else if !ended(pod) {
            self.run(look, pod, node, &mut plan);
        }
        plan
    }
}

/// Whether one of its containers waits.
fn waits(pod: &Value) -> bool {
    let statuses = || list(pod, "/status/initContainerStatuses").iter().chain(list(pod, "/status/containerStatuses"));
    !ended(pod) && (statuses().next().is_none() || statuses().any(|s| s.pointer("/state/waiting").is_some()))
}

impl Kubelets {
    /// One look at a living pod.
    fn run(&mut self, look: &Look<'_>, pod: &Value, node: &Value, plan: &mut Plan) {
        let mut fresh = pod.clone();
        slot(&mut fresh, "status");
        if fresh["status"].get("startTime").is_none() {
            fresh["status"]["startTime"] = Value::from(look.stamp());
        }
        let mut mounted = true;
        for missing in config::missing_volumes(look.view, pod) {
            mounted = false;
            if self.0.told.insert((uid(pod).to_owned(), missing.clone())) {
                plan.acts.push(note(pod, true, "FailedMount", missing, None));
            }
        }
        let mut turn = Turn { look, pod, kubelet: &mut self.0, plan, mounted };
        let (init, main, finished) = turn.containers();
        if let Some(deadline) = deadline(pod) {
            if deadline <= look.now {
                Self::fail_late(look, pod, fresh, plan);
                return;
            }
            plan.wake_at(deadline);
        }
        let host = host_address(node);
        let status = &mut fresh["status"];
        status::fill(look, pod, status, init, main, mounted, finished);
        if mounted || status.get("podIP").is_some() {
            let address = if flag(pod, "/spec/hostNetwork") { host.clone() } else { self.0.address(look.view, pod) };
            status["podIP"] = Value::from(address.clone());
            status["podIPs"] = json!([{"ip": address}]);
        }
        status["hostIP"] = Value::from(host.clone());
        status["hostIPs"] = json!([{"ip": host}]);
        if fresh["status"] != *pod.get("status").unwrap_or(&Value::Null) {
            plan.acts.push(Act::Status(fresh));
        }
    }

    /// `activeDeadlineSeconds` of the pod is over.
    fn fail_late(look: &Look<'_>, pod: &Value, mut fresh: Value, plan: &mut Plan) {
        fresh["status"]["phase"] = Value::from("Failed");
        fresh["status"]["reason"] = Value::from("DeadlineExceeded");
        fresh["status"]["message"] = Value::from("Pod was active on the node longer than the specified deadline");
        status::end_all(look, &mut fresh["status"], 137);
        plan.acts.push(Act::Status(fresh));
        let message = "Pod was active on the node longer than the specified deadline".to_owned();
        plan.acts.push(note(pod, true, "DeadlineExceeded", message, None));
    }

    /// A pod on its way out: its containers end within the grace, then it is removed.
    fn stop(&mut self, look: &Look<'_>, pod: &Value, plan: &mut Plan) {
        let own = uid(pod).to_owned();
        let running = |group: &str| {
            let statuses = list(pod, group).iter().filter(|s| s.pointer("/state/running").is_some());
            statuses.map(|s| text(s, "/name").to_owned()).collect::<Vec<_>>()
        };
        let (init, main) = (running("/status/initContainerStatuses"), running("/status/containerStatuses"));
        if init.is_empty() && main.is_empty() {
            plan.delete_with(pod, None, Some(0));
            return;
        }
        let end = if let Some(end) = self.0.stopping.get(&own) {
            *end
        } else {
            for (group, names) in [("containers", &main), ("initContainers", &init)] {
                for container in names {
                    let message = format!("Stopping container {container}");
                    plan.acts.push(note(pod, false, "Killing", message, Some((group, container))));
                }
            }
            let grace = int(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or(30);
            let end = seconds_later(look.now, look.pace.stop.min(grace).max(0));
            self.0.stopping.insert(own, end);
            end
        };
        if end > look.now {
            plan.wake_at(end);
            return;
        }
        let mut fresh = pod.clone();
        let ended_status = slot(&mut fresh, "status");
        status::end_all(look, ended_status, 0);
        ended_status["phase"] = Value::from("Succeeded");
        status::close(look, pod, ended_status);
        plan.status(fresh);
        plan.wake_at(look.now);
    }
}

fn deadline(pod: &Value) -> Option<Timestamp> {
    Some(seconds_later(time(pod, "/status/startTime")?, int(pod, "/spec/activeDeadlineSeconds")?))
}

fn host_address(node: &Value) -> String {
    let addresses = list(node, "/status/addresses");
    let internal = addresses.iter().find(|a| text(a, "/type") == "InternalIP");
    internal.map_or_else(|| "10.0.0.1".to_owned(), |a| text(a, "/address").to_owned())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
