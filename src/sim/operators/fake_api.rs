//! An API server for tests, as small as the operators need it: discovery, get, list, watch, apply, status, delete with
//! what was owned. No port: the client's transport is a function.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::cluster::{Cluster, Origin};

/// The kinds that are served: group, version, kind, plural.
const KINDS: [(&str, &str, &str, &str); 4] = [
    ("", "v1", "Pod", "pods"),
    ("", "v1", "Secret", "secrets"),
    ("example.org", "v1", "Thing", "things"),
    ("example.org", "v1", "Late", "lates"),
];

type Answer = UnsyncBoxBody<Bytes, std::io::Error>;

#[derive(Clone)]
pub(super) struct FakeApi(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    changes: broadcast::Sender<(String, Value)>,
}

#[derive(Default)]
struct State {
    /// By path.
    objects: BTreeMap<String, Value>,
    version: u64,
    hidden: Vec<&'static str>,
    status_writes: usize,
}

impl FakeApi {
    /// An API server that does not serve the kinds `hidden` yet.
    pub(super) fn new(hidden: &[&'static str]) -> Self {
        let state = State { hidden: hidden.to_vec(), ..State::default() };
        Self(Arc::new(Inner { state: Mutex::new(state), changes: broadcast::channel(1000).0 }))
    }

    pub(super) fn show_all(&self) {
        self.0.state.lock().unwrap().hidden.clear();
    }

    pub(super) fn status_writes(&self) -> usize {
        self.0.state.lock().unwrap().status_writes
    }

    pub(super) fn object(&self, path: &str) -> Option<Value> {
        self.0.state.lock().unwrap().objects.get(path).cloned()
    }

    /// Stores an object as a user would: what differs in its spec is a new generation.
    pub(super) fn store(&self, path: &str, mut object: Value) {
        let mut state = self.0.state.lock().unwrap();
        let before = state.objects.get(path).cloned().unwrap_or(Value::Null);
        if before == object {
            return;
        }
        state.version += 1;
        let generation = before["metadata"]["generation"].as_i64().unwrap_or(0);
        let new = before["spec"] != object["spec"] || before.is_null();
        object["metadata"]["generation"] = json!(generation + i64::from(new));
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        let uid = before["metadata"]["uid"].as_str().map_or(format!("uid-{}", state.version), str::to_owned);
        object["metadata"]["uid"] = json!(uid);
        let kind = if before.is_null() { "ADDED" } else { "MODIFIED" };
        state.objects.insert(path.to_owned(), object.clone());
        drop(state);
        let _ = self.0.changes.send((path.to_owned(), json!({"type": kind, "object": object})));
    }

    /// Deletes an object and what it owns.
    pub(super) fn remove(&self, path: &str) {
        let removed = self.0.state.lock().unwrap().objects.remove(path);
        let Some(removed) = removed else { return };
        let _ = self.0.changes.send((path.to_owned(), json!({"type": "DELETED", "object": removed})));
        let owned: Vec<String> = {
            let state = self.0.state.lock().unwrap();
            let owner = |o: &Value| o["metadata"]["ownerReferences"][0]["uid"] == removed["metadata"]["uid"];
            state.objects.iter().filter(|(_, o)| owner(o)).map(|(path, _)| path.clone()).collect()
        };
        for path in owned {
            self.remove(&path);
        }
    }

    /// A client of it.
    pub(super) fn cluster(&self) -> Cluster {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
                let query = head.uri.query().unwrap_or_default().to_owned();
                Ok::<_, kube::Error>(api.answer(&head.method, head.uri.path(), &query, &body))
            }
        });
        let origin = Origin { context: "fake".into(), cluster: "fake".into(), server: "https://fake".into() };
        Cluster::from_client(kube::Client::new(service, "default"), &origin)
    }

    fn answer(&self, method: &Method, path: &str, query: &str, body: &Value) -> Response<Answer> {
        if matches!(path, "/api" | "/apis") {
            return respond(200, &self.discovery(path == "/api"));
        }
        let collection = path.rsplit('/').next().is_some_and(|last| KINDS.iter().any(|(.., plural)| *plural == last));
        match (method, collection) {
            (&Method::GET, true) if query.contains("watch=true") => self.watch(path),
            (&Method::GET, true) => self.list(path, query),
            (&Method::GET, false) => self.object(path).map_or_else(absent, |o| respond(200, &o)),
            (&Method::PATCH, _) => self.merge(path, body),
            (&Method::DELETE, _) => {
                self.remove(path);
                respond(200, &json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
            }
            _ => absent(),
        }
    }

    fn discovery(&self, core: bool) -> Value {
        let hidden = self.0.state.lock().unwrap().hidden.clone();
        let shown = |k: &&(&str, &str, &str, &str)| k.0.is_empty() == core && !hidden.contains(&k.2);
        let resources: Vec<Value> = KINDS
            .iter()
            .filter(shown)
            .map(|(group, version, kind, plural)| {
                json!({"resource": plural, "responseKind": {"group": group, "version": version, "kind": kind}, "scope": "Namespaced",
                    "singularResource": kind.to_lowercase(), "verbs": ["get", "list", "watch", "patch", "delete"],
                    "subresources": [{"subresource": "status", "responseKind": {"group": group, "version": version, "kind": kind}, "verbs": ["get", "patch"]}]})
            })
            .collect();
        let name = if core { "" } else { "example.org" };
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": [
            {"metadata": {"name": name}, "versions": [{"version": "v1", "freshness": "Current", "resources": resources}]}]})
    }

    fn list(&self, path: &str, query: &str) -> Response<Answer> {
        let state = self.0.state.lock().unwrap();
        let wanted = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "labelSelector");
        let labelled = |o: &Value| {
            wanted.as_ref().is_none_or(|(_, selector)| {
                selector.split_once('=').is_some_and(|(name, value)| o["metadata"]["labels"][name] == value)
            })
        };
        let items: Vec<&Value> =
            state.objects.iter().filter(|(p, o)| within(p, path) && labelled(o)).map(|(_, o)| o).collect();
        let version = state.version.to_string();
        respond(
            200,
            &json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": items}),
        )
    }

    fn watch(&self, path: &str) -> Response<Answer> {
        let path = path.to_owned();
        let changes = futures::stream::unfold(self.0.changes.subscribe(), |mut changes| async move {
            changes.recv().await.ok().map(|change| (change, changes))
        });
        let lines = changes.filter_map(move |(at, event)| {
            let line = within(&at, &path).then(|| {
                let line = Bytes::from(format!("{event}\n"));
                Ok::<_, std::io::Error>(hyper::body::Frame::data(line))
            });
            std::future::ready(line)
        });
        Response::new(StreamBody::new(lines).boxed_unsync())
    }

    fn merge(&self, path: &str, news: &Value) -> Response<Answer> {
        let target = path.strip_suffix("/status").unwrap_or(path);
        let status = target != path;
        let Some(mut object) = self.object(target).or_else(|| (!status).then(|| json!({}))) else { return absent() };
        json_patch::merge(&mut object, news);
        if status {
            self.0.state.lock().unwrap().status_writes += 1;
        }
        self.store(target, object);
        self.object(target).map_or_else(absent, |o| respond(200, &o))
    }
}

/// Whether an object's path belongs to a collection, of one namespace or of all.
fn within(object: &str, collection: &str) -> bool {
    let plural = collection.rsplit('/').next().unwrap_or_default();
    let parent = object.rsplit_once('/').map_or("", |(parent, _)| parent);
    parent == collection || (parent.ends_with(&format!("/{plural}")) && !collection.contains("/namespaces/"))
}

fn respond(status: u16, body: &Value) -> Response<Answer> {
    let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {}).boxed_unsync();
    Response::builder().status(status).header("content-type", "application/json").body(body).unwrap()
}

fn absent() -> Response<Answer> {
    respond(
        404,
        &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound", "message": "not found"}),
    )
}
