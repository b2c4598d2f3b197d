//! Giving each new pod a node, as the scheduler would: in each of many orders in which it may come to them.

use std::collections::BTreeMap;

use crate::error::ObjectRef;

use super::demand::{Demand, PodNeed};
use super::node::Node;
use super::orders::{Lots, orders};
use super::requests::Requests;
use super::room::Room;
use super::table::{State, Table};

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
    /// Empty when everything fits, in whatever order the scheduler comes to the pods; else those of the first order in
    /// which something found no node.
    pub unplaced: Vec<Unplaced>,
    /// How many orders were tried.
    pub tried: usize,
    /// In how many of them every pod had a node.
    pub fitting: usize,
    /// The nodes with the new pods on them.
    pub after: Vec<Node>,
}

impl Placement {
    /// Whether every pod has a node, whatever the order, and nothing has to be evicted for it.
    pub fn fits(&self) -> bool {
        self.unplaced.is_empty()
    }

    /// Whether every pod has a node only if the scheduler happens to come to them in a good order.
    pub fn by_luck(&self) -> bool {
        !self.fits() && self.fitting > 0
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

/// Gives each new pod a node. The scheduler takes pods as they come and never moves one, so what fits in one order may
/// not in another: it fits when it does in all that are tried.
pub fn place(room: &Room, demand: &Demand) -> Placement {
    let table = Table::new(room, demand);
    let turns: Vec<usize> = table.turns.iter().map(Vec::len).collect();
    let size = |need: &PodNeed| need.requests.memory.saturating_add(need.requests.cpu_milli.saturating_mul(1 << 22));
    let sizes: Vec<i64> = demand.pods.iter().map(size).collect();
    let mut orders = orders(&turns, &sizes, room.nodes.len());
    if table.is_roomy() {
        orders.truncate(1);
    }
    let (mut shown, mut fitting): (Option<Run<'_, '_>>, usize) = (None, 0);
    for (seed, order) in (1..).zip(&orders) {
        let run = Run::new(&table, seed).through(order);
        let worse = shown.as_ref().is_none_or(|shown| shown.missing.is_empty() && !run.missing.is_empty());
        fitting += usize::from(run.missing.is_empty());
        if worse {
            shown = Some(run);
        }
    }
    let mut placement = shown.map(|run| run.finish(demand)).unwrap_or_default();
    (placement.tried, placement.fitting) = (orders.len(), fitting);
    placement
}

/// One order, from its first pod to its last.
struct Run<'t, 'a> {
    table: &'t Table<'a>,
    state: State<'a>,
    lots: Lots,
    /// By workload: how many turns it has had.
    done: Vec<usize>,
    /// Node and workload.
    assigned: Vec<(usize, usize)>,
    missing: Vec<Missing>,
}

/// Pods of one workload without a node.
struct Missing {
    need: usize,
    count: i64,
    why: Vec<String>,
}

impl<'t, 'a> Run<'t, 'a> {
    fn new(table: &'t Table<'a>, seed: u64) -> Self {
        let (mut lots, mut state) = (Lots::new(seed), table.start.clone());
        state.shuffle(&mut lots);
        Self { table, state, lots, done: vec![0; table.turns.len()], assigned: Vec::new(), missing: Vec::new() }
    }

    fn through(mut self, order: &[usize]) -> Self {
        for need in order {
            self.turn(*need);
        }
        self
    }

    fn turn(&mut self, need: usize) {
        let turn = self.done[need];
        self.done[need] += 1;
        let Some(entry) = self.table.turns[need].get(turn).copied() else { return };
        let daemon = self.table.entries[entry].only.is_some();
        if let Some(missing) = self.missing.iter_mut().find(|missing| missing.need == need && !daemon) {
            missing.count += 1; // it is like the one before, and nobody has gone
            return;
        }
        if turn == 0 {
            self.make_way(need);
        }
        match self.table.choose(&self.state, entry, &mut self.lots) {
            Some(node) => {
                self.table.seat(&mut self.state, entry, node);
                self.assigned.push((node, need));
                self.table.let_go(&mut self.state, need);
            }
            None => self.miss(need, entry),
        }
    }

    fn make_way(&mut self, need: usize) {
        for _ in 0..self.table.ahead(need) {
            if !self.table.let_go(&mut self.state, need) {
                break;
            }
        }
    }

    fn miss(&mut self, need: usize, entry: usize) {
        let mut why = self.table.why(&self.state, entry);
        match self.missing.iter_mut().find(|missing| missing.need == need) {
            Some(known) => {
                known.count += 1;
                known.why.append(&mut why);
            }
            None => self.missing.push(Missing { need, count: 1, why }),
        }
    }

    fn finish(self, demand: &Demand) -> Placement {
        let mut assigned: Vec<Assigned> = Vec::new();
        for (node, need) in self.assigned {
            let (node, workload) = (&self.table.field.nodes[node].name, &demand.pods[need].workload);
            match assigned.iter_mut().find(|a| a.node == *node && a.workload == *workload) {
                Some(known) => known.count += 1,
                None => assigned.push(Assigned { node: node.clone(), workload: workload.clone(), count: 1 }),
            }
        }
        assigned.sort_by(|a, b| a.node.cmp(&b.node));
        let unplaced = self.missing.into_iter().map(|missing| {
            let need = &demand.pods[missing.need];
            let (workload, requests) = (need.workload.clone(), need.requests.clone());
            Unplaced { workload, count: missing.count, requests, why: missing.why }
        });
        let after = self.table.field.nodes.iter().zip(self.state.loads).map(|(node, load)| Node {
            requested: load.requested,
            nonzero: load.nonzero,
            pods: load.pods,
            ..node.clone()
        });
        Placement { assigned, unplaced: unplaced.collect(), after: after.collect(), tried: 0, fitting: 0 }
    }
}

#[cfg(test)]
#[path = "placement_tests.rs"]
mod tests;
