use super::*;
use crate::sim::world::stage::Stage;

fn set(replicas: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "a", "uid": "u-db", "generation": 1},
        "spec": {"replicas": replicas, "serviceName": "db-peers", "selector": {"matchLabels": {"app": "db"}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]}})
}

fn status(stage: &Stage) -> Value {
    stage.get(KIND, "a", "db")["status"].clone()
}

#[test]
fn pods_come_in_order_each_with_its_claim() {
    let mut stage = Stage::new([set(2)]);
    let mut sets = StatefulSets::default();
    stage.run(&mut sets, "a/db");
    stage.run(&mut sets, "a/db");
    assert_eq!(stage.names("Pod"), ["db-0"]);
    let pod = stage.get("Pod", "a", "db-0");
    assert_eq!(pod["spec"]["hostname"], "db-0");
    assert_eq!(pod["spec"]["subdomain"], "db-peers");
    assert_eq!(pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"], "data-db-0");
    assert_eq!(label(&pod, "apps.kubernetes.io/pod-index"), Some("0"));
    assert_eq!(label(&pod, HASH), Some(text(&status(&stage), "/updateRevision")));
    assert_eq!(stage.names("PersistentVolumeClaim"), ["data-db-0"]);
    stage.make_ready("Pod");
    stage.run(&mut sets, "a/db");
    assert_eq!(stage.names("Pod"), ["db-0", "db-1"]);
    stage.make_ready("Pod");
    stage.run(&mut sets, "a/db");
    let status = status(&stage);
    assert_eq!(
        ["replicas", "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas"]
            .map(|k| status[k].clone()),
        [2, 2, 2, 2, 2].map(Value::from)
    );
    assert_eq!(stage.events()[1], "Normal SuccessfulCreate Create Pod db-0 in StatefulSet db successful");
    assert_eq!(stage.events()[0], "Normal SuccessfulCreate Create Claim data-db-0 Pod db-0 in StatefulSet db success");
}

#[test]
fn all_at_once_when_parallel() {
    let mut object = set(3);
    object["spec"]["podManagementPolicy"] = json!("Parallel");
    let mut stage = Stage::new([object]);
    stage.run(&mut StatefulSets::default(), "a/db");
    assert_eq!(stage.names("Pod"), ["db-0", "db-1", "db-2"]);
}

#[test]
fn an_update_goes_from_the_last_down_and_a_partition_holds_it() {
    let mut stage = Stage::new([set(2)]);
    let mut sets = StatefulSets::default();
    for _ in 0..3 {
        stage.run(&mut sets, "a/db");
        stage.make_ready("Pod");
    }
    stage.run(&mut sets, "a/db");
    let first = text(&status(&stage), "/currentRevision").to_owned();
    stage.edit(KIND, "a", "db", |s| {
        s["spec"]["template"]["spec"]["containers"][0]["image"] = json!("i:2");
        s["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = json!(1);
    });
    stage.run(&mut sets, "a/db");
    assert_eq!(stage.names("Pod"), ["db-0"]);
    for _ in 0..3 {
        stage.run(&mut sets, "a/db");
        stage.make_ready("Pod");
    }
    let image = |stage: &Stage, pod: &str| stage.get("Pod", "a", pod)["spec"]["containers"][0]["image"].clone();
    assert_eq!((image(&stage, "db-0"), image(&stage, "db-1")), (json!("i:1"), json!("i:2")));
    assert_eq!(text(&status(&stage), "/currentRevision"), first);
    assert_eq!((&status(&stage)["currentReplicas"], &status(&stage)["updatedReplicas"]), (&json!(1), &json!(1)));
    stage.edit(KIND, "a", "db", |s| s["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = json!(0));
    for _ in 0..4 {
        stage.run(&mut sets, "a/db");
        stage.make_ready("Pod");
    }
    assert_eq!(image(&stage, "db-0"), json!("i:2"));
    let now = status(&stage);
    assert_ne!(text(&now, "/currentRevision"), first);
    assert_eq!(now["currentRevision"], now["updateRevision"]);
}

#[test]
fn scaling_down_goes_from_the_last_and_leaves_the_claims() {
    let mut stage = Stage::new([set(3)]);
    let mut sets = StatefulSets::default();
    for _ in 0..4 {
        stage.run(&mut sets, "a/db");
        stage.make_ready("Pod");
    }
    stage.edit(KIND, "a", "db", |s| s["spec"]["replicas"] = json!(1));
    stage.run(&mut sets, "a/db");
    assert_eq!(stage.names("Pod"), ["db-0", "db-1"]);
    stage.run(&mut sets, "a/db");
    assert_eq!(stage.names("Pod"), ["db-0"]);
    assert_eq!(stage.names("PersistentVolumeClaim").len(), 3);
}

#[test]
fn a_refused_pod_is_an_event() {
    let mut stage = Stage::new([set(1)]);
    stage.refuse("Pod", "pods \"db-0\" is forbidden: exceeded quota");
    let wake = stage.run(&mut StatefulSets::default(), "a/db");
    assert!(wake.is_some());
    assert_eq!(
        stage.events().last().unwrap(),
        "Warning FailedCreate Create Pod db-0 in StatefulSet db failed error: pods \"db-0\" is forbidden: exceeded quota"
    );
}
