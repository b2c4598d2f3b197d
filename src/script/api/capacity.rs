//! `capacity`: room on the nodes.

use std::sync::Arc;

use rhai::Dynamic;
use serde_json::{Value, json};

use crate::capacity::{self, Node, Room};
use crate::error::{Code, Result};
use crate::manifest::quantity::{bytes_text, milli_text};
use crate::script::call::Call;
use crate::script::registry::{Section, Type, function, param};
use crate::script::value::to_dynamic;

use super::session::Session;

const READS: &[Code] = &[Code::Forbidden, Code::Denied, Code::Unavailable, Code::Timeout];

pub(super) const SECTION: Section<Session> = Section {
    name: "capacity",
    summary: "Room on the nodes. Memory is in bytes, CPU in thousandths of a core.",
    handle: None,
    functions: &[
        function(
            "nodes",
            &[],
            "array",
            "The nodes: `#{name, ready, cordoned, eligible, allocatable_memory, allocatable_cpu_milli, free_memory, free_cpu_milli, free_pods, memory_percent, cpu_percent, labels, taints}`; percents are requested of allocatable.",
            nodes,
        )
        .errors(READS)
        .example("capacity::nodes().map(|n| n.name)", "[\"k8s-1\"]"),
        function(
            "room",
            &[],
            "map",
            "All nodes together: `#{nodes, eligible (how many are ready and not cordoned), free_memory, free_cpu_milli, fullest, fullest_percent (of memory), waiting_pods}`.",
            room,
        )
        .errors(READS)
        .example("capacity::room().fullest", "\"k8s-1\""),
        function(
            "usage",
            &[],
            "map",
            "Live use, where metrics are served: `#{served, reason, text, nodes: [#{name, memory, cpu_milli}]}`.",
            usage,
        )
        .errors(READS)
        .example("capacity::usage().reason", "\"metrics.k8s.io is not served\""),
        function(
            "fits",
            &[param("objects", Type::Array)],
            "map",
            "Whether each new pod of these objects has a node: `#{fits, unplaced (one line a workload), by_node: [#{node, pods}], memory, cpu_milli, not_counted}`.",
            fits,
        )
        .errors(READS)
        .example("capacity::fits([]).fits", "true"),
    ],
};

fn read(session: &Session, namespaces: &[&str]) -> Result<Arc<Room>> {
    let bridge = session.host.bridge();
    let room = match session.host.room() {
        Some(shared) => bridge.block(shared.of(namespaces))?,
        None => Arc::new(bridge.block(capacity::room_for(session.host.cluster()?, namespaces))?),
    };
    session.read("list Node and Pod in all namespaces".into());
    Ok(room)
}

fn nodes(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    let room = read(session, &[])?;
    Ok(Dynamic::from_array(room.nodes.iter().map(|n| to_dynamic(&node(n))).collect()))
}

fn is_eligible(node: &Node) -> bool {
    node.ready && !node.cordoned
}

fn node(node: &Node) -> Value {
    let free = node.free();
    json!({
        "name": node.name,
        "ready": node.ready,
        "cordoned": node.cordoned,
        "eligible": is_eligible(node),
        "allocatable_memory": node.allocatable.memory,
        "allocatable_cpu_milli": node.allocatable.cpu_milli,
        "free_memory": free.memory,
        "free_cpu_milli": free.cpu_milli,
        "free_pods": node.free_pods(),
        "memory_percent": node.memory_percent(),
        "cpu_percent": node.cpu_percent(),
        "labels": node.labels,
        "taints": node.taints(),
    })
}

fn room(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    let room = read(session, &[])?;
    let free = room.free();
    let eligible: Vec<&Node> = room.nodes.iter().filter(|n| is_eligible(n)).collect();
    let fullest = eligible.iter().max_by_key(|n| n.memory_percent());
    Ok(to_dynamic(&json!({
        "nodes": room.nodes.iter().map(node).collect::<Vec<_>>(),
        "eligible": eligible.len(),
        "free_memory": free.memory,
        "free_cpu_milli": free.cpu_milli,
        "fullest": fullest.map_or("", |n| n.name.as_str()),
        "fullest_percent": fullest.map_or(0, |n| n.memory_percent()),
        "waiting_pods": room.waiting_pods,
    })))
}

fn usage(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    let cluster = session.host.cluster()?;
    let usage = session.host.bridge().block(async { Ok(capacity::usage(cluster).await) })?;
    session.read("list NodeMetrics".into());
    Ok(to_dynamic(&match usage {
        Err(reason) => json!({ "served": false, "reason": reason, "text": "", "nodes": [] }),
        Ok(usage) => {
            let memory: i64 = usage.nodes.iter().map(|n| n.memory).sum();
            let cpu: i64 = usage.nodes.iter().map(|n| n.cpu_milli).sum();
            let text = format!(
                "{} and {} cores in use on {} nodes",
                bytes_text(u64::try_from(memory).unwrap_or(0)),
                milli_text(u64::try_from(cpu).unwrap_or(0)),
                usage.nodes.len()
            );
            let nodes: Vec<Value> = usage
                .nodes
                .iter()
                .map(|n| json!({ "name": n.name, "memory": n.memory, "cpu_milli": n.cpu_milli }))
                .collect();
            json!({ "served": true, "reason": "", "text": text, "nodes": nodes })
        }
    }))
}

fn fits(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let Value::Array(objects) = call.json(0)? else { return Ok(Dynamic::UNIT) };
    let mut namespaces: Vec<&str> = objects.iter().filter_map(|o| o["metadata"]["namespace"].as_str()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let room = read(session, &namespaces)?;
    let demand = capacity::demand(&objects, &room, &[]);
    let placement = capacity::place(&room, &demand);
    let unplaced: Vec<String> =
        placement.unplaced.iter().map(|u| format!("{} of {}: {}", u.count, u.workload, u.why.join(", "))).collect();
    let by_node: Vec<Value> =
        placement.by_node().into_iter().map(|(node, pods)| json!({ "node": node, "pods": pods })).collect();
    let needs = demand.additional();
    Ok(to_dynamic(&json!({
        "fits": placement.fits(),
        "unplaced": unplaced,
        "by_node": by_node,
        "memory": needs.memory,
        "cpu_milli": needs.cpu_milli,
        "not_counted": demand.not_counted,
    })))
}
