//! What is in a cluster before anybody came: namespaces, priority classes, roles, and the server's own service.

use serde_json::{Value, json};

use super::access;
use super::hand::Hand;
use super::server::Api;
use super::status::Status;

const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Makes the objects that the true server makes when it starts; what is there already stays as it is.
pub fn bootstrap(api: &Api) -> Result<(), Status> {
    let hand = api.as_user("system:apiserver").managing_as("kube-apiserver");
    for name in NAMESPACES {
        make(&hand, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))?;
    }
    for (name, value, what) in [
        (
            "system-cluster-critical",
            2_000_000_000_i64,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        ),
        (
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        ),
    ] {
        make(
            &hand,
            json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
            "value": value, "description": what}),
        )?;
    }
    let roles = access::bootstrap::objects().map_err(Status::internal)?;
    for role in roles {
        make(&hand, role)?;
    }
    make(
        &hand,
        json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]}}),
    )
}

fn make(hand: &Hand, object: Value) -> Result<(), Status> {
    match hand.create(object) {
        Err(status) if status.reason() != "AlreadyExists" => Err(status),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::Forget;
    use super::super::types::Types;
    use super::*;
    use crate::sim::clock::{Clock, Mode};

    #[test]
    fn a_fresh_cluster_has_its_objects_once() {
        let api = Api::new(Types::shipped(), Clock::new(Mode::Virtual), Box::new(Forget));
        bootstrap(&api).unwrap();
        let version = api.with_store(super::super::store::Store::version);
        bootstrap(&api).unwrap();
        assert_eq!(api.with_store(super::super::store::Store::version), version);
        let hand = api.as_user("tester");
        assert_eq!(hand.get("Service", "default", "kubernetes").unwrap()["spec"]["clusterIPs"], json!(["10.96.0.1"]));
        assert!(hand.list("ClusterRole.rbac.authorization.k8s.io", "", "").unwrap().len() > 50);
    }
}
