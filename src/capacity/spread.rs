//! Rules between pods: required affinity and anti-affinity, and topology spread that forbids scheduling.

use std::collections::BTreeMap;

use serde_json::Value;

use super::eligible::selected;
use super::node::Node;
use super::selector::{Labels, matches};

/// A pod that has a node: one that runs, or one that was placed before.
#[derive(Clone, Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) labels: &'a Labels,
    /// Index of its node.
    pub(crate) node: usize,
    /// Its spec, where it is known: its own anti-affinity keeps others away.
    pub(crate) spec: Option<&'a Value>,
}

/// A pod that wants a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanting<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) labels: &'a Labels,
    pub(crate) spec: &'a Value,
}

/// All that the rules look at.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) nodes: &'a [Node],
    pub(crate) placed: &'a [Placed<'a>],
    /// Labels of namespaces, by name.
    pub(crate) namespaces: &'a BTreeMap<String, Labels>,
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

impl Scene<'_> {
    /// Why the rules between pods keep this pod off a node; `None` when they don't.
    pub(crate) fn kept_off(&self, pod: &Wanting<'_>, node: usize) -> Option<String> {
        for term in terms(pod.spec, "podAntiAffinity") {
            if self.placed.iter().any(|other| self.shares(term, pod.namespace, other, node)) {
                return Some(format!("has a pod that it must not share a {} with", domain_word(term)));
            }
        }
        for other in self.placed {
            let Some(spec) = other.spec else { continue };
            let one = Placed { namespace: pod.namespace, labels: pod.labels, node, spec: None };
            let keeps = |term: &&Value| self.shares(term, other.namespace, &one, other.node);
            if terms(spec, "podAntiAffinity").iter().any(keeps) {
                return Some("has a pod that must not share with it".into());
            }
        }
        for term in terms(pod.spec, "podAffinity") {
            let near = self.placed.iter().any(|other| self.shares(term, pod.namespace, other, node));
            let first = !self.placed.iter().any(|other| self.concerns(term, pod.namespace, other))
                && self.concerns(
                    term,
                    pod.namespace,
                    &Placed { namespace: pod.namespace, labels: pod.labels, node, spec: None },
                );
            let alone = first && self.domain(term, node).is_some();
            if !near && !alone {
                return Some("has no pod that it must be near".into());
            }
        }
        self.spread(pod, node)
    }

    /// Whether `other` is one of the pods that a term speaks of, and in the same domain as `node`.
    fn shares(&self, term: &Value, namespace: &str, other: &Placed<'_>, node: usize) -> bool {
        let (here, there) = (self.domain(term, node), self.domain(term, other.node));
        here.is_some() && here == there && self.concerns(term, namespace, other)
    }

    fn concerns(&self, term: &Value, namespace: &str, other: &Placed<'_>) -> bool {
        let named: Vec<&str> =
            term.get("namespaces").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let selector = term.get("namespaceSelector").filter(|s| s.is_object());
        let empty = Labels::new();
        let in_namespace = named.contains(&other.namespace)
            || selector.is_some_and(|s| matches(Some(s), self.namespaces.get(other.namespace).unwrap_or(&empty)))
            || (named.is_empty() && selector.is_none() && other.namespace == namespace);
        in_namespace && matches(term.get("labelSelector"), other.labels)
    }

    fn domain(&self, term: &Value, node: usize) -> Option<&str> {
        let key = term.get("topologyKey").and_then(Value::as_str)?;
        self.nodes.get(node)?.labels.get(key).map(String::as_str)
    }

    fn spread(&self, pod: &Wanting<'_>, node: usize) -> Option<String> {
        let constraints = pod.spec.get("topologySpreadConstraints").and_then(Value::as_array);
        let hard = |c: &&Value| c.get("whenUnsatisfiable").and_then(Value::as_str) != Some("ScheduleAnyway");
        for constraint in constraints.into_iter().flatten().filter(hard) {
            let key = constraint.get("topologyKey").and_then(Value::as_str).unwrap_or_default();
            let Some(here) = self.domain(constraint, node) else {
                return Some(format!("has no label {key} to spread over"));
            };
            let selector = constraint.get("labelSelector");
            let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
            for candidate in self.nodes.iter().filter(|n| selected(pod.spec, n)) {
                if let Some(domain) = candidate.labels.get(key) {
                    counts.entry(domain).or_default();
                }
            }
            for other in self.placed {
                let same = other.namespace == pod.namespace && matches(selector, other.labels);
                if let Some(count) =
                    self.domain(constraint, other.node).filter(|_| same).and_then(|d| counts.get_mut(d))
                {
                    *count += 1;
                }
            }
            let most = constraint.get("maxSkew").and_then(Value::as_i64).unwrap_or(1);
            let enough = constraint.get("minDomains").and_then(Value::as_i64).unwrap_or(1);
            let few = i64::try_from(counts.len()).unwrap_or(i64::MAX) < enough;
            let least = if few { 0 } else { counts.values().min().copied().unwrap_or_default() };
            let own = i64::from(matches(selector, pod.labels));
            let skew = counts.get(here).copied().unwrap_or_default() + own - least;
            if skew > most {
                return Some(format!("would hold too many of them ({key}, skew {skew} of {most})"));
            }
        }
        None
    }
}

fn terms<'a>(spec: &'a Value, kind: &str) -> Vec<&'a Value> {
    let list = spec.pointer(&format!("/affinity/{kind}/{REQUIRED}")).and_then(Value::as_array);
    list.into_iter().flatten().collect()
}

fn domain_word(term: &Value) -> &str {
    match term.get("topologyKey").and_then(Value::as_str).unwrap_or_default() {
        "kubernetes.io/hostname" => "node",
        "topology.kubernetes.io/zone" => "zone",
        other => other,
    }
}
