//! Each refusal becomes one error with its code, its words and what to do.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::connect::Origin;
use super::super::fake::{Answer, cluster, in_turn, quick, status};
use super::super::transport::Timing;
use super::super::{Cluster, Query};
use crate::error::{Code, Error};

async fn refused(answer: fn() -> Answer) -> Error {
    let cluster = cluster(move |seen| seen.path.contains("/namespaces/").then(answer));
    cluster.get("deploy", Some("shop"), "web").await.unwrap_err()
}

#[tokio::test]
async fn expired_credentials_are_denied() {
    let error = refused(|| status(401, "Unauthorized", "Unauthorized", Value::Null)).await;
    assert_eq!(error.code(), Code::Denied);
    assert_eq!(error.message(), "https://test:6443 does not accept our credentials: expired or wrong (401)");
    assert!(error.hint_text().unwrap().contains("kubectl auth whoami"));
}

#[tokio::test]
async fn a_missing_permission_names_verb_resource_namespace_and_the_command() {
    let error = refused(|| {
        let message = r#"deployments.apps "web" is forbidden: User "ann" cannot get resource "deployments" in API group "apps" in the namespace "shop""#;
        status(403, "Forbidden", message, json!({"name": "web", "group": "apps", "kind": "deployments"}))
    })
    .await;
    assert_eq!(error.code(), Code::Forbidden);
    assert_eq!(error.message(), "not allowed to get deployments.apps in namespace shop as ann");
    assert!(error.hint_text().unwrap().ends_with("kubectl auth can-i get deployments.apps/web -n shop"));
    assert_eq!(error.object_ref().unwrap().to_string(), "Deployment shop/web");
}

#[tokio::test]
async fn a_quota_is_no_missing_permission() {
    let error = refused(|| {
        let message =
            r#"pods "web" is forbidden: exceeded quota: small, requested: cpu=2, used: cpu=3, limited: cpu=4"#;
        status(403, "Forbidden", message, Value::Null)
    })
    .await;
    assert_eq!(error.code(), Code::Invalid);
    assert!(error.message().contains("exceeded quota: small"), "{error}");
}

#[tokio::test]
async fn an_absent_object_is_not_found_and_an_absent_kind_unknown() {
    let gone = || {
        status(
            404,
            "NotFound",
            r#"deployments.apps "web" not found"#,
            json!({"name": "web", "group": "apps", "kind": "deployments"}),
        )
    };
    let error = refused(gone).await;
    assert_eq!((error.code(), error.message()), (Code::NotFound, "Deployment shop/web does not exist"));
    let error = refused(|| Answer(404, "404 page not found\n".into(), Vec::new())).await;
    assert_eq!((error.code(), error.message()), (Code::UnknownKind, "the API server does not serve Deployment.apps"));
    let found =
        cluster(move |seen| seen.path.contains("/namespaces/").then(gone)).find("deploy", Some("shop"), "web").await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn conflicts_name_the_other_managers() {
    let error = refused(|| {
        let details = json!({"causes": [{"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using apps/v1", "field": ".spec.replicas"}]});
        status(409, "Conflict", "Apply failed with 1 conflict", details)
    })
    .await;
    assert_eq!(error.code(), Code::Conflict);
    assert_eq!(error.notes(), [".spec.replicas: conflict with \"kubectl\" using apps/v1"]);
}

#[tokio::test]
async fn what_the_server_finds_wrong_is_invalid_in_its_own_words() {
    let error = refused(|| {
        status(422, "Invalid", "Deployment.apps \"web\" is invalid: spec.selector: field is immutable", Value::Null)
    })
    .await;
    assert_eq!(error.code(), Code::Invalid);
    assert!(error.message().ends_with("spec.selector: field is immutable"), "{error}");
    let error =
        refused(|| status(400, "BadRequest", "strict decoding error: unknown field \"spec.foo\"", Value::Null)).await;
    assert_eq!(error.code(), Code::Invalid);
}

#[tokio::test]
async fn a_500_about_an_applied_manifest_is_the_manifests_fault() {
    let error = refused(|| {
        let message = "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.foo: field not declared in schema";
        status(500, "", message, Value::Null)
    })
    .await;
    assert_eq!(error.code(), Code::Invalid);
    assert_eq!(error.message(), "Deployment shop/web: .spec.foo: field not declared in schema");
}

fn counted(path: &str, cluster: &Cluster) -> u64 {
    cluster.requests().iter().filter(|s| s.path == path).map(|s| s.count).sum()
}

#[tokio::test]
async fn a_500_is_tried_again_and_then_told() {
    let path = "/apis/apps/v1/namespaces/shop/deployments/web";
    let cluster = cluster(move |seen| {
        (seen.path == path).then(|| status(500, "InternalError", "etcdserver: leader changed", Value::Null))
    });
    let error = cluster.get("deploy", Some("shop"), "web").await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains("500") && error.message().contains("leader changed"), "{error}");
    assert_eq!(counted(path, &cluster), 4);
}

#[tokio::test]
async fn a_passing_failure_is_bridged_as_long_as_the_server_asks() {
    let mut busy = status(429, "TooManyRequests", "slow down", Value::Null);
    busy.2.push(("retry-after", "1".into()));
    let next = in_turn(vec![busy, json!({"metadata": {"name": "web"}}).into()]);
    let cluster = cluster(move |seen| seen.path.contains("/namespaces/").then(&next));
    let start = tokio::time::Instant::now();
    assert_eq!(cluster.get("deploy", Some("shop"), "web").await.unwrap()["metadata"]["name"], "web");
    assert!((1000..2000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_long_retry_after_is_told_at_once() {
    let cluster = cluster(|seen| {
        let mut busy = status(503, "ServiceUnavailable", "starting", Value::Null);
        busy.2.push(("retry-after", "120".into()));
        seen.path.contains("/namespaces/").then_some(busy)
    });
    let start = tokio::time::Instant::now();
    let error = cluster.get("deploy", Some("shop"), "web").await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(start.elapsed().as_secs() < 1);
}

#[tokio::test]
async fn a_write_is_not_repeated_after_a_500() {
    let cluster =
        cluster(|seen| (seen.method == "POST").then(|| status(500, "InternalError", "who knows", Value::Null)));
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}});
    assert_eq!(cluster.create(&object).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(counted("/api/v1/namespaces/shop/configmaps", &cluster), 1);
}

#[tokio::test]
async fn names_that_would_lead_elsewhere_are_refused() {
    let cluster = cluster(|_| None);
    for name in ["../secrets/x", "a?watch=1", "", ".."] {
        assert_eq!(cluster.get("pod", Some("shop"), name).await.unwrap_err().code(), Code::Invalid, "{name}");
    }
    assert_eq!(cluster.list("pod", &Query::namespace("a/b")).await.unwrap_err().code(), Code::Invalid);
}

#[tokio::test]
async fn a_silent_server_is_told_after_the_request_timeout() {
    let service = tower::service_fn(|_: http::Request<kube::client::Body>| {
        std::future::pending::<Result<http::Response<kube::client::Body>, kube::Error>>()
    });
    let origin = Origin { context: "home".into(), cluster: "c".into(), server: "https://10.0.0.1:6443".into() };
    let timing = Timing { request: Some(Duration::from_millis(50)), ..quick() };
    let cluster = Cluster::assemble(kube::Client::new(service, "default"), &origin, timing);
    let error = cluster.server_version().await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert_eq!(error.message(), "no answer from https://10.0.0.1:6443 (context home) to /version within 0.05 s");
}
