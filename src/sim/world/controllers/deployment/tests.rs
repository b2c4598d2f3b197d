use super::wanted::replicas;
use super::*;
use crate::sim::world::controllers::ReplicaSets;
use crate::sim::world::read::{annotation, name, text};
use crate::sim::world::stage::Stage;
use serde_json::json;

#[allow(clippy::needless_pass_by_value, reason = "given as `json!` at every call")]
fn deployment(replicas: i64, strategy: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "a", "uid": "u-web", "generation": 1, "annotations": {"note": "x"}},
        "spec": {"replicas": replicas, "progressDeadlineSeconds": 600, "revisionHistoryLimit": 1, "strategy": strategy,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}}})
}

fn rolling() -> Value {
    json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}})
}

/// One round of both controllers; pods are ready at once when asked for.
fn round(stage: &mut Stage, ready: bool) {
    stage.run(&mut Deployments, "a/web");
    for name in stage.names(SET) {
        stage.run(&mut ReplicaSets::default(), &format!("a/{name}"));
    }
    if ready {
        stage.make_ready("Pod");
    }
    for name in stage.names(SET) {
        stage.run(&mut ReplicaSets::default(), &format!("a/{name}"));
    }
    stage.run(&mut Deployments, "a/web");
}

fn sizes(stage: &Stage) -> Vec<i64> {
    let mut sets = stage.all(SET);
    sets.sort_by_key(|set| annotation(set, history::REVISION).and_then(|r| r.parse::<i64>().ok()));
    sets.iter().map(replicas).collect()
}

fn progressing(stage: &Stage) -> (String, String, String) {
    let object = stage.get(KIND, "a", "web");
    let condition = crate::sim::world::conditions::find(&object, "Progressing").cloned().unwrap_or_default();
    let of = |key: &str| text(&condition, key).to_owned();
    (of("/status"), of("/reason"), of("/message"))
}

#[test]
fn a_first_rollout() {
    let mut stage = Stage::new([deployment(3, rolling())]);
    stage.run(&mut Deployments, "a/web");
    let set = &stage.all(SET)[0];
    assert_eq!(replicas(set), 3);
    assert_eq!(annotation(set, "deployment.kubernetes.io/max-replicas"), Some("4"));
    assert_eq!(annotation(set, "note"), Some("x"));
    let hash = text(set, "/metadata/labels/pod-template-hash");
    assert_eq!(name(set), format!("web-{hash}"));
    assert_eq!(text(set, "/spec/selector/matchLabels/pod-template-hash"), hash);
    assert_eq!(progressing(&stage).1, "NewReplicaSetCreated");
    let object = stage.get(KIND, "a", "web");
    assert_eq!(annotation(&object, history::REVISION), Some("1"));
    assert_eq!(object["status"]["unavailableReplicas"], 3);
    round(&mut stage, true);
    let status = stage.get(KIND, "a", "web")["status"].clone();
    assert_eq!((&status["availableReplicas"], &status["updatedReplicas"]), (&json!(3), &json!(3)));
    assert_eq!(status.get("unavailableReplicas"), None);
    let (word, reason, message) = progressing(&stage);
    assert_eq!((word.as_str(), reason.as_str()), ("True", "NewReplicaSetAvailable"));
    assert_eq!(message, format!("ReplicaSet \"web-{hash}\" has successfully progressed."));
}

#[test]
fn a_new_image_rolls_within_surge_and_unavailability_and_back_again() {
    let mut stage = Stage::new([deployment(4, rolling())]);
    round(&mut stage, true);
    stage.pass(60);
    stage.edit(KIND, "a", "web", |d| d["spec"]["template"]["spec"]["containers"][0]["image"] = json!("i:2"));
    stage.run(&mut Deployments, "a/web");
    assert_eq!(sizes(&stage), [3, 1]);
    stage.run(&mut Deployments, "a/web");
    assert_eq!(sizes(&stage), [3, 2]);
    for _ in 0..6 {
        round(&mut stage, true);
    }
    assert_eq!(sizes(&stage), [0, 4]);
    assert_eq!(annotation(&stage.get(KIND, "a", "web"), history::REVISION), Some("2"));
    assert_eq!(progressing(&stage).1, "NewReplicaSetAvailable");
    stage.pass(60);
    stage.edit(KIND, "a", "web", |d| d["spec"]["template"]["spec"]["containers"][0]["image"] = json!("i:1"));
    for _ in 0..6 {
        round(&mut stage, true);
    }
    let sets = stage.all(SET);
    let back = sets.iter().find(|s| replicas(s) == 4).unwrap();
    assert_eq!(annotation(back, history::REVISION), Some("3"));
    assert_eq!(annotation(back, "deployment.kubernetes.io/revision-history"), Some("1"));
    assert_eq!(sets.len(), 2);
}

#[test]
fn a_rollout_that_does_not_become_ready_times_out_and_keeps_the_old_pods() {
    let mut stage = Stage::new([deployment(2, rolling())]);
    round(&mut stage, true);
    stage.edit(KIND, "a", "web", |d| d["spec"]["template"]["spec"]["containers"][0]["image"] = json!("bad"));
    stage.pass(5);
    for _ in 0..3 {
        round(&mut stage, false);
    }
    assert_eq!(sizes(&stage), [2, 1]);
    let wake = stage.run(&mut Deployments, "a/web").unwrap();
    assert!(wake > stage.now());
    stage.pass(602);
    stage.run(&mut Deployments, "a/web");
    let (word, reason, message) = progressing(&stage);
    assert_eq!((word.as_str(), reason.as_str()), ("False", "ProgressDeadlineExceeded"));
    assert!(message.ends_with("has timed out progressing."), "{message}");
    assert!(crate::sim::world::conditions::holds(&stage.get(KIND, "a", "web"), "Available"));
}

#[test]
fn recreate_takes_the_old_pods_away_first() {
    let mut stage = Stage::new([deployment(2, json!({"type": "Recreate"}))]);
    round(&mut stage, true);
    round(&mut stage, true);
    stage.edit(KIND, "a", "web", |d| d["spec"]["template"]["spec"]["containers"][0]["image"] = json!("i:2"));
    stage.run(&mut Deployments, "a/web");
    assert_eq!(sizes(&stage), [0]);
    stage.run(&mut Deployments, "a/web");
    assert_eq!(sizes(&stage), [0]);
    for _ in 0..3 {
        round(&mut stage, true);
    }
    assert_eq!(sizes(&stage), [0, 2]);
}

#[test]
fn scaling_keeps_the_revision_and_history_is_cut() {
    let mut stage = Stage::new([deployment(2, rolling())]);
    round(&mut stage, true);
    stage.edit(KIND, "a", "web", |d| d["spec"]["replicas"] = json!(5));
    stage.run(&mut Deployments, "a/web");
    assert_eq!(sizes(&stage), [5]);
    for image in ["i:2", "i:3", "i:4"] {
        stage.pass(10);
        stage.edit(KIND, "a", "web", |d| d["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image));
        for _ in 0..8 {
            round(&mut stage, true);
        }
    }
    assert_eq!(sizes(&stage), [0, 5]);
    assert_eq!(annotation(&stage.get(KIND, "a", "web"), history::REVISION), Some("4"));
}

#[test]
fn a_refused_replica_set_is_told() {
    let mut stage = Stage::new([deployment(1, rolling())]);
    stage.refuse(SET, "replicasets.apps \"web-x\" is forbidden: no");
    stage.run(&mut Deployments, "a/web");
    let (word, reason, message) = progressing(&stage);
    assert_eq!((word.as_str(), reason.as_str()), ("False", "ReplicaSetCreateError"));
    assert!(message.starts_with("Failed to create new replica set \"web-"), "{message}");
    assert!(stage.events()[0].starts_with("Warning ReplicaSetCreateError"));
}

#[test]
fn paused_does_nothing_but_say_so() {
    let mut object = deployment(1, rolling());
    object["spec"]["paused"] = json!(true);
    let mut stage = Stage::new([object]);
    stage.run(&mut Deployments, "a/web");
    assert_eq!(stage.all(SET).len(), 0);
    assert_eq!(progressing(&stage).1, "DeploymentPaused");
}
