//! Why a node does not take a pod: in our words for a report, and in the scheduler's for a pod's condition.

use super::node::{Node, Taint};
use super::requests::Requests;

/// Why a node does not take a pod: what the first of the scheduler's filters finds that is against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Cordoned,
    NotReady,
    Taint(Taint),
    NotSelected,
    Ports,
    /// What is missing, by resource, and whether the node is full of pods.
    Room {
        lacks: Vec<Lack>,
        pods: Option<(i64, i64)>,
    },
    /// The node has no such label.
    NoDomain(String),
    Spread {
        key: String,
        skew: i64,
        most: i64,
    },
    Near,
    /// By a rule of the pod; holds the topology key.
    Apart(String),
    /// By a rule of a pod that is there.
    KeptAway,
}

/// So much of one resource is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lack {
    pub(crate) resource: String,
    pub(crate) amount: i64,
    /// More is asked for than the whole node has.
    pub(crate) beyond: bool,
}

impl Refusal {
    /// In a report.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Cordoned => "is cordoned".into(),
            Self::NotReady => "is not ready".into(),
            Self::Taint(taint) => {
                let value = if taint.value.is_empty() { String::new() } else { format!("={}", taint.value) };
                format!("has the taint {}{value}:{}", taint.key, taint.effect)
            }
            Self::NotSelected => "is not selected (node selector or affinity)".into(),
            Self::Ports => "has a pod on the same host port".into(),
            Self::Room { lacks, pods } => {
                let full = pods.map(|(have, most)| format!("room for a pod ({have} of {most})"));
                let parts: Vec<String> =
                    lacks.iter().map(|lack| amount_text(&lack.resource, lack.amount)).chain(full).collect();
                format!("lacks {}", parts.join(" and "))
            }
            Self::NoDomain(key) => format!("has no label {key} to spread over"),
            Self::Spread { key, skew, most } => format!("would hold too many of them ({key}, skew {skew} of {most})"),
            Self::Near => "has no pod that it must be near".into(),
            Self::Apart(key) => format!("has a pod that it must not share a {} with", domain_word(key)),
            Self::KeptAway => "has a pod that must not share with it".into(),
        }
    }

    /// As the scheduler writes it into the pod's condition.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let one = match self {
            Self::Cordoned => "node(s) were unschedulable",
            Self::NotReady | Self::Taint(_) => "node(s) had untolerated taint(s)",
            Self::NotSelected => "node(s) didn't match Pod's node affinity/selector",
            Self::Ports => "node(s) didn't have free ports for the requested pod ports",
            Self::Room { lacks, pods } => {
                let full = pods.map(|_| "Too many pods".to_string());
                let lacks = lacks.iter().map(|lack| format!("Insufficient {}", lack.resource));
                return full.into_iter().chain(lacks).collect();
            }
            Self::NoDomain(_) => "node(s) didn't match pod topology spread constraints (missing required label)",
            Self::Spread { .. } => "node(s) didn't match pod topology spread constraints",
            Self::Near => "node(s) didn't match pod affinity rules",
            Self::Apart(_) => "node(s) didn't match pod anti-affinity rules",
            Self::KeptAway => "node(s) didn't satisfy existing pods anti-affinity rules",
        };
        vec![one.to_string()]
    }

    /// Whether the node might take it with fewer pods on it.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Room { lacks, .. } => lacks.iter().all(|lack| !lack.beyond),
            Self::Ports | Self::Spread { .. } | Self::Apart(_) | Self::KeptAway => true,
            _ => false,
        }
    }
}

/// What a node lacks for one more pod, where so much is requested and so many pods are on it.
pub(crate) fn room(node: &Node, requested: &Requests, pods: i64, wanted: &Requests) -> Option<Refusal> {
    let lacks: Vec<Lack> = wanted
        .named()
        .into_iter()
        .filter_map(|(name, amount)| {
            let whole = node.allocatable.get(name);
            let free = whole - requested.get(name);
            let lack = || Lack { resource: name.to_string(), amount: amount - free, beyond: amount > whole };
            (amount > 0 && amount > free).then(lack)
        })
        .collect();
    let full = (pods + 1 > node.allocatable_pods).then_some((pods, node.allocatable_pods));
    (full.is_some() || !lacks.is_empty()).then_some(Refusal::Room { lacks, pods: full })
}

fn domain_word(key: &str) -> &str {
    match key {
        "kubernetes.io/hostname" => "node",
        "topology.kubernetes.io/zone" => "zone",
        other => other,
    }
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
mod tests {
    use super::*;

    #[test]
    fn lacks_are_never_shown_as_nothing() {
        assert_eq!(bytes_text(1), "0.1 MiB");
        assert_eq!(bytes_text(9 << 30), "9.0 GiB");
        assert_eq!(bytes_text(920 << 20), "0.9 GiB");
    }

    #[test]
    fn what_the_whole_node_lacks_no_eviction_mends() {
        let mut node = Node { allocatable_pods: 5, ..Node::default() };
        node.allocatable.cpu_milli = 1000;
        let asks = |cpu_milli| Requests { cpu_milli, ..Requests::default() };
        assert_eq!(room(&node, &asks(500), 4, &asks(500)), None);
        let lacking = room(&node, &asks(500), 5, &asks(501)).unwrap();
        assert_eq!(lacking.words(), "lacks 1m CPU and room for a pod (5 of 5)");
        assert_eq!(lacking.reasons(), ["Too many pods", "Insufficient cpu"]);
        assert!(lacking.may_pass());
        assert!(!room(&node, &asks(0), 0, &asks(1001)).unwrap().may_pass());
    }
}
