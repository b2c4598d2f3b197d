use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::capacity::demand::demand;

fn node(name: &str, memory: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "zone": if name == "k8s-3" { "b" } else { "a" }}},
        "status": {"allocatable": {"cpu": "8", "memory": memory, "pods": "5"},
            "conditions": [{"type": "Ready", "status": "True"}]}})
}

fn room(nodes: &[Value]) -> Room {
    Room::build(nodes, [], &BTreeSet::new())
}

fn workload(kind: &str, name: &str, replicas: i64, memory: &str, extra: &Value) -> Value {
    let mut spec = json!({"containers": [{"name": "c", "resources": {"requests": {"memory": memory}}}]});
    for (key, value) in extra.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "data"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": spec}}})
}

fn placed(room: &Room, objects: &[Value]) -> Placement {
    place(room, &demand(objects, room, &[]))
}

#[test]
fn the_sum_is_enough_but_no_node_is() {
    let room = room(&[node("k8s-1", "16Gi"), node("k8s-2", "16Gi")]);
    let placement = placed(&room, &[workload("Deployment", "worker", 1, "24Gi", &json!({}))]);
    assert!(!placement.fits());
    assert_eq!(placement.unplaced[0].why, ["k8s-1 lacks 8.0 GiB memory", "k8s-2 lacks 8.0 GiB memory"]);
}

#[test]
fn daemons_come_first_and_the_largest_before_the_small() {
    let room = room(&[node("k8s-1", "10Gi"), node("k8s-2", "10Gi")]);
    let objects = [
        workload("Deployment", "small", 2, "1Gi", &json!({})),
        workload("Deployment", "large", 2, "8Gi", &json!({})),
        workload("DaemonSet", "agent", 0, "1Gi", &json!({})),
    ];
    let placement = placed(&room, &objects);
    assert!(placement.fits(), "{:?}", placement.unplaced);
    assert_eq!(placement.by_node(), [("k8s-1".to_string(), 3), ("k8s-2".to_string(), 3)]);
    assert!(placement.after.iter().all(|node| node.free().memory == 0));
}

#[test]
fn what_fits_only_when_packed_is_packed() {
    // Spread as the scheduler does, the three small ones leave no node with 8 free cores.
    let room = room(&[node("k8s-1", "8Gi"), node("k8s-2", "8Gi")]);
    let cpu = |mut object: Value, cpu: &str| {
        object["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!(cpu);
        object
    };
    let objects = [
        cpu(workload("Deployment", "small", 3, "2Gi", &json!({})), "1"),
        cpu(workload("Deployment", "busy", 1, "1Gi", &json!({})), "8"),
    ];
    let wanted = demand(&objects, &room, &[]);
    assert!(!Placer::new(&room, &wanted, Choice::Emptiest).run().fits());
    assert!(placed(&room, &objects).fits());
}

#[test]
fn anti_affinity_spread_and_affinity_are_honoured() {
    let room = room(&[node("k8s-1", "64Gi"), node("k8s-2", "64Gi"), node("k8s-3", "64Gi")]);
    let apart = |key: &str| {
        json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": key}]}}})
    };
    assert!(placed(&room, &[workload("Deployment", "x", 3, "1Gi", &apart("kubernetes.io/hostname"))]).fits());
    let four = placed(&room, &[workload("Deployment", "x", 4, "1Gi", &apart("kubernetes.io/hostname"))]);
    assert_eq!(four.unplaced[0].count, 1);
    assert_eq!(four.unplaced[0].why[0], "k8s-1 has a pod that it must not share a node with");
    let zones = placed(&room, &[workload("Deployment", "x", 3, "1Gi", &apart("zone"))]);
    assert_eq!(zones.unplaced[0].count, 1);

    let spread = json!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "x"}}}]});
    let placement = placed(&room, &[workload("Deployment", "x", 4, "1Gi", &spread)]);
    let in_b: i64 = placement.assigned.iter().filter(|a| a.node == "k8s-3").map(|a| a.count).sum();
    assert!(placement.fits());
    assert_eq!(in_b, 2, "two of four in the zone with one node");

    let near = json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "kubernetes.io/hostname"}]}}});
    let together = placed(&room, &[workload("Deployment", "x", 3, "1Gi", &near)]);
    assert_eq!(together.by_node().len(), 1);
}

#[test]
fn the_number_of_pods_is_a_resource_too() {
    let room = room(&[node("k8s-1", "64Gi")]);
    let placement = placed(&room, &[workload("Deployment", "x", 6, "1Gi", &json!({}))]);
    assert_eq!(placement.unplaced[0].why, ["k8s-1 lacks room for a pod (5 of 5)"]);
}

#[test]
fn lacks_are_never_shown_as_nothing() {
    assert_eq!(bytes_text(1), "0.1 MiB");
    assert_eq!(bytes_text(9 << 30), "9.0 GiB");
    assert_eq!(bytes_text(920 << 20), "0.9 GiB");
}
