//! The scheduler: gives pods nodes by the rules of [`crate::capacity::bind`], and says why where it can't.

use serde_json::{Value, json};

use crate::capacity::{Preemption, Room, Unschedulable, bind};

use super::conditions::{Says, Times, set};
use super::controllers::claims::{SELECTED, claims_of, is_bound, waits_for_consumer};
use super::id::{Id, split};
use super::look::Look;
use super::plan::{Act, Note, Plan, Reporter};
use super::pods::{active, ended};
use super::read::{annotation, deleting, labels, list, name, namespace, text, uid};
use super::reconcile::{Reconcile, Seen};
use super::selector::selects_node;
use super::view::View;

const NAME: &str = "default-scheduler";

/// The scheduler.
#[derive(Debug, Default)]
pub struct Scheduler;

impl Reconcile for Scheduler {
    fn name(&self) -> &'static str {
        NAME
    }

    fn user(&self) -> String {
        "system:kube-scheduler".into()
    }

    fn manager(&self) -> &'static str {
        "kube-scheduler"
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        let waiting = || view.all("Pod").filter(|pod| waits(pod)).map(|pod| Id::of(pod).key());
        match seen.id.kind.as_str() {
            "Pod" => match (&seen.old, &seen.new) {
                (_, Some(new)) if waits(new) && !same_wish(seen.old.as_deref(), new) => vec![seen.id.key()],
                // Room may have become free, or an affinity been met.
                (Some(_), None) => waiting().collect(),
                (Some(old), Some(new))
                    if active(old) != active(new)
                        || old["spec"] != new["spec"]
                        || old["metadata"]["labels"] != new["metadata"]["labels"] =>
                {
                    waiting().collect()
                }
                _ => vec![],
            },
            "Node" if node_changed(seen) => waiting().collect(),
            "PersistentVolumeClaim" | "PersistentVolume" | "StorageClass.storage.k8s.io" => waiting().collect(),
            _ => vec![],
        }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let (space, pod) = split(key);
        let mut plan = Plan::default();
        let Some(pod) = look.view.get("Pod", space, pod).filter(|pod| waits(pod)) else { return plan };
        if !list(pod, "/spec/schedulingGates").is_empty() {
            let message = "Scheduling is blocked due to non-empty scheduling gates";
            say(look, pod, "SchedulingGated", message, &mut plan);
            return plan;
        }
        match attempt(look, pod) {
            Ok(Found::Node(node)) => {
                let message = format!("Successfully assigned {space}/{} to {node}", name(pod));
                plan.acts.push(Act::Bind { id: Id::of(pod), uid: uid(pod).to_owned(), node });
                note(pod, false, "Scheduled", message, "Binding", &mut plan);
            }
            Ok(Found::Claims(claims, node)) => {
                for claim in claims {
                    plan.merge(claim, json!({"metadata": {"annotations": {SELECTED: node}}}));
                }
            }
            Err(why) => {
                if let Some((node, victims)) = &why.evict {
                    evict(look, pod, node, victims, &mut plan);
                }
                say(look, pod, "Unschedulable", &why.message, &mut plan);
                note(pod, true, "FailedScheduling", why.message, "Scheduling", &mut plan);
            }
        }
        plan
    }
}

/// A pod of ours without a node.
fn waits(pod: &Value) -> bool {
    let by = text(pod, "/spec/schedulerName");
    active(pod) && text(pod, "/spec/nodeName").is_empty() && (by.is_empty() || by == NAME)
}

/// Whether nothing changed that the scheduler goes by: its own condition does not make it try again.
fn same_wish(old: Option<&Value>, new: &Value) -> bool {
    let meta = |pod: &Value| (labels(pod, "/metadata/labels"), deleting(pod));
    old.is_some_and(|old| old["spec"] == new["spec"] && meta(old) == meta(new))
}

fn node_changed(seen: &Seen) -> bool {
    match (&seen.old, &seen.new) {
        (Some(old), Some(new)) => {
            old["spec"] != new["spec"]
                || old["metadata"]["labels"] != new["metadata"]["labels"]
                || old.pointer("/status/allocatable") != new.pointer("/status/allocatable")
        }
        _ => true,
    }
}

/// Why a pod stays where it is.
struct Why {
    message: String,
    /// Who has to go for it: a node, and pods there.
    evict: Option<(String, Vec<(String, String)>)>,
}

impl Why {
    /// Found before any node was looked at (a `PreFilter` plugin's word).
    fn early(nodes: usize, reason: &str) -> Self {
        let useless = format!("0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling.");
        let claims = "no new claims to deallocate"; // what dynamic resource allocation has to say
        let message = format!("0/{nodes} nodes are available: {reason}. {claims}, preemption: {useless}");
        Self { message, evict: None }
    }
}

impl From<Unschedulable> for Why {
    fn from(refused: Unschedulable) -> Self {
        let message = refused.message();
        let evict = match refused.preemption {
            Preemption::Evict { node, victims } => Some((node, victims)),
            Preemption::Never | Preemption::Useless(_) => None,
        };
        Self { message, evict }
    }
}

enum Found<'a> {
    Node(String),
    /// Claims that have to be bound first, for a node.
    Claims(Vec<&'a Value>, String),
}

fn attempt<'a>(look: &'a Look<'a>, pod: &Value) -> Result<Found<'a>, Why> {
    let nodes: Vec<&Value> = look.view.all("Node").collect();
    let total = nodes.len();
    let mut waiting = Vec::new();
    let mut affinities = Vec::new();
    for claim_name in claims_of(pod) {
        let Some(claim) = look.view.get("PersistentVolumeClaim", namespace(pod), &claim_name) else {
            return Err(Why::early(total, &format!("persistentvolumeclaim \"{claim_name}\" not found")));
        };
        if deleting(claim) {
            return Err(Why::early(total, &format!("persistentvolumeclaim \"{claim_name}\" is being deleted")));
        }
        if is_bound(claim) {
            let volume = look.view.get("PersistentVolume", "", text(claim, "/spec/volumeName"));
            affinities.extend(volume.and_then(|v| v.pointer("/spec/nodeAffinity/required")));
        } else if waits_for_consumer(look.view, claim) {
            waiting.push(claim);
        } else {
            return Err(Why::early(total, "pod has unbound immediate PersistentVolumeClaims"));
        }
    }
    if look.faults.no_room() {
        let useless = vec![("No preemption victims found for incoming pod".into(), total)];
        let reasons = vec![("Insufficient memory".into(), total)];
        return Err(Unschedulable { nodes: total, reasons, preemption: Preemption::Useless(useless) }.into());
    }
    let by_volume = |node: &&Value| affinities.iter().all(|affinity| selects_node(affinity, node));
    let reachable: Vec<&Value> = nodes.iter().copied().filter(by_volume).collect();
    let pods = look.view.all("Pod").filter(|other| !text(other, "/spec/nodeName").is_empty() && !ended(other));
    let room = Room::of(reachable.iter().copied(), pods, look.view.all("Namespace"));
    let bound = bind(pod, &room).map_err(|mut refused| {
        let away = total - reachable.len();
        if away > 0 {
            refused.reasons.push(("node(s) didn't match PersistentVolume's node affinity".into(), away));
            if let Preemption::Useless(reasons) = &mut refused.preemption {
                let word = "Preemption is not helpful for scheduling";
                match reasons.iter_mut().find(|(reason, _)| reason == word) {
                    Some((_, count)) => *count += away,
                    None => reasons.push((word.into(), away)),
                }
            }
        }
        refused.nodes = total;
        refused
    })?;
    let unbound: Vec<&Value> = waiting.into_iter().filter(|claim| annotation(claim, SELECTED).is_none()).collect();
    let pending = claims_of(pod).iter().any(|claim| {
        look.view.get("PersistentVolumeClaim", namespace(pod), claim).is_some_and(|claim| !is_bound(claim))
    });
    if pending { Ok(Found::Claims(unbound, bound.node)) } else { Ok(Found::Node(bound.node)) }
}

/// Notes why the pod waits, unless it says so already.
fn say(look: &Look<'_>, pod: &Value, reason: &str, message: &str, plan: &mut Plan) {
    let mut fresh = pod.clone();
    let status = super::read::slot(&mut fresh, "status");
    let says = Says { kind: "PodScheduled", status: "False", reason, message };
    if set(status, &says, Times::Pod, &look.stamp()) {
        plan.status(fresh);
    }
}

fn note(pod: &Value, warning: bool, reason: &str, message: String, action: &'static str, plan: &mut Plan) {
    let mut note = Note::new(pod, warning, reason, message);
    note.action = Some(action);
    note.from = Some(Reporter { component: NAME.to_owned(), host: String::new() });
    plan.acts.push(Act::Event(note));
}

/// Evicts pods of lower priority, as the scheduler does: with a condition, an event, and the nominated node.
fn evict(look: &Look<'_>, pod: &Value, node: &str, victims: &[(String, String)], plan: &mut Plan) {
    for (space, victim) in victims {
        let Some(victim) = look.view.get("Pod", space, victim).filter(|v| !deleting(v)) else { continue };
        let mut marked = victim.clone();
        let status = super::read::slot(&mut marked, "status");
        let message = format!("{NAME}: preempting to accommodate a higher priority pod");
        let says =
            Says { kind: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler", message: &message };
        set(status, &says, Times::Pod, &look.stamp());
        plan.status(marked);
        plan.delete(victim);
        let message = format!("Preempted by pod {} on node {node}", uid(pod));
        note(victim, false, "Preempted", message, "Preempting", plan);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::stage::Stage;

    fn node(name: &str, memory: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}, "spec": {},
            "status": {"allocatable": {"cpu": "4", "memory": memory, "pods": "110"}, "conditions": [{"type": "Ready", "status": "True"}]}})
    }

    fn pod(name: &str, memory: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a", "uid": format!("u-{name}")},
            "spec": {"schedulerName": NAME, "containers": [{"name": "c", "resources": {"requests": {"memory": memory}}}]}, "status": {"phase": "Pending"}})
    }

    fn message(stage: &Stage, name: &str) -> String {
        let pod = stage.get("Pod", "a", name);
        text(super::super::conditions::find(&pod, "PodScheduled").unwrap(), "/message").to_owned()
    }

    #[test]
    fn a_pod_that_fits_is_bound() {
        let mut stage = Stage::new([node("n1", "1Gi"), node("n2", "8Gi"), pod("p", "4Gi")]);
        stage.run(&mut Scheduler, "a/p");
        assert_eq!(text(&stage.get("Pod", "a", "p"), "/spec/nodeName"), "n2");
        assert_eq!(stage.events(), ["Normal Scheduled Successfully assigned a/p to n2"]);
    }

    #[test]
    fn one_that_does_not_is_told_in_the_true_words() {
        let mut stage = Stage::new([node("n1", "1Gi"), node("n2", "2Gi"), pod("p", "4Gi")]);
        stage.run(&mut Scheduler, "a/p");
        assert_eq!(
            message(&stage, "p"),
            "0/2 nodes are available: 2 Insufficient memory. no new claims to deallocate, preemption: 0/2 nodes are \
             available: 2 Preemption is not helpful for scheduling."
        );
        assert!(stage.events()[0].starts_with("Warning FailedScheduling 0/2 nodes are available"));
        let before = stage.get("Pod", "a", "p");
        stage.run(&mut Scheduler, "a/p");
        assert_eq!(stage.get("Pod", "a", "p"), before);
    }

    #[test]
    fn claims_come_first() {
        let mut wants = pod("p", "1Gi");
        wants["spec"]["volumes"] = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]);
        let mut stage = Stage::new([node("n", "8Gi"), wants]);
        stage.run(&mut Scheduler, "a/p");
        assert!(message(&stage, "p").starts_with("0/1 nodes are available: persistentvolumeclaim \"data\" not found."));
        stage.put(json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "s"}, "volumeBindingMode": "WaitForFirstConsumer"}));
        stage.put(
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "a"},
            "spec": {"storageClassName": "s"}, "status": {"phase": "Pending"}}),
        );
        stage.run(&mut Scheduler, "a/p");
        assert_eq!(annotation(&stage.get("PersistentVolumeClaim", "a", "data"), SELECTED), Some("n"));
        stage.edit("PersistentVolumeClaim", "a", "data", |c| c["status"]["phase"] = json!("Bound"));
        stage.run(&mut Scheduler, "a/p");
        assert_eq!(text(&stage.get("Pod", "a", "p"), "/spec/nodeName"), "n");
    }

    #[test]
    fn no_room_on_request() {
        let mut stage = Stage::new([node("n", "8Gi"), pod("p", "1Gi")]);
        stage.faults.add("no-room".parse().unwrap());
        stage.run(&mut Scheduler, "a/p");
        assert!(message(&stage, "p").starts_with("0/1 nodes are available: 1 Insufficient memory."));
    }
}
