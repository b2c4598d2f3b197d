//! Statuses as the true controllers wrote them, each with the judgement that it deserves.

use serde_json::{Value, json};

use super::*;

const OLD: &str = "main@sha1:1111111111";
const NEW: &str = "main@sha1:2222222222";

/// Ready at the old revision, generation 2 observed.
fn standing() -> Value {
    json!({
        "metadata": {"name": "app", "namespace": "flux-system", "generation": 2},
        "spec": {},
        "status": {
            "observedGeneration": 2, "lastAppliedRevision": OLD, "lastAttemptedRevision": OLD,
            "conditions": [{"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded",
                "message": format!("Applied revision: {OLD}"), "observedGeneration": 2}],
        },
    })
}

fn with(mut object: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let map = object.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        map.insert(key.into(), value.clone());
    }
    object
}

fn ready_at_new() -> Value {
    with(standing(), &[("/status/lastAppliedRevision", json!(NEW)), ("/status/lastAttemptedRevision", json!(NEW))])
}

fn not_ready(reason: &str, message: &str) -> Value {
    json!([
        {"type": "Ready", "status": "False", "reason": reason, "message": message, "observedGeneration": 2},
        {"type": "Reconciling", "status": "True", "reason": "ProgressingWithRetry", "observedGeneration": 2,
            "message": format!("Detecting drift for revision {NEW} with a timeout of 1m0s")},
    ])
}

fn checking(revision: &str) -> Value {
    json!([
        {"type": "Ready", "status": "Unknown", "reason": "Progressing", "message": "Reconciliation in progress",
            "observedGeneration": 2},
        {"type": "Reconciling", "status": "True", "reason": "Progressing", "observedGeneration": 2,
            "message": format!("Running health checks for revision {revision} with a timeout of 1m0s")},
    ])
}

fn judge(ks: &Value) -> Judgement {
    judge_kustomization(ks, None, &|revision| revision == NEW)
}

#[test]
fn ready_needs_revision_generation_and_token_in_one_version() {
    assert_eq!(judge(&ready_at_new()), Judgement::Ready);
    let table = [
        ("the old Ready=True still stands", standing(), "is still at main@1111111"),
        (
            "the new generation is not observed",
            with(ready_at_new(), &[("/metadata/generation", json!(3))]),
            "take up generation 3",
        ),
        (
            "observedGeneration comes in a second write",
            with(ready_at_new(), &[("/status/observedGeneration", json!(1))]),
            "observe generation 2",
        ),
        ("never reconciled", with(ready_at_new(), &[("/status", json!({"observedGeneration": -1}))]), "first time"),
        (
            "health is being looked at",
            with(standing(), &[("/status/conditions", checking(NEW))]),
            "Running health checks",
        ),
        (
            "an old health check is in the way",
            with(standing(), &[("/status/conditions", checking(OLD))]),
            "held by the health check of main@1111111 (its timeout: 1m0s)",
        ),
        (
            "an old health check is in the way of a new spec",
            with(standing(), &[("/status/conditions", checking(OLD)), ("/metadata/generation", json!(3))]),
            "held by the health check of main@1111111",
        ),
    ];
    for (what, ks, part) in table {
        match judge(&ks) {
            Judgement::Waiting(reason) => assert!(reason.contains(part), "{what}: {reason}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    let asked = judge_kustomization(&ready_at_new(), Some("t1"), &|r| r == NEW);
    assert!(matches!(asked, Judgement::Waiting(r) if r.contains("take up the request")));
}

#[test]
fn a_suspended_one_is_never_believed() {
    let frozen = with(standing(), &[("/spec/suspend", json!(true)), ("/status/lastHandledReconcileAt", json!("t1"))]);
    let judged = judge_kustomization(&frozen, Some("t1"), &|r| r == NEW);
    assert!(matches!(judged, Judgement::Failed(r) if r.contains("suspended")));
    assert!(!has_applied(&with(ready_at_new(), &[("/spec/suspend", json!(true))]), &|r| r == NEW));
}

#[test]
fn failures_of_our_revision_are_final_and_others_are_not() {
    let refused = "Deployment/data/x dry-run failed: spec.replicas: Invalid value";
    let table = [
        ("refused at ours", "ReconciliationFailed", refused, NEW, true),
        ("refused at the old one", "ReconciliationFailed", refused, OLD, false),
        ("can't be built", "BuildFailed", "accumulating resources", NEW, true),
        ("health check over", "HealthCheckFailed", "timeout waiting for: [Deployment/data/x]", NEW, true),
        ("a dependency is late", "DependencyNotReady", "dependency 'flux-system/db' is not ready", OLD, false),
        ("the artifact is late", "ArtifactFailed", "Source artifact not found, retrying in 30s", OLD, false),
        (
            "a newer revision came",
            "HealthCheckCanceled",
            "New reconciliation triggered by GitRepository/a/b",
            NEW,
            false,
        ),
    ];
    for (what, reason, message, attempted, fatal) in table {
        let ks = with(
            standing(),
            &[
                ("/status/conditions", not_ready(reason, message)),
                ("/status/lastAttemptedRevision", json!(attempted)),
                ("/status/observedGeneration", json!(-1)),
            ],
        );
        match judge(&ks) {
            Judgement::Failed(_) => assert!(fatal, "{what}"),
            Judgement::Waiting(_) => assert!(!fatal, "{what}"),
            Judgement::Ready => panic!("{what}"),
        }
    }
}

#[test]
fn a_missing_path_is_final_only_for_the_revision_that_was_tried() {
    let message = "kustomization path not found: stat /tmp/kustomization-1/apps/x: no such file or directory";
    let ks = with(standing(), &[("/status/conditions", not_ready("ArtifactFailed", message))]);
    assert!(matches!(judge(&ks), Judgement::Failed(_)));
    let other = judge_kustomization(&ks, None, &|revision| revision == "main@sha1:3333");
    assert!(matches!(other, Judgement::Waiting(_)));
}

#[test]
fn stalled_is_final_for_its_own_generation() {
    let conditions = json!([
        {"type": "Ready", "status": "False", "reason": "InvalidCELExpression", "observedGeneration": 2},
        {"type": "Stalled", "status": "True", "reason": "InvalidCELExpression", "observedGeneration": 2},
    ]);
    let ks = with(standing(), &[("/status/conditions", conditions)]);
    assert!(matches!(judge(&ks), Judgement::Failed(_)));
    assert!(matches!(judge(&with(ks, &[("/metadata/generation", json!(3))])), Judgement::Waiting(_)));
}

#[test]
fn a_parent_has_applied_before_its_health_is_known() {
    let ours = |revision: &str| revision == NEW;
    assert!(!has_applied(&standing(), &ours), "old revision");
    assert!(has_applied(&ready_at_new(), &ours), "ready");
    assert!(has_applied(&with(standing(), &[("/status/conditions", checking(NEW))]), &ours), "health check runs");
    assert!(!has_applied(&with(standing(), &[("/status/conditions", checking(OLD))]), &ours), "old health check");
    assert!(!has_applied(&with(ready_at_new(), &[("/metadata/generation", json!(3))]), &ours), "new spec to come");
}

#[test]
fn the_dependency_is_named() {
    let message = "dependency 'flux-system/db' revision is not up to date";
    let ks = with(standing(), &[("/status/conditions", not_ready("DependencyNotReady", message))]);
    assert_eq!(dependency(&ks), Some("flux-system/db"));
    assert_eq!(dependency(&standing()), None);
}
