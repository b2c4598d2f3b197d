//! `metrics.k8s.io/v1beta1` as metrics-server answers it: what nodes and pods use, from functions that are given.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::sim::clock;

use super::access::Objects;
use super::gvr::Gvr;
use super::object;
use super::selectors::LabelSelector;
use super::status::Status;

/// The API group.
pub const GROUP: &str = "metrics.k8s.io";
/// Its one version.
pub const VERSION: &str = "v1beta1";
/// Over what time usage is measured.
const WINDOW: &str = "20s";

/// What somebody uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Billionths of a core.
    pub nano_cores: u64,
    /// Bytes.
    pub memory: u64,
}

impl Usage {
    fn to_value(self) -> Value {
        json!({"cpu": format!("{}n", self.nano_cores), "memory": format!("{}Ki", self.memory / 1024)})
    }
}

/// What a node uses; nothing if that was not measured.
pub type OfNode = Arc<dyn Fn(&Value) -> Option<Usage> + Send + Sync>;
/// What the containers of a running pod use, by name; nothing if that was not measured.
pub type OfPod = Arc<dyn Fn(&Value) -> Option<Vec<(String, Usage)>> + Send + Sync>;

/// Answers what is in use.
#[derive(Clone)]
pub struct Metrics {
    node: OfNode,
    pod: OfPod,
}

impl Metrics {
    /// From what nodes and pods use.
    pub fn new(node: OfNode, pod: OfPod) -> Self {
        Self { node, pod }
    }

    /// The group, as `/apis` lists it.
    pub fn group() -> Value {
        let version = json!({"groupVersion": format!("{GROUP}/{VERSION}"), "version": VERSION});
        json!({"name": GROUP, "versions": [version], "preferredVersion": version})
    }

    /// The answer of `/apis/metrics.k8s.io/v1beta1`.
    pub fn resources() -> Value {
        let resource = |name: &str, kind: &str, namespaced: bool| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"]});
        json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{GROUP}/{VERSION}"),
            "resources": [resource("nodes", "NodeMetrics", false), resource("pods", "PodMetrics", true)],
        })
    }

    /// Answers for one object by name.
    pub fn get(
        &self,
        objects: &dyn Objects,
        plural: &str,
        place: (&str, &str),
        now: Timestamp,
    ) -> Result<Value, Status> {
        let (namespace, name) = place;
        let found = objects.find("", plural, namespace, name);
        let answer = found.and_then(|object| self.one(plural, &object, now));
        // metrics-server names what it has, not what was asked for.
        let (kind, name) = match plural {
            "nodes" => ("nodemetrics", name.to_owned()),
            "pods" => ("podmetrics", format!("{namespace}/{name}")),
            _ => return Err(Status::no_such_resource().with_empty_details()),
        };
        answer.ok_or_else(|| Status::not_found(&Gvr::new(GROUP, VERSION, kind), &name))
    }

    /// Answers for all whose labels fit; pods of one namespace, or everywhere with an empty one.
    pub fn list(
        &self,
        objects: &dyn Objects,
        plural: &str,
        namespace: &str,
        selector: &str,
        now: Timestamp,
    ) -> Result<Value, Status> {
        let kind = match plural {
            "nodes" => "NodeMetricsList",
            "pods" => "PodMetricsList",
            _ => return Err(Status::no_such_resource().with_empty_details()),
        };
        let selector = LabelSelector::parse(selector)?;
        let all = objects.list("", plural, namespace);
        let items = all.iter().filter(|object| selector.matches(object));
        let items: Vec<Value> = items.filter_map(|object| self.one(plural, object, now)).collect();
        Ok(json!({"kind": kind, "apiVersion": format!("{GROUP}/{VERSION}"), "metadata": {}, "items": items}))
    }

    fn one(&self, plural: &str, of: &Value, now: Timestamp) -> Option<Value> {
        let mut metadata = Map::new();
        for field in ["name", "namespace"] {
            metadata.extend(of["metadata"].get(field).map(|value| (field.to_owned(), value.clone())));
        }
        metadata.insert("creationTimestamp".into(), json!(clock::stamp(now)));
        metadata.extend(of["metadata"].get("labels").map(|labels| ("labels".to_owned(), labels.clone())));
        let mut answer = json!({
            "kind": if plural == "nodes" { "NodeMetrics" } else { "PodMetrics" },
            "apiVersion": format!("{GROUP}/{VERSION}"),
            "metadata": metadata, "timestamp": clock::stamp(now), "window": WINDOW,
        });
        if plural == "nodes" {
            answer["usage"] = (self.node)(of)?.to_value();
        } else {
            if of["status"]["phase"] != "Running" || object::is_deleting(of) {
                return None;
            }
            let containers = (self.pod)(of)?.into_iter();
            answer["containers"] =
                containers.map(|(name, usage)| json!({"name": name, "usage": usage.to_value()})).collect();
        }
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Few;

    impl Objects for Few {
        fn find(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
            self.list(group, plural, namespace).into_iter().find(|object| object::name(object) == name)
        }

        fn list(&self, _: &str, plural: &str, _: &str) -> Vec<Arc<Value>> {
            let pod = |name: &str, phase: &str| json!({"metadata": {"name": name, "namespace": "a", "labels": {"app": name}}, "status": {"phase": phase}});
            match plural {
                "nodes" => vec![Arc::new(json!({"metadata": {"name": "n1"}}))],
                _ => vec![Arc::new(pod("web", "Running")), Arc::new(pod("old", "Succeeded"))],
            }
        }
    }

    #[test]
    fn answers_as_metrics_server_does() {
        let usage = Usage { nano_cores: 1_500_000_000, memory: 3 << 20 };
        let metrics = Metrics::new(Arc::new(move |_| Some(usage)), Arc::new(move |_| Some(vec![("c".into(), usage)])));
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let node = metrics.get(&Few, "nodes", ("", "n1"), now).unwrap();
        assert_eq!(
            node,
            json!({"kind": "NodeMetrics", "apiVersion": "metrics.k8s.io/v1beta1",
                "metadata": {"name": "n1", "creationTimestamp": "2026-11-24T10:00:00Z"},
                "timestamp": "2026-11-24T10:00:00Z", "window": "20s", "usage": {"cpu": "1500000000n", "memory": "3072Ki"}})
        );
        let pods = metrics.list(&Few, "pods", "a", "", now).unwrap();
        assert_eq!(pods["items"].as_array().unwrap().len(), 1, "ended pods use nothing");
        assert_eq!(pods["items"][0]["containers"][0]["usage"]["memory"], "3072Ki");
        assert_eq!(metrics.list(&Few, "pods", "a", "app=other", now).unwrap()["items"], json!([]));
        let gone = |plural, place| metrics.get(&Few, plural, place, now).unwrap_err().message().to_owned();
        assert_eq!(gone("nodes", ("", "n2")), "nodemetrics.metrics.k8s.io \"n2\" not found");
        assert_eq!(gone("pods", ("a", "old")), "podmetrics.metrics.k8s.io \"a/old\" not found");
    }
}
