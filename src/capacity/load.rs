//! What is on a node at one moment of placing, and whether it takes one more pod.

use super::counts::{Counts, Field};
use super::node::Node;
use super::refusal::{Refusal, room};
use super::requests::Requests;
use super::term::Port;
use super::wanted::Wanted;

/// What is on a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    pub(crate) requested: Requests,
    /// CPU and memory, where a container without a request counts as a small one.
    pub(crate) nonzero: (i64, i64),
    pub(crate) pods: i64,
    pub(crate) ports: Vec<Port>,
}

impl Load {
    /// As the node stands, without its ports.
    pub(crate) fn of(node: &Node) -> Self {
        Self { requested: node.requested.clone(), nonzero: node.nonzero, pods: node.pods, ports: Vec::new() }
    }

    pub(crate) fn add(&mut self, requests: &Requests, nonzero: (i64, i64), ports: &[Port]) {
        self.requested.add(requests);
        self.nonzero = (self.nonzero.0 + nonzero.0, self.nonzero.1 + nonzero.1);
        self.pods += 1;
        self.ports.extend_from_slice(ports);
    }

    pub(crate) fn remove(&mut self, requests: &Requests, nonzero: (i64, i64), ports: &[Port]) {
        self.requested.subtract(requests);
        self.nonzero = (self.nonzero.0 - nonzero.0, self.nonzero.1 - nonzero.1);
        self.pods -= 1;
        for port in ports {
            if let Some(at) = self.ports.iter().position(|taken| taken == port) {
                self.ports.swap_remove(at);
            }
        }
    }
}

/// Why a node does not take a pod as things stand: the scheduler's filters in their order.
pub(crate) fn refusal(
    field: Field<'_>,
    wanted: &Wanted<'_>,
    counts: &Counts<'_>,
    load: &Load,
    node: usize,
) -> Option<Refusal> {
    if let Some(refusal) = &wanted.views.get(node)?.refusal {
        return Some(refusal.clone());
    }
    let taken = |port: &Port| load.ports.iter().any(|other| other.conflicts(port));
    if wanted.rules.ports.iter().any(taken) {
        return Some(Refusal::Ports);
    }
    room(field.nodes.get(node)?, &load.requested, load.pods, &wanted.requests)
        .or_else(|| uneven(field, wanted, counts, node))
        .or_else(|| unsocial(field, wanted, counts, node))
}

fn uneven(field: Field<'_>, wanted: &Wanted<'_>, counts: &Counts<'_>, node: usize) -> Option<Refusal> {
    for (one, counts) in wanted.hard.iter().zip(&counts.hard) {
        let Some((_, here)) = field.domain(&one.topology, node) else {
            return Some(Refusal::NoDomain(one.topology.clone()));
        };
        let few = i64::try_from(counts.len()).unwrap_or(i64::MAX) < one.domains;
        let least = if few { 0 } else { counts.values().min().copied().unwrap_or_default() };
        let own = i64::from(one.selector.matches(wanted.labels));
        let skew = counts.get(here).copied().unwrap_or_default() + own - least;
        if skew > one.most {
            return Some(Refusal::Spread { key: one.topology.clone(), skew, most: one.most });
        }
    }
    None
}

fn unsocial(field: Field<'_>, wanted: &Wanted<'_>, counts: &Counts<'_>, node: usize) -> Option<Refusal> {
    let rules = &wanted.rules;
    let has = |map: &std::collections::BTreeMap<_, i64>, key: &str| {
        field.domain(key, node).is_some_and(|domain| map.get(&domain).is_some_and(|count| *count > 0))
    };
    if !rules.near.is_empty() {
        let labelled = rules.near.iter().all(|term| field.domain(&term.topology, node).is_some());
        let near = rules.near.iter().all(|term| has(&counts.near, &term.topology));
        let of_itself = |term: &super::term::Term| term.concerns(wanted.namespace, wanted.labels, field.namespaces);
        // The first of pods that must be near each other may go anywhere.
        let first = counts.near.values().all(|count| *count <= 0) && rules.near.iter().all(of_itself);
        if !labelled || !(near || first) {
            return Some(Refusal::Near);
        }
    }
    if let Some(term) = rules.apart.iter().find(|term| has(&counts.apart, &term.topology)) {
        return Some(Refusal::Apart(term.topology.clone()));
    }
    let labels = field.nodes.get(node)?.labels.iter();
    let kept = labels.map(|(k, v)| (k.as_str(), v.as_str())).any(|d| counts.kept.get(&d).is_some_and(|n| *n > 0));
    kept.then_some(Refusal::KeptAway)
}
