//! True statuses, shortened.

use serde_json::json;

use super::*;

fn reason(object: &Value) -> String {
    readiness(object).reason().to_owned()
}

#[test]
fn a_deployment_waits_for_its_newest_generation() {
    let mut deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 2},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
    });
    assert!(reason(&deployment).contains("generation 1"));
    deployment["status"]["observedGeneration"] = 2.into();
    assert_eq!(readiness(&deployment), Readiness::Ready);
    deployment["status"]["availableReplicas"] = 1.into();
    assert_eq!(reason(&deployment), "1 of 2 available");
    deployment["status"]["availableReplicas"] = 2.into();
    deployment["status"]["replicas"] = 3.into();
    assert_eq!(reason(&deployment), "1 old pods still there");
}

#[test]
fn a_crash_looping_pod_says_how_it_ended() {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "status": {"phase": "Running", "containerStatuses": [{
            "name": "metastore", "restartCount": 3, "ready": false,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
        }]},
    });
    assert_eq!(reason(&pod), "container metastore exited 1 (CrashLoopBackOff, restarted 3 times)");
    assert_eq!(restarts(&pod), (3, "metastore".to_owned()));
}

#[test]
fn an_unschedulable_pod_gives_the_schedulers_words() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient memory."},
    ]}});
    assert_eq!(reason(&pod), "0/3 nodes are available: 3 Insufficient memory.");
}

#[test]
fn a_finished_pod_and_job_are_ready_a_failed_one_is_not() {
    assert!(is_ready(&json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Succeeded"}})));
    let job = |condition: &str| {
        json!({"apiVersion": "batch/v1", "kind": "Job", "status": {"conditions": [
            {"type": condition, "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"},
        ]}})
    };
    assert!(is_ready(&job("Complete")));
    assert!(reason(&job("Failed")).starts_with("failed: BackoffLimitExceeded"));
}

#[test]
fn a_suspended_kustomization_is_not_ready_whatever_its_condition_says() {
    let mut object = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"generation": 3},
        "spec": {"suspend": true},
        "status": {"observedGeneration": 3, "conditions": [{"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "observedGeneration": 2}]},
    });
    assert_eq!(reason(&object), "suspended");
    object["spec"]["suspend"] = false.into();
    assert!(reason(&object).contains("generation 2"), "the condition is of an older generation");
    object["status"]["conditions"][0]["observedGeneration"] = 3.into();
    assert!(is_ready(&object));
}

#[test]
fn a_postgres_cluster_needs_its_phase_and_all_instances() {
    let cluster = |phase: &str, ready: i64| json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "spec": {"instances": 3}, "status": {"phase": phase, "readyInstances": ready}});
    assert!(is_ready(&cluster("Cluster in healthy state", 3)));
    assert_eq!(reason(&cluster("Cluster in healthy state", 2)), "2 of 3 instances ready");
    assert_eq!(reason(&cluster("Setting up primary", 0)), "Setting up primary, 0 of 3 instances ready");
    let silent = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "spec": {}});
    assert!(matches!(readiness(&silent), Readiness::Unknown(_)));
}

#[test]
fn ceph_with_a_warning_serves_in_error_it_does_not() {
    let cluster = |health: &str| {
        json!({"apiVersion": "ceph.rook.io/v1", "kind": "CephCluster", "status": {"phase": "Ready", "ceph": {
            "health": health, "details": {"OSD_FULL": {"message": "1 full osd(s)", "severity": health}}}}})
    };
    assert!(is_ready(&cluster("HEALTH_WARN")));
    assert_eq!(reason(&cluster("HEALTH_ERR")), "HEALTH_ERR: 1 full osd(s)");
}

#[test]
fn what_reports_nothing_is_unknown_unless_it_never_would() {
    assert!(is_ready(&json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"})));
    assert!(is_ready(&json!({"apiVersion": "v1", "kind": "ConfigMap"})));
    assert!(matches!(readiness(&json!({"apiVersion": "x.example.com/v1", "kind": "Thing"})), Readiness::Unknown(_)));
    let gone =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"deletionTimestamp": "2026-11-24T09:00:00Z"}});
    assert!(reason(&gone).starts_with("being deleted"));
}
