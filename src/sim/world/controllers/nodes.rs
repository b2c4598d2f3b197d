//! Nodes: ready as long as their kubelets are, and what becomes of pods on one that is lost (kubernetes
//! `pkg/controller/nodelifecycle`, `tainteviction`, `podgc`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::clock::stamp;
use crate::sim::world::conditions::{Says, Times, find, set};
use crate::sim::world::eligible::tolerates;
use crate::sim::world::look::Look;
use crate::sim::world::plan::{Plan, seconds_later};
use crate::sim::world::pods::{ended, ready};
use crate::sim::world::read::{deleting, int, list, name, namespace, put, text, time};
use crate::sim::world::reconcile::{Reconcile, Seen};
use crate::sim::world::view::View;

const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
/// `node-monitor-grace-period`, in seconds.
const GRACE: i64 = 50;
/// Seconds until the pods of a node that was removed are (`podgc`).
const QUARANTINE: i64 = 40;

/// What a kubelet says of its node: type, whether it holds, reason and message.
const WELL: [(&str, &str, &str, &str); 4] = [
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
];

/// The controller of nodes, and the part of the kubelets that speaks for them.
#[derive(Debug, Default)]
pub struct Nodes {
    lost: BTreeMap<String, Timestamp>,
    gone: BTreeMap<String, Timestamp>,
}

impl Reconcile for Nodes {
    fn name(&self) -> &'static str {
        "node-controller"
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        match seen.id.kind.as_str() {
            "Node" => vec![seen.id.name.clone()],
            "Pod" => {
                let node = seen.new.as_deref().map(|pod| text(pod, "/spec/nodeName")).filter(|node| !node.is_empty());
                let troubled = |node: &&str| self.lost.contains_key(*node) || view.get("Node", "", node).is_none();
                node.filter(troubled).map(str::to_owned).into_iter().collect()
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let mut plan = Plan::default();
        let Some(node) = look.view.get("Node", "", key) else {
            self.clear(look, key, &mut plan);
            return plan;
        };
        self.gone.remove(key);
        if !look.faults.node_lost(key) {
            self.lost.remove(key);
            revive(look, node, &mut plan);
            return plan;
        }
        let since = *self.lost.entry(key.to_owned()).or_insert(look.now);
        let noticed = seconds_later(since, GRACE);
        if noticed > look.now {
            plan.wake_at(noticed);
            return plan;
        }
        lose(look, node, &mut plan);
        for pod in pods_of(look, key) {
            leave(look, pod, node, &mut plan);
        }
        plan
    }
}

impl Nodes {
    /// Removes the pods of a node that is no more.
    fn clear(&mut self, look: &Look<'_>, node: &str, plan: &mut Plan) {
        let pods: Vec<&Value> = pods_of(look, node).collect();
        if pods.is_empty() {
            self.gone.remove(node);
            return;
        }
        let end = seconds_later(*self.gone.entry(node.to_owned()).or_insert(look.now), QUARANTINE);
        if end > look.now {
            plan.wake_at(end);
            return;
        }
        for pod in pods {
            plan.delete_with(pod, None, Some(0));
        }
    }
}

fn pods_of<'a>(look: &'a Look<'a>, node: &'a str) -> impl Iterator<Item = &'a Value> {
    look.view.all("Pod").filter(move |pod| text(pod, "/spec/nodeName") == node)
}

/// The kubelet's word: all is well.
fn revive(look: &Look<'_>, node: &Value, plan: &mut Plan) {
    let mut fresh = node.clone();
    let status = crate::sim::world::read::slot(&mut fresh, "status");
    let mut changed = false;
    for (kind, word, reason, message) in WELL {
        // What somebody else said of a node that is there stays, unless nobody knows.
        if find(node, kind).is_some_and(|c| text(c, "/status") != "Unknown") {
            continue;
        }
        changed |= set(status, &Says { kind, status: word, reason, message }, Times::Transition, &look.stamp());
        beat(status, kind, &look.stamp());
    }
    if changed {
        plan.status(fresh);
        plan.wake_at(look.now);
        return;
    }
    let taints = list(node, "/spec/taints");
    let left: Vec<Value> = taints
        .iter()
        .filter(|t| text(t, "/key") != UNREACHABLE && text(t, "/key") != "node.kubernetes.io/not-ready")
        .cloned()
        .collect();
    if left.len() < taints.len() {
        put(&mut fresh["spec"], "taints", (!left.is_empty()).then_some(Value::Array(left)));
        plan.update(fresh);
    }
}

fn beat(status: &mut Value, kind: &str, now: &str) {
    let all = status.get_mut("conditions").and_then(Value::as_array_mut);
    if let Some(condition) = all.and_then(|all| all.iter_mut().find(|c| text(c, "/type") == kind)) {
        condition["lastHeartbeatTime"] = Value::from(now);
    }
}

/// Nobody has heard of the node for too long.
fn lose(look: &Look<'_>, node: &Value, plan: &mut Plan) {
    let mut fresh = node.clone();
    let status = crate::sim::world::read::slot(&mut fresh, "status");
    let message = "Kubelet stopped posting node status.";
    let mut changed = false;
    for (kind, ..) in WELL {
        let says = Says { kind, status: "Unknown", reason: "NodeStatusUnknown", message };
        changed |= set(status, &says, Times::Transition, &look.stamp());
    }
    if changed {
        plan.status(fresh.clone());
        plan.normal(node, "NodeNotReady", format!("Node {} status is now: NodeNotReady", name(node)));
    }
    let taints = list(node, "/spec/taints");
    if taints.iter().any(|t| text(t, "/key") == UNREACHABLE && text(t, "/effect") == "NoExecute") {
        return;
    }
    let mut all = taints.to_vec();
    for effect in ["NoSchedule", "NoExecute"] {
        all.push(json!({"key": UNREACHABLE, "effect": effect, "timeAdded": look.stamp()}));
    }
    fresh["spec"]["taints"] = Value::Array(all);
    plan.update(fresh);
    plan.wake_at(look.now);
}

/// A pod of a lost node: not ready, and evicted when its toleration is over.
fn leave(look: &Look<'_>, pod: &Value, node: &Value, plan: &mut Plan) {
    if ended(pod) {
        return;
    }
    if ready(pod) {
        let mut fresh = pod.clone();
        if let Some(all) = fresh.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
            for condition in all.iter_mut().filter(|c| text(c, "/type") == "Ready") {
                condition["status"] = Value::from("False");
                condition["lastTransitionTime"] = Value::from(look.stamp());
            }
        }
        plan.status(fresh);
        plan.warning(pod, "NodeNotReady", "Node is not ready");
    }
    let taint =
        list(node, "/spec/taints").iter().find(|t| text(t, "/key") == UNREACHABLE && text(t, "/effect") == "NoExecute");
    let (Some(taint), false) = (taint, deleting(pod)) else { return };
    let tolerating: Vec<&Value> =
        list(pod, "/spec/tolerations").iter().filter(|toleration| tolerates(toleration, taint)).collect();
    let added = time(taint, "/timeAdded").unwrap_or(look.now);
    if !tolerating.is_empty() {
        // Without a time one toleration is for ever.
        let seconds: Vec<Option<i64>> = tolerating.iter().map(|t| int(t, "/tolerationSeconds")).collect();
        let Some(shortest) = seconds.iter().copied().flatten().min() else { return };
        let end = seconds_later(added, shortest);
        if end > look.now {
            plan.wake_at(end);
            return;
        }
    }
    let mut marked = pod.clone();
    let message = "Taint manager: deleting due to NoExecute taint";
    let says = Says { kind: "DisruptionTarget", status: "True", reason: "DeletionByTaintManager", message };
    set(crate::sim::world::read::slot(&mut marked, "status"), &says, Times::Pod, &stamp(look.now));
    plan.status(marked);
    plan.delete(pod);
    let message = format!("Marking for deletion Pod {}/{}", namespace(pod), name(pod));
    plan.normal(pod, "TaintManagerEviction", message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::conditions::holds;
    use crate::sim::world::stage::Stage;

    fn stage() -> Stage {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": {}});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a"},
            "spec": {"nodeName": "n", "tolerations": [{"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        Stage::new([node, pod])
    }

    #[test]
    fn a_new_node_is_ready() {
        let mut stage = stage();
        stage.run(&mut Nodes::default(), "n");
        assert!(holds(&stage.get("Node", "", "n"), "Ready"));
    }

    #[test]
    fn a_lost_node_loses_its_pods_after_a_while_and_comes_back() {
        let mut stage = stage();
        let mut nodes = Nodes::default();
        stage.run(&mut nodes, "n");
        stage.faults.add("node-lost=n".parse().unwrap());
        assert_eq!(stage.run(&mut nodes, "n"), Some(seconds_later(stage.now(), GRACE)));
        stage.pass(GRACE);
        for _ in 0..3 {
            stage.run(&mut nodes, "n");
        }
        let node = stage.get("Node", "", "n");
        assert_eq!(text(find(&node, "Ready").unwrap(), "/status"), "Unknown");
        assert_eq!(list(&node, "/spec/taints").len(), 2);
        assert!(!ready(&stage.get("Pod", "a", "p")));
        stage.pass(300);
        stage.run(&mut nodes, "n");
        assert!(stage.names("Pod").is_empty());
        stage.faults.remove(&"node-lost=n".parse().unwrap());
        stage.run(&mut nodes, "n");
        stage.run(&mut nodes, "n");
        let node = stage.get("Node", "", "n");
        assert!(holds(&node, "Ready") && list(&node, "/spec/taints").is_empty());
    }

    #[test]
    fn pods_of_a_removed_node_go() {
        let mut stage = stage();
        let mut nodes = Nodes::default();
        stage.view.remove(&crate::sim::world::id::Id::new("Node", "", "n"));
        assert_eq!(stage.run(&mut nodes, "n"), Some(seconds_later(stage.now(), QUARANTINE)));
        stage.pass(QUARANTINE);
        stage.run(&mut nodes, "n");
        assert!(stage.names("Pod").is_empty());
    }
}
