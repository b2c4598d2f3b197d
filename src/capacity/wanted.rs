//! A pod that wants a node, with all that does not change while others are placed: what each node thinks of it.

use serde_json::Value;

use super::eligible::{Tolerations, preference, selected, turned_away};
use super::node::Node;
use super::refusal::Refusal;
use super::requests::{Requests, shape_of_spec};
use super::selector::{Labels, Requirement, Selector, texts};
use super::term::Rules;

/// A pod that wants a node.
pub(crate) struct Wanted<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) labels: &'a Labels,
    pub(crate) requests: Requests,
    /// CPU and memory as they will count on its node when the scheduler compares nodes: never nothing.
    pub(crate) nonzero: (i64, i64),
    /// The same as they count while it looks for a node.
    pub(crate) measure: (i64, i64),
    pub(crate) rules: Rules,
    /// Constraints that forbid.
    pub(crate) hard: Vec<Spread>,
    /// Constraints that only prefer.
    pub(crate) soft: Vec<Spread>,
    /// The soft ones are the scheduler's own: nodes without the label count, too.
    pub(crate) by_default: bool,
    /// By node.
    pub(crate) views: Vec<View>,
}

/// How one node looks at the pod, pods aside.
pub(crate) struct View {
    pub(crate) refusal: Option<Refusal>,
    pub(crate) selected: bool,
    pub(crate) tolerated: bool,
    /// Taints that would rather not have it.
    pub(crate) disliked: i64,
    /// Weights of preferred node affinity.
    pub(crate) preference: i64,
}

/// One topology spread constraint.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    pub(crate) topology: String,
    pub(crate) selector: Selector,
    pub(crate) most: i64,
    pub(crate) domains: i64,
    honor_affinity: bool,
    honor_taints: bool,
}

impl<'a> Wanted<'a> {
    /// `owner` is the selector of the `ReplicaSet` or `StatefulSet` that the pod belongs to: the scheduler spreads
    /// over hosts and zones what such an owner selects.
    pub(crate) fn new(
        (namespace, labels): (&'a str, &'a Labels),
        spec: &Value,
        requests: Requests,
        owner: Option<Selector>,
        daemon: bool,
        nodes: &[Node],
    ) -> Self {
        let (tolerations, shape) = (Tolerations::read(spec, daemon), shape_of_spec(spec));
        let view = |node: &Node| View {
            refusal: turned_away(spec, node, daemon),
            selected: selected(spec, node),
            tolerated: tolerations.untolerated(node).is_none(),
            disliked: tolerations.disliked(node),
            preference: preference(spec, node),
        };
        let constraints = spec.get("topologySpreadConstraints").and_then(Value::as_array);
        let constraints: &[Value] = constraints.map_or(&[], Vec::as_slice);
        let is_soft = |c: &&Value| c.get("whenUnsatisfiable").and_then(Value::as_str) == Some("ScheduleAnyway");
        let read = |c: &Value| Spread::read(c, labels);
        let by_default = constraints.is_empty();
        let own = || constraints.iter().filter(is_soft).map(read).collect();
        Self {
            namespace,
            labels,
            requests,
            nonzero: shape.nonzero(),
            measure: shape.nonzero_of_containers(),
            rules: Rules::read(spec, namespace, labels),
            hard: constraints.iter().filter(|c| !is_soft(c)).map(read).collect(),
            soft: if by_default { owner.map(|owner| Spread::defaults(&owner)).unwrap_or_default() } else { own() },
            by_default,
            views: nodes.iter().map(view).collect(),
        }
    }

    /// Whether pods without rules of their own matter to it.
    pub(crate) fn looks_around(&self) -> bool {
        self.rules.is_social() || !self.hard.is_empty() || !self.soft.is_empty()
    }

    /// Whether pods on a node count for a constraint; it has the labels of all `constraints`.
    pub(crate) fn counts(&self, constraints: &[Spread], one: &Spread, nodes: &[Node], node: usize) -> bool {
        let (Some(view), Some(labels)) = (self.views.get(node), nodes.get(node).map(|n| &n.labels)) else {
            return false;
        };
        let labelled = constraints.iter().all(|c| labels.contains_key(&c.topology));
        labelled && one.includes(view)
    }
}

impl Spread {
    fn read(constraint: &Value, labels: &Labels) -> Self {
        let number = |key: &str| constraint.get(key).and_then(Value::as_i64).unwrap_or(1);
        let policy = |key: &str| constraint.get(key).and_then(Value::as_str);
        let mut selector = Selector::read(constraint.get("labelSelector"));
        for (key, value) in texts(constraint.get("matchLabelKeys")).iter().filter_map(|key| labels.get_key_value(key)) {
            selector.add(Requirement::equals(key, value));
        }
        Self {
            topology: constraint.get("topologyKey").and_then(Value::as_str).unwrap_or_default().to_string(),
            selector,
            most: number("maxSkew"),
            domains: number("minDomains"),
            honor_affinity: policy("nodeAffinityPolicy") != Some("Ignore"),
            honor_taints: policy("nodeTaintsPolicy") == Some("Honor"),
        }
    }

    /// What the scheduler prefers for pods without constraints.
    fn defaults(selector: &Selector) -> Vec<Self> {
        let one = |topology: &str, most| Self {
            topology: topology.to_string(),
            selector: selector.clone(),
            most,
            domains: 1,
            honor_affinity: true,
            honor_taints: false,
        };
        vec![one(HOST, 3), one("topology.kubernetes.io/zone", 5)]
    }

    /// Whether a node's pods count, as far as affinity and taints go.
    pub(crate) fn includes(&self, view: &View) -> bool {
        (view.selected || !self.honor_affinity) && (view.tolerated || !self.honor_taints)
    }
}

/// The topology key of single nodes.
pub(crate) const HOST: &str = "kubernetes.io/hostname";
