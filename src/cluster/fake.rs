//! A transport that answers from a function, for tests: no server, no port.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;
use serde_json::{Value, json};

use super::connect::{Cluster, Origin};
use super::transport::Timing;

/// A request as a test sees it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: Value,
}

/// An answer: status, body, headers.
pub(super) struct Answer(pub(super) u16, pub(super) String, pub(super) Vec<(&'static str, String)>);

impl From<Value> for Answer {
    fn from(body: Value) -> Self {
        Self(200, body.to_string(), Vec::new())
    }
}

impl From<(u16, Value)> for Answer {
    fn from((status, body): (u16, Value)) -> Self {
        Self(status, body.to_string(), Vec::new())
    }
}

/// A `Status` as the API server sends it.
pub(super) fn status(code: u16, reason: &str, message: &str, details: Value) -> Answer {
    let mut body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message});
    body["details"] = details;
    Answer(code, body.to_string(), Vec::new())
}

/// A cluster that answers with `answer`; discovery is answered with [`groups`] unless `answer` does (`None`: 404).
pub(super) fn cluster(answer: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static) -> Cluster {
    let answer = Arc::new(answer);
    let service = tower::service_fn(move |request: Request<Body>| {
        let answer = answer.clone();
        async move {
            let (parts, body) = request.into_parts();
            let bytes = body.collect().await?.to_bytes();
            let seen = Seen {
                method: parts.method.to_string(),
                path: parts.uri.path().to_owned(),
                query: parts.uri.query().unwrap_or_default().to_owned(),
                body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            };
            let Answer(code, text, headers) = answer(&seen)
                .or_else(|| groups(&seen))
                .unwrap_or_else(|| Answer(404, "404 page not found".into(), Vec::new()));
            let mut response = Response::builder().status(StatusCode::from_u16(code).unwrap());
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok::<_, kube::Error>(response.body(Full::new(Bytes::from(text))).unwrap())
        }
    });
    let origin = Origin { context: "admin@test".into(), cluster: "test".into(), server: "https://test:6443".into() };
    Cluster::assemble(kube::Client::new(service, "default"), &origin, quick())
}

/// Short waits, for tests that run them out.
pub(super) fn quick() -> Timing {
    Timing {
        request: Some(Duration::from_secs(5)),
        pauses: [Duration::from_millis(5); 3],
        outage: Duration::from_secs(1),
        watch_pause: Duration::from_millis(10),
        longest_watch_pause: Duration::from_millis(100),
    }
}

/// Answers one after the other; the last one stays.
pub(super) fn in_turn(answers: Vec<Answer>) -> impl Fn() -> Answer + Send + Sync {
    let answers = Mutex::new(std::collections::VecDeque::from(answers));
    move || {
        let mut answers = answers.lock().unwrap();
        match answers.pop_front() {
            Some(only) if answers.is_empty() => {
                answers.push_back(Answer(only.0, only.1.clone(), only.2.clone()));
                only
            }
            Some(next) => next,
            None => Answer(500, String::new(), Vec::new()),
        }
    }
}

fn resource(plural: &str, kind: &str, short: &[&str], namespaced: bool) -> Value {
    json!({"resource": plural, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": if namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.to_lowercase(), "verbs": ["get", "list"], "shortNames": short})
}

/// Aggregated discovery of a small cluster.
pub(super) fn groups(seen: &Seen) -> Option<Answer> {
    let list = |items: Value| {
        Some(json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items}).into())
    };
    match seen.path.as_str() {
        "/api" => list(json!([{"metadata": {}, "versions": [{"version": "v1", "freshness": "Current", "resources": [
            resource("pods", "Pod", &["po"], true),
            resource("services", "Service", &["svc"], true),
            resource("configmaps", "ConfigMap", &["cm"], true),
            resource("events", "Event", &["ev"], true),
            resource("namespaces", "Namespace", &["ns"], false),
            resource("nodes", "Node", &["no"], false),
        ]}]}])),
        "/apis" => list(json!([
            {"metadata": {"name": "apps"}, "versions": [{"version": "v1", "freshness": "Current", "resources": [
                resource("deployments", "Deployment", &["deploy"], true), resource("replicasets", "ReplicaSet", &["rs"], true)]}]},
            {"metadata": {"name": "batch"}, "versions": [{"version": "v1", "freshness": "Current", "resources": [resource("jobs", "Job", &[], true)]}]},
            {"metadata": {"name": "events.k8s.io"}, "versions": [{"version": "v1", "freshness": "Current", "resources": [resource("events", "Event", &["ev"], true)]}]},
            {"metadata": {"name": "postgresql.cnpg.io"}, "versions": [
                {"version": "v1", "freshness": "Current", "resources": [resource("clusters", "Cluster", &[], true)]},
                {"version": "v1beta1", "freshness": "Current", "resources": [resource("clusters", "Cluster", &[], true)]}]},
            {"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1beta1", "freshness": "Stale", "resources": []}]},
        ])),
        _ => None,
    }
}
