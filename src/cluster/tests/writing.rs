//! What a write sends.

use serde_json::{Value, json};

use super::super::fake::{cluster, status};
use super::super::{Apply, Delete};

#[tokio::test]
async fn an_apply_is_strict_and_names_its_manager() {
    let cluster = cluster(|seen| {
        (seen.method == "PATCH").then(|| {
            assert_eq!(seen.path, "/api/v1/namespaces/default/configmaps/a");
            assert_eq!(seen.query, "fieldManager=dpb&fieldValidation=Strict&dryRun=All");
            seen.body.clone().into()
        })
    });
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
    let how = Apply { dry_run: true, ..Apply::default() };
    assert_eq!(cluster.apply(&object, &how).await.unwrap(), object);
    assert!(cluster.requests().iter().all(super::super::Sent::only_reads), "a dry run changes nothing");
    cluster.forget_requests();
    assert!(cluster.requests().is_empty());
}

#[tokio::test]
async fn a_deletion_tells_whether_there_was_something() {
    let cluster = cluster(|seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("DELETE", "/api/v1/namespaces/a") => {
            assert_eq!(seen.body["propagationPolicy"], "Foreground");
            assert_eq!(seen.body["preconditions"]["uid"], "u1");
            Some(json!({}).into())
        }
        ("DELETE", _) => {
            Some(status(404, "NotFound", "namespaces \"b\" not found", json!({"name": "b", "kind": "namespaces"})))
        }
        _ => None,
    });
    let how = Delete { foreground: true, uid: Some("u1".into()), ..Delete::default() };
    assert!(cluster.delete("ns", None, "a", &how).await.unwrap());
    assert!(!cluster.delete("ns", None, "b", &Delete::default()).await.unwrap());
}

#[tokio::test]
async fn a_patch_may_go_to_the_status() {
    let cluster = cluster(|seen| {
        (seen.method == "PATCH").then(|| {
            assert_eq!(seen.path, "/apis/postgresql.cnpg.io/v1/namespaces/db/clusters/pg/status");
            assert_eq!(seen.body, json!({"status": {"phase": "x"}}));
            Value::Null.into()
        })
    });
    cluster.merge_patch("cnpg", Some("db"), "pg", &json!({"status": {"phase": "x"}}), Some("status")).await.unwrap();
}
