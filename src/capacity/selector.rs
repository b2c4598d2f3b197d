//! Label selectors as objects carry them: `matchLabels` and `matchExpressions`.

use std::collections::BTreeMap;

use serde_json::Value;

/// Labels by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// Whether a `LabelSelector` matches. None matches nothing, an empty one everything.
pub(crate) fn matches(selector: Option<&Value>, labels: &Labels) -> bool {
    let Some(selector) = selector.filter(|s| s.is_object()) else { return false };
    let equal = selector.get("matchLabels").and_then(Value::as_object);
    let equal = equal.into_iter().flatten().all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str());
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    equal && expressions.into_iter().flatten().all(|e| expression(e, labels))
}

/// One requirement of a label selector or of a node selector term (which also knows `Gt` and `Lt`).
pub(crate) fn expression(requirement: &Value, labels: &Labels) -> bool {
    let key = requirement.get("key").and_then(Value::as_str).unwrap_or_default();
    let values: Vec<&str> =
        requirement.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let have = labels.get(key).map(String::as_str);
    let compare = |larger: bool| {
        let (Some(have), Some(bound)) = (have.and_then(|h| h.parse::<i64>().ok()), values.first()) else {
            return false;
        };
        bound.parse::<i64>().is_ok_and(|bound| if larger { have > bound } else { have < bound })
    };
    match requirement.get("operator").and_then(Value::as_str).unwrap_or_default() {
        "In" => have.is_some_and(|have| values.contains(&have)),
        "NotIn" => have.is_none_or(|have| !values.contains(&have)),
        "Exists" => have.is_some(),
        "DoesNotExist" => have.is_none(),
        "Gt" => compare(true),
        "Lt" => compare(false),
        _ => false,
    }
}

/// String values of a JSON map.
pub(crate) fn labels_of(map: Option<&Value>) -> Labels {
    let entries = map.and_then(Value::as_object);
    entries.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_operator() {
        let labels = Labels::from([("app".into(), "hive".into()), ("cores".into(), "12".into())]);
        for (requirement, holds) in [
            (json!({"key": "app", "operator": "In", "values": ["hive"]}), true),
            (json!({"key": "app", "operator": "NotIn", "values": ["hive"]}), false),
            (json!({"key": "tier", "operator": "NotIn", "values": ["x"]}), true),
            (json!({"key": "app", "operator": "Exists"}), true),
            (json!({"key": "app", "operator": "DoesNotExist"}), false),
            (json!({"key": "cores", "operator": "Gt", "values": ["8"]}), true),
            (json!({"key": "cores", "operator": "Lt", "values": ["8"]}), false),
            (json!({"key": "app", "operator": "Guess"}), false),
        ] {
            assert_eq!(expression(&requirement, &labels), holds, "{requirement}");
        }
        assert!(matches(Some(&json!({"matchLabels": {"app": "hive"}})), &labels));
        assert!(!matches(Some(&json!({"matchLabels": {"app": "trino"}})), &labels));
        assert!(matches(Some(&json!({})), &labels));
        assert!(!matches(None, &labels));
    }
}
