//! `ResourceQuota`s: what a namespace has left for new pods and claims.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cluster::{Cluster, Query};
use crate::error::Result;
use crate::manifest::quantity::Quantity;

use super::demand::Demand;

/// A quota that the new pods or claims would break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaBreach {
    /// `namespace/name` of the quota.
    pub quota: String,
    /// The resource, as the quota writes it (`requests.memory`).
    pub resource: String,
    /// What is left, in words of Kubernetes (`2Gi`).
    pub left: String,
    /// What is needed.
    pub needed: String,
}

/// The `ResourceQuota`s and the `LimitRange`s of these namespaces. A namespace that doesn't exist yet has none.
pub async fn namespace_limits(cluster: &Cluster, namespaces: &[&str]) -> Result<(Vec<Value>, Vec<Value>)> {
    let of = |namespace: &&str| {
        let query = Query::namespace(*namespace);
        async move { futures::try_join!(cluster.list("ResourceQuota", &query), cluster.list("LimitRange", &query)) }
    };
    let all = futures::future::try_join_all(namespaces.iter().map(of)).await?;
    let (quotas, ranges): (Vec<Vec<Value>>, Vec<Vec<Value>>) = all.into_iter().unzip();
    Ok((quotas.concat(), ranges.concat()))
}

/// The quotas that a demand would break.
pub fn check_quotas(quotas: &[Value], demand: &Demand) -> Vec<QuotaBreach> {
    let mut breaches = Vec::new();
    for quota in quotas {
        let text = |pointer: &str| quota.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let namespace = text("/metadata/namespace");
        let scopes = quota.pointer("/spec/scopes").and_then(Value::as_array);
        let foreign = |s: &Value| matches!(s.as_str(), Some("Terminating" | "BestEffort"));
        if scopes.into_iter().flatten().any(foreign)
            || quota.pointer("/spec/scopeSelector").is_some_and(Value::is_object)
        {
            continue;
        }
        let needed = needed(demand, namespace);
        let hard = quota.pointer("/status/hard").or_else(|| quota.pointer("/spec/hard")).and_then(Value::as_object);
        for (resource, limit) in hard.into_iter().flatten() {
            let Some(need) = needed.get(resource.as_str()).filter(|need| **need > Quantity::default()) else {
                continue;
            };
            let amount = |value: Option<&Value>| value.and_then(Value::as_str).and_then(|v| Quantity::parse(v).ok());
            let Some(limit) = amount(Some(limit)) else { continue };
            let used = amount(quota.pointer("/status/used").and_then(|u| u.get(resource))).unwrap_or_default();
            if used.plus(*need) > limit {
                let left = limit.plus(used.times(-1)).max(Quantity::default());
                breaches.push(QuotaBreach {
                    quota: format!("{namespace}/{}", text("/metadata/name")),
                    resource: resource.clone(),
                    left: left.to_string(),
                    needed: need.to_string(),
                });
            }
        }
    }
    breaches
}

/// What a demand takes from the quotas of one namespace, by the quota's names.
fn needed(demand: &Demand, namespace: &str) -> BTreeMap<String, Quantity> {
    let mut needed: BTreeMap<String, Quantity> = BTreeMap::new();
    let mut add = |names: &[&str], amount: Quantity| {
        for name in names {
            let slot = needed.entry((*name).to_string()).or_default();
            *slot = slot.plus(amount);
        }
    };
    for need in demand.pods.iter().filter(|need| need.namespace == namespace) {
        let new = if need.kind == super::PodKind::Daemon { (need.wanted - need.running).max(0) } else { need.new };
        add(&["pods", "count/pods"], Quantity::from_bytes(new));
        add(&["cpu", "requests.cpu"], Quantity::from_millis(need.requests.cpu_milli).times(new));
        add(&["memory", "requests.memory"], Quantity::from_bytes(need.requests.memory).times(new));
        add(&["limits.cpu"], Quantity::from_millis(need.limits.cpu_milli).times(new));
        add(&["limits.memory"], Quantity::from_bytes(need.limits.memory).times(new));
    }
    for claim in demand.storage.iter().filter(|c| c.owner.namespace.as_deref() == Some(namespace)) {
        let (total, count) = (Quantity::from_bytes(claim.total()), Quantity::from_bytes(claim.count));
        add(&["requests.storage"], total);
        add(&["persistentvolumeclaims", "count/persistentvolumeclaims"], count);
        if let Some(class) = &claim.class {
            add(&[&format!("{class}.storageclass.storage.k8s.io/requests.storage")], total);
            add(&[&format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims")], count);
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::{Room, demand};
    use serde_json::json;

    #[test]
    fn what_a_quota_has_left_is_compared_with_what_is_new() {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "namespace": "data"},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "c", "resources": {
                "requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}}]}}}});
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "p", "namespace": "data"},
            "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "10Gi"}}}});
        let demand = demand(&[deployment, claim], &Room::default(), &[]);
        let quota = |namespace: &str, scopes: Value| {
            json!({"metadata": {"name": "q", "namespace": namespace}, "spec": {"scopes": scopes}, "status": {
                "hard": {"requests.memory": "8Gi", "requests.cpu": "2", "limits.memory": "6Gi", "pods": "10",
                    "fast.storageclass.storage.k8s.io/requests.storage": "5Gi"},
                "used": {"requests.memory": "6Gi", "requests.cpu": "500m", "limits.memory": "0", "pods": "2"}}})
        };
        let breaches = check_quotas(&[quota("data", json!([])), quota("other", json!([]))], &demand);
        let seen: Vec<String> = breaches
            .iter()
            .map(|b| format!("{} {} left {} needed {}", b.quota, b.resource, b.left, b.needed))
            .collect();
        assert_eq!(
            seen,
            [
                "data/q requests.memory left 2Gi needed 3Gi",
                "data/q fast.storageclass.storage.k8s.io/requests.storage left 5Gi needed 10Gi",
            ]
        );
        assert!(check_quotas(&[quota("data", json!(["BestEffort"]))], &demand).is_empty());
    }
}
