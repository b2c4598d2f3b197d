//! Whether a node takes a pod at all: cordon, taints, node selector, required node affinity.

use serde_json::Value;

use super::node::{Node, Taint};
use super::refusal::Refusal;
use super::selector::{Labels, expression};

/// Why a node turns a pod away, whatever room it has; `None` when it doesn't. `daemon`: the pod is a `DaemonSet`'s,
/// to which its controller gives tolerations.
pub(crate) fn turned_away(spec: &Value, node: &Node, daemon: bool) -> Option<Refusal> {
    let tolerations = Tolerations::read(spec, daemon);
    if node.cordoned && !tolerations.cover(&mark(CORDON, "NoSchedule")) {
        return Some(Refusal::Cordoned);
    }
    if let Some(taint) = tolerations.untolerated(node) {
        let absent = ABSENT.contains(&taint.key.as_str());
        return Some(if absent { Refusal::NotReady } else { Refusal::Taint(taint) });
    }
    (!selected(spec, node)).then_some(Refusal::NotSelected)
}

const CORDON: &str = "node.kubernetes.io/unschedulable";
/// Taints that the node controller gives a node whose kubelet does not answer, or not yet.
const ABSENT: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

fn mark(key: &str, effect: &str) -> Taint {
    Taint { key: key.into(), value: String::new(), effect: effect.into() }
}

/// The taints that a pod overlooks.
pub(crate) struct Tolerations(Vec<Toleration>);

struct Toleration {
    key: String,
    /// Any value will do.
    exists: bool,
    value: String,
    effect: String,
}

impl Tolerations {
    /// Of a pod spec; a `DaemonSet`'s pods get some of their own.
    pub(crate) fn read(spec: &Value, daemon: bool) -> Self {
        let list = spec.get("tolerations").and_then(Value::as_array);
        let mut all: Vec<Toleration> = list
            .into_iter()
            .flatten()
            .map(|toleration| {
                let word = |key: &str| toleration.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
                let exists = word("operator") == "Exists";
                Toleration { key: word("key"), exists, value: word("value"), effect: word("effect") }
            })
            .collect();
        if daemon {
            let own = |(key, effect): (&str, &str)| Toleration {
                key: format!("node.kubernetes.io/{key}"),
                exists: true,
                value: String::new(),
                effect: effect.to_string(),
            };
            let host = spec.get("hostNetwork").and_then(Value::as_bool).unwrap_or_default();
            let network = host.then_some(("network-unavailable", "NoSchedule"));
            all.extend(OF_DAEMONS.into_iter().chain(network).map(own));
        }
        Self(all)
    }

    /// Whether this taint is overlooked.
    pub(crate) fn cover(&self, taint: &Taint) -> bool {
        self.0.iter().any(|toleration| {
            let key = toleration.key == taint.key || (toleration.key.is_empty() && toleration.exists);
            let effect = toleration.effect.is_empty() || toleration.effect == taint.effect;
            key && effect && (toleration.exists || toleration.value == taint.value)
        })
    }

    /// The first taint of a node that keeps the pod away.
    pub(crate) fn untolerated(&self, node: &Node) -> Option<Taint> {
        let known = node.taints.iter().any(|taint| ABSENT.contains(&taint.key.as_str()));
        // The node controller marks a node that is not ready within moments.
        let soon = (!node.ready && !known).then(|| mark(ABSENT[0], "NoSchedule"));
        let hard = |taint: &&Taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute");
        node.taints.iter().filter(hard).chain(soon.as_ref()).find(|taint| !self.cover(taint)).cloned()
    }

    /// How many taints of a node would rather keep the pod away.
    pub(crate) fn disliked(&self, node: &Node) -> i64 {
        let soft = |taint: &&Taint| taint.effect == "PreferNoSchedule" && !self.cover(taint);
        i64::try_from(node.taints.iter().filter(soft).count()).unwrap_or(i64::MAX)
    }
}

const OF_DAEMONS: [(&str, &str); 6] = [
    ("not-ready", "NoExecute"),
    ("unreachable", "NoExecute"),
    ("disk-pressure", "NoSchedule"),
    ("memory-pressure", "NoSchedule"),
    ("pid-pressure", "NoSchedule"),
    ("unschedulable", "NoSchedule"),
];

/// How much a pod's preferred node affinity likes a node.
pub(crate) fn preference(spec: &Value, node: &Node) -> i64 {
    let terms = spec.pointer("/affinity/nodeAffinity/preferredDuringSchedulingIgnoredDuringExecution");
    let terms = terms.and_then(Value::as_array).into_iter().flatten();
    terms
        .filter(|term| term.get("preference").is_some_and(|wish| term_selects(wish, node)))
        .filter_map(|term| term.get("weight").and_then(Value::as_i64))
        .sum()
}

/// The nodes that required node affinity names by name, when every term does.
pub(crate) fn named_nodes(spec: &Value) -> Option<Vec<&str>> {
    let terms = spec.pointer(REQUIRED).and_then(Value::as_array).filter(|terms| !terms.is_empty())?;
    let mut names = Vec::new();
    for term in terms {
        let fields = term.get("matchFields").and_then(Value::as_array)?;
        let field = fields.iter().find(|field| {
            let word = |key: &str| field.get(key).and_then(Value::as_str).unwrap_or_default();
            word("key") == "metadata.name" && word("operator") == "In"
        })?;
        names.extend(field.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str));
    }
    Some(names)
}

const REQUIRED: &str = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

/// Whether node selector and required node affinity name this node.
pub(crate) fn selected(spec: &Value, node: &Node) -> bool {
    let wanted = spec.get("nodeSelector").and_then(Value::as_object);
    let plain = wanted.into_iter().flatten().all(|(k, v)| node.labels.get(k).map(String::as_str) == v.as_str());
    if let Some(name) = spec.get("nodeName").and_then(Value::as_str).filter(|n| !n.is_empty()) {
        return name == node.name;
    }
    let terms = spec.pointer(REQUIRED).and_then(Value::as_array);
    plain && terms.is_none_or(|terms| terms.iter().any(|term| term_selects(term, node)))
}

fn term_selects(term: &Value, node: &Node) -> bool {
    let list = |key: &str| term.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let (expressions, fields) = (list("matchExpressions"), list("matchFields"));
    if expressions.is_empty() && fields.is_empty() {
        return false; // an empty term selects nothing
    }
    let name = Labels::from([("metadata.name".to_string(), node.name.clone())]);
    expressions.iter().all(|e| expression(e, &node.labels)) && fields.iter().all(|e| expression(e, &name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node() -> Node {
        Node {
            name: "k8s-1".into(),
            ready: true,
            labels: Labels::from([("disk".into(), "ssd".into())]),
            taints: vec![Taint { key: "gpu".into(), value: "yes".into(), effect: "NoSchedule".into() }],
            ..Node::default()
        }
    }

    #[test]
    fn taints_selectors_and_state_turn_pods_away() {
        let tolerant = json!({"tolerations": [{"key": "gpu", "operator": "Exists"}]});
        let words = |spec: &Value, node: &Node, daemon| turned_away(spec, node, daemon).map(|refusal| refusal.words());
        assert_eq!(words(&json!({}), &node(), false).unwrap(), "has the taint gpu=yes:NoSchedule");
        assert_eq!(turned_away(&tolerant, &node(), false), None);
        let other = json!({"tolerations": [{"key": "gpu", "value": "no"}]});
        assert!(turned_away(&other, &node(), false).is_some());
        let mut selecting = tolerant.clone();
        selecting["nodeSelector"] = json!({"disk": "hdd"});
        assert_eq!(turned_away(&selecting, &node(), false), Some(Refusal::NotSelected));
        let cordoned = Node { cordoned: true, ..node() };
        assert_eq!(turned_away(&tolerant, &cordoned, false), Some(Refusal::Cordoned));
        assert_eq!(turned_away(&tolerant, &cordoned, true), None);
        let away = Node { ready: false, ..node() };
        assert_eq!(turned_away(&tolerant, &away, true), Some(Refusal::NotReady));
        // The scheduler looks at taints only: what tolerates everything is given a node that is not there.
        let blind = json!({"tolerations": [{"operator": "Exists"}]});
        assert_eq!(turned_away(&blind, &away, false), None);
    }

    #[test]
    fn required_node_affinity_needs_one_term() {
        let affinity = |terms: Value| {
            json!({"affinity": {"nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}})
        };
        let ssd = json!({"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]});
        let named = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["k8s-2"]}]});
        assert!(selected(&affinity(json!([named, ssd])), &node()));
        assert!(!selected(&affinity(json!([named])), &node()));
        assert!(!selected(&affinity(json!([{}])), &node()));
    }
}
