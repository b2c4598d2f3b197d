//! One pod and the nodes: what the scheduler does with it, in its own words.

use std::collections::BTreeMap;

use serde_json::Value;

use super::counts::{Counts, Field};
use super::eligible::named_nodes;
use super::load::{Load, refusal};
use super::refusal::Refusal;
use super::requests::shape_of_pod;
use super::room::{BoundPod, Room};
use super::score::scores;
use super::selector::{Labels, Requirement, Selector, labels_of};
use super::table::{count, loads, neighbour};
use super::wanted::Wanted;

/// A pod that has found a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The node: the first of the best.
    pub node: String,
    /// All nodes that the scheduler likes as much: it draws lots between them.
    pub equals: Vec<String>,
}

/// Why no node takes a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unschedulable {
    /// How many nodes there are.
    pub nodes: usize,
    /// The scheduler's reasons, and on how many nodes each was found. A node may have several.
    pub reasons: Vec<(String, usize)>,
    /// Whether it would help to evict others.
    pub preemption: Preemption,
}

/// Whether evicting pods of lower priority makes room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preemption {
    /// The pod's policy is `Never`.
    Never,
    /// On no node; the reasons as above.
    Useless(Vec<(String, usize)>),
    /// Yes: the scheduler evicts these, namespace and name, and the pod is bound when they are gone.
    Evict {
        /// The node.
        node: String,
        /// From the most important to the least.
        victims: Vec<(String, String)>,
    },
}

impl Unschedulable {
    /// The message of the pod's `PodScheduled` condition and of the event `FailedScheduling`.
    pub fn message(&self) -> String {
        if self.nodes == 0 {
            return "no nodes available to schedule pods".into();
        }
        let preemption = match &self.preemption {
            Preemption::Never => "not eligible due to preemptionPolicy=Never.".into(),
            Preemption::Useless(reasons) => available(self.nodes, reasons),
            Preemption::Evict { .. } => return available(self.nodes, &self.reasons),
        };
        // The claims are those of dynamic resource allocation: nobody here has any.
        format!("{} no new claims to deallocate, preemption: {preemption}", available(self.nodes, &self.reasons))
    }
}

fn available(nodes: usize, reasons: &[(String, usize)]) -> String {
    let mut parts: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    parts.sort();
    format!("0/{nodes} nodes are available: {}.", parts.join(", "))
}

/// Finds a pod's node as the scheduler does: its default filters, scores and preemption. Volumes, disruption budgets
/// and scheduling gates are not looked at; a pod that names its node never comes to the scheduler.
///
/// # Errors
/// When no node takes it.
pub fn bind(pod: &Value, room: &Room) -> Result<Bound, Unschedulable> {
    let labels = labels_of(pod.pointer("/metadata/labels"));
    let namespace = pod.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
    let null = Value::Null;
    let spec = pod.get("spec").unwrap_or(&null);
    let requests = shape_of_pod(pod).effective();
    let wanted = Wanted::new((namespace, &labels), spec, requests, owner(pod, &labels), false, &room.nodes);
    let field = Field { nodes: &room.nodes, namespaces: &room.namespaces };
    let own_name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let (loads, counts) = (loads(room), count(field, &wanted, &room.pods));
    // Pods for which others are evicted have their places already, unless this one is more important.
    let awaited = room.pods.iter().filter(|pod| pod.node.is_empty() && pod.rules.priority >= wanted.rules.priority);
    let awaited = awaited.filter(|pod| (pod.namespace.as_str(), pod.name.as_str()) != (namespace, own_name));
    let awaited: Vec<(usize, &BoundPod)> =
        awaited.filter_map(|pod| Some((room.nodes.iter().position(|node| node.name == pod.nominated)?, pod))).collect();
    let place = Place { room, field, wanted: &wanted, named: named_nodes(spec), awaited };
    let taking: Vec<usize> = place.asked().filter(|n| place.refusal(&counts, &loads[*n], *n).is_none()).collect();
    let scores = scores(field, &wanted, &counts, &loads, &taking);
    let best = scores.iter().max().copied();
    let equals = taking.iter().zip(&scores).filter(|(_, score)| Some(**score) == best);
    let equals: Vec<String> = equals.map(|(node, _)| room.nodes[*node].name.clone()).collect();
    if let Some(node) = equals.first() {
        return Ok(Bound { node: node.clone(), equals });
    }
    let never = spec.get("preemptionPolicy").and_then(Value::as_str) == Some("Never");
    Err(Unschedulable {
        nodes: room.nodes.len(),
        reasons: place.reasons(&counts, &loads),
        preemption: if never { Preemption::Never } else { place.preempt(&counts, &loads) },
    })
}

/// What the `ReplicaSet` or `StatefulSet` that a pod belongs to selects, as far as the pod shows it.
fn owner(pod: &Value, labels: &Labels) -> Option<Selector> {
    let owners = pod.pointer("/metadata/ownerReferences").and_then(Value::as_array)?;
    let kind = |owner: &Value| owner.get("kind").and_then(Value::as_str).map(str::to_string);
    let known = ["ReplicaSet", "StatefulSet", "ReplicationController"];
    let owned = owners.iter().filter_map(kind).any(|kind| known.contains(&kind.as_str()));
    let own = |key: &&String| !key.starts_with("statefulset.kubernetes.io/") && !key.starts_with("apps.kubernetes.io/");
    let shared = labels.iter().filter(|(key, _)| own(key)).map(|(key, value)| Requirement::equals(key, value));
    owned.then(|| Selector::of(shared))
}

struct Place<'p, 'a> {
    room: &'a Room,
    field: Field<'a>,
    wanted: &'p Wanted<'a>,
    /// Nodes that affinity names: others are not even asked.
    named: Option<Vec<&'p str>>,
    /// Pods that will have a place on a node, and which.
    awaited: Vec<(usize, &'a BoundPod)>,
}

impl<'a> Place<'_, 'a> {
    fn asked(&self) -> impl Iterator<Item = usize> {
        let named = |node: &usize| {
            let name = self.room.nodes[*node].name.as_str();
            self.named.as_ref().is_none_or(|names| names.contains(&name))
        };
        (0..self.room.nodes.len()).filter(named)
    }

    /// Why a node does not take the pod, with the awaited pods of that node or without them.
    fn refusal(&self, counts: &Counts<'a>, load: &Load, node: usize) -> Option<Refusal> {
        let awaited = self.awaited.iter().filter(|(at, _)| *at == node);
        if awaited.clone().count() > 0 {
            let (mut counts, mut load) = (counts.clone(), load.clone());
            for (_, pod) in awaited {
                load.add(&pod.requests, pod.nonzero, &pod.rules.ports);
                counts.change(self.field, self.wanted, neighbour(pod), node, 1);
            }
            if let Some(refusal) = refusal(self.field, self.wanted, &counts, &load, node) {
                return Some(refusal);
            }
        }
        refusal(self.field, self.wanted, counts, load, node)
    }

    fn reasons(&self, counts: &Counts<'a>, loads: &[Load]) -> Vec<(String, usize)> {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for node in self.asked() {
            for reason in self.refusal(counts, &loads[node], node).iter().flat_map(Refusal::reasons) {
                *found.entry(reason).or_default() += 1;
            }
        }
        let others = self.room.nodes.len() - self.asked().count();
        if others > 0 {
            found.insert("node(s) didn't satisfy plugin(s) [NodeAffinity]".into(), others);
        }
        found.into_iter().collect()
    }

    fn preempt(&self, counts: &Counts<'a>, loads: &[Load]) -> Preemption {
        let mut useless: BTreeMap<String, usize> = BTreeMap::new();
        let mut candidates: Vec<(usize, Vec<&BoundPod>)> = Vec::new();
        for (node, load) in loads.iter().enumerate() {
            let hopeful = self.asked().any(|asked| asked == node)
                && self.refusal(counts, load, node).is_some_and(|refusal| refusal.may_pass());
            let found = if hopeful {
                self.victims(counts.clone(), load.clone(), node)
            } else {
                Err(vec!["Preemption is not helpful for scheduling".to_string()])
            };
            match found {
                Ok(victims) => candidates.push((node, victims)),
                Err(reasons) => reasons.into_iter().for_each(|reason| *useless.entry(reason).or_default() += 1),
            }
        }
        // The least important of the victims that weigh most, then the least in sum, then the fewest.
        let cost = |(_, victims): &(usize, Vec<&BoundPod>)| {
            let priorities = victims.iter().map(|pod| pod.rules.priority);
            (priorities.clone().max(), priorities.map(|p| p + (1 << 31)).sum::<i64>(), victims.len())
        };
        match candidates.into_iter().min_by_key(cost) {
            None => Preemption::Useless(useless.into_iter().collect()),
            Some((node, victims)) => Preemption::Evict {
                node: self.room.nodes[node].name.clone(),
                victims: victims.iter().map(|pod| (pod.namespace.clone(), pod.name.clone())).collect(),
            },
        }
    }

    /// The fewest pods of lower priority that would have to go from a node; what is still against it if none is enough.
    fn victims(&self, mut counts: Counts<'a>, mut load: Load, node: usize) -> Result<Vec<&BoundPod>, Vec<String>> {
        let name = &self.room.nodes[node].name;
        let lower = |pod: &&BoundPod| pod.node == *name && pod.rules.priority < self.wanted.rules.priority;
        let mut lower: Vec<&BoundPod> = self.room.pods.iter().filter(lower).collect();
        if lower.is_empty() {
            return Err(vec!["No preemption victims found for incoming pod".into()]);
        }
        for pod in &lower {
            load.remove(&pod.requests, pod.nonzero, &pod.rules.ports);
            counts.change(self.field, self.wanted, neighbour(pod), node, -1);
        }
        if let Some(refusal) = self.refusal(&counts, &load, node) {
            return Err(refusal.reasons());
        }
        lower.sort_by_key(|pod| std::cmp::Reverse(pod.rules.priority));
        let mut victims = Vec::new();
        for pod in lower {
            load.add(&pod.requests, pod.nonzero, &pod.rules.ports);
            counts.change(self.field, self.wanted, neighbour(pod), node, 1);
            if self.refusal(&counts, &load, node).is_some() {
                load.remove(&pod.requests, pod.nonzero, &pod.rules.ports);
                counts.change(self.field, self.wanted, neighbour(pod), node, -1);
                victims.push(pod);
            }
        }
        Ok(victims)
    }
}
