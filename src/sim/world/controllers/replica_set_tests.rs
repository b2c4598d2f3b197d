use super::*;
use crate::sim::world::stage::Stage;

fn set(replicas: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "a", "uid": "u-web", "generation": 1},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}})
}

fn status_of(stage: &Stage) -> Value {
    stage.get(KIND, "a", "web")["status"].clone()
}

#[test]
fn makes_pods_counts_them_and_takes_them_away() {
    let mut stage = Stage::new([set(3)]);
    let mut sets = ReplicaSets::default();
    stage.run(&mut sets, "a/web");
    assert_eq!(stage.all("Pod").len(), 3);
    assert_eq!(stage.events().len(), 3);
    assert!(stage.events()[0].starts_with("Normal SuccessfulCreate Created pod: web-"));
    stage.make_ready("Pod");
    stage.run(&mut sets, "a/web");
    assert_eq!(
        status_of(&stage),
        json!({"replicas": 3, "fullyLabeledReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
            "terminatingReplicas": 0, "observedGeneration": 1})
    );
    stage.edit(KIND, "a", "web", |set| set["spec"]["replicas"] = json!(1));
    stage.run(&mut sets, "a/web");
    assert_eq!(stage.all("Pod").len(), 1);
    stage.run(&mut sets, "a/web");
    assert_eq!(status_of(&stage)["replicas"], 1);
}

#[test]
fn a_pod_is_available_after_min_ready_seconds() {
    let mut object = set(1);
    object["spec"]["minReadySeconds"] = json!(10);
    let mut stage = Stage::new([object]);
    let mut sets = ReplicaSets::default();
    stage.run(&mut sets, "a/web");
    stage.make_ready("Pod");
    let wake = stage.run(&mut sets, "a/web");
    assert_eq!(status_of(&stage).get("availableReplicas"), None);
    assert_eq!(wake, Some(seconds_later(stage.now(), 10)));
    stage.pass(10);
    stage.run(&mut sets, "a/web");
    assert_eq!(status_of(&stage)["availableReplicas"], 1);
}

#[test]
fn a_refused_pod_becomes_an_event_and_a_condition_and_is_tried_again() {
    let mut stage = Stage::new([set(2)]);
    stage.refuse("Pod", "pods \"web-x\" is forbidden: exceeded quota: small");
    let mut sets = ReplicaSets::default();
    stage.run(&mut sets, "a/web");
    assert_eq!(
        stage.events(),
        ["Warning FailedCreate Error creating: pods \"web-x\" is forbidden: exceeded quota: small"]
    );
    let wake = stage.run(&mut sets, "a/web");
    assert_eq!(wake, Some(seconds_later(stage.now(), 2)));
    let condition = &status_of(&stage)["conditions"][0];
    assert_eq!((&condition["type"], &condition["reason"]), (&json!("ReplicaFailure"), &json!("FailedCreate")));
    stage.allow();
    stage.pass(2);
    stage.run(&mut sets, "a/web");
    stage.run(&mut sets, "a/web");
    assert_eq!(status_of(&stage).get("conditions"), None);
    assert_eq!(stage.all("Pod").len(), 2);
}

#[test]
fn orphans_are_adopted_and_strangers_released() {
    let orphan = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "o", "namespace": "a", "uid": "u-o", "labels": {"app": "web"}}, "status": {"phase": "Running"}});
    let mut stage = Stage::new([set(1), orphan]);
    let mut sets = ReplicaSets::default();
    stage.run(&mut sets, "a/web");
    stage.run(&mut sets, "a/web");
    assert!(controlled_by(&stage.get("Pod", "a", "o"), &set(1)));
    stage.edit("Pod", "a", "o", |pod| pod["metadata"]["labels"]["app"] = json!("other"));
    stage.run(&mut sets, "a/web");
    stage.run(&mut sets, "a/web");
    assert_eq!(controller(&stage.get("Pod", "a", "o")), None);
    assert_eq!(stage.all("Pod").len(), 2);
}
