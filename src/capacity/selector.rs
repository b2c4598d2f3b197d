//! Label selectors as objects carry them: `matchLabels` and `matchExpressions`; and requirements of node selector terms.

use std::collections::BTreeMap;

use serde_json::Value;

/// Labels by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// One requirement of a label selector or of a node selector term (which also knows `Gt` and `Lt`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    pub(crate) key: String,
    pub(crate) operator: String,
    pub(crate) values: Vec<String>,
}

impl Requirement {
    /// The label has this value.
    pub(crate) fn equals(key: &str, value: &str) -> Self {
        Self { key: key.into(), operator: "In".into(), values: vec![value.into()] }
    }

    /// The label has another value, or is missing.
    pub(crate) fn differs(key: &str, value: &str) -> Self {
        Self { operator: "NotIn".into(), ..Self::equals(key, value) }
    }

    fn read(requirement: &Value) -> Self {
        let word = |key: &str| requirement.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
        Self { key: word("key"), operator: word("operator"), values: texts(requirement.get("values")) }
    }

    fn holds(&self, labels: &Labels) -> bool {
        let have = labels.get(&self.key);
        let compare = |larger: bool| {
            let (Some(have), Some(bound)) = (have.and_then(|h| h.parse::<i64>().ok()), self.values.first()) else {
                return false;
            };
            bound.parse::<i64>().is_ok_and(|bound| if larger { have > bound } else { have < bound })
        };
        match self.operator.as_str() {
            "In" => have.is_some_and(|have| self.values.contains(have)),
            "NotIn" => have.is_none_or(|have| !self.values.contains(have)),
            "Exists" => have.is_some(),
            "DoesNotExist" => have.is_none(),
            "Gt" => compare(true),
            "Lt" => compare(false),
            _ => false,
        }
    }
}

/// A `LabelSelector`, read once. The default one matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    /// `None` matches nothing, no requirement everything.
    requirements: Option<Vec<Requirement>>,
}

impl Selector {
    /// None matches nothing, an empty one everything.
    pub(crate) fn read(selector: Option<&Value>) -> Self {
        let Some(selector) = selector.filter(|s| s.is_object()) else { return Self::default() };
        let equal = labels_of(selector.get("matchLabels"));
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        let expressions = expressions.into_iter().flatten().map(Requirement::read);
        Self::of(equal.iter().map(|(key, value)| Requirement::equals(key, value)).chain(expressions))
    }

    pub(crate) fn of(requirements: impl IntoIterator<Item = Requirement>) -> Self {
        Self { requirements: Some(requirements.into_iter().collect()) }
    }

    /// Narrows it; what matches nothing still does.
    pub(crate) fn add(&mut self, requirement: Requirement) {
        if let Some(requirements) = self.requirements.as_mut().filter(|all| !all.contains(&requirement)) {
            requirements.push(requirement);
        }
    }

    /// Whether it matches everything.
    pub(crate) fn is_everything(&self) -> bool {
        self.requirements.as_ref().is_some_and(Vec::is_empty)
    }

    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        self.requirements.as_ref().is_some_and(|all| all.iter().all(|requirement| requirement.holds(labels)))
    }
}

/// Whether a `LabelSelector` matches. None matches nothing, an empty one everything.
pub(crate) fn matches(selector: Option<&Value>, labels: &Labels) -> bool {
    Selector::read(selector).matches(labels)
}

/// Whether one requirement of a node selector term holds.
pub(crate) fn expression(requirement: &Value, labels: &Labels) -> bool {
    Requirement::read(requirement).holds(labels)
}

/// Strings of a JSON list.
pub(crate) fn texts(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|value| Some(value.as_str()?.to_string())).collect()
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
