//! What an objective takes from the cluster: need, place of each pod, room by node, risk.

use std::fmt::Write as _;

use serde_json::Value;

use crate::capacity::{self, Demand, Node, Placement, Room, SharedRoom};
use crate::check::{Check, Verdict};
use crate::cluster::Cluster;
use crate::error::{Code, Result};
use crate::manifest::quantity::{bytes_text, claim_text, milli_text};
use crate::report::{Impact, NodeLine, Risk};
use crate::settings::Settings;

/// What the room calculation found.
pub(super) struct Measured {
    /// For the report.
    pub(super) impact: Impact,
    /// Whether each pod has a node, and quotas are kept.
    pub(super) checks: Vec<Check>,
}

/// Computes demand and placement of the objects that an objective adds or changes. Nodes that could not be seen make
/// an unknown, never a guess.
pub(super) async fn measure(
    cluster: &Cluster,
    shared: &SharedRoom,
    objects: &[Value],
    settings: &Settings,
) -> Result<Measured> {
    let draft = capacity::demand(objects, &Room::default(), &[]);
    let namespaces = draft.namespaces();
    let seen = async {
        let (room, limits, usage) = tokio::join!(
            shared.of(&namespaces),
            capacity::namespace_limits(cluster, &namespaces),
            capacity::usage(cluster)
        );
        Ok::<_, crate::error::Error>((room?, limits?, usage))
    };
    match Box::pin(seen).await {
        Ok((room, (quotas, ranges), usage)) => {
            let demand = capacity::demand(objects, &room, &ranges);
            let placement = capacity::place(&room, &demand);
            let mut checks = vec![room_check(&demand, &placement)];
            checks.extend(capacity::check_quotas(&quotas, &demand).into_iter().map(|b| {
                Check::new(
                    "quota",
                    Verdict::Fail,
                    format!("ResourceQuota {} has {} of {} left, {} needed", b.quota, b.left, b.resource, b.needed),
                )
                .remedy("Raise the quota in Git, or free what it counts")
            }));
            let impact = describe(&room, &demand, &placement, usage.ok().as_ref(), settings);
            Ok(Measured { impact, checks })
        }
        Err(error)
            if matches!(error.code(), Code::Forbidden | Code::Unavailable | Code::Timeout | Code::UnknownKind) =>
        {
            let why = format!("the nodes could not be seen: {}", error.message());
            let check = Check::new("room", Verdict::Unknown, why.clone())
                .remedy("Ask for the right to list nodes and pods, or use another context");
            Ok(Measured { impact: unseen(&draft, why), checks: vec![check] })
        }
        Err(error) => Err(error),
    }
}

fn room_check(demand: &Demand, placement: &Placement) -> Check {
    if placement.fits() {
        let count: i64 = placement.by_node().iter().map(|(_, n)| n).sum();
        let mut seen = match count {
            0 => "no new pods".to_owned(),
            1 => "the new pod has a node".to_owned(),
            n => format!("each of {n} new pods has a node"),
        };
        if !demand.not_counted.is_empty() {
            let _ = write!(seen, "; not counted: {}", demand.not_counted.join(", "));
        }
        return Check::new("room", Verdict::Pass, seen);
    }
    let missing: Vec<String> = placement
        .unplaced
        .iter()
        .map(|u| {
            let needs = format!(
                "{} and {} CPU",
                bytes_text(unsigned(u.requests.memory)),
                milli_text(unsigned(u.requests.cpu_milli))
            );
            format!("{} of {} find no node for {needs} each: {}", u.count, u.workload, u.why.join("; "))
        })
        .collect();
    let mut seen = missing.join(". ");
    if placement.by_luck() {
        let (fitting, tried) = (placement.fitting, placement.tried);
        let _ = write!(seen, ". All fit in {fitting} of {tried} orders in which the scheduler may come to them");
    }
    Check::new("room", Verdict::Fail, seen)
        .remedy("Free some requests, add a node, or lower the sizes in dpb.yaml")
        .command("kubectl describe nodes | grep -A8 'Allocated resources'")
}

fn needs(demand: &Demand) -> String {
    let more = demand.additional();
    let mut parts = Vec::new();
    if more.memory > 0 || more.cpu_milli > 0 {
        parts.push(bytes_text(unsigned(more.memory)));
        parts.push(format!("{} CPU", milli_text(unsigned(more.cpu_milli))));
    }
    for claim in &demand.storage {
        parts.push(format!(
            "{} {}",
            claim_text(unsigned(claim.total())),
            claim.class.as_deref().unwrap_or("of the default storage class")
        ));
    }
    if !demand.not_counted.is_empty() {
        parts.push(format!("and what is not counted: {}", demand.not_counted.join(", ")));
    }
    if parts.is_empty() { "no pods and no volumes".to_owned() } else { parts.join(", ") }
}

fn describe(
    room: &Room,
    demand: &Demand,
    placement: &Placement,
    usage: Option<&capacity::Usage>,
    settings: &Settings,
) -> Impact {
    let limit = i64::from(settings.limits.node_percent);
    let fullest = placement
        .after
        .iter()
        .filter(|n| n.ready && !n.cordoned)
        .max_by_key(|n| n.memory_percent().max(n.cpu_percent()));
    let free: i64 = placement.after.iter().filter(|n| n.ready && !n.cordoned).map(|n| n.free().memory.max(0)).sum();
    let (risk, why) = match fullest {
        _ if !placement.fits() => (Risk::High, "not every pod has a node".to_owned()),
        None => (Risk::High, "no node takes pods".to_owned()),
        Some(n) if n.memory_percent().max(n.cpu_percent()) > limit => (
            Risk::Medium,
            format!(
                "{} comes to {} % of memory and {} % of CPU, above {limit} %",
                n.name,
                n.memory_percent(),
                n.cpu_percent()
            ),
        ),
        Some(n) => {
            let highest = n.memory_percent().max(n.cpu_percent());
            (Risk::Low, format!("{} of memory stay free, no node above {highest} %", bytes_text(unsigned(free))))
        }
    };
    let more = demand.additional();
    let mut by_node: Vec<String> = placement
        .by_node()
        .iter()
        .map(|(node, n)| format!("{n} pod{} on {node}", if *n == 1 { "" } else { "s" }))
        .collect();
    by_node.extend(placement.unplaced.iter().map(|u| format!("{}: {}", u.workload, u.why.join("; "))));
    if by_node.is_empty() {
        by_node.push("no new pods".to_owned());
    }
    Impact {
        memory: unsigned(more.memory),
        cpu_milli: unsigned(more.cpu_milli),
        storage: unsigned(demand.storage_bytes()),
        needs: needs(demand),
        fits: Some(placement.fits()),
        placement: by_node,
        nodes: room.nodes.iter().map(|n| node_line(n, usage)).collect(),
        risk,
        why,
    }
}

fn node_line(node: &Node, usage: Option<&capacity::Usage>) -> NodeLine {
    let free = node.free();
    let mut reasons = Vec::new();
    if !node.ready {
        reasons.push("not Ready".to_owned());
    }
    if node.cordoned {
        reasons.push("cordoned".to_owned());
    }
    if node.terminating_pods > 0 {
        reasons.push(format!(
            "{} terminating pods will free {}",
            node.terminating_pods,
            bytes_text(unsigned(node.terminating.memory))
        ));
    }
    let live = usage.and_then(|u| u.nodes.iter().find(|n| n.name == node.name));
    NodeLine {
        name: node.name.clone(),
        eligible: node.ready && !node.cordoned,
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
        free_memory: unsigned(free.memory),
        free_cpu_milli: unsigned(free.cpu_milli),
        memory_percent: u8::try_from(node.memory_percent().clamp(0, 255)).unwrap_or(u8::MAX),
        usage: live
            .map(|u| format!("in use {}, {} CPU", bytes_text(unsigned(u.memory)), milli_text(unsigned(u.cpu_milli)))),
    }
}

fn unseen(demand: &Demand, why: String) -> Impact {
    let more = demand.additional();
    Impact {
        memory: unsigned(more.memory),
        cpu_milli: unsigned(more.cpu_milli),
        storage: unsigned(demand.storage_bytes()),
        needs: needs(demand),
        fits: None,
        placement: vec![why.clone()],
        nodes: Vec::new(),
        risk: Risk::Unknown,
        why,
    }
}

/// Amounts shown are never below zero.
fn unsigned(amount: i64) -> u64 {
    u64::try_from(amount).unwrap_or_default()
}
