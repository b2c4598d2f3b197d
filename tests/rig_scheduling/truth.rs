//! The true scheduler: puts a situation before it and says what became of each pod.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use dpb::cluster::Cluster;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::situation::{NAMESPACES, Situation};

/// What became of a situation.
pub(crate) struct Outcome {
    /// Workloads with pods that have no node.
    pub(crate) pending: BTreeSet<String>,
    /// Pods that ran before and were evicted.
    pub(crate) evicted: usize,
}

impl Outcome {
    pub(crate) fn fits(&self) -> bool {
        self.pending.is_empty() && self.evicted == 0
    }
}

const PLURALS: [(&str, &str); 5] = [
    ("apis/apps/v1", "deployments"),
    ("apis/apps/v1", "statefulsets"),
    ("apis/apps/v1", "daemonsets"),
    ("apis/batch/v1", "jobs"),
    ("apis/apps/v1", "replicasets"),
];

pub(crate) struct Rig {
    pub(crate) cluster: Cluster,
    client: kube::Client,
}

impl Rig {
    pub(crate) fn new(cluster: Cluster) -> Self {
        let client = cluster.client();
        Self { cluster, client }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = http::Request::builder().method(method).uri(path).header("content-type", "application/json");
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        let result = self.client.request::<Value>(request.body(body).unwrap()).await;
        result.unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    async fn create(&self, object: &Value) {
        let (version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
        let root = if version == "v1" { "/api/v1".to_string() } else { format!("/apis/{version}") };
        let plural = if kind.ends_with("Class") {
            format!("{}es", kind.to_lowercase())
        } else {
            format!("{}s", kind.to_lowercase())
        };
        let path = match object["metadata"]["namespace"].as_str() {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}?fieldValidation=Strict"),
            None => format!("{root}/{plural}?fieldValidation=Strict"),
        };
        self.call("POST", &path, object).await;
    }

    pub(crate) async fn items(&self, path: &str) -> Vec<Value> {
        self.call("GET", path, &Value::Null).await["items"].as_array().cloned().unwrap_or_default()
    }

    /// What all situations share. No stage may complete a Job's pods or make a node ready behind our back.
    pub(crate) async fn prepare(&self) {
        for stage in ["node-initialize", "pod-complete"] {
            self.call("DELETE", &format!("/apis/kwok.x-k8s.io/v1alpha1/stages/{stage}"), &Value::Null).await;
        }
        self.call("DELETE", "/api/v1/nodes", &Value::Null).await;
        for (name, team) in NAMESPACES.into_iter().zip(["one", "two"]) {
            self.create(
                &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": team}}}),
            )
            .await;
        }
        for (name, value, policy) in [
            ("sched-high", 1000, "PreemptLowerPriority"),
            ("sched-polite", 900, "Never"),
            ("sched-low", 10, "PreemptLowerPriority"),
            ("sched-lowest", -10, "PreemptLowerPriority"),
        ] {
            self.create(
                &json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
                "value": value, "preemptionPolicy": policy}),
            )
            .await;
        }
        self.create(
            &json!({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "sched-heavy"},
            "handler": "heavy", "overhead": {"podFixed": {"cpu": "250m", "memory": "120Mi"}}}),
        )
        .await;
        for namespace in NAMESPACES {
            let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
            self.until("service accounts", async || !self.items(&path).await.is_empty()).await;
        }
    }

    async fn until(&self, what: &str, done: impl AsyncFn() -> bool) {
        let began = Instant::now();
        while !done().await {
            assert!(began.elapsed() < Duration::from_secs(30), "no end of waiting for {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Nodes and the pods on them.
    pub(crate) async fn furnish(&self, situation: &Situation) {
        join_all(situation.nodes.iter().map(|node| self.arrive(node))).await;
        join_all(situation.running.iter().map(|pod| self.create(pod))).await;
    }

    /// A node, with the taints that the node controller would give it after a while.
    async fn arrive(&self, node: &Value) {
        self.create(node).await;
        let mark = |key: &str| json!({"key": format!("node.kubernetes.io/{key}"), "effect": "NoSchedule"});
        let mut taints = node["spec"]["taints"].as_array().unwrap().clone();
        taints.extend((node["status"]["conditions"][0]["status"] != "True").then(|| mark("not-ready")));
        taints.extend((node["spec"]["unschedulable"] == true).then(|| mark("unschedulable")));
        let name = node["metadata"]["name"].as_str().unwrap();
        let patch = json!({"spec": {"taints": taints}});
        self.cluster.merge_patch("Node", None, name, &patch, None).await.unwrap();
    }

    pub(crate) async fn pods(&self) -> Vec<Value> {
        self.items("/api/v1/pods?resourceVersion=0").await
    }

    /// Lets the workloads come, one after the other as they are applied, and waits until the scheduler has nothing left
    /// to do.
    pub(crate) async fn come(&self, situation: &Situation) {
        for workload in &situation.workloads {
            self.create(workload).await;
        }
        self.settled(situation, Duration::from_millis(120)).await;
    }

    /// Waits until every pod is there and has a node or was refused, and for some quiet where one was refused: it is
    /// tried again when others come or go.
    pub(crate) async fn settled(&self, situation: &Situation, quiet: Duration) {
        let (began, mut since, mut last) = (Instant::now(), Instant::now(), String::new());
        loop {
            tokio::time::sleep(Duration::from_millis(15)).await;
            assert!(began.elapsed() < Duration::from_mins(1), "{} does not settle", situation.name);
            let pods = self.pods().await;
            let now: Vec<String> = pods
                .iter()
                .map(|p| format!("{}{}{}", p["metadata"]["uid"], p["spec"]["nodeName"], p["status"]["conditions"]))
                .collect();
            let now = now.join(" ");
            if now != last {
                (last, since) = (now, Instant::now());
                continue;
            }
            let decided = pods.iter().all(|pod| is_bound(pod) || is_refused(pod));
            let waiting = pods.iter().any(|pod| !is_bound(pod));
            if decided && self.complete(situation, &pods).await && (!waiting || since.elapsed() > quiet) {
                return;
            }
        }
    }

    /// Whether the controllers have made all pods that they will make.
    async fn complete(&self, situation: &Situation, pods: &[Value]) -> bool {
        for workload in &situation.workloads {
            let name = workload["metadata"]["name"].as_str().unwrap();
            let own: Vec<&Value> = pods.iter().filter(|pod| pod["metadata"]["labels"]["name"] == name).collect();
            let spec = &workload["spec"];
            let wanted = match workload["kind"].as_str().unwrap() {
                "Job" => spec["parallelism"].as_u64().unwrap(),
                "DaemonSet" => {
                    let namespace = workload["metadata"]["namespace"].as_str().unwrap();
                    let path = format!("/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}");
                    let status = self.call("GET", &path, &Value::Null).await["status"].clone();
                    if status["observedGeneration"].as_u64() != Some(1) {
                        return false;
                    }
                    status["desiredNumberScheduled"].as_u64().unwrap()
                }
                "StatefulSet" if spec["podManagementPolicy"] == "OrderedReady" && own.iter().any(|p| is_refused(p)) => {
                    continue;
                }
                _ => spec["replicas"].as_u64().unwrap(),
            };
            if (own.len() as u64) < wanted {
                return false;
            }
        }
        true
    }

    pub(crate) async fn outcome(&self, situation: &Situation) -> Outcome {
        let pods = self.pods().await;
        let waiting = pods.iter().filter(|pod| !is_bound(pod));
        let pending = waiting.filter_map(|pod| Some(pod["metadata"]["labels"]["name"].as_str()?.to_string())).collect();
        let running = pods.iter().filter(|pod| pod["metadata"]["labels"]["running"] == "yes").count();
        Outcome { pending, evicted: situation.running.len() - running }
    }

    /// Pods that another situation left behind.
    pub(crate) async fn strays(&self, situation: &Situation) -> bool {
        self.pods().await.iter().any(|pod| pod["metadata"]["labels"]["situation"] != situation.name.as_str())
    }

    /// One pod comes: the node it gets, or the message that it is given.
    pub(crate) async fn probe(&self, pod: &Value) -> Result<String, String> {
        self.create(pod).await;
        let (namespace, name) =
            (pod["metadata"]["namespace"].as_str().unwrap(), pod["metadata"]["name"].as_str().unwrap());
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
        let began = Instant::now();
        loop {
            let pod = self.call("GET", &path, &Value::Null).await;
            if is_bound(&pod) {
                return Ok(pod["spec"]["nodeName"].as_str().unwrap().into());
            }
            // One that is to have an evicted pod's place is bound soon.
            let nominated = pod["status"]["nominatedNodeName"].as_str().is_some_and(|node| !node.is_empty());
            if is_refused(&pod) && !nominated {
                let condition =
                    pod["status"]["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "PodScheduled");
                return Err(condition.unwrap()["message"].as_str().unwrap().into());
            }
            assert!(began.elapsed() < Duration::from_secs(30), "nobody cares for {name}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Takes a single pod away.
    pub(crate) async fn withdraw(&self, pod: &Value) {
        let word = |key: &str| pod["metadata"][key].as_str().unwrap();
        let path = format!("/api/v1/namespaces/{}/pods/{}", word("namespace"), word("name"));
        let now = json!({"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0});
        self.call("DELETE", &path, &now).await;
        let gone = async || self.pods().await.iter().all(|p| p["metadata"]["name"] != pod["metadata"]["name"]);
        self.until("the end of a pod", gone).await;
    }

    /// Takes everything away.
    pub(crate) async fn clear(&self) {
        let now = json!({"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "propagationPolicy": "Background"});
        for (group, plural) in PLURALS {
            let of = |namespace| format!("/{group}/namespaces/{namespace}/{plural}");
            join_all(NAMESPACES.map(|namespace| {
                let path = of(namespace);
                let now = &now;
                async move { self.call("DELETE", &path, now).await }
            }))
            .await;
        }
        let empty = async || {
            for namespace in NAMESPACES {
                self.call("DELETE", &format!("/api/v1/namespaces/{namespace}/pods"), &now).await;
            }
            self.items("/api/v1/pods").await.is_empty()
        };
        self.until("the end of all pods", empty).await;
        self.call("DELETE", "/api/v1/nodes", &now).await;
    }
}

pub(crate) fn is_bound(pod: &Value) -> bool {
    pod["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty())
}

fn is_refused(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|c| c["type"] == "PodScheduled" && c["reason"] == "Unschedulable")
}

/// Names of pods by namespace, to see who has gone.
pub(crate) fn names(pods: &[Value]) -> BTreeSet<(String, String)> {
    let name = |pod: &Value, key: &str| pod["metadata"][key].as_str().unwrap().to_string();
    pods.iter().map(|pod| (name(pod, "namespace"), name(pod, "name"))).collect()
}
