use serde_json::{Value, json};

use super::*;
use crate::capacity::demand::demand;

fn node(name: &str, memory: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "zone": if name == "k8s-3" { "b" } else { "a" }}},
        "status": {"allocatable": {"cpu": "8", "memory": memory, "pods": "5"},
            "conditions": [{"type": "Ready", "status": "True"}]}})
}

fn room(nodes: &[Value]) -> Room {
    Room::build(nodes, [])
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

fn asking_cpu(mut object: Value, cpu: &str) -> Value {
    object["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!(cpu);
    object
}

#[test]
fn what_fits_in_some_orders_only_does_not_fit() {
    // Spread as the scheduler does it, the three small ones leave no node with 8 free cores, if they come first.
    let room = room(&[node("k8s-1", "8Gi"), node("k8s-2", "8Gi")]);
    let small = asking_cpu(workload("Deployment", "small", 3, "2Gi", &json!({})), "1");
    let busy = asking_cpu(workload("Deployment", "busy", 1, "1Gi", &json!({})), "8");
    for objects in [[small.clone(), busy.clone()], [busy, small]] {
        let placement = placed(&room, &objects);
        assert!(!placement.fits() && placement.by_luck(), "{} of {}", placement.fitting, placement.tried);
        assert_eq!(placement.unplaced[0].workload.name, "busy");
    }
}

#[test]
fn each_pod_of_a_daemon_set_has_its_own_node() {
    let room = room(&[node("k8s-1", "10Gi"), node("k8s-2", "2Gi")]);
    let agents = workload("DaemonSet", "agent", 0, "2Gi", &json!({}));
    let placement = placed(&room, std::slice::from_ref(&agents));
    assert!(placement.fits(), "{:?}", placement.unplaced);
    assert_eq!(placement.by_node(), [("k8s-1".to_string(), 1), ("k8s-2".to_string(), 1)]);
    let other =
        workload("Deployment", "other", 1, "1Gi", &json!({"nodeSelector": {"kubernetes.io/hostname": "k8s-2"}}));
    let placement = placed(&room, &[agents, other]);
    assert_eq!(placement.fitting, 0, "together they never fit");
    assert_eq!(placement.unplaced[0].why[0], "k8s-1 is not selected (node selector or affinity)");
}

#[test]
fn a_larger_pod_comes_before_the_old_one_goes() {
    let old = |name: &str| {
        json!({"metadata": {"name": name, "namespace": "data", "labels": {"app": "x"}}, "spec": {"nodeName": "k8s-1",
            "containers": [{"resources": {"requests": {"memory": "4Gi"}}}]}})
    };
    let nodes = [node("k8s-1", "10Gi")];
    let new = workload("Deployment", "x", 1, "7Gi", &json!({}));
    let mut recreated = new.clone();
    recreated["spec"]["strategy"] = json!({"type": "Recreate"});
    let room = Room::of(&nodes, &[old("x-1")], []);
    let rolled = placed(&room, &[new]);
    assert_eq!(rolled.unplaced[0].why, ["k8s-1 lacks 1.0 GiB memory"]);
    assert!(placed(&room, &[recreated]).fits());
    // With two, one may be away: the first new one comes when 4 GiB are left of it.
    let two = workload("Deployment", "x", 2, "5Gi", &json!({}));
    let room = Room::of(&nodes, &[old("x-1"), old("x-2")], []);
    assert!(!placed(&room, std::slice::from_ref(&two)).fits());
    let mut away = two;
    away["spec"]["strategy"] = json!({"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}});
    assert!(placed(&room, &[away]).fits());
}

#[test]
fn pods_of_other_namespaces_keep_new_ones_away() {
    let guard = json!({"metadata": {"name": "guard", "namespace": "other", "labels": {"app": "guard"}},
        "spec": {"nodeName": "k8s-1", "containers": [{"ports": [{"hostPort": 80}]}],
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"app": "x"}}, "namespaceSelector": {}, "topologyKey": "zone"}]}}}});
    let nodes = [node("k8s-1", "10Gi"), node("k8s-2", "10Gi")];
    let room = Room::of(&nodes, &[guard], []);
    let placement = placed(&room, &[workload("Deployment", "x", 1, "1Gi", &json!({}))]);
    assert_eq!(placement.unplaced[0].why[1], "k8s-2 has a pod that must not share with it");
    let port = json!({"containers": [{"name": "c", "ports": [{"hostPort": 80}]}]});
    let placement = placed(&room, &[workload("Deployment", "y", 2, "1Gi", &port)]);
    assert_eq!(placement.unplaced[0].count, 1);
    assert!(placement.unplaced[0].why.iter().all(|why| why.ends_with("has a pod on the same host port")));
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
