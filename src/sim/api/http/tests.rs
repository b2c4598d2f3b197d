//! The server as a kube client sees it.

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{
    Api as Kube, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use serde_json::{Value, json};

use super::super::access::User;
use super::super::change::Forget;
use super::super::server::Api;
use super::super::types::Types;
use crate::sim::clock::{Clock, Mode};

fn api() -> Api {
    let api = Api::new(Types::shipped(), Clock::new(Mode::Virtual), Box::new(Forget));
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}});
    api.as_user("tester").create(space).unwrap();
    api
}

fn cm(name: &str) -> ConfigMap {
    let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
    ConfigMap { metadata, data: Some([("a".to_owned(), "b".to_owned())].into()), ..ConfigMap::default() }
}

async fn raw(client: &kube::Client, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.send(request.body(body.as_bytes().to_vec().into()).unwrap()).await.unwrap();
    let code = response.status().as_u16();
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    (code, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn a_kube_client_makes_reads_changes_watches_and_removes() {
    let client = api().client(User::admin());
    let all: Kube<ConfigMap> = Kube::default_namespaced(client.clone());
    let made = all.create(&PostParams::default(), &cm("one")).await.unwrap();
    let version = made.metadata.resource_version.clone().unwrap();
    let events = all.watch(&WatchParams::default().timeout(1), &version).await.unwrap();
    let patch = Patch::Merge(json!({"data": {"c": "d"}}));
    let patched = all.patch("one", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.data.unwrap().len(), 2);
    all.create(&PostParams::default(), &cm("two")).await.unwrap();
    let page = all.list(&ListParams::default().limit(1)).await.unwrap();
    assert_eq!((page.items.len(), page.metadata.remaining_item_count), (1, Some(1)));
    let rest =
        all.list(&ListParams::default().limit(1).continue_token(&page.metadata.continue_.unwrap())).await.unwrap();
    assert_eq!(rest.items[0].metadata.name.as_deref(), Some("two"));
    all.delete("one", &DeleteParams::default()).await.unwrap();
    let error = all.get("one").await.unwrap_err();
    let kube::Error::Api(status) = error else { panic!("{error}") };
    assert_eq!((status.code, status.message.as_str()), (404, "configmaps \"one\" not found"));
    let seen: Vec<String> = events
        .map_ok(|event| match event {
            WatchEvent::Added(c) => format!("added {}", c.metadata.name.unwrap()),
            WatchEvent::Modified(c) => format!("modified {}", c.metadata.name.unwrap()),
            WatchEvent::Deleted(c) => format!("deleted {}", c.metadata.name.unwrap()),
            other => format!("{other:?}"),
        })
        .try_collect()
        .await
        .unwrap();
    assert_eq!(seen, ["modified one", "added two", "deleted one"]);
}

#[tokio::test]
async fn what_cannot_be_is_refused_as_on_the_true_server() {
    let client = api().client(User::admin());
    let json = [("content-type", "application/json")];
    let path = "/api/v1/namespaces/default/configmaps";
    for (method, path, headers, body, code, wanted) in [
        ("GET", "/nonexist", &json[..0], "", 404, "404 page not found\n"),
        ("GET", "/apis/none/v1/x", &json[..0], "", 404, "404 page not found\n"),
        ("GET", "/api/v1/foos", &json[..0], "", 404, "the server could not find the requested resource"),
        ("PUT", path, &json[..], "{}", 405, "the server does not allow this method on the requested resource"),
        ("POST", path, &json[..], "{\"a\":", 400, "json parse error"),
        (
            "POST",
            path,
            &[("content-type", "text/plain")][..],
            "{}",
            415,
            "accepted media types include: application/json",
        ),
        ("POST", path, &json[..], "{}", 422, "name or generateName is required"),
        ("GET", path, &[("accept", "text/html")][..], "", 406, "406: Not Acceptable"),
        (
            "GET",
            "/api/v1/namespaces/default/configmaps?limit=a",
            &json[..0],
            "",
            400,
            "strconv.ParseInt: parsing \\\"a\\\": invalid syntax",
        ),
        (
            "GET",
            "/api/v1/namespaces/default/configmaps?resourceVersion=99999",
            &json[..0],
            "",
            504,
            "Too large resource version: 99999",
        ),
        (
            "POST",
            "/api/v1/namespaces/none/configmaps",
            &json[..],
            "{\"metadata\":{\"name\":\"x\"}}",
            404,
            "namespaces \\\"none\\\" not found",
        ),
        ("DELETE", "/api/v1/namespaces/default", &json[..0], "", 403, "this namespace may not be deleted"),
    ] {
        let (got, text) = raw(&client, method, path, headers, body).await;
        assert_eq!(got, code, "{method} {path}: {text}");
        assert!(text.contains(wanted), "{method} {path}: {text}");
    }
}

#[tokio::test]
async fn an_old_watch_is_told_that_it_is_too_late_and_streams_start_with_what_is_there() {
    let api = api();
    let client = api.client(User::admin());
    let all: Kube<Namespace> = Kube::all(client.clone());
    for name in ["a", "b"] {
        let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
        all.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await.unwrap();
    }
    api.compact();
    let (code, text) =
        raw(&client, "GET", "/api/v1/namespaces?watch=1&resourceVersion=2&timeoutSeconds=1", &[], "").await;
    let event: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(
        (code, &event["type"], &event["object"]["code"], &event["object"]["reason"]),
        (200, &json!("ERROR"), &json!(410), &json!("Expired"))
    );
    let path = "/api/v1/namespaces?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1";
    let (_, text) = raw(&client, "GET", path, &[], "").await;
    let kinds: Vec<Value> = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect();
    let names: Vec<&str> = kinds.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(names, ["ADDED", "ADDED", "ADDED", "BOOKMARK"]);
    assert_eq!(kinds[3]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

#[tokio::test]
async fn kubectl_gets_tables_and_discovery() {
    let client = api().client(User::admin());
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")];
    let (code, text) = raw(&client, "GET", "/api/v1/namespaces", &accept, "").await;
    let table: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &table["kind"], &table["rows"][0]["cells"]),
        (200, &json!("Table"), &json!(["default", "Active", "0s"]))
    );
    let (_, text) = raw(&client, "GET", "/apis/apps/v1", &[], "").await;
    assert!(text.contains("\"deployments/scale\""), "{text}");
    assert_eq!(raw(&client, "GET", "/readyz", &[], "").await, (200, "ok".to_owned()));
    let discovery = kube::discovery::Discovery::new(client.clone()).run_aggregated().await.unwrap();
    assert!(discovery.groups().any(|group| group.name() == "apps"));
}

#[tokio::test]
async fn who_may_not_is_told_so() {
    let client = api().client(User::named("jane"));
    let pods: Kube<Pod> = Kube::default_namespaced(client);
    let error = pods.list(&ListParams::default()).await.unwrap_err();
    let kube::Error::Api(status) = error else { panic!("{error}") };
    let wanted =
        "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"";
    assert_eq!((status.code, status.message.as_str()), (403, wanted));
}
