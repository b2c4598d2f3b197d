//! Whether a node takes a pod at all: readiness, cordon, taints, node selector, required node affinity.

use serde_json::Value;

use super::node::{Node, Taint};
use super::selector::{Labels, expression};

/// Why a node turns a pod away, whatever room it has; `None` when it doesn't. `daemon`: the pod is a `DaemonSet`'s,
/// which tolerates a cordon and pressure.
pub(crate) fn turned_away(spec: &Value, node: &Node, daemon: bool) -> Option<String> {
    if !node.ready {
        return Some("is not ready".into());
    }
    let tolerations: Vec<&Value> = spec.get("tolerations").and_then(Value::as_array).into_iter().flatten().collect();
    if node.cordoned && !daemon && !tolerates_cordon(&tolerations) {
        return Some("is cordoned".into());
    }
    let overlooked = |taint: &Taint| {
        let by_daemon = daemon && taint.key.starts_with("node.kubernetes.io/");
        by_daemon || taint.key == CORDON || !matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute")
    };
    let tolerated = |taint: &Taint| tolerations.iter().any(|toleration| tolerates(toleration, taint));
    if let Some(taint) = node.taints.iter().find(|taint| !overlooked(taint) && !tolerated(taint)) {
        let value = if taint.value.is_empty() { String::new() } else { format!("={}", taint.value) };
        return Some(format!("has the taint {}{value}:{}", taint.key, taint.effect));
    }
    if !selected(spec, node) {
        return Some("is not selected (node selector or affinity)".into());
    }
    None
}

const CORDON: &str = "node.kubernetes.io/unschedulable";

fn tolerates_cordon(tolerations: &[&Value]) -> bool {
    let taint = Taint { key: CORDON.into(), value: String::new(), effect: "NoSchedule".into() };
    tolerations.iter().any(|toleration| tolerates(toleration, &taint))
}

fn tolerates(toleration: &Value, taint: &Taint) -> bool {
    let word = |key: &str| toleration.get(key).and_then(Value::as_str).unwrap_or_default();
    let (key, effect) = (word("key"), word("effect"));
    if !effect.is_empty() && effect != taint.effect {
        return false;
    }
    match word("operator") {
        "Exists" => key.is_empty() || key == taint.key,
        _ => key == taint.key && word("value") == taint.value,
    }
}

/// Whether node selector and required node affinity name this node.
pub(crate) fn selected(spec: &Value, node: &Node) -> bool {
    let wanted = spec.get("nodeSelector").and_then(Value::as_object);
    let plain = wanted.into_iter().flatten().all(|(k, v)| node.labels.get(k).map(String::as_str) == v.as_str());
    if let Some(name) = spec.get("nodeName").and_then(Value::as_str).filter(|n| !n.is_empty()) {
        return name == node.name;
    }
    let terms = spec
        .pointer("/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms")
        .and_then(Value::as_array);
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
        assert_eq!(turned_away(&json!({}), &node(), false).unwrap(), "has the taint gpu=yes:NoSchedule");
        assert_eq!(turned_away(&tolerant, &node(), false), None);
        let other = json!({"tolerations": [{"key": "gpu", "value": "no"}]});
        assert!(turned_away(&other, &node(), false).is_some());
        let mut selecting = tolerant.clone();
        selecting["nodeSelector"] = json!({"disk": "hdd"});
        assert!(turned_away(&selecting, &node(), false).unwrap().contains("not selected"));
        let cordoned = Node { cordoned: true, ..node() };
        assert_eq!(turned_away(&tolerant, &cordoned, false).unwrap(), "is cordoned");
        assert_eq!(turned_away(&tolerant, &cordoned, true), None);
        let away = Node { ready: false, ..node() };
        assert_eq!(turned_away(&tolerant, &away, true).unwrap(), "is not ready");
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
