//! `HelmRelease` and `HelmChart` statuses, each with the judgement that it deserves.

use serde_json::{Value, json};

use super::*;

const OLD: &str = "main@sha1:1111111111";
const NEW: &str = "main@sha1:2222222222";

fn release(version: &str) -> Value {
    json!({
        "kind": "HelmRelease",
        "metadata": {"name": "web", "namespace": "data", "generation": 3},
        "spec": {},
        "status": {
            "observedGeneration": 3, "lastAttemptedGeneration": 3,
            "conditions": [{"type": "Ready", "status": "True", "reason": "UpgradeSucceeded", "observedGeneration": 3}],
            "history": [{"status": "deployed", "chartVersion": version}],
        },
    })
}

fn chart(packed_from: &str, version: &str) -> Value {
    json!({
        "kind": "HelmChart",
        "metadata": {"name": "data-web", "namespace": "flux-system", "generation": 1},
        "spec": {"chart": "./charts/web", "sourceRef": {"kind": "GitRepository", "name": "flux-system"}},
        "status": {
            "observedGeneration": 1, "observedSourceArtifactRevision": packed_from,
            "artifact": {"revision": version},
            "conditions": [{"type": "Ready", "status": "True", "reason": "ChartPackageSucceeded", "observedGeneration": 1}],
        },
    })
}

fn judge(release: &Value, chart: &Value) -> Judgement {
    judge_helmrelease(release, Some(chart), None, &|revision| revision == NEW)
}

fn conditions(mut release: Value, conditions: Value) -> Value {
    release["status"]["conditions"] = conditions;
    release
}

#[test]
fn the_newest_release_has_the_chart_of_our_revision() {
    assert_eq!(judge(&release("1.1.0"), &chart(NEW, "1.1.0")), Judgement::Ready);
    let table = [
        ("chart packed from the old commit", release("1.0.0"), chart(OLD, "1.0.0"), "is packed from main@1111111"),
        ("old version deployed", release("1.0.0"), chart(NEW, "1.1.0"), "chart 1.0.0 deployed, 1.1.0 is to come"),
        (
            "generation not taken up",
            {
                let mut release = release("1.1.0");
                release["metadata"]["generation"] = json!(4);
                release
            },
            chart(NEW, "1.1.0"),
            "take up generation 4",
        ),
    ];
    for (what, release, chart, part) in table {
        match judge(&release, &chart) {
            Judgement::Waiting(reason) => assert!(reason.contains(part), "{what}: {reason}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    assert!(matches!(judge_helmrelease(&release("1"), None, None, &|_| true), Judgement::Waiting(_)));
}

#[test]
fn a_chart_between_the_two_writes_of_its_status_is_not_believed() {
    let told = |artifact: &str| {
        let mut chart = chart(NEW, artifact);
        chart["status"]["conditions"][0]["message"] = json!("packaged 'web' chart with version '1.1.0'");
        chart
    };
    assert_eq!(
        judge(&release("1.0.0"), &told("1.0.0")),
        Judgement::waiting("HelmChart flux-system/data-web to show chart 1.1.0, it still shows 1.0.0")
    );
    assert!(matches!(judge(&release("1.0.0"), &told("1.1.0")), Judgement::Waiting(r) if r.contains("is to come")));
    assert_eq!(judge(&release("1.1.0"), &told("1.1.0")), Judgement::Ready);
}

#[test]
fn revision_strategy_and_oci_digests_are_compared_as_flux_writes_them() {
    assert!(same_version("1.1.0+222222222222", "1.1.0+222222222222"));
    assert!(!same_version("1.1.0+111111111111", "1.1.0+222222222222"));
    assert!(same_version("1.1.0+8d1e0c4aa0b1", "1.1.0"));
    assert!(!same_version("1.0.0", "1.1.0"));
}

#[test]
fn a_cancelled_health_check_and_retries_are_waited_for() {
    for reason in ["HealthCheckCanceled", "DependencyNotReady", "SourceNotReady", "ArtifactFailed", "UpgradeFailed"] {
        let release = conditions(
            release("1.1.0"),
            json!([{"type": "Ready", "status": "False", "reason": reason, "observedGeneration": 3,
                "message": "New reconciliation triggered"}]),
        );
        assert!(matches!(judge(&release, &chart(NEW, "1.1.0")), Judgement::Waiting(_)), "{reason}");
    }
    // The new version stands as failed for a moment.
    let mut failed = release("1.1.0");
    failed["status"]["history"][0]["status"] = json!("failed");
    assert!(matches!(judge(&failed, &chart(NEW, "1.1.0")), Judgement::Waiting(r) if r.contains("failed")));
}

#[test]
fn stalled_suspended_and_hopeless_are_final() {
    let stalled = conditions(
        release("1.1.0"),
        json!([
            {"type": "Ready", "status": "False", "reason": "InstallFailed", "observedGeneration": 3, "message": "timeout"},
            {"type": "Stalled", "status": "True", "reason": "RetriesExceeded", "observedGeneration": 3},
        ]),
    );
    assert!(matches!(judge(&stalled, &chart(NEW, "1.1.0")), Judgement::Failed(r) if r.contains("RetriesExceeded")));
    let wrong = conditions(
        release("1.1.0"),
        json!([{"type": "Ready", "status": "False", "reason": "InstallFailed", "observedGeneration": 3,
            "message": "template: web/templates/x.yaml: execution error at (web/x.yaml:1:1): boom"}]),
    );
    assert!(matches!(judge(&wrong, &chart(NEW, "1.1.0")), Judgement::Failed(_)));
    let mut suspended = release("1.1.0");
    suspended["spec"]["suspend"] = json!(true);
    assert!(matches!(judge(&suspended, &chart(NEW, "1.1.0")), Judgement::Failed(_)));
}
