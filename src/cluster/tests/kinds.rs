//! Kinds by any name.

use serde_json::{Value, json};

use super::super::fake::{Answer, cluster, groups, status};
use crate::error::Code;

#[tokio::test]
async fn a_kind_has_many_names() {
    let cluster = cluster(|_| None);
    for name in [
        "deploy",
        "deployment",
        "deployments",
        "Deployment",
        "Deployment.apps",
        "deployments.apps",
        "deployments.v1.apps",
        "deploy.apps",
    ] {
        let kind = cluster.kind(name).await.unwrap();
        assert_eq!(
            (kind.api_version().as_str(), kind.kind.as_str(), kind.namespaced),
            ("apps/v1", "Deployment", true),
            "{name}"
        );
    }
    for name in ["cnpg", "Cluster.postgresql.cnpg.io", "clusters.postgresql.cnpg.io", "cluster"] {
        assert_eq!(cluster.kind(name).await.unwrap().full_name(), "Cluster.postgresql.cnpg.io", "{name}");
    }
    assert_eq!(cluster.kind("Cluster.v1beta1.postgresql.cnpg.io").await.unwrap().version, "v1beta1");
    assert_eq!(cluster.kind("Pod.v1").await.unwrap().api_version(), "v1");
    assert!(!cluster.kind("ns").await.unwrap().namespaced);
    // Of two groups the core one wins, as with kubectl.
    assert_eq!(cluster.kind("events").await.unwrap().group, "");
    assert_eq!(cluster.kind("events.events.k8s.io").await.unwrap().group, "events.k8s.io");
    // All of that took one look at the server.
    assert!(cluster.requests().iter().all(|s| s.count == 1), "{:?}", cluster.requests());
}

#[tokio::test]
async fn an_unknown_kind_says_so_with_the_nearest() {
    let cluster = cluster(|_| None);
    let error = cluster.kind("deploymnet").await.unwrap_err();
    assert_eq!(error.code(), Code::UnknownKind);
    assert_eq!(error.message(), "the API server does not serve a kind `deploymnet`");
    assert!(error.hint_text().unwrap().starts_with("Did you mean `deployment"), "{:?}", error.hint_text());
    let error = cluster.kind("CephCluster.ceph.rook.io").await.unwrap_err();
    assert!(error.hint_text().unwrap().contains("CustomResourceDefinition"));
}

#[tokio::test]
async fn a_type_in_another_version_names_the_one_that_is_served() {
    let cluster = cluster(|_| None);
    let object = json!({"apiVersion": "apps/v1beta2", "kind": "Deployment"});
    let error = cluster.kind_of(&object).await.unwrap_err();
    assert_eq!(error.code(), Code::UnknownKind);
    assert_eq!(error.hint_text(), Some("It serves apiVersion: apps/v1"));
}

#[tokio::test]
async fn a_silent_group_breaks_only_its_own_kinds() {
    let cluster = cluster(|_| None);
    assert!(cluster.kind("deploy").await.is_ok());
    let error = cluster.kind("NodeMetrics.metrics.k8s.io").await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains("metrics.k8s.io/v1beta1 does not answer"), "{error}");
    let error = cluster.kind("nodemetrics").await.unwrap_err();
    assert_eq!(error.code(), Code::UnknownKind);
    assert!(error.notes()[0].contains("metrics.k8s.io"), "{:?}", error.notes());
}

#[tokio::test]
async fn a_definition_installed_meanwhile_is_found() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    let cluster = cluster(|seen| {
        let Answer(code, text, headers) = groups(seen)?;
        if seen.path != "/apis" || !INSTALLED.load(Ordering::SeqCst) {
            return Some(Answer(code, text, headers));
        }
        let mut list: Value = serde_json::from_str(&text).unwrap();
        list["items"].as_array_mut().unwrap().push(json!({"metadata": {"name": "example.com"}, "versions": [{"version": "v1", "resources": [
            {"resource": "things", "responseKind": {"kind": "Thing"}, "scope": "Cluster", "singularResource": "thing"}]}]}));
        Some(list.into())
    });
    assert_eq!(cluster.kind("thing").await.unwrap_err().code(), Code::UnknownKind);
    INSTALLED.store(true, Ordering::SeqCst);
    // A table that young is not read again at once…
    assert_eq!(cluster.kind("thing").await.unwrap_err().code(), Code::UnknownKind);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    // …but an older one is, once for all who ask.
    let asked = futures::future::join_all((0..5).map(|_| cluster.kind("thing"))).await;
    assert!(asked.iter().all(Result::is_ok));
    let looks = cluster.requests().iter().find(|s| s.path == "/apis").unwrap().count;
    assert_eq!(looks, 2);
}

#[tokio::test]
async fn those_who_wait_for_a_failing_look_share_its_error() {
    let cluster =
        cluster(|seen| seen.path.starts_with("/api").then(|| status(500, "InternalError", "no leader", Value::Null)));
    let asked = futures::future::join_all((0..10).map(|_| cluster.kind("pod"))).await;
    assert!(asked.iter().all(|a| a.as_ref().is_err_and(|e| e.code() == Code::Unavailable)));
    let core = cluster.requests().iter().find(|s| s.path == "/api").unwrap().count;
    assert_eq!(core, 4, "one look with its repetitions");
    // A later one looks again.
    assert!(cluster.kind("pod").await.is_err());
    assert!(cluster.requests().iter().find(|s| s.path == "/api").unwrap().count > core);
}

#[tokio::test]
async fn a_server_without_aggregated_discovery_is_read_group_by_group() {
    let cluster = cluster(|seen| {
        Some(match seen.path.as_str() {
            "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}).into(),
            "/apis" => json!({"kind": "APIGroupList", "groups": [
                {"name": "apps", "versions": [{"version": "v1beta1"}, {"version": "v1"}], "preferredVersion": {"version": "v1"}},
                {"name": "metrics.k8s.io", "versions": [{"version": "v1beta1"}], "preferredVersion": {"version": "v1beta1"}},
            ]})
            .into(),
            "/api/v1" => json!({"kind": "APIResourceList", "resources": [
                {"name": "pods", "singularName": "pod", "kind": "Pod", "namespaced": true, "shortNames": ["po"], "verbs": ["get"]},
                {"name": "pods/log", "kind": "Pod", "namespaced": true, "verbs": ["get"]},
            ]})
            .into(),
            "/apis/apps/v1" | "/apis/apps/v1beta1" => json!({"kind": "APIResourceList", "resources": [
                {"name": "deployments", "singularName": "", "kind": "Deployment", "namespaced": true, "shortNames": ["deploy"], "verbs": ["get"]}]})
            .into(),
            "/apis/metrics.k8s.io/v1beta1" => (404, json!({})).into(),
            _ => return None,
        })
    });
    assert_eq!(cluster.kind("deploy").await.unwrap().api_version(), "apps/v1");
    assert_eq!(cluster.kind("po").await.unwrap().subresources, ["log"]);
    assert_eq!(cluster.kind("pods.metrics.k8s.io").await.unwrap_err().code(), Code::Unavailable);
}
