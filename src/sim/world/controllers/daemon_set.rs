//! Daemon sets (kubernetes `pkg/controller/daemon`): one pod on each node that takes it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sim::world::eligible::{matches_affinity, untolerated};
use crate::sim::world::id::{Id, split};
use crate::sim::world::look::Look;
use crate::sim::world::plan::{Act, Plan, seconds_later};
use crate::sim::world::pods::{available, claimed, generated, phase, ready, set_label};
use crate::sim::world::read::{
    count, created, deleting, int, label, labels, list, name, nonzero, put, scaled, size, text,
};
use crate::sim::world::reconcile::{Reconcile, Refusal, Seen, keys_of_owners};
use crate::sim::world::revisions::{self, HASH, cut, revisions};
use crate::sim::world::selector::selects_all;
use crate::sim::world::view::View;

const KIND: &str = "DaemonSet.apps";

/// The controller of daemon sets.
#[derive(Debug, Default)]
pub struct DaemonSets {
    refused: BTreeMap<String, u32>,
}

impl Reconcile for DaemonSets {
    fn name(&self) -> &'static str {
        "daemonset-controller"
    }

    fn user(&self) -> String {
        "system:serviceaccount:kube-system:daemon-set-controller".into()
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        match seen.id.kind.as_str() {
            KIND => vec![seen.id.key()],
            "Pod" | "ControllerRevision.apps" => keys_of_owners(seen, view, KIND),
            "Node" if node_changed(seen) => view.all(KIND).map(|set| Id::of(set).key()).collect(),
            _ => vec![],
        }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let (namespace, name) = split(key);
        let mut plan = Plan::default();
        let Some(set) = look.view.get(KIND, namespace, name) else { return plan };
        if selects_all(set.pointer("/spec/selector")) {
            let message = "This daemon set is selecting all pods. A non-empty selector is required.";
            plan.warning(set, "SelectingAll", message);
            return plan;
        }
        if deleting(set) {
            return plan;
        }
        let pods: Vec<Value> = claimed(look, set, &mut plan).into_iter().cloned().collect();
        let revisions = revisions(look, set, &mut plan);
        let hash = revisions::hash(&revisions.update).to_owned();
        let by_node = by_node(&pods);
        let nodes: Vec<&Value> = look.view.all("Node").collect();
        let mut round = Round { look, set, hash: &hash, by_node: &by_node, plan };
        let handled = round.manage(&nodes);
        if !handled && text(set, "/spec/updateStrategy/type") != "OnDelete" {
            round.update(&nodes);
        }
        let status = round.status(&nodes, revisions.collisions);
        let mut plan = round.plan;
        plan.status_if_new(set, status);
        let used = |r: &Value| {
            let own = revisions::hash(r);
            own == hash || pods.iter().any(|pod| label(pod, HASH) == Some(own))
        };
        cut(set, &revisions.all, &used, &mut plan);
        plan
    }

    fn refused(&mut self, look: &Look<'_>, key: &str, act: &Act, refusal: &Refusal) -> Plan {
        let (namespace, name) = split(key);
        let mut plan = Plan::default();
        if let (Act::Create(_), Some(set)) = (act, look.view.get(KIND, namespace, name)) {
            let times = self.refused.entry(key.to_owned()).or_default();
            *times += 1;
            plan.wake_at(seconds_later(look.now, 1 << (*times).min(8)));
            plan.warning(set, "FailedCreate", format!("Error creating: {}", refusal.message));
        }
        plan
    }
}

/// Labels, taints, or whether the node is there: what a daemon set asks of it.
fn node_changed(seen: &Seen) -> bool {
    match (&seen.old, &seen.new) {
        (Some(old), Some(new)) => {
            labels(old, "/metadata/labels") != labels(new, "/metadata/labels")
                || list(old, "/spec/taints") != list(new, "/spec/taints")
        }
        _ => true,
    }
}

/// The node that a pod is on, or is meant for by its affinity.
fn target(pod: &Value) -> &str {
    let node = text(pod, "/spec/nodeName");
    if !node.is_empty() {
        return node;
    }
    let required = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let fields = list(pod, required).iter().flat_map(|term| list(term, "/matchFields"));
    let field = fields.into_iter().find(|field| text(field, "/key") == "metadata.name");
    field.and_then(|field| list(field, "/values").first()).and_then(Value::as_str).unwrap_or_default()
}

fn by_node(pods: &[Value]) -> BTreeMap<String, Vec<&Value>> {
    let mut map: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for pod in pods {
        map.entry(target(pod).to_owned()).or_default().push(pod);
    }
    for pods in map.values_mut() {
        pods.sort_by_key(|pod| (text(pod, "/spec/nodeName").is_empty(), created(pod)));
    }
    map
}

/// The tolerations that every daemon's pod gets (`AddOrUpdateDaemonPodTolerations`).
fn tolerations(spec: &Value) -> Vec<Value> {
    let mut all = list(spec, "/tolerations").to_vec();
    let mut add = |key: &str, effect: &str| {
        let toleration = json!({"key": key, "operator": "Exists", "effect": effect});
        if !all.contains(&toleration) {
            all.push(toleration);
        }
    };
    add("node.kubernetes.io/not-ready", "NoExecute");
    add("node.kubernetes.io/unreachable", "NoExecute");
    add("node.kubernetes.io/disk-pressure", "NoSchedule");
    add("node.kubernetes.io/memory-pressure", "NoSchedule");
    add("node.kubernetes.io/pid-pressure", "NoSchedule");
    add("node.kubernetes.io/unschedulable", "NoSchedule");
    if spec.get("hostNetwork").and_then(Value::as_bool) == Some(true) {
        add("node.kubernetes.io/network-unavailable", "NoSchedule");
    }
    all
}

/// Whether a pod shall be on a node, and whether one that is there may stay.
fn should_run(set: &Value, node: &Value) -> (bool, bool) {
    let nothing = json!({});
    let spec = set.pointer("/spec/template/spec").unwrap_or(&nothing);
    let node_name = text(spec, "/nodeName");
    if !node_name.is_empty() && node_name != name(node) || !matches_affinity(spec, node) {
        return (false, false);
    }
    let tolerations = tolerations(spec);
    if untolerated(&tolerations, node, &["NoSchedule", "NoExecute"]).is_some() {
        return (false, untolerated(&tolerations, node, &["NoExecute"]).is_none());
    }
    (true, true)
}

/// One look at a set.
struct Round<'a> {
    look: &'a Look<'a>,
    set: &'a Value,
    hash: &'a str,
    by_node: &'a BTreeMap<String, Vec<&'a Value>>,
    plan: Plan,
}

impl Round<'_> {
    /// Makes missing pods and removes those that have no business; says whether it did something.
    fn manage(&mut self, nodes: &[&Value]) -> bool {
        let before = self.plan.acts.len();
        let by_node = self.by_node;
        for node in nodes {
            let (run, stay) = should_run(self.set, node);
            let pods = by_node.get(name(node)).map_or(&[][..], Vec::as_slice);
            if run && pods.is_empty() {
                self.create(node);
            } else if stay {
                self.tidy(node, pods, run);
            } else {
                pods.iter().filter(|pod| !deleting(pod)).for_each(|pod| self.delete(pod));
            }
        }
        // A pod whose node is gone, or whose node it is not yet.
        for (node, pods) in by_node {
            if !nodes.iter().any(|known| name(known) == node) {
                pods.iter().filter(|pod| !deleting(pod)).for_each(|pod| self.delete(pod));
            }
        }
        self.plan.acts.len() > before
    }

    fn tidy(&mut self, node: &Value, pods: &[&Value], run: bool) {
        let mut living = Vec::new();
        for pod in pods.iter().filter(|pod| !deleting(pod)) {
            let which = format!("{}/{} on node {}", text(pod, "/metadata/namespace"), name(pod), name(node));
            match phase(pod) {
                "Failed" => {
                    let message = format!("Found failed daemon pod {which}, will try to kill it");
                    self.plan.warning(self.set, "FailedDaemonPod", message);
                    self.delete(pod);
                }
                "Succeeded" => {
                    let message = format!("Found succeeded daemon pod {which}, will try to delete it");
                    self.plan.normal(self.set, "SucceededDaemonPod", message);
                    self.delete(pod);
                }
                _ => living.push(*pod),
            }
        }
        if self.surge() == 0 {
            living.iter().skip(1).for_each(|pod| self.delete(pod));
            return;
        }
        if living.is_empty() && run {
            self.create(node);
            return;
        }
        let (new, old): (Vec<&Value>, Vec<&Value>) = living.into_iter().partition(|pod| self.is_new(pod));
        new.iter().skip(1).chain(old.iter().skip(1)).for_each(|pod| self.delete(pod));
        if let (Some(new), Some(old)) = (new.first(), old.first())
            && self.is_available(new)
        {
            self.delete(old);
        }
    }

    /// Replaces pods of an old revision within what may be unavailable or surge.
    fn update(&mut self, nodes: &[&Value]) {
        let wanted = size(nodes.iter().filter(|node| should_run(self.set, node).0).count());
        let surge = self.surge();
        let at = "/spec/updateStrategy/rollingUpdate/maxUnavailable";
        let mut most = if surge > 0 { surge } else { scaled(self.set.pointer(at), wanted, true) };
        if most == 0 {
            most = 1;
        }
        let mut busy = 0;
        let (mut at_once, mut candidates) = (Vec::new(), Vec::new());
        let by_node = self.by_node;
        for (node, pods) in by_node {
            let living: Vec<&Value> = pods.iter().copied().filter(|pod| !deleting(pod)).collect();
            let new = living.iter().find(|pod| self.is_new(pod)).copied();
            let old = living.iter().find(|pod| !self.is_new(pod)).copied();
            match (new, old) {
                (None, None) | (Some(_), Some(_)) => busy += 1,
                (Some(new), None) => busy += i64::from(!self.is_available(new)),
                (None, Some(old)) if !self.is_available(old) => {
                    at_once.push((node, old));
                    busy += 1;
                }
                (None, Some(old)) => candidates.push((node, old)),
            }
        }
        let more = usize::try_from((most - busy).max(0)).unwrap_or(0);
        for (node, pod) in at_once.into_iter().chain(candidates.into_iter().take(more)) {
            if surge == 0 {
                self.delete(pod);
            } else if let Some(node) = nodes.iter().find(|known| name(known) == node) {
                self.create(node);
            }
        }
    }

    fn surge(&self) -> i64 {
        let nodes = size(self.by_node.len());
        scaled(self.set.pointer("/spec/updateStrategy/rollingUpdate/maxSurge"), nodes, true)
    }

    fn is_new(&self, pod: &Value) -> bool {
        label(pod, HASH) == Some(self.hash)
    }

    fn is_available(&mut self, pod: &Value) -> bool {
        available(pod, count(self.set, "/spec/minReadySeconds"), self.look, &mut self.plan)
    }

    fn create(&mut self, node: &Value) {
        let template = self.set.pointer("/spec/template").cloned().unwrap_or(json!({}));
        let mut pod = generated(self.look, &template, self.set);
        set_label(&mut pod, HASH, self.hash);
        set_label(&mut pod, "pod-template-generation", &self.template_generation());
        let spec = &mut pod["spec"];
        spec["tolerations"] = Value::Array(tolerations(&template["spec"]));
        pin(spec, name(node));
        let message = format!("Created pod: {}", name(&pod));
        self.plan.create(pod);
        self.plan.normal(self.set, "SuccessfulCreate", message);
    }

    fn template_generation(&self) -> String {
        let annotation = crate::sim::world::read::annotation(self.set, "deprecated.daemonset.template.generation");
        annotation.map_or_else(|| int(self.set, "/metadata/generation").unwrap_or(1).to_string(), str::to_owned)
    }

    fn delete(&mut self, pod: &Value) {
        self.plan.delete(pod);
        self.plan.normal(self.set, "SuccessfulDelete", format!("Deleted pod: {}", name(pod)));
    }

    fn status(&mut self, nodes: &[&Value], collisions: i64) -> Value {
        let mut counts = [0_i64; 6];
        let by_node = self.by_node;
        for node in nodes {
            let run = should_run(self.set, node).0;
            let pod = by_node.get(name(node)).and_then(|pods| pods.first());
            counts[0] += i64::from(run);
            match (run, pod) {
                (true, Some(pod)) => {
                    counts[1] += 1;
                    counts[3] += i64::from(ready(pod));
                    counts[4] += i64::from(self.is_available(pod));
                    counts[5] += i64::from(self.is_new(pod));
                }
                (false, Some(_)) => counts[2] += 1,
                (_, None) => {}
            }
        }
        let [desired, current, misscheduled, are_ready, are_available, updated] = counts;
        let mut status = self.set.get("status").filter(|s| s.is_object()).cloned().unwrap_or(json!({}));
        status["desiredNumberScheduled"] = Value::from(desired);
        status["currentNumberScheduled"] = Value::from(current);
        status["numberMisscheduled"] = Value::from(misscheduled);
        status["numberReady"] = Value::from(are_ready);
        put(&mut status, "updatedNumberScheduled", nonzero(updated));
        put(&mut status, "numberAvailable", nonzero(are_available));
        put(&mut status, "numberUnavailable", nonzero(desired - are_available));
        put(&mut status, "collisionCount", nonzero(collisions));
        put(&mut status, "observedGeneration", nonzero(count(self.set, "/metadata/generation")));
        status
    }
}

/// Ties a pod to a node through its affinity (`ReplaceDaemonSetPodNodeNameNodeAffinity`): in every term the field is
/// set in place of other fields.
fn pin(spec: &mut Value, node: &str) {
    let field = json!([{"key": "metadata.name", "operator": "In", "values": [node]}]);
    let required = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let mut terms = list(spec, required).to_vec();
    if terms.is_empty() {
        terms.push(json!({}));
    }
    for term in &mut terms {
        term["matchFields"] = field.clone();
    }
    for key in ["affinity", "nodeAffinity"] {
        let parent = if key == "affinity" { &mut *spec } else { &mut spec["affinity"] };
        if !parent.get(key).is_some_and(Value::is_object) {
            parent[key] = json!({});
        }
    }
    spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        json!({"nodeSelectorTerms": terms});
}

#[cfg(test)]
#[path = "daemon_set_tests.rs"]
mod tests;
