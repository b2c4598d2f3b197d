use super::*;
use crate::sim::world::stage::Stage;

fn class(mode: &str) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "rbd.csi", "reclaimPolicy": "Delete",
        "volumeBindingMode": mode, "metadata": {"name": "block", "annotations": {DEFAULT: "true"}}})
}

fn claim() -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "a", "uid": "u-data", "finalizers": [PROTECTION]},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}})
}

fn settle(stage: &mut Stage) {
    for _ in 0..8 {
        stage.run(&mut Claims, "claim a/data");
        for volume in stage.names(VOLUME) {
            stage.run(&mut Claims, &format!("volume {volume}"));
        }
    }
}

fn phase_of(stage: &Stage) -> String {
    text(&stage.get(CLAIM, "a", "data"), "/status/phase").to_owned()
}

#[test]
fn the_default_class_makes_a_volume() {
    let mut stage = Stage::new([class("Immediate"), claim()]);
    settle(&mut stage);
    let bound = stage.get(CLAIM, "a", "data");
    assert_eq!(phase_of(&stage), "Bound");
    assert_eq!(bound["spec"]["volumeName"], "pvc-u-data");
    assert_eq!(bound["status"]["capacity"]["storage"], "5Gi");
    assert_eq!(annotation(&bound, BOUND), Some("yes"));
    assert_eq!(text(&stage.get(VOLUME, "", "pvc-u-data"), "/status/phase"), "Bound");
    assert!(
        stage.events().iter().any(|e| e.contains("ProvisioningSucceeded Successfully provisioned volume pvc-u-data"))
    );
}

#[test]
fn a_class_that_waits_for_a_consumer_does() {
    let mut stage = Stage::new([class("WaitForFirstConsumer"), claim()]);
    settle(&mut stage);
    assert_eq!(phase_of(&stage), "Pending");
    assert!(stage.events().last().unwrap().contains("waiting for first consumer to be created before binding"));
    stage.edit(CLAIM, "a", "data", |c| c["metadata"]["annotations"][SELECTED] = json!("n"));
    settle(&mut stage);
    assert_eq!(phase_of(&stage), "Bound");
}

#[test]
fn without_a_class_or_with_a_wrong_one_it_stays_pending() {
    let mut stage = Stage::new([claim()]);
    settle(&mut stage);
    assert_eq!(phase_of(&stage), "Pending");
    assert!(stage.events()[0].contains("no persistent volumes available for this claim and no storage class is set"));
    let mut wrong = claim();
    wrong["spec"]["storageClassName"] = json!("gold");
    let mut stage = Stage::new([wrong]);
    settle(&mut stage);
    assert!(stage.events()[0].contains("storageclass.storage.k8s.io \"gold\" not found"));
}

#[test]
fn the_smallest_volume_that_is_large_enough_is_taken() {
    let volume = |name: &str, size: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
            "spec": {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain"}})
    };
    let mut stage = Stage::new([volume("large", "50Gi"), volume("right", "8Gi"), volume("small", "1Gi"), claim()]);
    settle(&mut stage);
    assert_eq!(stage.get(CLAIM, "a", "data")["spec"]["volumeName"], "right");
    assert_eq!(text(&stage.get(VOLUME, "", "large"), "/status/phase"), "Available");
}

#[test]
fn a_claim_in_use_stays_until_the_pod_is_gone_and_its_volume_goes_with_it() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a"},
        "spec": {"nodeName": "n", "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}, "status": {"phase": "Running"}});
    let mut stage = Stage::new([class("Immediate"), claim(), pod]);
    settle(&mut stage);
    stage.edit(CLAIM, "a", "data", |c| c["metadata"]["deletionTimestamp"] = json!("2026-11-24T10:00:00Z"));
    stage.run(&mut Claims, "claim a/data");
    assert_eq!(stage.names(CLAIM), ["data"]);
    stage.view.remove(&Id::new("Pod", "a", "p"));
    stage.run(&mut Claims, "claim a/data");
    assert!(stage.names(CLAIM).is_empty());
    for _ in 0..4 {
        for volume in stage.names(VOLUME) {
            stage.run(&mut Claims, &format!("volume {volume}"));
        }
    }
    assert!(stage.names(VOLUME).is_empty());
}
