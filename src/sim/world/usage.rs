//! What objects use of a resource quota (kubernetes `pkg/quota/v1/evaluator/core`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::capacity::effective;
use crate::quantity::Quantity;

use super::pods::ended;
use super::read::{flag, list, size, text};
use super::view::View;

/// Amounts by resource (`requests.memory`, `pods`, `count/deployments.apps`).
pub type Amounts = BTreeMap<String, Quantity>;

/// What one object uses.
pub fn usage(plural: &str, group: &str, object: &Value) -> Amounts {
    let one = Quantity::from_bytes(1);
    let resource = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
    let mut used = Amounts::from([(format!("count/{resource}"), one)]);
    if !group.is_empty() {
        return used;
    }
    match plural {
        "pods" if !ended(object) => pod(object, &mut used),
        "persistentvolumeclaims" => claim(object, &mut used),
        "services" => service(object, &mut used),
        "configmaps" | "secrets" | "replicationcontrollers" | "resourcequotas" => {
            used.insert(plural.to_owned(), one);
        }
        _ => {}
    }
    used
}

fn pod(object: &Value, used: &mut Amounts) {
    used.insert("pods".into(), Quantity::from_bytes(1));
    let spec = &object["spec"];
    let requests = effective(spec);
    // The same sum over limits: as if each were a request.
    let limits = effective(&limits_as_requests(spec));
    let mut put = |names: &[&str], name: &str, amount: i64| {
        let amount = if name == "cpu" { Quantity::from_millis(amount) } else { Quantity::from_bytes(amount) };
        for known in names {
            used.insert((*known).to_owned(), amount);
        }
    };
    for (name, amount) in requests.named() {
        match name {
            "cpu" | "memory" | "ephemeral-storage" => put(&[name, &format!("requests.{name}")], name, amount),
            _ => put(&[&format!("requests.{name}")], name, amount),
        }
    }
    for (name, amount) in limits.named() {
        if matches!(name, "cpu" | "memory" | "ephemeral-storage") {
            put(&[&format!("limits.{name}")], name, amount);
        }
    }
}

fn limits_as_requests(spec: &Value) -> Value {
    let mut turned = spec.clone();
    let turn = |resources: &mut Value| {
        if let Some(map) = resources.as_object_mut() {
            let limits = map.get("limits").cloned().unwrap_or_default();
            map.insert("requests".into(), limits);
        }
    };
    for group in ["containers", "initContainers"] {
        for container in turned.get_mut(group).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(resources) = container.get_mut("resources") {
                turn(resources);
            }
        }
    }
    if let Some(resources) = turned.get_mut("resources") {
        turn(resources);
    }
    turned
}

fn claim(object: &Value, used: &mut Amounts) {
    let one = Quantity::from_bytes(1);
    used.insert("persistentvolumeclaims".into(), one);
    let class = text(object, "/spec/storageClassName");
    let storage = Quantity::parse(text(object, "/spec/resources/requests/storage")).ok();
    if let Some(storage) = storage {
        used.insert("requests.storage".into(), storage);
    }
    if !class.is_empty() {
        let prefix = format!("{class}.storageclass.storage.k8s.io/");
        used.insert(format!("{prefix}persistentvolumeclaims"), one);
        if let Some(storage) = storage {
            used.insert(format!("{prefix}requests.storage"), storage);
        }
    }
}

fn service(object: &Value, used: &mut Amounts) {
    used.insert("services".into(), Quantity::from_bytes(1));
    let ports = Quantity::from_bytes(size(list(object, "/spec/ports").len()));
    let balanced = text(object, "/spec/type") == "LoadBalancer";
    used.insert("services.loadbalancers".into(), Quantity::from_bytes(i64::from(balanced)));
    let kept = object.pointer("/spec/allocateLoadBalancerNodePorts").is_none_or(|v| v != false);
    let nodes = text(object, "/spec/type") == "NodePort" || balanced && kept;
    used.insert("services.nodeports".into(), if nodes { ports } else { Quantity::default() });
}

/// Whether a quota's scopes take an object; only pods are scoped.
pub fn in_scope(quota: &Value, plural: &str, object: &Value) -> bool {
    let plain = list(quota, "/spec/scopes").iter().filter_map(Value::as_str).all(|scope| has_scope(scope, object));
    let selected = list(quota, "/spec/scopeSelector/matchExpressions").iter().all(|wanted| {
        let scope = text(wanted, "/scopeName");
        if scope != "PriorityClass" {
            return has_scope(scope, object);
        }
        let class = text(object, "/spec/priorityClassName");
        let among = list(wanted, "/values").iter().any(|v| v == class);
        match text(wanted, "/operator") {
            "In" => among,
            "NotIn" => !among,
            "Exists" => !class.is_empty(),
            _ => class.is_empty(),
        }
    });
    let scoped = !list(quota, "/spec/scopes").is_empty() || quota.pointer("/spec/scopeSelector").is_some();
    !scoped || plural == "pods" && plain && selected
}

fn has_scope(scope: &str, pod: &Value) -> bool {
    let terminating = pod.pointer("/spec/activeDeadlineSeconds").is_some_and(Value::is_number);
    let asks = |c: &Value| {
        ["requests", "limits"].iter().any(|k| {
            c.pointer("/resources").and_then(|r| r.get(*k)).and_then(Value::as_object).is_some_and(|m| !m.is_empty())
        })
    };
    let any = list(pod, "/spec/containers").iter().chain(list(pod, "/spec/initContainers")).any(asks);
    match scope {
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "BestEffort" => !any,
        "NotBestEffort" => any,
        "PriorityClass" => !text(pod, "/spec/priorityClassName").is_empty(),
        "CrossNamespacePodAffinity" => crosses(pod),
        _ => false,
    }
}

fn crosses(pod: &Value) -> bool {
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    ["podAffinity", "podAntiAffinity"].iter().any(|kind| {
        list(pod, &format!("/spec/affinity/{kind}/{required}")).iter().any(|term| {
            !list(term, "/namespaces").is_empty()
                || flag(term, "/namespaceSelector")
                || term.get("namespaceSelector").is_some()
        })
    })
}

/// The sum over objects of what a quota limits.
pub fn used_of<'a>(quota: &Value, objects: impl Iterator<Item = (&'a str, &'a str, &'a Value)>) -> Amounts {
    let hard = quota.pointer("/spec/hard").and_then(Value::as_object);
    let mut used: Amounts = hard.into_iter().flatten().map(|(name, _)| (name.clone(), Quantity::default())).collect();
    for (plural, group, object) in objects {
        if !in_scope(quota, plural, object) {
            continue;
        }
        for (name, amount) in usage(plural, group, object) {
            if let Some(sum) = used.get_mut(&name) {
                *sum = sum.plus(amount);
            }
        }
    }
    used
}

/// Every object of a namespace with its resource, as far as its kind is served.
pub fn objects_of<'a>(view: &'a View, space: &'a str) -> impl Iterator<Item = (&'a str, &'a str, &'a Value)> {
    view.inside(space).filter_map(|object| {
        let served = view.served(&super::id::kind_of(object))?;
        Some((served.plural.as_str(), served.group.as_str(), object))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_a_claim_and_a_service() {
        let pod = json!({"spec": {"containers": [{"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}}],
            "initContainers": [{"resources": {"requests": {"cpu": "1"}}}]}});
        let used = usage("pods", "", &pod);
        let shown = |name: &str| used.get(name).map(ToString::to_string);
        assert_eq!(shown("requests.cpu").as_deref(), Some("1"));
        assert_eq!(shown("memory").as_deref(), Some("1Gi"));
        assert_eq!(shown("limits.memory").as_deref(), Some("2Gi"));
        assert_eq!(shown("limits.cpu"), None);
        assert_eq!(shown("count/pods").as_deref(), Some("1"));
        let claim = json!({"spec": {"storageClassName": "block", "resources": {"requests": {"storage": "10Gi"}}}});
        let used = usage("persistentvolumeclaims", "", &claim);
        assert_eq!(used["block.storageclass.storage.k8s.io/requests.storage"].to_string(), "10Gi");
        let service = json!({"spec": {"type": "NodePort", "ports": [{}, {}]}});
        assert_eq!(usage("services", "", &service)["services.nodeports"].to_string(), "2");
        assert_eq!(usage("deployments", "apps", &json!({}))["count/deployments.apps"].to_string(), "1");
    }

    #[test]
    fn scopes() {
        let quota = |scopes: Value| json!({"spec": {"scopes": scopes, "hard": {"pods": "1"}}});
        let best = json!({"spec": {"containers": [{}]}});
        assert!(in_scope(&quota(json!(["BestEffort"])), "pods", &best));
        assert!(!in_scope(&quota(json!(["NotBestEffort"])), "pods", &best));
        assert!(!in_scope(&quota(json!(["BestEffort"])), "services", &json!({})));
        assert!(in_scope(&json!({"spec": {}}), "services", &json!({})));
    }
}
