//! A plan held against an API server in the process: what is asked, and what comes of the answers.

use http::{Request, Response};
use http_body_util::Full;
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::cluster::Origin;
use crate::gitops::objects::{Changed, Made};
use crate::gitops::plan::Touched;

fn kinds(kinds: &[(&str, &str)]) -> Value {
    let one = |(plural, kind): &(&str, &str)| {
        json!({"resource": plural, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": "Namespaced",
            "singularResource": kind.to_lowercase(), "verbs": ["get", "list", "patch"], "shortNames": []})
    };
    json!([{"version": "v1", "freshness": "Current", "resources": kinds.iter().map(one).collect::<Vec<_>>()}])
}

/// A server with these objects by path; it accepts what is applied with `dryRun=All`, and nothing else.
fn cluster(objects: &'static [(&'static str, &'static str)]) -> Cluster {
    let service = tower::service_fn(move |request: Request<Body>| async move {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let list = |items: Value| json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items});
        let (status, body) = match (request.method().as_str(), path) {
            ("GET", "/api") => {
                (200, list(json!([{"metadata": {}, "versions": kinds(&[("configmaps", "ConfigMap")])}])))
            }
            ("GET", "/apis") => (
                200,
                list(json!([
                    {"metadata": {"name": "batch"}, "versions": kinds(&[("jobs", "Job")])},
                    {"metadata": {"name": "kustomize.toolkit.fluxcd.io"}, "versions": kinds(&[("kustomizations", "Kustomization")])},
                ])),
            ),
            ("GET", _) => match objects.iter().find(|(p, _)| *p == path) {
                Some((_, text)) => (200, serde_json::from_str(text).unwrap()),
                None => (
                    404,
                    json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": "not found", "details": {"name": "x", "kind": "x"}}),
                ),
            },
            ("PATCH", _) if query.contains("dryRun=All") && query.contains("fieldValidation=Strict") => {
                (200, json!({"kind": "Accepted", "apiVersion": "v1", "metadata": {"name": "x"}}))
            }
            _ => (
                500,
                json!({"kind": "Status", "status": "Failure", "code": 500, "message": "a write that is no dry run"}),
            ),
        };
        Ok::<_, kube::Error>(Response::builder().status(status).body(Full::new(body.to_string().into())).unwrap())
    });
    let origin = Origin { context: "admin@test".into(), cluster: "test".into(), server: "https://test:6443".into() };
    Cluster::from_client(kube::Client::new(service, "default"), &origin)
}

fn plan() -> Plan {
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "n"},
        "spec": {"template": {"spec": {"restartPolicy": "Never"}}}});
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}, "data": {}});
    let by = || ("flux-system".to_owned(), "web".to_owned());
    let touched = |name: &str, is_new: bool, depends_on: &[&str]| Touched {
        name: ("flux-system".into(), name.into()),
        parent: None,
        depends_on: depends_on.iter().map(|d| ("flux-system".to_owned(), (*d).to_owned())).collect(),
        is_ours: is_new,
        is_new,
        objects: Vec::new(),
    };
    let mut plan = Plan::empty();
    plan.kustomizations = vec![touched("apps", false, &["not-ours-to-judge"]), touched("web", true, &["database"])];
    plan.objects.added.push(Made { by: by(), object: map });
    plan.objects.changed.push(Changed { by: by(), before: job.clone(), after: job });
    plan
}

fn said(checks: &[Check]) -> Vec<String> {
    checks.iter().map(|c| format!("{:?} {}: {}", c.verdict, c.name, c.seen)).collect()
}

const READY: &str = r#"{"kind": "Kustomization", "status": {"conditions": [{"type": "Ready", "status": "True"}]}}"#;

#[tokio::test]
async fn a_plan_that_the_cluster_takes() {
    let cluster = cluster(&[
        ("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/apps", READY),
        ("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/database", READY),
    ]);
    let checks = try_on(&cluster, &plan()).await.unwrap();
    assert_eq!(
        said(&checks),
        ["Pass API server: accepts 2 objects", "Pass Flux: 2 Kustomizations above and before it are ready"]
    );
    assert!(cluster.requests().iter().all(|r| r.method == "GET" || r.dry_run), "a trial changes nothing");
}

#[tokio::test]
async fn a_suspended_parent_an_absent_dependency_and_a_field_that_cannot_change() {
    let cluster = cluster(&[
        (
            "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/apps",
            r#"{"kind": "Kustomization", "spec": {"suspend": true}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}"#,
        ),
        (
            "/apis/batch/v1/namespaces/n/jobs/j",
            r#"{"kind": "Job", "spec": {"template": {"spec": {"restartPolicy": "OnFailure"}}}}"#,
        ),
    ]);
    let checks = try_on(&cluster, &plan()).await.unwrap();
    assert_eq!(
        said(&checks),
        [
            "Pass API server: accepts 2 objects",
            "Fail danger: Job n/j: spec.template cannot change",
            "Fail Flux: Kustomization flux-system/apps is suspended: nothing below or after it would be applied",
            "Fail Flux: Kustomization flux-system/database is not in the cluster",
        ]
    );
}
