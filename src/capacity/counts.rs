//! How many pods matter to one that wants a node, by topology domain: kept up to date while pods come and go.

use std::collections::BTreeMap;

use super::node::Node;
use super::selector::Labels;
use super::term::{Rules, Term};
use super::wanted::Wanted;

/// A label of nodes and its value.
pub(crate) type Domain<'a> = (&'a str, &'a str);

/// The nodes and namespaces in which everything happens.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) nodes: &'a [Node],
    pub(crate) namespaces: &'a BTreeMap<String, Labels>,
}

impl<'a> Field<'a> {
    /// The domain of a node under a topology key.
    pub(crate) fn domain(self, key: &str, node: usize) -> Option<Domain<'a>> {
        let (key, value) = self.nodes.get(node)?.labels.get_key_value(key)?;
        Some((key, value))
    }
}

/// A pod that has a node.
#[derive(Clone, Copy)]
pub(crate) struct Neighbour<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) labels: &'a Labels,
    pub(crate) rules: &'a Rules,
    pub(crate) terminating: bool,
}

/// What matters to one pod that wants a node.
#[derive(Clone, Default)]
pub(crate) struct Counts<'a> {
    /// Pods that it must be near, where all of its terms speak of them.
    pub(crate) near: BTreeMap<Domain<'a>, i64>,
    /// Pods that it must keep away from.
    pub(crate) apart: BTreeMap<Domain<'a>, i64>,
    /// Pods that keep it away.
    pub(crate) kept: BTreeMap<Domain<'a>, i64>,
    /// Weights of preferences, its own and the others'.
    pub(crate) drawn: BTreeMap<Domain<'a>, i64>,
    /// By constraint that forbids: pods by domain.
    pub(crate) hard: Vec<BTreeMap<&'a str, i64>>,
    /// By constraint that prefers: pods by node.
    pub(crate) soft: Vec<Vec<i64>>,
}

impl<'a> Counts<'a> {
    /// Without any pod.
    pub(crate) fn new(field: Field<'a>, wanted: &Wanted<'_>) -> Self {
        let hard = wanted.hard.iter().map(|one| {
            let eligible = (0..field.nodes.len()).filter(|n| wanted.counts(&wanted.hard, one, field.nodes, *n));
            eligible.filter_map(|node| Some((field.domain(&one.topology, node)?.1, 0))).collect()
        });
        Self { hard: hard.collect(), soft: vec![vec![0; field.nodes.len()]; wanted.soft.len()], ..Self::default() }
    }

    /// A pod comes to a node (`by` is 1) or leaves it (-1).
    pub(crate) fn change(&mut self, field: Field<'a>, wanted: &Wanted<'_>, pod: Neighbour<'_>, node: usize, by: i64) {
        let speaks = |term: &Term| term.concerns(pod.namespace, pod.labels, field.namespaces);
        let answers = |term: &Term| term.concerns(wanted.namespace, wanted.labels, field.namespaces);
        let bump = |map: &mut BTreeMap<Domain<'a>, i64>, term: &Term, by: i64| {
            if let Some(domain) = field.domain(&term.topology, node) {
                *map.entry(domain).or_default() += by;
            }
        };
        let own = &wanted.rules;
        if own.near.iter().all(speaks) {
            own.near.iter().for_each(|term| bump(&mut self.near, term, by));
        }
        own.apart.iter().filter(|t| speaks(t)).for_each(|term| bump(&mut self.apart, term, by));
        own.preferred.iter().filter(|t| speaks(t)).for_each(|term| bump(&mut self.drawn, term, by * term.weight));
        let theirs = pod.rules;
        theirs.apart.iter().filter(|t| answers(t)).for_each(|term| bump(&mut self.kept, term, by));
        theirs.near.iter().filter(|t| answers(t)).for_each(|term| bump(&mut self.drawn, term, by));
        theirs.preferred.iter().filter(|t| answers(t)).for_each(|term| bump(&mut self.drawn, term, by * term.weight));
        if pod.namespace == wanted.namespace && !pod.terminating {
            self.change_spread(field, wanted, pod.labels, node, by);
        }
    }

    fn change_spread(&mut self, field: Field<'a>, wanted: &Wanted<'_>, labels: &Labels, node: usize, by: i64) {
        for (counts, one) in self.hard.iter_mut().zip(&wanted.hard) {
            let counted = !one.selector.is_everything() && one.selector.matches(labels);
            if counted && wanted.counts(&wanted.hard, one, field.nodes, node) {
                let domain = field.domain(&one.topology, node);
                if let Some(count) = domain.and_then(|(_, value)| counts.get_mut(value)) {
                    *count += by;
                }
            }
        }
        for (counts, one) in self.soft.iter_mut().zip(&wanted.soft) {
            let counted = !one.selector.is_everything() && one.selector.matches(labels);
            if let Some(count) = counts.get_mut(node).filter(|_| counted) {
                *count += by;
            }
        }
    }
}
