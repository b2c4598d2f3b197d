//! Free room by node: allocatable less the effective requests of the pods bound to it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::cluster::{Cluster, Query};
use crate::error::Result;

use super::node::Node;
use super::requests::Requests;
use super::stream::{Listed, each_pod};

/// A pod of a namespace of interest, bound to a node or not yet.
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
}

/// The nodes and what is free on them.
#[derive(Clone, Debug, Default)]
pub struct Room {
    /// By name.
    pub nodes: Vec<Node>,
    /// Pods of the namespaces of interest that have not ended: placement looks at them for what runs already and for
    /// affinity.
    pub pods: Vec<BoundPod>,
    /// Labels of the namespaces of interest, by name.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
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

    /// Builds it from nodes and pods that were read before.
    #[cfg(test)]
    pub(crate) fn build(nodes: &[Value], pods: impl IntoIterator<Item = Listed>, interest: &BTreeSet<String>) -> Self {
        let mut builder = Builder::new(nodes, interest.clone());
        for pod in pods {
            builder.add(pod);
        }
        builder.room
    }
}

/// Folds pods into a room, one at a time.
struct Builder {
    room: Room,
    index: HashMap<String, usize>,
    interest: BTreeSet<String>,
}

impl Builder {
    fn new(nodes: &[Value], interest: BTreeSet<String>) -> Self {
        let mut nodes: Vec<Node> = nodes.iter().map(Node::read).collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let index = nodes.iter().enumerate().map(|(i, node)| (node.name.clone(), i)).collect();
        Self { room: Room { nodes, ..Room::default() }, index, interest }
    }

    fn add(&mut self, pod: Listed) {
        if pod.phase == "Succeeded" || pod.phase == "Failed" {
            return;
        }
        let requests = pod.shape.effective();
        if pod.node.is_empty() {
            if !pod.terminating {
                self.room.waiting_pods += 1;
                self.room.waiting.add(&requests);
            }
        } else if let Some(node) = self.index.get(&pod.node).and_then(|i| self.room.nodes.get_mut(*i)) {
            node.requested.add(&requests);
            node.pods += 1;
            if pod.terminating {
                node.terminating.add(&requests);
                node.terminating_pods += 1;
            }
        }
        if self.interest.contains(&pod.namespace) {
            self.room.pods.push(BoundPod {
                namespace: pod.namespace,
                name: pod.name,
                labels: pod.labels.into_iter().collect(),
                node: pod.node,
                requests,
                terminating: pod.terminating,
            });
        }
    }
}

/// Reads the nodes and folds all pods of the cluster into them: one list, streamed.
pub async fn room(cluster: &Cluster) -> Result<Room> {
    room_for(cluster, &[]).await
}

/// The same, and keeps the pods of these namespaces (those that new pods will live in) for placement.
pub async fn room_for(cluster: &Cluster, namespaces: &[&str]) -> Result<Room> {
    let interest: BTreeSet<String> = namespaces.iter().map(|n| (*n).to_string()).collect();
    // The kubelet's own limits move slowly: nodes first, then the pods as they are now.
    let wanted = async {
        let find = |name: &String| {
            let name = name.clone();
            async move { cluster.find("Namespace", None, &name).await.map(|found| (name, found)) }
        };
        futures::future::try_join_all(interest.iter().map(find)).await
    };
    let everything = Query::default();
    let (nodes, namespaces) = futures::try_join!(cluster.list("Node", &everything), wanted)?;
    let mut builder = Builder::new(&nodes, interest.clone());
    each_pod(cluster, |pod| builder.add(pod)).await?;
    let mut room = builder.room;
    for (name, namespace) in namespaces {
        if let Some(namespace) = namespace {
            let labels = namespace.pointer("/metadata/labels").and_then(Value::as_object);
            let labels =
                labels.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_string()))).collect();
            room.namespaces.insert(name, labels);
        }
    }
    Ok(room)
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
        let room = Room::build(&nodes, pods, &BTreeSet::from(["data".to_string()]));
        let node = &room.nodes[0];
        assert_eq!((node.pods, node.terminating_pods, node.free_pods()), (2, 1, 108));
        assert_eq!((node.requested.cpu_milli, node.free().memory), (1000, 6 << 30));
        assert_eq!(node.terminating.cpu_milli, 500);
        assert_eq!((room.waiting_pods, room.waiting.cpu_milli), (1, 500));
        assert_eq!(room.pods.len(), 4);
        assert_eq!((node.memory_percent(), node.cpu_percent()), (25, 25));
    }
}
