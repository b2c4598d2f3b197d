//! Label selectors as objects carry them (`metav1.LabelSelector`).

use serde_json::Value;

use super::read::{Labels, labels, list, text};

/// Whether a selector takes these labels. An absent selector takes nothing, an empty one everything.
pub fn selects(selector: Option<&Value>, given: &Labels) -> bool {
    let Some(selector) = selector.filter(|s| s.is_object()) else { return false };
    has_all(&labels(selector, "/matchLabels"), given)
        && list(selector, "/matchExpressions").iter().all(|requirement| holds(requirement, given))
}

/// Whether a selector is there and asks for nothing.
pub fn selects_all(selector: Option<&Value>) -> bool {
    selector.is_some_and(|s| {
        s.is_object() && labels(s, "/matchLabels").is_empty() && list(s, "/matchExpressions").is_empty()
    })
}

/// Whether all of `wanted` is in `given`.
pub fn has_all(wanted: &Labels, given: &Labels) -> bool {
    wanted.iter().all(|(key, value)| given.get(key) == Some(value))
}

/// One requirement of `matchExpressions`; also of a node selector's.
pub fn holds(requirement: &Value, given: &Labels) -> bool {
    let value = given.get(text(requirement, "/key"));
    let among = || list(requirement, "/values").iter().any(|v| v.as_str() == value.map(String::as_str));
    let number = |text: Option<&str>| text.and_then(|t| t.parse::<i64>().ok());
    let bound = || number(list(requirement, "/values").first().and_then(Value::as_str));
    match text(requirement, "/operator") {
        "In" => value.is_some() && among(),
        "NotIn" => value.is_none() || !among(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => number(value.map(String::as_str)).zip(bound()).is_some_and(|(have, bound)| have > bound),
        "Lt" => number(value.map(String::as_str)).zip(bound()).is_some_and(|(have, bound)| have < bound),
        _ => false,
    }
}

/// Whether a node selector (`nodeSelectorTerms`) takes a node: one term is enough.
pub fn selects_node(selector: &Value, node: &Value) -> bool {
    let given = labels(node, "/metadata/labels");
    let named = Labels::from([("metadata.name".to_owned(), text(node, "/metadata/name").to_owned())]);
    list(selector, "/nodeSelectorTerms").iter().any(|term| {
        let (by_label, by_field) = (list(term, "/matchExpressions"), list(term, "/matchFields"));
        (!by_label.is_empty() || !by_field.is_empty())
            && by_label.iter().all(|r| holds(r, &given))
            && by_field.iter().all(|r| holds(r, &named))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors() {
        let given = Labels::from([("app".into(), "web".into()), ("n".into(), "5".into())]);
        for (selector, wanted) in [
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "db"}}), false),
            (json!({}), true),
            (json!(null), false),
            (json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["x", "web"]}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}), false),
            (json!({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}), true),
            (json!({"matchExpressions": [{"key": "n", "operator": "Gt", "values": ["4"]}]}), true),
            (json!({"matchExpressions": [{"key": "n", "operator": "Lt", "values": ["4"]}]}), false),
        ] {
            assert_eq!(selects(Some(&selector), &given), wanted, "{selector}");
        }
        assert!(!selects(None, &given));
    }

    #[test]
    fn node_terms() {
        let node = json!({"metadata": {"name": "k8s-1", "labels": {"zone": "a"}}});
        let field = |name: &str| json!({"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}]});
        assert!(selects_node(&field("k8s-1"), &node));
        assert!(!selects_node(&field("k8s-2"), &node));
        assert!(!selects_node(&json!({"nodeSelectorTerms": [{}]}), &node));
    }
}
