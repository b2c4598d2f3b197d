//! The few fields of a protobuf pod that room on nodes needs; prost skips the rest. Numbers from
//! `k8s.io/api/core/v1/generated.proto` and `k8s.io/apimachinery/.../generated.proto`.

use std::collections::HashMap;

use super::requests::{Actual, Part, Shape, Written};

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
    #[prost(message, repeated, tag = "20")]
    pub(crate) init_containers: Vec<Container>,
    #[prost(map = "string, message", tag = "32")]
    pub(crate) overhead: HashMap<String, Quantity>,
    #[prost(message, optional, tag = "40")]
    pub(crate) resources: Option<Resources>,
}

/// `core/v1.Container`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Container {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
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
