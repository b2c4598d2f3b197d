//! What a Deployment asks for, and sums over its sets.

use serde_json::Value;

use crate::sim::world::read::{count, flag, int, name, scaled, text};

/// The fields of a Deployment that the rules ask for.
pub(super) struct Wanted {
    pub(super) replicas: i64,
    pub(super) rolling: bool,
    pub(super) surge: i64,
    pub(super) unavailable: i64,
    pub(super) paused: bool,
    pub(super) deadline: Option<i64>,
    pub(super) name: String,
}

impl Wanted {
    pub(super) fn read(deployment: &Value) -> Self {
        let replicas = int(deployment, "/spec/replicas").unwrap_or(1);
        let rolling = text(deployment, "/spec/strategy/type") != "Recreate";
        let at = |key: &str| deployment.pointer("/spec/strategy/rollingUpdate").and_then(|r| r.get(key));
        let surge = scaled(at("maxSurge"), replicas, true);
        let mut unavailable = scaled(at("maxUnavailable"), replicas, false);
        if surge == 0 && unavailable == 0 {
            unavailable = 1;
        }
        let deadline = int(deployment, "/spec/progressDeadlineSeconds").filter(|d| *d != i64::from(i32::MAX));
        Self {
            replicas,
            rolling,
            surge: if rolling { surge } else { 0 },
            unavailable: if rolling { unavailable.min(replicas) } else { 0 },
            paused: flag(deployment, "/spec/paused"),
            deadline,
            name: name(deployment).to_owned(),
        }
    }
}

pub(super) fn replicas(set: &Value) -> i64 {
    int(set, "/spec/replicas").unwrap_or(1)
}

pub(super) fn total(sets: &[&Value]) -> i64 {
    sets.iter().map(|set| replicas(set)).sum()
}

pub(super) fn available(sets: &[&Value]) -> i64 {
    sets.iter().map(|set| count(set, "/status/availableReplicas")).sum()
}
