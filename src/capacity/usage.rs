//! Live use of the nodes, where metrics.k8s.io is served.

use serde_json::Value;

use crate::cluster::{Cluster, Query};
use crate::error::Code;
use crate::manifest::quantity::Quantity;

/// What a node uses now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeUsage {
    /// The node.
    pub name: String,
    /// CPU in thousandths of a core.
    pub cpu_milli: i64,
    /// Memory in bytes.
    pub memory: i64,
}

/// What the nodes use now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// By name.
    pub nodes: Vec<NodeUsage>,
}

/// Live use by node; `Err` says why it is unknown. Without metrics-server that is a fact, not a failure.
pub async fn usage(cluster: &Cluster) -> std::result::Result<Usage, String> {
    let listed = match cluster.list("NodeMetrics.metrics.k8s.io", &Query::default()).await {
        Ok(listed) => listed,
        Err(error) if error.code() == Code::UnknownKind => return Err("metrics.k8s.io is not served".into()),
        Err(error) => return Err(error.message().to_string()),
    };
    let mut nodes: Vec<NodeUsage> = listed.iter().map(node_usage).collect();
    if nodes.is_empty() {
        return Err("metrics.k8s.io knows no node yet".into());
    }
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Usage { nodes })
}

fn node_usage(metrics: &Value) -> NodeUsage {
    let amount = |pointer: &str| {
        let text = metrics.pointer(pointer).and_then(Value::as_str).unwrap_or("0");
        Quantity::parse(text).unwrap_or_default()
    };
    NodeUsage {
        name: metrics.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_string(),
        cpu_milli: amount("/usage/cpu").millis(),
        memory: amount("/usage/memory").bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metrics_are_rounded_up() {
        let metrics = json!({"metadata": {"name": "k8s-1"}, "usage": {"cpu": "1234567890n", "memory": "2048Ki"}});
        let usage = node_usage(&metrics);
        assert_eq!((usage.cpu_milli, usage.memory), (1235, 2 << 20));
    }
}
