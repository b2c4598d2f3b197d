//! The few fields of a protobuf pod that room on nodes needs; prost skips the rest. Numbers from
//! `k8s.io/api/core/v1/generated.proto` and `k8s.io/apimachinery/.../generated.proto`.

use std::collections::HashMap;

use super::requests::{Actual, Part, Shape, Written};
use super::selector::{Requirement, Selector};
use super::term::{Port, Rules, Term};

/// `core/v1.Pod`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Pod {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<Metadata>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<Spec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<Status>,
}

/// `meta/v1.ObjectMeta`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Metadata {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "3")]
    pub(crate) namespace: String,
    #[prost(message, optional, tag = "9")]
    pub(crate) deletion_timestamp: Option<Time>,
    #[prost(map = "string, string", tag = "11")]
    pub(crate) labels: HashMap<String, String>,
}

/// `meta/v1.Time`: only whether it is there.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Time {}

/// `core/v1.PodSpec`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Spec {
    #[prost(message, repeated, tag = "2")]
    pub(crate) containers: Vec<Container>,
    #[prost(string, tag = "10")]
    pub(crate) node_name: String,
    #[prost(message, optional, tag = "18")]
    pub(crate) affinity: Option<Affinity>,
    #[prost(message, repeated, tag = "20")]
    pub(crate) init_containers: Vec<Container>,
    #[prost(int64, tag = "25")]
    pub(crate) priority: i64,
    #[prost(map = "string, message", tag = "32")]
    pub(crate) overhead: HashMap<String, Quantity>,
    #[prost(message, optional, tag = "40")]
    pub(crate) resources: Option<Resources>,
}

/// `core/v1.Affinity`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Affinity {
    #[prost(message, optional, tag = "2")]
    pub(crate) near: Option<PodAffinity>,
    #[prost(message, optional, tag = "3")]
    pub(crate) apart: Option<PodAffinity>,
}

/// `core/v1.PodAffinity`, and `PodAntiAffinity`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PodAffinity {
    #[prost(message, repeated, tag = "1")]
    pub(crate) required: Vec<AffinityTerm>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) preferred: Vec<WeightedTerm>,
}

/// `core/v1.PodAffinityTerm`; the API server has merged `matchLabelKeys` into the selector.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AffinityTerm {
    #[prost(message, optional, tag = "1")]
    pub(crate) selector: Option<LabelSelector>,
    #[prost(string, repeated, tag = "2")]
    pub(crate) namespaces: Vec<String>,
    #[prost(string, tag = "3")]
    pub(crate) topology: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) namespace_selector: Option<LabelSelector>,
}

/// `core/v1.WeightedPodAffinityTerm`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct WeightedTerm {
    #[prost(int64, tag = "1")]
    pub(crate) weight: i64,
    #[prost(message, optional, tag = "2")]
    pub(crate) term: Option<AffinityTerm>,
}

/// `meta/v1.LabelSelector`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct LabelSelector {
    #[prost(map = "string, string", tag = "1")]
    pub(crate) labels: HashMap<String, String>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) expressions: Vec<Expression>,
}

/// `meta/v1.LabelSelectorRequirement`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Expression {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) operator: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) values: Vec<String>,
}

/// `core/v1.ContainerPort`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ContainerPort {
    #[prost(int64, tag = "2")]
    pub(crate) host_port: i64,
    #[prost(string, tag = "4")]
    pub(crate) protocol: String,
    #[prost(string, tag = "5")]
    pub(crate) host_ip: String,
}

/// `core/v1.Container`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Container {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, repeated, tag = "6")]
    pub(crate) ports: Vec<ContainerPort>,
    #[prost(message, optional, tag = "8")]
    pub(crate) resources: Option<Resources>,
    #[prost(string, tag = "24")]
    pub(crate) restart_policy: String,
}

/// `core/v1.ResourceRequirements`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Resources {
    #[prost(map = "string, message", tag = "1")]
    pub(crate) limits: HashMap<String, Quantity>,
    #[prost(map = "string, message", tag = "2")]
    pub(crate) requests: HashMap<String, Quantity>,
}

/// `resource.Quantity`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Quantity {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
}

/// `core/v1.PodStatus`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Status {
    #[prost(string, tag = "1")]
    pub(crate) phase: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) conditions: Vec<Condition>,
    #[prost(string, tag = "11")]
    pub(crate) nominated: String,
    #[prost(message, repeated, tag = "8")]
    pub(crate) container_statuses: Vec<ContainerStatus>,
    #[prost(message, repeated, tag = "10")]
    pub(crate) init_container_statuses: Vec<ContainerStatus>,
    #[prost(map = "string, message", tag = "19")]
    pub(crate) allocated: HashMap<String, Quantity>,
    #[prost(message, optional, tag = "20")]
    pub(crate) resources: Option<Resources>,
}

/// `core/v1.PodCondition`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Condition {
    #[prost(string, tag = "1")]
    pub(crate) kind: String,
    #[prost(string, tag = "5")]
    pub(crate) reason: String,
}

/// `core/v1.ContainerStatus`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ContainerStatus {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(map = "string, message", tag = "10")]
    pub(crate) allocated: HashMap<String, Quantity>,
    #[prost(message, optional, tag = "11")]
    pub(crate) resources: Option<Resources>,
}

impl Pod {
    /// The pod as far as requests go.
    pub(crate) fn shape(&self) -> Shape {
        let mut shape = Shape::default();
        if let Some(spec) = &self.spec {
            shape.containers = spec.containers.iter().map(part).collect();
            shape.init = spec.init_containers.iter().map(part).collect();
            shape.overhead = written(&spec.overhead);
            if let Some(resources) = &spec.resources {
                shape.pod_requests = written(&resources.requests);
                shape.pod_limits = written(&resources.limits);
            }
        }
        if let Some(status) = &self.status {
            let all = status.container_statuses.iter().chain(&status.init_container_statuses);
            shape.actual = all.filter_map(|s| actual(&s.name, s.resources.as_ref(), &s.allocated)).collect();
            shape.pod_actual = actual("", status.resources.as_ref(), &status.allocated);
            shape.resize_infeasible =
                status.conditions.iter().any(|c| c.kind == "PodResizePending" && c.reason == "Infeasible");
        }
        shape
    }
}

impl Spec {
    /// What it asks of its neighbours; `namespace` is the pod's.
    pub(crate) fn rules(&self, namespace: &str) -> Rules {
        let sides = self.affinity.as_ref().map(|affinity| [(&affinity.near, 1), (&affinity.apart, -1)]);
        let required = |side: &Option<PodAffinity>| -> Vec<Term> {
            side.iter().flat_map(|side| &side.required).map(|term| term.read(0, namespace)).collect()
        };
        let preferred = |(side, sign): (&Option<PodAffinity>, i64)| -> Vec<Term> {
            let terms = side.iter().flat_map(|side| &side.preferred);
            terms.filter_map(|one| Some(one.term.as_ref()?.read(sign * one.weight, namespace))).collect()
        };
        let [near, apart] = sides.map_or([None, None], |sides| sides.map(|(side, _)| Some(required(side))));
        let stays = self.init_containers.iter().filter(|c| c.restart_policy == "Always");
        let taken = stays.chain(&self.containers).flat_map(|c| &c.ports).filter(|port| port.host_port > 0);
        Rules {
            near: near.unwrap_or_default(),
            apart: apart.unwrap_or_default(),
            preferred: sides.into_iter().flatten().flat_map(preferred).collect(),
            ports: taken.map(|port| Port::new(&port.host_ip, &port.protocol, port.host_port)).collect(),
            priority: self.priority,
        }
    }
}

impl AffinityTerm {
    fn read(&self, weight: i64, namespace: &str) -> Term {
        let selector = |selector: Option<&LabelSelector>| selector.map(LabelSelector::read).unwrap_or_default();
        Term {
            selector: selector(self.selector.as_ref()),
            namespaces: self.namespaces.clone(),
            namespace_selector: selector(self.namespace_selector.as_ref()),
            topology: self.topology.clone(),
            weight,
        }
        .at_home(namespace)
    }
}

impl LabelSelector {
    fn read(&self) -> Selector {
        let equal = self.labels.iter().map(|(key, value)| Requirement::equals(key, value));
        Selector::of(equal.chain(self.expressions.iter().map(|e| Requirement {
            key: e.key.clone(),
            operator: e.operator.clone(),
            values: e.values.clone(),
        })))
    }
}

fn part(container: &Container) -> Part {
    let resources = container.resources.as_ref();
    Part {
        name: container.name.clone(),
        requests: resources.map(|r| written(&r.requests)).unwrap_or_default(),
        limits: resources.map(|r| written(&r.limits)).unwrap_or_default(),
        restartable: container.restart_policy == "Always",
    }
}

fn actual(name: &str, resources: Option<&Resources>, allocated: &HashMap<String, Quantity>) -> Option<Actual> {
    let resources = resources?;
    Some(Actual { name: name.into(), requests: written(&resources.requests), allocated: written(allocated) })
}

fn written(map: &HashMap<String, Quantity>) -> Written {
    map.iter().map(|(name, quantity)| (name.clone(), quantity.text.clone())).collect()
}
