//! A small cluster behind a client, for tests: objects in a list, no server, no port.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use dpb::cluster::{Cluster, Origin};

/// Objects, and paths that answer with an error: path, status, reason.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) objects: Vec<Value>,
    pub(crate) refused: Vec<(&'static str, u16, &'static str)>,
    /// Paths that never answer.
    pub(crate) silent: Vec<&'static str>,
    /// Paths with a body of their own.
    pub(crate) bodies: Vec<(&'static str, Value)>,
}

/// Kinds: group, version, plural, kind, short name, namespaced.
const KINDS: &[(&str, &str, &str, &str, &str, bool)] = &[
    ("", "v1", "pods", "Pod", "po", true),
    ("", "v1", "services", "Service", "svc", true),
    ("", "v1", "secrets", "Secret", "", true),
    ("", "v1", "configmaps", "ConfigMap", "cm", true),
    ("", "v1", "events", "Event", "ev", true),
    ("", "v1", "namespaces", "Namespace", "ns", false),
    ("", "v1", "nodes", "Node", "no", false),
    ("apps", "v1", "deployments", "Deployment", "deploy", true),
    ("apps", "v1", "replicasets", "ReplicaSet", "rs", true),
    ("batch", "v1", "jobs", "Job", "", true),
    ("source.toolkit.fluxcd.io", "v1", "gitrepositories", "GitRepository", "gitrepo", true),
    ("ceph.rook.io", "v1", "cephobjectstoreusers", "CephObjectStoreUser", "", true),
    ("objectbucket.io", "v1alpha1", "objectbucketclaims", "ObjectBucketClaim", "obc", true),
    ("kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization", "ks", true),
];

impl World {
    pub(crate) fn cluster(self, runtime: &Runtime) -> Cluster {
        let world = Arc::new(self);
        let service = tower::service_fn(move |request: Request<Body>| {
            let world = Arc::clone(&world);
            async move {
                let (parts, body) = request.into_parts();
                let bytes = body.collect().await?.to_bytes();
                let path = parts.uri.path().to_owned();
                if world.silent.iter().any(|p| path.starts_with(p)) {
                    std::future::pending::<()>().await;
                }
                let (code, body) =
                    world.answer(parts.method.as_str(), &path, parts.uri.query().unwrap_or_default(), &bytes);
                let response = Response::builder().status(StatusCode::from_u16(code).unwrap());
                Ok::<_, kube::Error>(response.body(Full::new(Bytes::from(body))).unwrap())
            }
        });
        let _inside = runtime.enter();
        let origin =
            Origin { context: "admin@test".into(), cluster: "test".into(), server: "https://test:6443".into() };
        Cluster::from_client(kube::Client::new(service, "default"), &origin)
    }

    fn answer(&self, method: &str, path: &str, query: &str, _: &[u8]) -> (u16, String) {
        if let Some((_, code, reason)) = self.refused.iter().find(|(p, _, _)| path.contains(p)) {
            let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": format!("{reason} says the test")});
            return (*code, body.to_string());
        }
        if let Some((_, body)) = self.bodies.iter().find(|(p, _)| path == *p) {
            return (200, body.to_string());
        }
        match path {
            "/api" => return (200, groups(str::is_empty)),
            "/apis" => return (200, groups(|group| !group.is_empty())),
            "/version" => return (200, json!({"major": "1", "minor": "34", "gitVersion": "v1.34.0", "platform": "test", "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": ""}).to_string()),
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => return (201, json!({"status": {"allowed": true}}).to_string()),
            _ if path.ends_with("/log") => return (200, "Started\n".into()),
            _ if method == "POST" && path.ends_with("/jobs") => return (201, job().to_string()),
            _ if method == "DELETE" => return (200, json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}).to_string()),
            _ if method != "GET" => return (405, String::new()),
            _ if query.contains("watch=") => {
                return (200, json!({"type": "ADDED", "object": job()}).to_string() + "\n");
            }
            _ => {}
        }
        let Some((group, version, kind, namespace, name)) = parse(path) else { return (404, String::new()) };
        let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        let matching = self.objects.iter().filter(|o| {
            o["kind"] == kind
                && o["apiVersion"] == api_version
                && namespace.is_none_or(|ns| o["metadata"]["namespace"] == ns)
        });
        if let Some(name) = name {
            return match matching.into_iter().find(|o| o["metadata"]["name"] == name) {
                Some(object) => (200, object.to_string()),
                None => (404, absent(kind, name)),
            };
        }
        let wanted: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == "labelSelector")
            .map(|(_, text)| {
                text.split(',').filter_map(|p| p.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
            })
            .unwrap_or_default();
        let items: Vec<_> = matching.filter(|o| wanted.iter().all(|(k, v)| o["metadata"]["labels"][k] == *v)).collect();
        (200, json!({"kind": format!("{kind}List"), "apiVersion": api_version, "metadata": {"resourceVersion": "1"}, "items": items}).to_string())
    }
}

fn absent(kind: &str, name: &str) -> String {
    let details = json!({"name": name, "kind": kind});
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound", "message": "not found", "details": details});
    status.to_string()
}

/// A job that has ended.
pub(crate) fn job() -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "probe-a", "namespace": "data-platform", "uid": "j1", "resourceVersion": "1"},
        "status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]},
    })
}

/// Group, version, kind, namespace and name of a path.
type Path<'a> = (&'a str, &'a str, &'static str, Option<&'a str>, Option<&'a str>);

fn parse(path: &str) -> Option<Path<'_>> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let kind = |plural: &str| KINDS.iter().find(|k| k.0 == group && k.2 == plural).map(|k| k.3);
    match rest {
        [plural] => Some((group, version, kind(plural)?, None, None)),
        ["namespaces", name] => Some((group, version, "Namespace", None, Some(name))),
        [plural, name] => Some((group, version, kind(plural)?, None, Some(name))),
        ["namespaces", ns, plural] => Some((group, version, kind(plural)?, Some(ns), None)),
        ["namespaces", ns, plural, name] => Some((group, version, kind(plural)?, Some(ns), Some(name))),
        _ => None,
    }
}

fn groups(wanted: impl Fn(&str) -> bool) -> String {
    let mut names: Vec<(&str, &str)> = KINDS.iter().filter(|k| wanted(k.0)).map(|k| (k.0, k.1)).collect();
    names.dedup();
    let items: Vec<Value> = names
        .iter()
        .map(|(group, version)| {
            let resources: Vec<Value> = KINDS.iter().filter(|k| k.0 == *group).map(|(_, _, plural, kind, short, namespaced)| {
                json!({"resource": plural, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": if *namespaced { "Namespaced" } else { "Cluster" },
                    "singularResource": kind.to_lowercase(), "verbs": ["get", "list", "create", "delete"], "shortNames": if short.is_empty() { vec![] } else { vec![short] }})
            }).collect();
            json!({"metadata": {"name": group}, "versions": [{"version": version, "freshness": "Current", "resources": resources}]})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items}).to_string()
}
