//! The kubelets of all nodes, played: images are pulled, containers start, become ready, end and are started again.
//! Nothing runs; how long a container works and what it says comes from a [`Model`].

mod config;
mod container;
mod model;
mod status;

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::id::{Id, split};
use super::look::Look;
use super::plan::{Act, Note, Plan, Reporter, seconds_later};
use super::pods::ended;
use super::read::{deleting, flag, int, list, name, namespace, slot, text, time, uid};
use super::reconcile::{Reconcile, Seen};
use super::view::View;

use container::Turn;
pub use model::{Model, Run, log_of};

/// The kubelets.
#[derive(Default)]
pub struct Kubelets {
    model: Option<Model>,
    /// Images by node.
    images: HashSet<(String, String)>,
    /// When the pull of a container's image began: pod uid and container.
    pulls: BTreeMap<(String, String), Timestamp>,
    /// Pods that were told to stop.
    stopping: HashMap<String, Timestamp>,
    /// Addresses in use, by pod uid.
    addresses: HashMap<String, String>,
    /// Events that were told once for a pod.
    told: HashSet<(String, String)>,
}

impl Kubelets {
    /// With a model of what runs in containers; without one, containers of Jobs work for a while, others for ever.
    pub fn new(model: Option<Model>) -> Self {
        Self { model, ..Self::default() }
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
            self.forget(look.view);
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

/// An event of the kubelet of a pod's node.
fn note(pod: &Value, warning: bool, reason: &str, message: String, container: Option<(&str, &str)>) -> Act {
    let mut note = Note::new(pod, warning, reason, message);
    note.from = Some(Reporter { component: "kubelet".into(), host: text(pod, "/spec/nodeName").to_owned() });
    note.field = container.map(|(group, name)| format!("spec.{group}{{{name}}}"));
    Act::Event(note)
}

impl Kubelets {
    fn forget(&mut self, view: &View) {
        let there = |own: &str| view.by_uid(own).is_some();
        self.pulls.retain(|(own, _), _| there(own));
        self.stopping.retain(|own, _| there(own));
        self.addresses.retain(|own, _| there(own));
        self.told.retain(|(own, _)| there(own));
    }

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
            if self.told.insert((uid(pod).to_owned(), missing.clone())) {
                plan.acts.push(note(pod, true, "FailedMount", missing, None));
            }
        }
        let mut turn = Turn { look, pod, kubelet: self, plan, mounted };
        let (init, main, finished) = turn.containers();
        if let Some(deadline) = deadline(pod) {
            if deadline <= look.now {
                self.fail_late(look, pod, fresh, plan);
                return;
            }
            plan.wake_at(deadline);
        }
        let host = host_address(node);
        let status = &mut fresh["status"];
        status::fill(look, pod, status, init, main, mounted, finished);
        if mounted || status.get("podIP").is_some() {
            let address = if flag(pod, "/spec/hostNetwork") { host.clone() } else { self.address(look.view, pod) };
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
    fn fail_late(&mut self, look: &Look<'_>, pod: &Value, mut fresh: Value, plan: &mut Plan) {
        fresh["status"]["phase"] = Value::from("Failed");
        fresh["status"]["reason"] = Value::from("DeadlineExceeded");
        fresh["status"]["message"] = Value::from("Pod was active on the node longer than the specified deadline");
        status::end_all(look, pod, &mut fresh["status"], 137);
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
        let end = match self.stopping.get(&own) {
            Some(end) => *end,
            None => {
                for (group, names) in [("containers", &main), ("initContainers", &init)] {
                    for container in names {
                        let message = format!("Stopping container {container}");
                        plan.acts.push(note(pod, false, "Killing", message, Some((group, container))));
                    }
                }
                let grace = int(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or(30);
                let end = seconds_later(look.now, look.pace.stop.min(grace).max(0));
                self.stopping.insert(own, end);
                end
            }
        };
        if end > look.now {
            plan.wake_at(end);
            return;
        }
        let mut fresh = pod.clone();
        let ended_status = slot(&mut fresh, "status");
        status::end_all(look, pod, ended_status, 0);
        ended_status["phase"] = Value::from("Succeeded");
        status::close(look, pod, ended_status);
        plan.status(fresh);
        plan.wake_at(look.now);
    }

    /// The pod's address: one that no other pod has.
    fn address(&mut self, view: &View, pod: &Value) -> String {
        let known = text(pod, "/status/podIP");
        if !known.is_empty() {
            return known.to_owned();
        }
        if self.addresses.is_empty() {
            let all = view.all("Pod").filter(|p| !text(p, "/status/podIP").is_empty());
            self.addresses = all.map(|p| (uid(p).to_owned(), text(p, "/status/podIP").to_owned())).collect();
        }
        let used: HashSet<&String> = self.addresses.values().collect();
        let mut number = super::hash::fnv32(uid(pod).as_bytes()) % 65_000;
        let free = loop {
            let address = format!("10.244.{}.{}", number / 254, number % 254 + 1);
            if !used.contains(&address) || used.len() >= 65_000 {
                break address;
            }
            number = (number + 1) % 65_000;
        };
        self.addresses.insert(uid(pod).to_owned(), free.clone());
        free
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

/// What a pod is called in the kubelet's messages: `name_namespace(uid)`.
fn full_name(pod: &Value) -> String {
    format!("{}_{}({})", name(pod), namespace(pod), uid(pod))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
