//! Watches that are cut off, expire and come back.

use futures::StreamExt as _;
use serde_json::{Value, json};

use super::super::fake::{Answer, cluster, in_turn, status};
use super::super::{Change, Query};
use crate::error::Code;

fn pod(version: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "resourceVersion": version}})
}

fn list(version: &str, pods: &[Value]) -> Answer {
    json!({"metadata": {"resourceVersion": version}, "items": pods}).into()
}

fn events(events: &[(&str, Value)]) -> Answer {
    let lines: Vec<String> =
        events.iter().map(|(kind, object)| json!({"type": kind, "object": object}).to_string()).collect();
    let lines = lines.join("\n") + "\n";
    Answer(200, lines, Vec::new())
}

fn versions(states: &[Option<Value>]) -> Vec<&str> {
    states.iter().map(|s| s.as_ref().map_or("absent", |o| o["metadata"]["resourceVersion"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn the_present_state_comes_first_and_an_expired_version_is_bridged() {
    let lists = in_turn(vec![list("1", &[pod("1")]), list("9", &[pod("9")])]);
    let watches = in_turn(vec![
        events(&[("MODIFIED", pod("2")), ("BOOKMARK", json!({"metadata": {"resourceVersion": "5"}}))]),
        // The connection was closed: it goes on from the bookmark, whose version is gone by now.
        events(&[("ERROR", json!({"kind": "Status", "code": 410, "message": "too old resource version"}))]),
        events(&[("DELETED", pod("10")), ("ADDED", pod("11"))]),
    ]);
    let cluster = cluster(move |seen| {
        (seen.path == "/api/v1/namespaces/shop/pods").then(|| {
            assert!(seen.query.contains("fieldSelector=metadata.name%3Da"));
            if seen.query.contains("watch=true") { watches() } else { lists() }
        })
    });
    let states: Vec<_> = cluster.watch("pod", Some("shop"), "a").await.take(5).map(Result::unwrap).collect().await;
    assert_eq!(versions(&states), ["1", "2", "9", "absent", "11"]);
}

#[tokio::test]
async fn an_absent_object_is_told_and_a_repeated_state_is_not() {
    let lists = in_turn(vec![list("1", &[]), list("3", &[]), list("4", &[pod("4")])]);
    let watches = in_turn(vec![
        status(410, "Expired", "too old", Value::Null),
        status(410, "Expired", "too old", Value::Null),
        events(&[]),
    ]);
    let cluster = cluster(move |seen| {
        (seen.path.ends_with("/pods")).then(|| if seen.query.contains("watch=true") { watches() } else { lists() })
    });
    let states: Vec<_> = cluster.watch("pod", Some("shop"), "a").await.take(2).map(Result::unwrap).collect().await;
    assert_eq!(versions(&states), ["absent", "4"]);
}

#[tokio::test]
async fn a_short_outage_is_bridged_a_long_one_told() {
    let down = || status(503, "ServiceUnavailable", "starting", Value::Null);
    let watches = in_turn(vec![down(), down(), events(&[("MODIFIED", pod("2"))]), down()]);
    let cluster = cluster(move |seen| {
        (seen.path.ends_with("/pods"))
            .then(|| if seen.query.contains("watch=true") { watches() } else { list("1", &[pod("1")]) })
    });
    let mut states = cluster.watch("pod", Some("shop"), "a").await;
    assert_eq!(versions(&[states.next().await.unwrap().unwrap()]), ["1"]);
    assert_eq!(versions(&[states.next().await.unwrap().unwrap()]), ["2"]);
    let start = tokio::time::Instant::now();
    let error = states.next().await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!((1..5).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert!(states.next().await.unwrap().is_err(), "polled again it goes on trying");
}

#[tokio::test]
async fn a_missing_permission_is_told_at_once() {
    let cluster = cluster(|seen| {
        let message =
            r#"pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "shop""#;
        seen.path.ends_with("/pods").then(|| status(403, "Forbidden", message, Value::Null))
    });
    let mut states = cluster.watch("pod", Some("shop"), "a").await;
    assert_eq!(states.next().await.unwrap().unwrap_err().code(), Code::Forbidden);
}

#[tokio::test]
async fn a_kind_that_is_not_served_ends_the_watch() {
    let cluster = cluster(|_| None);
    let all: Vec<_> = cluster.watch("nothing", None, "a").await.collect().await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].as_ref().unwrap_err().code(), Code::UnknownKind);
}

#[tokio::test]
async fn many_objects_are_told_at_once_and_then_one_by_one() {
    let watches = in_turn(vec![events(&[("ADDED", pod("2")), ("DELETED", pod("3"))])]);
    let cluster = cluster(move |seen| {
        (seen.path == "/api/v1/pods")
            .then(|| if seen.query.contains("watch=true") { watches() } else { list("1", &[pod("1")]) })
    });
    let changes: Vec<_> = cluster.watch_all("pod", &Query::default()).await.take(3).map(Result::unwrap).collect().await;
    assert_eq!(changes, [Change::Synced(vec![pod("1")]), Change::Applied(pod("2")), Change::Deleted(pod("3"))]);
}
