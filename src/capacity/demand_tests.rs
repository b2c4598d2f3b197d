use super::*;
use crate::capacity::requests::shape_of_pod;
use crate::capacity::stream::Listed;

fn deployment(replicas: i64, memory: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "hive", "namespace": "data"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "hive"}},
            "template": {"metadata": {"labels": {"app": "hive"}}, "spec": {"containers": [
                {"name": "m", "resources": {"requests": {"memory": memory}}}]}}},
    })
}

fn room(running: usize, memory: &str) -> Room {
    let nodes: Vec<Value> = (1..=3)
        .map(|i| {
            json!({"metadata": {"name": format!("k8s-{i}")}, "status": {
                "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
                "conditions": [{"type": "Ready", "status": "True"}]}})
        })
        .collect();
    let pods = (0..running).map(|i| Listed {
        namespace: "data".into(),
        name: format!("hive-{i}"),
        labels: vec![("app".into(), "hive".into())],
        node: "k8s-1".into(),
        phase: "Running".into(),
        shape: shape_of_pod(&json!({"spec": {"containers": [{"resources": {"requests": {"memory": memory}}}]}})),
        ..Listed::default()
    });
    Room::build(&nodes, pods)
}

#[test]
fn need_is_wanted_less_running_plus_surge() {
    let table = [
        ("first time", 4, 0, "1Gi", 4, 4),
        ("scaled up", 4, 2, "1Gi", 3, 2), // 2 more and a surge of 1
        ("unchanged", 4, 4, "1Gi", 1, 0),
        ("resized: all are made anew", 4, 4, "512Mi", 5, 0),
    ];
    for (what, replicas, running, runs_with, new, additional) in table {
        let found = demand(&[deployment(replicas, "1Gi")], &room(running, runs_with), &[]);
        let need = &found.pods[0];
        assert_eq!(need.new, new, "{what}");
        assert_eq!(found.additional().memory >> 30, additional, "{what}");
        assert_eq!(found.steady().memory >> 30, replicas, "{what}");
        assert_eq!(need.replaced.is_empty(), runs_with == "1Gi", "{what}");
    }
}

#[test]
fn every_kind_that_runs_pods_is_counted_or_named() {
    let template = json!({"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}});
    let objects = [
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"parallelism": 2, "template": template}}),
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"},
            "spec": {"jobTemplate": {"spec": {"template": template}}}}),
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "d"}, "spec": {"template": template}}),
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"}, "spec": {"replicas": 2,
            "template": template, "volumeClaimTemplates": [{"spec": {"resources": {"requests": {"storage": "5Gi"}}}}]}}),
        json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "db"}, "spec": {"instances": 2,
            "storage": {"size": "10Gi", "storageClass": "ceph-block"}, "resources": {"requests": {"cpu": "500m"}}}}),
        json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "h", "namespace": "x"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}}),
        json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": {"name": "m"}}),
    ];
    let found = demand(&objects, &room(0, "1Gi"), &[]);
    let seen: Vec<(&str, PodKind, i64, i64)> =
        found.pods.iter().map(|n| (n.workload.kind.as_str(), n.kind, n.wanted, n.new)).collect();
    assert_eq!(
        seen,
        [
            ("Job", PodKind::Job, 2, 2),
            ("CronJob", PodKind::Job, 1, 1),
            ("DaemonSet", PodKind::Daemon, 3, 0),
            ("StatefulSet", PodKind::Steady, 2, 2),
            ("Cluster", PodKind::Steady, 2, 2),
        ]
    );
    assert_eq!(found.steady().cpu_milli, 3000 + 2000 + 1000);
    assert_eq!(found.not_counted, ["HelmRelease x/h"]);
    assert_eq!(found.storage_bytes() >> 30, 10 + 20);
    assert_eq!(found.storage[1].class.as_deref(), Some("ceph-block"));
}

#[test]
fn a_limit_range_of_the_namespace_counts() {
    let range = json!({"kind": "LimitRange", "metadata": {"name": "l", "namespace": "data"},
        "spec": {"limits": [{"type": "Container", "defaultRequest": {"cpu": "200m"}}]}});
    let found = demand(&[deployment(1, "1Gi")], &room(0, "1Gi"), std::slice::from_ref(&range));
    assert_eq!(found.pods[0].requests.cpu_milli, 200);
    let within = demand(&[range, deployment(1, "1Gi")], &room(0, "1Gi"), &[]);
    assert_eq!(within.pods[0].requests.cpu_milli, 200);
}

#[test]
fn surge_is_a_number_or_a_percentage_rounded_up() {
    let with = |strategy: Value| {
        let mut object = deployment(3, "1Gi");
        object["spec"]["strategy"] = strategy;
        surge(&object, 3)
    };
    assert_eq!(with(Value::Null), 1);
    assert_eq!(with(json!({"rollingUpdate": {"maxSurge": "50%"}})), 2);
    assert_eq!(with(json!({"rollingUpdate": {"maxSurge": 0}})), 0);
    assert_eq!(with(json!({"type": "Recreate"})), 0);
}
