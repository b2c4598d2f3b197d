//! What a pod says of other pods and of the node's ports: affinity terms, host ports, priority.

use std::collections::BTreeMap;

use serde_json::Value;

use super::selector::{Labels, Requirement, Selector, texts};

/// One term of pod affinity or anti-affinity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Term {
    pub(crate) selector: Selector,
    /// Never empty unless there is a namespace selector: the pod's own by default.
    pub(crate) namespaces: Vec<String>,
    pub(crate) namespace_selector: Selector,
    pub(crate) topology: String,
    /// Of a preference: positive draws near, negative keeps away. 0 for what is required.
    pub(crate) weight: i64,
}

impl Term {
    /// Whether it speaks of a pod with these labels in this namespace.
    pub(crate) fn concerns(&self, namespace: &str, labels: &Labels, namespaces: &BTreeMap<String, Labels>) -> bool {
        let selected = || namespaces.get(namespace).is_some_and(|labels| self.namespace_selector.matches(labels));
        let everywhere = self.namespace_selector.is_everything();
        let inside = everywhere || self.namespaces.iter().any(|named| named == namespace) || selected();
        inside && self.selector.matches(labels)
    }

    fn read(term: &Value, weight: i64, namespace: &str, labels: &Labels) -> Self {
        let mut selector = Selector::read(term.get("labelSelector"));
        let keys = |list: &str| texts(term.get(list)).into_iter().filter_map(|key| labels.get_key_value(&key));
        keys("matchLabelKeys").for_each(|(key, value)| selector.add(Requirement::equals(key, value)));
        keys("mismatchLabelKeys").for_each(|(key, value)| selector.add(Requirement::differs(key, value)));
        Self {
            selector,
            namespace_selector: Selector::read(term.get("namespaceSelector")),
            namespaces: texts(term.get("namespaces")),
            topology: term.get("topologyKey").and_then(Value::as_str).unwrap_or_default().to_string(),
            weight,
        }
        .at_home(namespace)
    }

    /// Without namespaces and selector of its own it speaks of the pod's namespace.
    pub(crate) fn at_home(mut self, namespace: &str) -> Self {
        if self.namespaces.is_empty() && self.namespace_selector == Selector::default() {
            self.namespaces.push(namespace.to_string());
        }
        self
    }
}

/// A port of the node that a pod takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) ip: String,
    pub(crate) protocol: String,
    pub(crate) number: i64,
}

impl Port {
    pub(crate) fn new(ip: &str, protocol: &str, number: i64) -> Self {
        let or = |text: &str, default: &str| if text.is_empty() { default.to_string() } else { text.to_string() };
        Self { ip: or(ip, ANY), protocol: or(protocol, "TCP"), number }
    }

    pub(crate) fn conflicts(&self, other: &Self) -> bool {
        let same = self.protocol == other.protocol && self.number == other.number;
        same && (self.ip == ANY || other.ip == ANY || self.ip == other.ip)
    }
}

const ANY: &str = "0.0.0.0";

/// What a pod, with a node or without one, asks of its neighbours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// Required affinity.
    pub(crate) near: Vec<Term>,
    /// Required anti-affinity.
    pub(crate) apart: Vec<Term>,
    /// Preferences of both kinds.
    pub(crate) preferred: Vec<Term>,
    pub(crate) ports: Vec<Port>,
    pub(crate) priority: i64,
}

impl Rules {
    /// From a pod spec; namespace and labels are the pod's.
    pub(crate) fn read(spec: &Value, namespace: &str, labels: &Labels) -> Self {
        let required = |kind: &str| {
            let terms = spec.pointer(&format!("/affinity/{kind}/requiredDuringSchedulingIgnoredDuringExecution"));
            let terms = terms.and_then(Value::as_array).into_iter().flatten();
            terms.map(|term| Term::read(term, 0, namespace, labels)).collect()
        };
        let preferred = |kind: &str, sign: i64| {
            let terms = spec.pointer(&format!("/affinity/{kind}/preferredDuringSchedulingIgnoredDuringExecution"));
            let terms: Vec<Term> = terms
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|term| {
                    let weight = term.get("weight").and_then(Value::as_i64)?;
                    Some(Term::read(term.get("podAffinityTerm")?, sign * weight, namespace, labels))
                })
                .collect();
            terms
        };
        let mut preferences = preferred("podAffinity", 1);
        preferences.extend(preferred("podAntiAffinity", -1));
        Self {
            near: required("podAffinity"),
            apart: required("podAntiAffinity"),
            preferred: preferences,
            ports: ports(spec),
            priority: spec.get("priority").and_then(Value::as_i64).unwrap_or_default(),
        }
    }

    /// Whether it has a word about other pods.
    pub(crate) fn is_social(&self) -> bool {
        !(self.near.is_empty() && self.apart.is_empty() && self.preferred.is_empty())
    }
}

/// Host ports of the containers that stay: a pod in the host's network takes all its ports there.
fn ports(spec: &Value) -> Vec<Port> {
    let host = spec.get("hostNetwork").and_then(Value::as_bool).unwrap_or_default();
    let list = |name: &str| spec.get(name).and_then(Value::as_array).into_iter().flatten();
    let stays = |c: &&Value| c.get("restartPolicy").and_then(Value::as_str) == Some("Always");
    list("initContainers")
        .filter(stays)
        .chain(list("containers"))
        .filter_map(|container| container.get("ports")?.as_array())
        .flatten()
        .filter_map(|port| {
            let number = |key: &str| port.get(key).and_then(Value::as_i64).filter(|number| *number > 0);
            let word = |key: &str| port.get(key).and_then(Value::as_str).unwrap_or_default();
            let taken = number("hostPort").or_else(|| number("containerPort").filter(|_| host))?;
            Some(Port::new(word("hostIP"), word("protocol"), taken))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_term_speaks_of_its_own_namespace_unless_it_names_others() {
        let labels = Labels::from([("app".into(), "x".into())]);
        let namespaces = BTreeMap::from([("b".to_string(), Labels::from([("team".into(), "two".into())]))]);
        let read = |extra: &Value| {
            let mut term = json!({"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "zone"});
            for (key, value) in extra.as_object().unwrap() {
                term[key] = value.clone();
            }
            let terms = json!([term]);
            let spec = json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}});
            Rules::read(&spec, "a", &labels).near.remove(0)
        };
        for (extra, at_home, elsewhere) in [
            (json!({}), true, false),
            (json!({"namespaces": ["b"]}), false, true),
            (json!({"namespaceSelector": {}}), true, true),
            (json!({"namespaceSelector": {"matchLabels": {"team": "two"}}}), false, true),
            (json!({"namespaces": ["a"], "namespaceSelector": {"matchLabels": {"team": "two"}}}), true, true),
            (json!({"mismatchLabelKeys": ["app"]}), false, false),
            (json!({"matchLabelKeys": ["app", "missing"]}), true, false),
        ] {
            let term = read(&extra);
            let speaks = |namespace: &str| term.concerns(namespace, &labels, &namespaces);
            assert_eq!((speaks("a"), speaks("b")), (at_home, elsewhere), "{extra}");
        }
    }

    #[test]
    fn ports_conflict_on_the_same_address_or_on_all() {
        let port = |ip: &str, number| Port::new(ip, "", number);
        assert!(port("", 80).conflicts(&port("10.0.0.1", 80)));
        assert!(!port("10.0.0.2", 80).conflicts(&port("10.0.0.1", 80)));
        assert!(!port("", 80).conflicts(&port("", 81)));
        assert!(!port("", 80).conflicts(&Port::new("", "UDP", 80)));
        let spec = json!({"hostNetwork": true, "containers": [{"ports": [{"containerPort": 9100}]}],
            "initContainers": [{"ports": [{"containerPort": 1}]}]});
        assert_eq!(Rules::read(&spec, "a", &Labels::new()).ports, [port("", 9100)]);
    }
}
