//! Lists, shared reads, events, logs, access reviews, the service proxy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::super::fake::{Answer, cluster, in_turn, status};
use super::super::{Access, Query};
use crate::error::{Code, ObjectRef};

#[tokio::test]
async fn pages_are_joined_and_items_get_their_type() {
    let cluster = cluster(|seen| {
        (seen.path == "/api/v1/namespaces/shop/pods").then(|| {
            assert!(seen.query.contains("labelSelector=app%3Dweb"), "{}", seen.query);
            if seen.query.contains("continue=next") {
                json!({"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "b"}}]}).into()
            } else {
                json!({"metadata": {"resourceVersion": "7", "continue": "next"}, "items": [{"metadata": {"name": "a"}}]}).into()
            }
        })
    });
    let pods = cluster.list("po", &Query::namespace("shop").labels("app=web")).await.unwrap();
    assert_eq!(pods.len(), 2);
    assert_eq!(pods[1].to_string(), r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"}}"#);
    let one =
        cluster.list("po", &Query { limit: Some(1), ..Query::namespace("shop").labels("app=web") }).await.unwrap();
    assert_eq!(one.len(), 1);
}

#[tokio::test]
async fn a_list_whose_pages_expire_starts_anew_once() {
    let next = in_turn(vec![
        json!({"metadata": {"continue": "c"}, "items": [{"metadata": {"name": "a"}}]}).into(),
        status(410, "Expired", "The provided continue parameter is too old", Value::Null),
        json!({"metadata": {}, "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]}).into(),
    ]);
    let cluster = cluster(move |seen| (seen.path == "/api/v1/pods").then(&next));
    assert_eq!(cluster.list("pods", &Query::default()).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_shared_view_reads_once_for_all_and_forgets_on_a_write() {
    let reads = Arc::new(AtomicU32::new(0));
    let count = reads.clone();
    let cluster = cluster(move |seen| {
        if seen.method == "PATCH" {
            return Some(json!({}).into());
        }
        (seen.path == "/api/v1/namespaces/shop/configmaps/a").then(|| {
            count.fetch_add(1, Ordering::SeqCst);
            json!({"metadata": {"name": "a"}}).into()
        })
    });
    let shared = cluster.shared();
    let tasks = (0..20).map(|_| {
        let shared = shared.clone();
        tokio::spawn(async move { shared.get("cm", Some("shop"), "a").await })
    });
    for answer in futures::future::join_all(tasks).await {
        assert_eq!(answer.unwrap().unwrap()["metadata"]["name"], "a");
    }
    assert_eq!(reads.load(Ordering::SeqCst), 1);
    cluster.get("cm", Some("shop"), "a").await.unwrap();
    assert_eq!(reads.load(Ordering::SeqCst), 2, "outside of the view nothing is shared");
    shared.annotate("cm", Some("shop"), "a", &[("x", Some("y"))]).await.unwrap();
    shared.get("cm", Some("shop"), "a").await.unwrap();
    assert_eq!(reads.load(Ordering::SeqCst), 3);
    let absent = shared.find("cm", Some("shop"), "b").await.unwrap_err();
    assert_eq!(absent.code(), Code::UnknownKind);
}

#[tokio::test]
async fn a_reader_that_is_dropped_leaves_the_read_to_the_next() {
    let memo = super::super::memo::Memo::default();
    let never = memo.read("k".into(), std::future::pending());
    assert!(tokio::time::timeout(std::time::Duration::from_millis(5), never).await.is_err());
    assert_eq!(*memo.read("k".into(), async { Ok(json!(1)) }).await.unwrap(), json!(1));
}

#[tokio::test]
async fn events_come_oldest_first() {
    let cluster = cluster(|seen| {
        (seen.path == "/api/v1/namespaces/shop/events").then(|| {
            assert!(seen.query.contains("involvedObject.name%3Dweb"), "{}", seen.query);
            json!({"items": [
                {"type": "Warning", "reason": "BackOff", "message": "back-off\nrestarting", "count": 4, "lastTimestamp": "2026-11-24T09:02:00Z"},
                {"type": "Normal", "reason": "Pulled", "message": "pulled", "eventTime": "2026-11-24T09:01:00.000000Z"},
            ]})
            .into()
        })
    });
    let pod = ObjectRef { kind: "Pod".into(), namespace: Some("shop".into()), name: "web".into() };
    let events = cluster.events(&pod).await.unwrap();
    assert_eq!(
        events.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["Pulled: pulled", "BackOff: back-off restarting (4 times)"]
    );
    assert!(events[1].warning);
}

#[tokio::test]
async fn a_log_without_a_container_takes_the_first_of_several() {
    let cluster = cluster(|seen| match seen.path.as_str() {
        "/api/v1/namespaces/shop/pods/web/log" if seen.query.contains("container=main") => {
            Some(Answer(200, "hello\n".into(), Vec::new()))
        }
        "/api/v1/namespaces/shop/pods/web/log" => Some(status(
            400,
            "BadRequest",
            "a container name must be specified for pod web, choose one of: [main side]",
            Value::Null,
        )),
        "/api/v1/namespaces/shop/pods/web" => {
            Some(json!({"spec": {"containers": [{"name": "main"}, {"name": "side"}]}}).into())
        }
        _ => None,
    });
    assert_eq!(cluster.logs("shop", "web", None, false, Some(5)).await.unwrap(), "hello\n");
}

#[tokio::test]
async fn access_reviews_ask_for_what_is_meant() {
    let cluster = cluster(|seen| {
        (seen.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").then(|| {
            let wanted = &seen.body["spec"]["resourceAttributes"];
            assert_eq!(
                *wanted,
                json!({"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "shop"})
            );
            (201, json!({"status": {"allowed": false, "reason": "no RBAC policy matched"}})).into()
        })
    });
    let access = cluster.can_i_kind("patch", "deploy", Some("shop")).await.unwrap();
    assert_eq!(access, Access { allowed: false, reason: "no RBAC policy matched".into() });
    assert!(cluster.requests().iter().all(super::super::Sent::only_reads));
}

#[tokio::test]
async fn a_service_speaks_for_itself_and_the_api_server_for_its_own_refusals() {
    let cluster = cluster(|seen| match seen.path.as_str() {
        "/api/v1/namespaces/mon/services/prom:9090/proxy/api/v1/query" => {
            Some(Answer(422, "{\"status\":\"error\"}".into(), Vec::new()))
        }
        "/api/v1/namespaces/mon/services/gone:80/proxy/" => {
            Some(status(503, "ServiceUnavailable", "no endpoints available for service \"gone\"", Value::Null))
        }
        _ => None,
    });
    assert_eq!(
        cluster.proxy_get("mon", "prom", "9090", "/api/v1/query?query=up").await.unwrap(),
        (422, "{\"status\":\"error\"}".to_owned())
    );
    let error = cluster.proxy_get("mon", "gone", "80", "").await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains("no endpoints available"), "{error}");
}

#[tokio::test]
async fn a_service_leads_to_its_newest_ready_pod() {
    let cluster = cluster(|seen| match seen.path.as_str() {
        "/api/v1/namespaces/db/services/pg-rw" => Some(
            json!({"spec": {"selector": {"role": "primary"}, "ports": [{"port": 5432, "targetPort": "postgres"}]}})
                .into(),
        ),
        "/api/v1/namespaces/db/pods" => {
            let pod = |name: &str, ready: &str, born: &str| {
                json!({"metadata": {"name": name, "creationTimestamp": born},
                    "spec": {"containers": [{"ports": [{"name": "postgres", "containerPort": 15432}]}]},
                    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}})
            };
            Some(json!({"items": [pod("pg-1", "True", "2026-01-01T00:00:00Z"), pod("pg-2", "True", "2026-01-02T00:00:00Z"), pod("pg-3", "False", "2026-01-03T00:00:00Z")]}).into())
        }
        _ => None,
    });
    let target = cluster.ready_pod_of("svc/pg-rw", "db", Some("5432")).await.unwrap();
    assert_eq!((target.pod.as_str(), target.port), ("pg-2", 15432));
}

#[tokio::test]
async fn no_ready_pod_is_said_with_the_reason() {
    let cluster = cluster(|seen| match seen.path.as_str() {
        "/apis/apps/v1/namespaces/db/deployments/web" => {
            Some(json!({"spec": {"selector": {"matchLabels": {"a": "b"}}}}).into())
        }
        "/api/v1/namespaces/db/pods" => {
            Some(json!({"items": [{"metadata": {"name": "web-1"}, "status": {"phase": "Pending"}}]}).into())
        }
        _ => None,
    });
    let error = cluster.ready_pod_of("deploy/web", "db", Some("80")).await.unwrap_err();
    assert_eq!(error.code(), Code::NotReady);
    assert_eq!(error.message(), "no pod of Deployment db/web to connect to: none of 1 is ready (web-1: pending)");
}
