//! Canned answers of a small cluster: what a review and a plan ask for, and nothing that moves. A write is answered with
//! what was sent, and is forgotten.

use serde_json::{Value, json};

use crate::api::{Answer, Request, absent, serve};

/// Plural, kind, whether it has namespaces.
type Kind = (&'static str, &'static str, bool);

/// What is served, by group and version.
const KINDS: [(&str, &[Kind]); 6] = [
    (
        "v1",
        &[
            ("configmaps", "ConfigMap", true),
            ("events", "Event", true),
            ("limitranges", "LimitRange", true),
            ("namespaces", "Namespace", false),
            ("nodes", "Node", false),
            ("persistentvolumeclaims", "PersistentVolumeClaim", true),
            ("pods", "Pod", true),
            ("resourcequotas", "ResourceQuota", true),
            ("secrets", "Secret", true),
        ],
    ),
    ("apps/v1", &[("deployments", "Deployment", true), ("replicasets", "ReplicaSet", true)]),
    ("authorization.k8s.io/v1", &[("selfsubjectaccessreviews", "SelfSubjectAccessReview", false)]),
    ("kustomize.toolkit.fluxcd.io/v1", &[("kustomizations", "Kustomization", true)]),
    ("source.toolkit.fluxcd.io/v1", &[("gitrepositories", "GitRepository", true)]),
    ("storage.k8s.io/v1", &[("storageclasses", "StorageClass", false)]),
];

/// A watch brings nothing, and the server ends it after this time.
const WATCH: std::time::Duration = std::time::Duration::from_millis(500);

/// A cluster without a fault.
pub(crate) fn healthy() -> String {
    serve(answer)
}

/// A cluster that answers with `fault` where that gives something.
pub(crate) fn with_fault(fault: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) -> String {
    serve(move |request| fault(request).unwrap_or_else(|| answer(request)))
}

/// The answer of the cluster without a fault.
pub(crate) fn answer(request: &Request) -> Answer {
    if let Some(found) = discovery(request) {
        return (200, found.to_string());
    }
    match request.method.as_str() {
        // Access reviews are granted; all else is as it was sent.
        "POST" if request.path.ends_with("selfsubjectaccessreviews") => {
            let mut review: Value = serde_json::from_str(&request.body).unwrap_or_default();
            review["status"] = json!({ "allowed": true });
            (201, review.to_string())
        }
        "POST" | "PATCH" | "PUT" => (200, request.body.clone()),
        _ => read(request),
    }
}

/// What is served: in one answer where that is asked for, else group by group.
fn discovery(request: &Request) -> Option<Value> {
    let aggregated = request.accept.contains("APIGroupDiscoveryList");
    let core = |version: &str| !version.contains('/');
    match (request.path.as_str(), aggregated) {
        ("/version", _) => Some(json!({ "major": "1", "minor": "33", "gitVersion": "v1.33.1" })),
        ("/openapi/v3", _) => Some(json!({ "paths": {} })),
        ("/api", false) => Some(json!({ "kind": "APIVersions", "versions": ["v1"] })),
        ("/apis", false) => {
            let group = |version: &str| {
                let name = version.split('/').next().unwrap_or_default();
                let served = json!({ "groupVersion": version, "version": "v1" });
                json!({ "name": name, "versions": [served], "preferredVersion": served })
            };
            let groups: Vec<Value> = KINDS.iter().filter(|(v, _)| !core(v)).map(|(v, _)| group(v)).collect();
            Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
        }
        (path @ ("/api" | "/apis"), true) => {
            let wanted = KINDS.iter().filter(|(v, _)| core(v) == (path == "/api"));
            let items: Vec<Value> = wanted.map(|(version, kinds)| aggregate(version, kinds)).collect();
            Some(json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items }))
        }
        (path, _) => {
            let version = path.strip_prefix("/apis/").or_else(|| path.strip_prefix("/api/"))?;
            let (_, kinds) = KINDS.iter().find(|(v, _)| *v == version)?;
            let one = |&(plural, kind, namespaced): &Kind| json!({ "name": plural, "singularName": kind.to_lowercase(), "kind": kind, "namespaced": namespaced, "verbs": VERBS });
            let resources: Vec<Value> = kinds.iter().map(one).collect();
            Some(json!({ "kind": "APIResourceList", "groupVersion": version, "resources": resources }))
        }
    }
}

const VERBS: [&str; 7] = ["get", "list", "watch", "create", "update", "patch", "delete"];

fn aggregate(version: &str, kinds: &[Kind]) -> Value {
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let one = |&(plural, kind, namespaced): &Kind| {
        json!({
            "resource": plural,
            "responseKind": { "group": group, "version": "v1", "kind": kind },
            "scope": if namespaced { "Namespaced" } else { "Cluster" },
            "singularResource": kind.to_lowercase(),
            "verbs": VERBS,
        })
    };
    let resources: Vec<Value> = kinds.iter().map(one).collect();
    json!({ "metadata": { "name": group }, "versions": [{ "version": "v1", "resources": resources, "freshness": "Current" }] })
}

/// A list or one object.
fn read(request: &Request) -> Answer {
    let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    let (["api", _, rest @ ..] | ["apis", _, _, rest @ ..]) = parts.as_slice() else {
        return (404, "404 page not found".to_owned());
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
        rest => (None, rest),
    };
    let (plural, name) = (rest.first().copied().unwrap_or_default(), rest.get(1).copied());
    let all = objects(plural);
    let inside = |o: &&Value| namespace.is_none_or(|ns| o["metadata"]["namespace"] == ns);
    if let Some(name) = name {
        return match all.iter().filter(inside).find(|o| o["metadata"]["name"] == name) {
            Some(object) => (200, object.to_string()),
            None => absent(plural, name),
        };
    }
    if request.query.contains("watch=") {
        std::thread::sleep(WATCH);
        return (200, String::new());
    }
    let items: Vec<&Value> = all.iter().filter(inside).collect();
    let list = json!({ "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": "1" }, "items": items });
    (200, list.to_string())
}

/// One node with room, Flux' source and root; nothing else.
fn objects(plural: &str) -> Vec<Value> {
    let ready = json!([{ "type": "Ready", "status": "True", "reason": "Succeeded", "message": "" }]);
    match plural {
        "nodes" => vec![json!({
            "apiVersion": "v1", "kind": "Node", "metadata": { "name": "node-1" },
            "status": {
                "allocatable": { "cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "100Gi" },
                "conditions": ready,
            },
        })],
        "gitrepositories" => vec![json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": { "name": "flux-system", "namespace": "flux-system", "generation": 1, "resourceVersion": "1" },
            "spec": { "interval": "1m", "url": "https://git.example.org/home.git" },
            "status": { "observedGeneration": 1, "conditions": ready, "artifact": { "revision": REVISION } },
        })],
        "kustomizations" => vec![json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": { "name": "cluster-apps", "namespace": "flux-system", "generation": 1, "resourceVersion": "1" },
            "spec": { "interval": "1h", "path": "./kubernetes/apps", "prune": true, "sourceRef": { "kind": "GitRepository", "name": "flux-system" } },
            "status": { "observedGeneration": 1, "conditions": ready, "lastAppliedRevision": REVISION },
        })],
        _ => Vec::new(),
    }
}

/// What Flux holds, whatever is pushed.
const REVISION: &str = "main@sha1:0000000000000000000000000000000000000000";
