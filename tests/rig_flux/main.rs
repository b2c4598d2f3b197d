//! Waiting for Flux on true controllers: the situations in which it says "ready" too early, or "failed" for a moment.
//! Run with `rig/test`.

mod fixture;

use std::time::{Duration, Instant};

use dpb::error::{Code, ObjectRef};
use dpb::flux::{InventoryEntry, Step, StepEvent};
use serde_json::{Value, json};

use fixture::{
    Fixture, GIT_REPOSITORY, KUSTOMIZATION, child, config, deployment, restart_kustomize_controller, script,
};

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == kind)
}

fn is_ready_at(ks: &Value, commit: &str) -> bool {
    condition(ks, "Ready").is_some_and(|c| c["status"] == "True")
        && ks["status"]["lastAppliedRevision"].as_str().unwrap_or_default().ends_with(commit)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn the_old_ready_still_stands_after_the_push() {
    let fixture = Fixture::with(
        "standing",
        &[("root/config.yaml", &config("c", "old")), ("root/web.yaml", &deployment("web", "1", "1"))],
    )
    .await;
    let old = fixture.head();
    let new =
        fixture.push(&[("root/config.yaml", &config("c", "new")), ("root/web.yaml", &deployment("web", "2", "2"))]);
    assert!(is_ready_at(&fixture.kustomization("root").await, &old), "ready, and not by our commit");

    let waited = fixture.deliver(&["root"]).await;
    let (took, steps) = (waited.took, waited.steps.clone());
    let applied = waited.applied();
    assert!(applied.revision.ends_with(&new));
    assert!(applied.kustomizations[0].revision.ends_with(&new));
    assert_eq!(applied.kustomizations[0].inventory.len(), 2);
    let config = fixture.cluster.get("ConfigMap", Some(&fixture.namespace), "c").await.unwrap();
    assert_eq!(config["data"]["value"], "new");
    let web = fixture.cluster.get("Deployment", Some(&fixture.namespace), "web").await.unwrap();
    assert_eq!((&web["status"]["updatedReplicas"], &web["status"]["availableReplicas"]), (&json!(2), &json!(2)));
    assert_eq!(applied.workloads[0].seen, "2 of 2");
    let done: Vec<Step> =
        steps.iter().filter_map(|e| if let StepEvent::Done { step, .. } = e { Some(*step) } else { None }).collect();
    assert_eq!(done, [Step::Source, Step::Apply, Step::Workloads]);
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn a_child_is_not_believed_before_its_parent_has_applied() {
    // The root waits for `gate` at the new revision and so lags two seconds behind its child.
    let root = json!({"dependsOn": [{"name": "gate"}]});
    let files = [
        ("gate/config.yaml", config("gate", "1")),
        ("root/child.yaml", child("child", "./good", "")),
        ("good/config.yaml", config("good", "1")),
        ("bad/web.yaml", deployment("web", "-1", "1")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let fixture = Fixture::bare("child", &files, root).await;
    fixture.apply(&fixture.kustomization_object("gate", "./gate")).await;
    fixture.deliver(&["root", "child"]).await.applied();

    let new = fixture.push(&[("root/child.yaml", &child("child", "./bad", ""))]);
    let before = fixture.kustomization("child").await["metadata"]["generation"].clone();
    let recorder = fixture.record("child").await;
    let waited = fixture.deliver(&["root", "child"]).await;
    assert!(waited.took < Duration::from_secs(30));
    let error = waited.error();
    assert_eq!(error.code(), Code::Failed);
    assert!(error.message().contains("Kustomization t-child/child: ReconciliationFailed"), "{error}");
    assert!(error.message().contains("replicas"), "{error}");
    let lied = |ks: &Value| is_ready_at(ks, &new) && ks["metadata"]["generation"] == before;
    assert!(recorder.saw(lied), "the child was never ready at the new revision with its old spec");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn a_suspended_one_is_told_at_once() {
    let fixture = Fixture::with(
        "suspended",
        &[("root/child.yaml", &child("child", "./app", "")), ("app/c.yaml", &config("c", "1"))],
    )
    .await;
    fixture.deliver(&["root", "child"]).await.applied();
    let suspend = json!({"spec": {"suspend": true}});
    fixture.cluster.merge_patch(KUSTOMIZATION, Some(&fixture.namespace), "child", &suspend, None).await.unwrap();
    fixture.push(&[("app/c.yaml", &config("c", "2"))]);
    let waited = fixture.deliver(&["root", "child"]).await;
    assert!(waited.took < Duration::from_secs(15), "{:?}", waited.took);
    let error = waited.error();
    assert!(error.message().starts_with("Kustomization t-suspended/child: is suspended"), "{error}");
    assert_eq!(error.hint_text(), Some("Resume it: flux resume kustomization child -n t-suspended"));

    fixture.cluster.merge_patch(GIT_REPOSITORY, Some(&fixture.namespace), "repo", &suspend, None).await.unwrap();
    let error = fixture.deliver(&["root"]).await.error();
    assert!(error.message().contains("GitRepository t-suspended/repo: is suspended"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn a_parent_that_waits_for_a_suspended_child_is_not_waited_for() {
    let files = [("root/child.yaml", child("child", "./app", "")), ("app/c.yaml", config("c", "1"))];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let fixture = Fixture::bare("hanging", &files, json!({"wait": true})).await;
    fixture.deliver(&["root", "child"]).await.applied();
    // One that was ready when it was suspended keeps its Ready=True, and the parent does not hang on it.
    fixture.push(&[("root/child.yaml", &child("child", "./app", "  suspend: true\n"))]);
    fixture.deliver(&["root"]).await.applied();

    fixture.push(&[("root/other.yaml", &child("other", "./app", "  suspend: true\n"))]);
    let waited = fixture.deliver(&["root"]).await;
    assert!(waited.took < Duration::from_secs(20), "{:?}", waited.took);
    let error = waited.error();
    assert!(error.message().contains("hangs on its suspended child t-hanging/other"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn a_refused_manifest_fails_it_and_its_waiting_dependant() {
    let files = [
        ("root/a.yaml", child("a", "./a", "")),
        ("root/b.yaml", child("b", "./b", "  dependsOn: [{name: a}]\n")),
        ("a/web.yaml", deployment("web", "1", "1")),
        ("b/c.yaml", config("b", "1")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let fixture = Fixture::with("refused", &files).await;
    fixture.deliver(&["root", "a", "b"]).await.applied();
    fixture.push(&[("a/web.yaml", &deployment("web", "-1", "1"))]);

    let error = fixture.deliver(&["root", "b"]).await.error();
    assert!(error.message().starts_with("Kustomization t-refused/b"), "{error}");
    assert!(error.message().contains("waits for t-refused/a: ReconciliationFailed"), "{error}");

    // It has failed before this wait began: it is asked again, and fails again.
    let waited = fixture.deliver(&["root", "a", "b"]).await;
    assert!(fixture.kustomization("a").await["status"]["lastHandledReconcileAt"].is_string(), "it was not asked again");
    let error = waited.error();
    assert!(error.message().starts_with("Kustomization t-refused/a: ReconciliationFailed"), "{error}");
    assert!(error.message().contains("spec.replicas"), "{error}");

    // Mended: the failure of the older commit is no reason to give up.
    fixture.push(&[("a/web.yaml", &deployment("web", "1", "2"))]);
    fixture.deliver(&["root", "a", "b"]).await.applied();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn a_cancelled_health_check_is_no_failure() {
    restart_kustomize_controller("CancelHealthCheckOnNewRevision=true");
    let checks = json!({"healthChecks": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "late", "namespace": "t-cancelled"}]});
    let fixture = Fixture::bare("cancelled", &[("root/c.yaml", &config("c", "1"))], checks).await;
    let first = fixture.head();
    let second = {
        let checking = |ks: &Value| {
            condition(ks, "Reconciling").is_some_and(|c| {
                c["message"].as_str().is_some_and(|m| m.starts_with("Running health checks") && m.contains(&first))
            })
        };
        fixture.until("root", checking).await;
        fixture.push(&[("root/late.yaml", &deployment("late", "1", "1"))])
    };
    let recorder = fixture.record("root").await;
    // Whoever waits for the first commit is served by its descendant.
    let (earlier, later) =
        tokio::join!(fixture.deliver_all(&["root"], vec![], &first), fixture.deliver_all(&["root"], vec![], &second));
    restart_kustomize_controller("CancelHealthCheckOnNewRevision=false");
    assert!(later.took < Duration::from_secs(30), "{:?}", later.took);
    assert!(later.applied().kustomizations[0].revision.ends_with(&second));
    assert!(earlier.applied().kustomizations[0].revision.ends_with(&second));
    let cancelled = |ks: &Value| condition(ks, "Ready").is_some_and(|c| c["reason"] == "HealthCheckCanceled");
    assert!(recorder.saw(cancelled), "no health check was cancelled");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn a_running_health_check_of_an_older_commit_is_named_as_the_reason() {
    let checks = json!({"timeout": "10s", "healthChecks": [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "late", "namespace": "t-blocked"}]});
    let fixture = Fixture::bare("blocked", &[("root/c.yaml", &config("c", "1"))], checks).await;
    let first = fixture.head();
    let checking = |ks: &Value| {
        condition(ks, "Reconciling").is_some_and(|c| c["message"].as_str().is_some_and(|m| m.contains("health checks")))
    };
    fixture.until("root", checking).await;
    fixture.push(&[("root/late.yaml", &deployment("late", "1", "1"))]);
    let waited = fixture.deliver(&["root"]).await;
    let reason = format!("Kustomization t-blocked/root is held by the health check of main@{}", &first[..7]);
    assert!(waited.said(&reason), "{:#?}", waited.reasons);
    waited.applied();
}

const HELM_RELEASE: &str = r"apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: web
spec:
  interval: 1h
  chart:
    spec:
      chart: ./chart
      sourceRef: {kind: GitRepository, name: repo}
      interval: 1h
";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn a_release_whose_chart_lies_in_the_repository_has_the_new_chart() {
    let chart = |version: &str| format!("apiVersion: v2\nname: web\nversion: {version}\n");
    let fixture = Fixture::with(
        "release",
        &[
            ("root/release.yaml", HELM_RELEASE),
            ("chart/Chart.yaml", &chart("0.1.0")),
            ("chart/templates/web.yaml", &deployment("web", "1", "1")),
        ],
    )
    .await;
    // Only the chart changes: HelmRelease and Kustomization keep their spec and stay Ready all the while.
    fixture.push(&[("chart/Chart.yaml", &chart("0.2.0")), ("chart/templates/web.yaml", &deployment("web", "2", "2"))]);
    let waited = fixture.deliver(&["root"]).await;
    let steps = waited.steps.clone();
    let applied = waited.applied();
    let release =
        fixture.cluster.get("HelmRelease.helm.toolkit.fluxcd.io", Some(&fixture.namespace), "web").await.unwrap();
    assert_eq!(release["status"]["history"][0]["chartVersion"], "0.2.0");
    assert_eq!(applied.workloads[0].object.object.name, "web");
    assert_eq!(applied.workloads[0].seen, "2 of 2");
    assert!(steps.iter().any(|e| matches!(e, StepEvent::Done { step: Step::Helm, .. })));

    fixture.push(&[
        ("chart/Chart.yaml", &chart("0.3.0")),
        ("chart/templates/web.yaml", "{{ fail \"no such database\" }}\n"),
    ]);
    let error = fixture.deliver(&["root"]).await.error();
    assert!(error.message().contains("HelmRelease t-release/web"), "{error}");
    assert!(error.message().contains("no such database"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn a_finalizer_that_holds_an_object_is_waited_for_and_named() {
    let held = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: held\n  finalizers: [example.org/hold]\n";
    let fixture = Fixture::with("finalizer", &[("root/held.yaml", held), ("root/c.yaml", &config("c", "1"))]).await;
    fixture.push(&[("root/held.yaml", "")]);
    let commit = fixture.head();
    let object =
        ObjectRef { kind: "ConfigMap".into(), namespace: Some(fixture.namespace.clone()), name: "held".into() };
    let gone = vec![InventoryEntry { group: String::new(), version: "v1".into(), object }];
    let (cluster, namespace) = (fixture.cluster.clone(), fixture.namespace.clone());
    let let_go = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(6)).await;
        let nobody = json!({"metadata": {"finalizers": null}});
        cluster.merge_patch("ConfigMap", Some(&namespace), "held", &nobody, None).await.unwrap();
    });
    let began = Instant::now();
    let waited = fixture.deliver_all(&["root"], gone, &commit).await;
    assert!(began.elapsed() > Duration::from_secs(5));
    assert!(waited.said("ConfigMap t-finalizer/held is held by finalizer example.org/hold"), "{:#?}", waited.reasons);
    assert_eq!(waited.applied().gone, 1);
    let_go.await.unwrap();
    assert!(fixture.cluster.find("ConfigMap", Some(&fixture.namespace), "held").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn a_source_whose_server_is_away_for_ten_seconds_recovers() {
    let fixture = Fixture::with("away", &[("root/c.yaml", &config("c", "1"))]).await;
    fixture.push(&[("root/c.yaml", &config("c", "2"))]);
    script("fault/stop-git", &[]);
    let back = tokio::task::spawn_blocking(|| {
        std::thread::sleep(Duration::from_secs(10));
        script("fault/start-git", &[]);
    });
    let waited = fixture.deliver(&["root"]).await;
    back.await.unwrap();
    assert!(waited.took > Duration::from_secs(9), "{:?}", waited.took);
    assert!(waited.said("GitOperationFailed"), "{:#?}", waited.reasons);
    waited.applied();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn a_crash_loop_is_told_with_its_log_while_flux_still_waits() {
    let fixture = Fixture::bare("crash", &[("root/c.yaml", &config("c", "1"))], json!({"wait": true})).await;
    fixture.deliver(&["root"]).await.applied();
    script("fault/stage", &["crash-loop", "^crasher-.*"]);
    fixture.log("no such database").await;
    fixture.push(&[("root/crasher.yaml", &deployment("crasher", "1", "1"))]);
    let waited = fixture.deliver(&["root"]).await;
    script("fault/heal", &[]);
    assert!(waited.took < Duration::from_secs(30), "{:?}", waited.took);
    let error = waited.error();
    assert!(error.message().starts_with("Pod t-crash/crasher-"), "{error}");
    assert!(error.message().contains("container main exited 1"), "{error}");
    assert!(error.message().ends_with("(CrashLoopBackOff)"), "{error}");
    assert_eq!(error.notes()[0], "last log lines\n  no such database", "{:?}", error.notes());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn a_pod_that_no_node_takes_is_told_with_the_schedulers_words() {
    let fixture = Fixture::bare("room", &[("root/c.yaml", &config("c", "1"))], json!({"wait": true})).await;
    fixture.deliver(&["root"]).await.applied();
    let large = deployment("large", "1", "1").replace("memory: 16Mi", "memory: 4Ti");
    fixture.push(&[("root/large.yaml", &large)]);
    let error = fixture.deliver(&["root"]).await.error();
    assert!(error.message().contains("no node takes it: 0/3 nodes are available"), "{error}");
    assert!(error.message().contains("Insufficient memory"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn a_failed_job_is_told_with_its_log() {
    script("fault/stage", &["job-fails", "^schema-.*"]);
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: schema\nspec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{name: main, image: example.org/schema:1}]\n";
    let fixture = Fixture::bare("job", &[("root/c.yaml", &config("c", "1"))], json!({})).await;
    fixture.log("no such database").await;
    fixture.push(&[("root/job.yaml", job)]);
    let waited = fixture.deliver(&["root"]).await;
    script("fault/heal", &[]);
    let error = waited.error();
    assert!(error.message().starts_with("Job t-job/schema: failed (BackoffLimitExceeded)"), "{error}");
    assert_eq!(error.notes()[0], "last log lines\n  no such database", "{:?}", error.notes());
}
