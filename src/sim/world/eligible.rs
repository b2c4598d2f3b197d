//! Whether a node takes a pod by name, labels and taints: what daemon sets and the scheduler's words go by.

use serde_json::Value;

use super::read::{labels, list, text};
use super::selector::{has_all, selects_node};

/// Whether `nodeSelector` and required node affinity take the node.
pub fn matches_affinity(spec: &Value, node: &Value) -> bool {
    let required = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    has_all(&labels(spec, "/nodeSelector"), &labels(node, "/metadata/labels"))
        && spec.pointer(required).filter(|r| r.is_object()).is_none_or(|required| selects_node(required, node))
}

/// The first taint with one of these effects that no toleration covers.
pub fn untolerated<'a>(tolerations: &[Value], node: &'a Value, effects: &[&str]) -> Option<&'a Value> {
    list(node, "/spec/taints").iter().find(|taint| {
        effects.contains(&text(taint, "/effect")) && !tolerations.iter().any(|toleration| tolerates(toleration, taint))
    })
}

/// Whether a toleration covers a taint.
pub fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let effect = text(toleration, "/effect");
    let key = text(toleration, "/key");
    if !effect.is_empty() && effect != text(taint, "/effect") || !key.is_empty() && key != text(taint, "/key") {
        return false;
    }
    match text(toleration, "/operator") {
        "Exists" => true,
        "" | "Equal" => !key.is_empty() && text(toleration, "/value") == text(taint, "/value"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn taints() {
        let taint = json!({"key": "k", "value": "v", "effect": "NoSchedule"});
        for (toleration, wanted) in [
            (json!({"operator": "Exists"}), true),
            (json!({"key": "k", "operator": "Exists"}), true),
            (json!({"key": "k", "value": "v"}), true),
            (json!({"key": "k", "value": "w"}), false),
            (json!({"key": "k", "operator": "Exists", "effect": "NoExecute"}), false),
            (json!({"key": "k", "operator": "Gt", "value": "v"}), false),
        ] {
            assert_eq!(tolerates(&toleration, &taint), wanted, "{toleration}");
        }
        let node = json!({"spec": {"taints": [taint]}});
        assert!(untolerated(&[], &node, &["NoSchedule"]).is_some());
        assert!(untolerated(&[], &node, &["NoExecute"]).is_none());
    }
}
