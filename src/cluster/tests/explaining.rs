//! `why`: from an owner down to the pod at fault.

use serde_json::{Value, json};

use super::super::fake::{Answer, Seen, cluster, status};
use super::super::why::{why, why_named};

fn server(seen: &Seen) -> Option<Answer> {
    let owned_by = |uid: &str| json!([{"uid": uid}]);
    match seen.path.as_str() {
        "/apis/apps/v1/namespaces/data/deployments/meta" => Some(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "meta", "namespace": "data", "uid": "d"},
                "spec": {"replicas": 1}, "status": {"replicas": 1, "updatedReplicas": 1, "conditions": [
                    {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "message": "Deployment does not have minimum availability."}]}})
            .into(),
        ),
        "/apis/apps/v1/namespaces/data/replicasets" => Some(
            json!({"items": [
                {"metadata": {"name": "meta-old", "namespace": "data", "uid": "r0", "ownerReferences": owned_by("d")}, "spec": {"replicas": 0}, "status": {}},
                {"metadata": {"name": "meta-7c9f", "namespace": "data", "uid": "r1", "ownerReferences": owned_by("d")}, "spec": {"replicas": 1}, "status": {"availableReplicas": 0}}]})
            .into(),
        ),
        "/api/v1/namespaces/data/pods" => Some(
            json!({"items": [{"metadata": {"name": "meta-7c9f-x2x", "namespace": "data", "uid": "p", "ownerReferences": owned_by("r1")},
                "status": {"phase": "Running", "containerStatuses": [{"name": "metastore", "restartCount": 3,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1}}}]}}]})
            .into(),
        ),
        "/api/v1/namespaces/data/events" if seen.query.contains("x2x") => {
            Some(json!({"items": [{"type": "Warning", "reason": "BackOff", "message": "Back-off restarting failed container", "count": 7}]}).into())
        }
        "/api/v1/namespaces/data/events" => Some(json!({"items": []}).into()),
        "/api/v1/namespaces/data/pods/meta-7c9f-x2x/log" => {
            assert!(seen.query.contains("previous=true") && seen.query.contains("container=metastore"), "{}", seen.query);
            Some(Answer(200, "MetaException: Version information not found\n".into(), Vec::new()))
        }
        _ => None,
    }
}

#[tokio::test]
async fn a_deployment_is_explained_down_to_the_log_of_its_pod() {
    let lines = why_named(&cluster(server), "deploy/data/meta", None).await.unwrap();
    let wanted = "\
Deployment data/meta   0 of 1 available
│ Available is False: MinimumReplicasUnavailable: Deployment does not have minimum availability.
└ ReplicaSet meta-7c9f   0 of 1 available
  └ Pod meta-7c9f-x2x   container metastore exited 1 (CrashLoopBackOff, restarted 3 times)
      event BackOff: Back-off restarting failed container (7 times)
      last log lines of metastore
        MetaException: Version information not found";
    assert_eq!(lines.join("\n"), wanted);
}

#[tokio::test]
async fn a_kustomization_leads_to_what_it_applied_and_is_not_ready() {
    let cluster = cluster(|seen| match seen.path.as_str() {
        "/api/v1/namespaces/data/configmaps/plain" => Some(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain", "namespace": "data"}}).into(),
        ),
        _ => server(seen),
    });
    let kustomization = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": "meta"},
        "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "HealthCheckFailed", "message": "timeout"}],
            "inventory": {"entries": [{"id": "data_plain__ConfigMap", "v": "v1"}, {"id": "data_meta_apps_Deployment", "v": "v1"},
                {"id": "_system__meta_rbac.authorization.k8s.io_ClusterRole", "v": "v1"}]}}});
    let lines = why(&cluster, &kustomization).await.unwrap();
    assert_eq!(lines[0], "Kustomization meta   HealthCheckFailed: timeout");
    assert!(lines.iter().any(|l| l == "└ Deployment data/meta   0 of 1 available"), "{lines:?}");
    assert!(lines.iter().any(|l| l.ends_with("MetaException: Version information not found")), "{lines:?}");
    assert!(!lines.iter().any(|l| l.contains("plain")), "{lines:?}");
}

#[tokio::test]
async fn what_may_not_be_seen_is_said() {
    let cluster = cluster(|seen| {
        let message = r#"replicasets.apps is forbidden: User "ann" cannot list resource "replicasets" in API group "apps" in the namespace "data""#;
        if seen.path.ends_with("/replicasets") {
            Some(status(403, "Forbidden", message, Value::Null))
        } else {
            server(seen)
        }
    });
    let lines = why_named(&cluster, "deploy/meta", Some("data")).await.unwrap();
    assert_eq!(
        lines.last().unwrap(),
        "(ReplicaSet not looked at: not allowed to list replicasets.apps in namespace data as ann)"
    );
}
