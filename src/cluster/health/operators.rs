//! Kinds of operators whose state is not in a `Ready` condition alone.

use serde_json::Value;

use super::condition::{Condition, condition};
use super::readiness::{Readiness, by_condition, lag};

/// `None` for kinds that the general rule serves.
pub(super) fn readiness(group: &str, kind: &str, object: &Value) -> Option<Readiness> {
    match (group, kind) {
        ("postgresql.cnpg.io", "Cluster") => Some(postgres(object)),
        ("ceph.rook.io", "CephCluster") => Some(ceph_cluster(object)),
        ("ceph.rook.io", _) => Some(rook(object)),
        ("objectbucket.io", "ObjectBucketClaim") => Some(phase(object, "Bound")),
        ("kustomize.toolkit.fluxcd.io", "Kustomization") | ("helm.toolkit.fluxcd.io", "HelmRelease") => {
            Some(flux(object))
        }
        ("source.toolkit.fluxcd.io", _) => Some(flux(object)),
        _ => None,
    }
}

fn phase(object: &Value, ready: &str) -> Readiness {
    match object["status"]["phase"].as_str() {
        Some(phase) if phase == ready => Readiness::Ready,
        Some(phase) if !phase.is_empty() => Readiness::NotReady(format!("phase {phase}")),
        _ => Readiness::Unknown("it reports no state yet".into()),
    }
}

/// `CloudNativePG`: all instances ready and the phase healthy (`api/v1/cluster_types.go`, `PhaseHealthy`).
fn postgres(object: &Value) -> Readiness {
    const HEALTHY: &str = "Cluster in healthy state";
    let status = &object["status"];
    let Some(phase) = status["phase"].as_str() else {
        return Readiness::Unknown("its operator has not reported yet".into());
    };
    let wanted = object["spec"]["instances"].as_i64().unwrap_or(1);
    let ready = status["readyInstances"].as_i64().unwrap_or(0);
    if phase != HEALTHY {
        let why =
            status["phaseReason"].as_str().filter(|r| !r.is_empty()).map(|r| format!(": {r}")).unwrap_or_default();
        return Readiness::NotReady(format!("{phase}{why}, {ready} of {wanted} instances ready"));
    }
    if ready < wanted {
        return Readiness::NotReady(format!("{ready} of {wanted} instances ready"));
    }
    match condition(object, "Ready").filter(|c| !c.is_true()) {
        Some(found) => Readiness::NotReady(found.text()),
        None => Readiness::Ready,
    }
}

/// A cluster with warnings still serves; one in error does not.
fn ceph_cluster(object: &Value) -> Readiness {
    let ceph = &object["status"]["ceph"];
    if ceph["health"] == "HEALTH_ERR" {
        let details = ceph["details"].as_object().into_iter().flatten();
        let said: Vec<&str> = details.filter_map(|(_, d)| d["message"].as_str()).collect();
        let said = if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) };
        return Readiness::NotReady(format!("HEALTH_ERR{said}"));
    }
    rook(object)
}

/// Rook's other kinds: phase, else conditions.
fn rook(object: &Value) -> Readiness {
    if let Some(lag) = lag(object) {
        return lag;
    }
    match object["status"]["phase"].as_str() {
        Some("Ready" | "Connected" | "Created") => Readiness::Ready,
        Some(phase) if !phase.is_empty() => {
            let said = object["status"]["message"].as_str().filter(|m| !m.is_empty()).map(|m| format!(": {m}"));
            Readiness::NotReady(format!("phase {phase}{}", said.unwrap_or_default()))
        }
        _ => match condition(object, "Ready") {
            Some(found) => by_condition(object, &found),
            None => Readiness::Unknown("its operator has not reported yet".into()),
        },
    }
}

/// Flux' kinds: a suspended object keeps its last `Ready=True`, so that is said first.
fn flux(object: &Value) -> Readiness {
    if object["spec"]["suspend"] == true {
        return Readiness::NotReady("suspended".into());
    }
    if let Some(stalled) = condition(object, "Stalled").filter(Condition::is_true) {
        return Readiness::NotReady(stalled.text());
    }
    let Some(ready) = condition(object, "Ready") else {
        return Readiness::Unknown("not reconciled yet".into());
    };
    if !ready.is_true() {
        return Readiness::NotReady(ready.text());
    }
    if let Some(lag) = lag(object) {
        return lag;
    }
    match condition(object, "Reconciling").filter(Condition::is_true) {
        Some(busy) => Readiness::NotReady(busy.text()),
        None => by_condition(object, &ready),
    }
}
