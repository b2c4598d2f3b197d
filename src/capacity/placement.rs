//! Giving each new pod a node: `DaemonSet`s first, then the largest first.

use std::collections::BTreeMap;

use crate::error::ObjectRef;

use super::demand::{Demand, PodKind, PodNeed};
use super::eligible::turned_away;
use super::node::{Node, percent};
use super::requests::Requests;
use super::room::Room;
use super::selector::Labels;
use super::spread::{Placed, Scene, Wanting};

/// Pods of one workload on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The node.
    pub node: String,
    /// The workload.
    pub workload: ObjectRef,
    /// How many of its new pods.
    pub count: i64,
}

/// Pods of one workload that found no node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// The workload.
    pub workload: ObjectRef,
    /// How many of its new pods.
    pub count: i64,
    /// What one asks for.
    pub requests: Requests,
    /// Why each node does not take it: `k8s-1 lacks 0.9 GiB memory`.
    pub why: Vec<String>,
}

/// Where the new pods go.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    /// By node, then in the order of placing.
    pub assigned: Vec<Assigned>,
    /// Empty when everything fits.
    pub unplaced: Vec<Unplaced>,
    /// The nodes with the new pods on them.
    pub after: Vec<Node>,
}

impl Placement {
    /// Whether every pod has a node.
    pub fn fits(&self) -> bool {
        self.unplaced.is_empty()
    }

    /// How many new pods each node gets, in the nodes' order, without those that get none.
    pub fn by_node(&self) -> Vec<(String, i64)> {
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for assigned in &self.assigned {
            *counts.entry(&assigned.node).or_default() += assigned.count;
        }
        counts.into_iter().map(|(node, count)| (node.to_string(), count)).collect()
    }
}

/// How a node is chosen among those that take a pod.
#[derive(Clone, Copy)]
enum Choice {
    /// The emptiest, as the scheduler does by default.
    Emptiest,
    /// The fullest: keeps large gaps for large pods.
    Fullest,
}

/// Gives each new pod a node. Tried first as the scheduler would spread them, then packed tightly: what fits in neither
/// way does not fit.
pub fn place(room: &Room, demand: &Demand) -> Placement {
    let spread = Placer::new(room, demand, Choice::Emptiest).run();
    if spread.fits() {
        return spread;
    }
    let packed = Placer::new(room, demand, Choice::Fullest).run();
    if packed.fits() { packed } else { spread }
}

struct Placer<'a> {
    demand: &'a Demand,
    namespaces: &'a BTreeMap<String, Labels>,
    choice: Choice,
    nodes: Vec<Node>,
    placed: Vec<Placed<'a>>,
    assigned: Vec<(usize, ObjectRef)>,
    unplaced: Vec<Unplaced>,
}

impl<'a> Placer<'a> {
    fn new(room: &'a Room, demand: &'a Demand, choice: Choice) -> Self {
        let mut nodes = room.nodes.clone();
        let mut placed = Vec::new();
        for pod in &room.pods {
            let Some(node) = nodes.iter().position(|n| n.name == pod.node) else { continue };
            let replaced = demand
                .pods
                .iter()
                .any(|need| need.replaced.iter().any(|(ns, name)| *ns == pod.namespace && *name == pod.name));
            if replaced {
                nodes[node].requested.subtract(&pod.requests);
                nodes[node].pods -= 1;
            } else {
                placed.push(Placed { namespace: &pod.namespace, labels: &pod.labels, node, spec: None });
            }
        }
        Self { demand, namespaces: &room.namespaces, choice, nodes, placed, assigned: vec![], unplaced: vec![] }
    }

    fn run(mut self) -> Placement {
        let demand = self.demand;
        for need in demand.pods.iter().filter(|need| need.kind == PodKind::Daemon) {
            self.place_daemon(need);
        }
        let mut rest: Vec<&PodNeed> = demand.pods.iter().filter(|need| need.kind != PodKind::Daemon).collect();
        rest.sort_by_key(|need| std::cmp::Reverse((need.requests.memory, need.requests.cpu_milli)));
        for need in rest {
            for left in (1..=need.new).rev() {
                if !self.place_one(need) {
                    self.unplaced.push(Unplaced {
                        workload: need.workload.clone(),
                        count: left,
                        requests: need.requests.clone(),
                        why: self.why(need),
                    });
                    break;
                }
            }
        }
        self.finish()
    }

    fn finish(self) -> Placement {
        let mut assigned: Vec<Assigned> = Vec::new();
        for (node, workload) in self.assigned {
            let node = &self.nodes[node].name;
            match assigned.iter_mut().find(|a| a.node == *node && a.workload == workload) {
                Some(known) => known.count += 1,
                None => assigned.push(Assigned { node: node.clone(), workload, count: 1 }),
            }
        }
        assigned.sort_by(|a, b| a.node.cmp(&b.node));
        Placement { assigned, unplaced: self.unplaced, after: self.nodes }
    }

    /// One pod on each node that takes it and has none yet.
    fn place_daemon(&mut self, need: &'a PodNeed) {
        let mut why = Vec::new();
        for node in 0..self.nodes.len() {
            if turned_away(&need.spec, &self.nodes[node], true).is_some() {
                continue;
            }
            let has = self
                .placed
                .iter()
                .any(|pod| pod.node == node && pod.namespace == need.namespace && contains(pod.labels, &need.labels));
            if has {
                continue;
            }
            match lacking(&self.nodes[node], &need.requests) {
                None => self.assign(need, node),
                Some(lack) => why.push(format!("{} {lack}", self.nodes[node].name)),
            }
        }
        if !why.is_empty() {
            let count = i64::try_from(why.len()).unwrap_or(i64::MAX);
            let (workload, requests) = (need.workload.clone(), need.requests.clone());
            self.unplaced.push(Unplaced { workload, count, requests, why });
        }
    }

    fn place_one(&mut self, need: &'a PodNeed) -> bool {
        let fitting: Vec<usize> = (0..self.nodes.len()).filter(|node| self.refusal(need, *node).is_none()).collect();
        let fullness = |node: &usize| {
            let mut after = self.nodes[*node].clone();
            after.requested.add(&need.requests);
            let memory = percent(after.requested.memory, after.allocatable.memory);
            memory + percent(after.requested.cpu_milli, after.allocatable.cpu_milli)
        };
        let chosen = match self.choice {
            Choice::Emptiest => fitting.iter().min_by_key(|node| fullness(node)),
            Choice::Fullest => fitting.iter().max_by_key(|node| fullness(node)),
        };
        let Some(node) = chosen.copied() else { return false };
        self.assign(need, node);
        true
    }

    fn assign(&mut self, need: &'a PodNeed, node: usize) {
        self.nodes[node].requested.add(&need.requests);
        self.nodes[node].pods += 1;
        self.placed.push(Placed { namespace: &need.namespace, labels: &need.labels, node, spec: Some(&need.spec) });
        self.assigned.push((node, need.workload.clone()));
    }

    fn refusal(&self, need: &PodNeed, node: usize) -> Option<String> {
        if let Some(reason) = turned_away(&need.spec, &self.nodes[node], false) {
            return Some(reason);
        }
        if let Some(lack) = lacking(&self.nodes[node], &need.requests) {
            return Some(lack);
        }
        let scene = Scene { nodes: &self.nodes, placed: &self.placed, namespaces: self.namespaces };
        scene.kept_off(&Wanting { namespace: &need.namespace, labels: &need.labels, spec: &need.spec }, node)
    }

    fn why(&self, need: &PodNeed) -> Vec<String> {
        (0..self.nodes.len())
            .filter_map(|node| Some(format!("{} {}", self.nodes[node].name, self.refusal(need, node)?)))
            .collect()
    }
}

fn contains(labels: &Labels, wanted: &Labels) -> bool {
    !wanted.is_empty() && wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// What a node lacks for one more pod: `lacks 0.9 GiB memory and 300m CPU`.
fn lacking(node: &Node, requests: &Requests) -> Option<String> {
    let free = node.free();
    let mut parts: Vec<String> = requests
        .named()
        .into_iter()
        .filter(|(name, amount)| *amount > free.get(name).max(0))
        .map(|(name, amount)| amount_text(name, amount - free.get(name)))
        .collect();
    if node.free_pods() < 1 {
        parts.push(format!("room for a pod ({} of {})", node.pods, node.allocatable_pods));
    }
    (!parts.is_empty()).then(|| format!("lacks {}", parts.join(" and ")))
}

fn amount_text(name: &str, amount: i64) -> String {
    match name {
        "cpu" => format!("{amount}m CPU"),
        "memory" => format!("{} memory", bytes_text(amount)),
        "ephemeral-storage" => format!("{} ephemeral storage", bytes_text(amount)),
        _ if name.starts_with("hugepages-") => format!("{} of {name}", bytes_text(amount)),
        _ => format!("{amount} {name}"),
    }
}

/// Bytes in GiB, or MiB below a tenth of it, rounded up so that a lack is never shown as nothing.
fn bytes_text(bytes: i64) -> String {
    let tenths = |unit: i64| (bytes * 10 + unit - 1) / unit;
    let (value, unit) = if bytes * 10 >= 1 << 30 { (tenths(1 << 30), "GiB") } else { (tenths(1 << 20), "MiB") };
    format!("{}.{} {unit}", value / 10, value % 10)
}

#[cfg(test)]
#[path = "placement_tests.rs"]
mod tests;
