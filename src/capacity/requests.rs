//! What a pod effectively asks for: kubernetes component-helpers `resource/helpers.go`, KEP-753 (restartable init
//! containers), KEP-2837 (pod-level resources), KEP-1287 (in-place resize).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::manifest::quantity::Quantity;

/// Amounts of resources: CPU in thousandths of a core, everything else in units (bytes).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// CPU in thousandths of a core.
    pub cpu_milli: i64,
    /// Memory in bytes.
    pub memory: i64,
    /// Ephemeral storage in bytes.
    pub ephemeral: i64,
    /// Huge pages and extended resources, in units.
    pub other: BTreeMap<String, i64>,
}

impl Requests {
    /// Sets one resource from a Kubernetes quantity. What is not a quantity counts as nothing: the API server has
    /// refused it before.
    pub(crate) fn set(&mut self, name: &str, quantity: &str) {
        *self.slot(name) = parse(name, quantity);
    }

    /// Adds to one resource.
    pub(crate) fn add_one(&mut self, name: &str, amount: i64) {
        let slot = self.slot(name);
        *slot = slot.saturating_add(amount);
    }

    fn slot(&mut self, name: &str) -> &mut i64 {
        match name {
            "cpu" => &mut self.cpu_milli,
            "memory" => &mut self.memory,
            "ephemeral-storage" => &mut self.ephemeral,
            _ => self.other.entry(name.to_string()).or_default(),
        }
    }

    /// The amount of one resource, in its unit.
    pub fn get(&self, name: &str) -> i64 {
        match name {
            "cpu" => self.cpu_milli,
            "memory" => self.memory,
            "ephemeral-storage" => self.ephemeral,
            _ => self.other.get(name).copied().unwrap_or_default(),
        }
    }

    /// Each resource that is not zero, by name.
    pub fn named(&self) -> Vec<(&str, i64)> {
        let plain =
            [("cpu", self.cpu_milli), ("memory", self.memory), ("ephemeral-storage", self.ephemeral)].into_iter();
        let other = self.other.iter().map(|(name, amount)| (name.as_str(), *amount));
        plain.chain(other).filter(|(_, amount)| *amount != 0).collect()
    }

    /// Adds another set.
    pub fn add(&mut self, more: &Self) {
        self.cpu_milli = self.cpu_milli.saturating_add(more.cpu_milli);
        self.memory = self.memory.saturating_add(more.memory);
        self.ephemeral = self.ephemeral.saturating_add(more.ephemeral);
        for (name, amount) in &more.other {
            self.add_one(name, *amount);
        }
    }

    /// Takes another set away; may become negative.
    pub fn subtract(&mut self, less: &Self) {
        self.cpu_milli -= less.cpu_milli;
        self.memory -= less.memory;
        self.ephemeral -= less.ephemeral;
        for (name, amount) in &less.other {
            self.add_one(name, -amount);
        }
    }

    fn raise_to(&mut self, floor: &Self) {
        self.cpu_milli = self.cpu_milli.max(floor.cpu_milli);
        self.memory = self.memory.max(floor.memory);
        self.ephemeral = self.ephemeral.max(floor.ephemeral);
        for (name, amount) in &floor.other {
            let slot = self.slot(name);
            *slot = (*slot).max(*amount);
        }
    }
}

/// A quantity of a named resource in its unit.
pub(crate) fn parse(name: &str, quantity: &str) -> i64 {
    let quantity = Quantity::parse(quantity).unwrap_or_default();
    if name == "cpu" { quantity.millis() } else { quantity.bytes() }
}

/// Requests or limits as they were written: name and quantity.
pub(crate) type Written = Vec<(String, String)>;

/// One container, as far as requests go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) requests: Written,
    pub(crate) limits: Written,
    /// An init container with `restartPolicy: Always`.
    pub(crate) restartable: bool,
}

/// What a container's status says of its resources, while or after a resize in place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actual {
    pub(crate) name: String,
    pub(crate) requests: Written,
    pub(crate) allocated: Written,
}

/// A pod, as far as requests go: from its protobuf form or from JSON.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) containers: Vec<Part>,
    pub(crate) init: Vec<Part>,
    pub(crate) pod_requests: Written,
    pub(crate) pod_limits: Written,
    pub(crate) overhead: Written,
    /// Containers whose status holds `resources`.
    pub(crate) actual: Vec<Actual>,
    /// Pod-level amounts of the status, when it holds `resources`.
    pub(crate) pod_actual: Option<Actual>,
    /// The kubelet said that the resize can't be done.
    pub(crate) resize_infeasible: bool,
}

impl Shape {
    /// The effective request of the pod.
    pub(crate) fn effective(&self) -> Requests {
        let mut total = Requests::default();
        for part in &self.containers {
            total.add(&self.container(part, true));
        }
        let (mut restartable, mut init) = (Requests::default(), Requests::default());
        for part in &self.init {
            let mut own = self.container(part, part.restartable);
            if part.restartable {
                total.add(&own);
                restartable.add(&own);
                own = restartable.clone();
            } else {
                own.add(&restartable);
            }
            init.raise_to(&own);
        }
        total.raise_to(&init);
        self.apply_pod_level(&mut total);
        total.add(&amounts(&self.overhead));
        total
    }

    /// CPU and memory as the scheduler counts them when it compares nodes: a container that asks for none counts as a
    /// small one.
    pub(crate) fn nonzero(&self) -> (i64, i64) {
        let mut shape = self.clone();
        for part in shape.containers.iter_mut().chain(&mut shape.init) {
            for (name, default) in [("cpu", "100m"), ("memory", "200Mi")] {
                if !part.requests.iter().chain(&part.limits).any(|(known, _)| known == name) {
                    part.requests.push((name.into(), default.into()));
                }
            }
        }
        let requests = shape.effective();
        (requests.cpu_milli, requests.memory)
    }

    /// The same without pod-level requests, which the scheduler overlooks when it compares nodes for the pod (1.36).
    pub(crate) fn nonzero_of_containers(&self) -> (i64, i64) {
        let nothing = Written::new();
        let (pod_requests, pod_limits) = (nothing.clone(), nothing);
        Self { pod_requests, pod_limits, ..self.clone() }.nonzero()
    }

    fn container(&self, part: &Part, resizable: bool) -> Requests {
        let mut own = amounts(&part.limits);
        for (name, quantity) in &part.requests {
            own.set(name, quantity);
        }
        match self.actual.iter().find(|actual| resizable && actual.name == part.name) {
            Some(actual) => self.resized(own, actual),
            None => own,
        }
    }

    fn resized(&self, wanted: Requests, actual: &Actual) -> Requests {
        let mut own = if self.resize_infeasible { Requests::default() } else { wanted };
        own.raise_to(&amounts(&actual.requests));
        own.raise_to(&amounts(&actual.allocated));
        own
    }

    /// Pod-level requests replace the containers' sum, for CPU, memory and huge pages. A pod-level limit without a
    /// request counts as one where no container asks for that resource (the API server's default).
    fn apply_pod_level(&self, total: &mut Requests) {
        let mut level = Requests::default();
        let mut names: Vec<&str> = Vec::new();
        for (name, quantity) in self.pod_limits.iter().filter(|(name, _)| is_pod_level(name)) {
            if total.get(name) == 0 {
                level.set(name, quantity);
                names.push(name);
            }
        }
        for (name, quantity) in self.pod_requests.iter().filter(|(name, _)| is_pod_level(name)) {
            level.set(name, quantity);
            names.push(name);
        }
        if let Some(actual) = &self.pod_actual {
            level = self.resized(level, actual);
        }
        for name in names {
            *total.slot(name) = level.get(name);
        }
    }
}

fn is_pod_level(name: &str) -> bool {
    name == "cpu" || name == "memory" || name.starts_with("hugepages-")
}

fn amounts(written: &Written) -> Requests {
    let mut requests = Requests::default();
    for (name, quantity) in written {
        requests.set(name, quantity);
    }
    requests
}

/// The effective request of a pod spec (a Pod's `spec` or a template's).
pub fn effective(pod_spec: &Value) -> Requests {
    shape_of_spec(pod_spec).effective()
}

/// A pod spec in JSON.
pub(crate) fn shape_of_spec(spec: &Value) -> Shape {
    Shape {
        containers: parts(spec, "containers"),
        init: parts(spec, "initContainers"),
        pod_requests: written(spec.pointer("/resources/requests")),
        pod_limits: written(spec.pointer("/resources/limits")),
        overhead: written(spec.get("overhead")),
        ..Shape::default()
    }
}

/// A whole pod in JSON, with what its status says of resizes.
pub(crate) fn shape_of_pod(pod: &Value) -> Shape {
    let mut shape = pod.get("spec").map(shape_of_spec).unwrap_or_default();
    let actual = |status: &Value| {
        status.get("resources").is_some_and(|r| !r.is_null()).then(|| Actual {
            name: text(status, "name"),
            requests: written(status.pointer("/resources/requests")),
            allocated: written(status.get("allocatedResources")),
        })
    };
    for list in ["containerStatuses", "initContainerStatuses"] {
        let statuses = pod.pointer(&format!("/status/{list}")).and_then(Value::as_array);
        shape.actual.extend(statuses.into_iter().flatten().filter_map(actual));
    }
    shape.pod_actual = pod.get("status").and_then(actual);
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    shape.resize_infeasible = conditions
        .into_iter()
        .flatten()
        .any(|c| text(c, "type") == "PodResizePending" && text(c, "reason") == "Infeasible");
    shape
}

fn parts(spec: &Value, list: &str) -> Vec<Part> {
    let containers = spec.get(list).and_then(Value::as_array);
    containers
        .into_iter()
        .flatten()
        .map(|container| Part {
            name: text(container, "name"),
            requests: written(container.pointer("/resources/requests")),
            limits: written(container.pointer("/resources/limits")),
            restartable: text(container, "restartPolicy") == "Always",
        })
        .collect()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_string()
}

/// Quantities of a JSON map; a bare number is a quantity too.
pub(crate) fn written(map: Option<&Value>) -> Written {
    let entries = map.and_then(Value::as_object);
    entries
        .into_iter()
        .flatten()
        .filter_map(|(name, quantity)| match quantity {
            Value::String(text) => Some((name.clone(), text.clone())),
            Value::Number(number) => Some((name.clone(), number.to_string())),
            _ => None,
        })
        .collect()
}

/// Requests from a JSON map of quantities (`status.allocatable`, a quota's `hard`).
pub(crate) fn requests_of(map: Option<&Value>) -> Requests {
    amounts(&written(map))
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
