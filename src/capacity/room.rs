//! Free room by node: allocatable less the effective requests of the pods bound to it.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::cluster::{Cluster, Query};
use crate::error::Result;

use super::node::Node;
use super::requests::Requests;
use super::selector::labels_of;
use super::stream::{Listed, each_pod, from_json};
use super::term::Rules;

/// A pod that has not ended, bound to a node or not yet.
#[derive(Clone, Debug, Default)]
pub struct BoundPod {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The node; empty while it has none.
    pub node: String,
    /// Its effective request.
    pub requests: Requests,
    /// Whether it is on its way out.
    pub terminating: bool,
    pub(crate) nonzero: (i64, i64),
    pub(crate) rules: Rules,
    /// The node whose pods the scheduler evicts for it; empty unless it waits for that.
    pub(crate) nominated: String,
}

/// The nodes and what is free on them.
#[derive(Clone, Debug, Default)]
pub struct Room {
    /// By name.
    pub nodes: Vec<Node>,
    /// Pods that have not ended: placement looks at them for what runs already, for affinity and host ports.
    pub pods: Vec<BoundPod>,
    /// Labels of the namespaces, by name; of those of interest only, where they may not be listed.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether these are all namespaces that there are.
    pub(crate) knows_all_namespaces: bool,
    /// `RuntimeClass` objects by name, where they may be listed.
    pub(crate) runtimes: BTreeMap<String, Value>,
    /// How many pods of the whole cluster have no node yet.
    pub waiting_pods: usize,
    /// What they ask for.
    pub waiting: Requests,
}

impl Room {
    /// Free on all eligible nodes together (ready, not cordoned); for a summary, never for the question whether
    /// something fits.
    pub fn free(&self) -> Requests {
        let mut free = Requests::default();
        for node in self.nodes.iter().filter(|n| n.ready && !n.cordoned) {
            free.add(&node.free());
        }
        free
    }

    /// Builds it from Node, Pod and Namespace objects that were read before.
    pub fn of<'a>(
        nodes: impl IntoIterator<Item = &'a Value>,
        pods: impl IntoIterator<Item = &'a Value>,
        namespaces: impl IntoIterator<Item = &'a Value>,
    ) -> Self {
        let mut builder = Builder::new(nodes);
        for pod in pods {
            builder.add(from_json(pod));
        }
        for namespace in namespaces {
            builder.name(namespace);
        }
        builder.room
    }

    /// Builds it from nodes and pods that were read before.
    #[cfg(test)]
    pub(crate) fn build(nodes: &[Value], pods: impl IntoIterator<Item = Listed>) -> Self {
        let mut builder = Builder::new(nodes);
        pods.into_iter().for_each(|pod| builder.add(pod));
        builder.room
    }
}

/// Folds pods into a room, one at a time.
struct Builder {
    room: Room,
    index: HashMap<String, usize>,
}

impl Builder {
    fn new<'a>(nodes: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut nodes: Vec<Node> = nodes.into_iter().map(Node::read).collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let index = nodes.iter().enumerate().map(|(i, node)| (node.name.clone(), i)).collect();
        Self { room: Room { nodes, ..Room::default() }, index }
    }

    fn name(&mut self, namespace: &Value) {
        if let Some(name) = namespace.pointer("/metadata/name").and_then(Value::as_str) {
            self.room.namespaces.insert(name.to_string(), labels_of(namespace.pointer("/metadata/labels")));
        }
    }

    fn add(&mut self, pod: Listed) {
        if pod.phase == "Succeeded" || pod.phase == "Failed" {
            return;
        }
        let requests = pod.shape.effective();
        let nonzero = pod.shape.nonzero();
        if pod.node.is_empty() {
            if !pod.terminating {
                self.room.waiting_pods += 1;
                self.room.waiting.add(&requests);
            }
        } else if let Some(node) = self.index.get(&pod.node).and_then(|i| self.room.nodes.get_mut(*i)) {
            node.requested.add(&requests);
            node.nonzero = (node.nonzero.0 + nonzero.0, node.nonzero.1 + nonzero.1);
            node.pods += 1;
            if pod.terminating {
                node.terminating.add(&requests);
                node.terminating_pods += 1;
            }
        }
        self.room.pods.push(BoundPod {
            namespace: pod.namespace,
            name: pod.name,
            labels: pod.labels.into_iter().collect(),
            node: pod.node,
            requests,
            terminating: pod.terminating,
            nonzero,
            rules: pod.rules,
            nominated: pod.nominated,
        });
    }
}

/// Reads the nodes and folds all pods of the cluster into them: one list, streamed.
pub async fn room(cluster: &Cluster) -> Result<Room> {
    room_for(cluster, &[]).await
}

/// The same, and knows the labels of these namespaces (those that new pods will live in) even where namespaces may not
/// be listed.
pub async fn room_for(cluster: &Cluster, namespaces: &[&str]) -> Result<Room> {
    let everything = Query::default();
    let wanted = async {
        if let Ok(all) = cluster.list("Namespace", &everything).await {
            return Ok((all, true));
        }
        let find = |name: &&str| {
            let name = (*name).to_string();
            async move { cluster.find("Namespace", None, &name).await }
        };
        let found = futures::future::try_join_all(namespaces.iter().map(find)).await?;
        Ok((found.into_iter().flatten().collect(), false))
    };
    // Few may list them, and few clusters have them: without them their overhead is not counted.
    let runtimes = async { Ok(cluster.list("RuntimeClass", &everything).await.unwrap_or_default()) };
    // The kubelet's own limits move slowly: nodes first, then the pods as they are now.
    let read = async { futures::try_join!(cluster.list("Node", &everything), wanted, runtimes) };
    let (nodes, (namespaces, all), runtimes) = Box::pin(read).await?;
    let mut builder = Builder::new(&nodes);
    builder.room.knows_all_namespaces = all;
    let name = |class: &Value| class.pointer("/metadata/name").and_then(Value::as_str).map(str::to_string);
    builder.room.runtimes = runtimes.into_iter().filter_map(|class| Some((name(&class)?, class))).collect();
    for namespace in &namespaces {
        builder.name(namespace);
    }
    each_pod(cluster, |pod| builder.add(pod)).await?;
    Ok(builder.room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::requests::shape_of_pod;
    use serde_json::json;

    fn pod(name: &str, node: &str, phase: &str, terminating: bool) -> Listed {
        let spec = json!({"spec": {"containers": [{"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}]}});
        Listed {
            namespace: "data".into(),
            name: name.into(),
            node: node.into(),
            phase: phase.into(),
            terminating,
            shape: shape_of_pod(&spec),
            ..Listed::default()
        }
    }

    #[test]
    fn ended_pods_are_free_and_terminating_ones_count_apart() {
        let nodes = [json!({"metadata": {"name": "k8s-1"},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                "conditions": [{"type": "Ready", "status": "True"}]}})];
        let pods = [
            pod("a", "k8s-1", "Running", false),
            pod("b", "k8s-1", "Running", true),
            pod("c", "k8s-1", "Succeeded", false),
            pod("d", "", "Pending", false),
            pod("e", "gone-node", "Running", false),
        ];
        let room = Room::build(&nodes, pods);
        let node = &room.nodes[0];
        assert_eq!((node.pods, node.terminating_pods, node.free_pods()), (2, 1, 108));
        assert_eq!((node.requested.cpu_milli, node.free().memory), (1000, 6 << 30));
        assert_eq!(node.terminating.cpu_milli, 500);
        assert_eq!((room.waiting_pods, room.waiting.cpu_milli), (1, 500));
        assert_eq!(room.pods.len(), 4);
        assert_eq!((node.memory_percent(), node.cpu_percent()), (25, 25));
    }
}
