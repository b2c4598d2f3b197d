//! The whole world on the API server: what people see of it.

use serde_json::{Value, json};

use crate::sim::api::change::Forget;
use crate::sim::api::hand::{Deletion, Hand};
use crate::sim::api::server::Api;
use crate::sim::api::types::Types;
use crate::sim::clock::Clock;
use crate::sim::faults::Faults;

use super::World;
use super::conditions::{find, holds};
use super::owner::controller_name;
use super::read::{count, list, name, text};

struct Play {
    api: Api,
    world: World,
    faults: Faults,
    admin: Hand,
}

impl Play {
    fn new() -> Self {
        let clock = Clock::virtual_from("2026-11-24T10:00:00Z".parse().unwrap());
        let api = Api::new(Types::shipped(), clock, Box::new(Forget));
        let faults = Faults::default();
        let world = World::populated(api.clone(), faults.clone(), None, "PEM");
        let admin = api.as_user("admin");
        let mut play = Self { api, world, faults, admin };
        for node in ["n1", "n2", "n3"] {
            play.create(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node, "labels": {"kubernetes.io/hostname": node}}}));
            let mut ready = play.get("Node", "", node);
            let room = json!({"cpu": "8", "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi"});
            ready["status"] = json!({"allocatable": room, "capacity": room});
            play.admin.update_status(ready).unwrap();
        }
        play.create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}));
        play.world.settle(5);
        play
    }

    fn create(&mut self, mut object: Value) -> Value {
        let resource = self.api.with_types(|types| types.of_object(&object)).unwrap();
        resource.default(&mut object);
        resource.prepare_create(&mut object);
        self.admin.create(object).unwrap_or_else(|e| panic!("{}", e.message())).as_ref().clone()
    }

    fn get(&self, kind: &str, namespace: &str, name: &str) -> Value {
        self.admin.get(kind, namespace, name).unwrap_or_else(|e| panic!("{}", e.message())).as_ref().clone()
    }

    fn is_gone(&self, kind: &str, namespace: &str, name: &str) -> bool {
        self.admin.find(kind, namespace, name).unwrap().is_none()
    }

    fn all(&self, kind: &str, namespace: &str) -> Vec<Value> {
        self.admin.list(kind, namespace, "").unwrap().iter().map(|o| o.as_ref().clone()).collect()
    }

    fn events(&self, namespace: &str) -> Vec<String> {
        let of =
            |e: &Value| format!("{} {} {}", text(e, "/involvedObject/kind"), text(e, "/reason"), text(e, "/message"));
        self.all("Event", namespace).iter().map(of).collect()
    }
}

fn deployment(replicas: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "a"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}}})
}

#[test]
fn a_deployment_becomes_available_rolls_and_goes() {
    let mut play = Play::new();
    play.create(deployment(3));
    play.create(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "a"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}));
    play.world.settle(60);
    let web = play.get("Deployment.apps", "a", "web");
    assert!(holds(&web, "Available"), "{web:#}");
    assert_eq!(text(find(&web, "Progressing").unwrap(), "/reason"), "NewReplicaSetAvailable");
    assert_eq!(super::read::annotation(&web, "deployment.kubernetes.io/revision"), Some("1"));
    let pods = play.all("Pod", "a");
    assert_eq!(pods.len(), 3);
    let mut nodes: Vec<&str> = pods.iter().map(|pod| text(pod, "/spec/nodeName")).collect();
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes.len(), 3, "spread over the nodes");
    let slices = play.all("EndpointSlice.discovery.k8s.io", "a");
    assert_eq!(list(&slices[0], "/endpoints").len(), 3);
    let events = play.events("a");
    for wanted in [
        "Deployment ScalingReplicaSet Scaled up replica set web-",
        "Pod Scheduled Successfully assigned a/web-",
        "Pod Started Container started",
    ] {
        assert!(events.iter().any(|e| e.starts_with(wanted)), "{wanted} in {events:#?}");
    }

    play.admin
        .patch(
            "Deployment.apps",
            "a",
            "web",
            json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:2"}]}}}}),
        )
        .unwrap();
    play.world.settle(120);
    let web = play.get("Deployment.apps", "a", "web");
    assert_eq!((count(&web, "/status/updatedReplicas"), count(&web, "/status/replicas")), (3, 3));
    assert!(play.all("Pod", "a").iter().all(|p| text(p, "/spec/containers/0/image") == "nginx:2"));

    play.admin.delete("Deployment.apps", "a", "web", &Deletion::default()).unwrap();
    play.world.settle(60);
    assert!(play.all("ReplicaSet.apps", "a").is_empty());
    assert!(play.all("Pod", "a").is_empty());
}

#[test]
fn a_stateful_set_with_claims() {
    let mut play = Play::new();
    play.create(json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "block",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "provisioner": "rbd.csi", "volumeBindingMode": "WaitForFirstConsumer"}));
    play.create(json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "a"},
        "spec": {"replicas": 2, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "c", "image": "pg:1",
                "volumeMounts": [{"name": "data", "mountPath": "/d"}]}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "5Gi"}}}}]}}));
    play.world.settle(120);
    let db = play.get("StatefulSet.apps", "a", "db");
    assert_eq!((count(&db, "/status/readyReplicas"), count(&db, "/status/currentReplicas")), (2, 2), "{db:#}");
    let claim = play.get("PersistentVolumeClaim", "a", "data-db-0");
    assert_eq!(text(&claim, "/status/phase"), "Bound");
    play.admin.delete("StatefulSet.apps", "a", "db", &Deletion::default()).unwrap();
    play.world.settle(60);
    assert!(play.all("Pod", "a").is_empty());
    assert_eq!(play.all("PersistentVolumeClaim", "a").len(), 2);
    play.admin.delete("PersistentVolumeClaim", "a", "data-db-0", &Deletion::default()).unwrap();
    play.world.settle(60);
    assert!(play.is_gone("PersistentVolumeClaim", "a", "data-db-0"));
    assert_eq!(play.all("PersistentVolume", "").len(), 1);
}

fn job(name: &str) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "a"},
        "spec": {"backoffLimit": 1, "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "tool:1"}]}}}})
}

#[test]
fn jobs_complete_and_fail_on_request() {
    let mut play = Play::new();
    play.faults.add("job-fails=bad".parse().unwrap());
    play.create(job("good"));
    play.create(job("bad"));
    play.world.settle(120);
    let good = play.get("Job.batch", "a", "good");
    assert!(holds(&good, "Complete"), "{good:#}");
    assert_eq!(count(&good, "/status/succeeded"), 1);
    let bad = play.get("Job.batch", "a", "bad");
    assert_eq!(text(find(&bad, "Failed").unwrap(), "/reason"), "BackoffLimitExceeded");
    assert_eq!(count(&bad, "/status/failed"), 2);
    assert!(play.all("Pod", "a").iter().all(|pod| list(pod, "/metadata/finalizers").is_empty()));
    // By default the API server leaves the pods of a Job.
    let background = Deletion { propagation: Some("Background".into()), ..Deletion::default() };
    play.admin.delete("Job.batch", "a", "good", &background).unwrap();
    play.world.settle(30);
    assert!(play.all("Pod", "a").iter().all(|pod| controller_name(pod, "Job.batch") == Some("bad")));
}

#[test]
fn a_pod_without_room_says_why_and_comes_when_there_is() {
    let mut play = Play::new();
    let mut big = deployment(1);
    big["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"memory": "64Gi"}});
    play.create(big);
    play.world.settle(10);
    let pod = play.all("Pod", "a").remove(0);
    let condition = find(&pod, "PodScheduled").unwrap();
    assert_eq!(text(condition, "/reason"), "Unschedulable");
    assert!(text(condition, "/message").starts_with("0/3 nodes are available: 3 Insufficient memory."), "{condition}");
    assert!(play.events("a").iter().any(|e| e.starts_with("Pod FailedScheduling 0/3 nodes are available")));
    play.world.settle(700);
    let web = play.get("Deployment.apps", "a", "web");
    assert_eq!(text(find(&web, "Progressing").unwrap(), "/reason"), "ProgressDeadlineExceeded");
    let mut node = play.get("Node", "", "n1");
    node["status"]["allocatable"]["memory"] = json!("128Gi");
    node["status"]["capacity"]["memory"] = json!("128Gi");
    play.admin.update_status(node).unwrap();
    play.world.settle(30);
    assert!(holds(&play.get("Deployment.apps", "a", "web"), "Available"));
}

#[test]
fn a_namespace_goes_with_all_that_is_in_it() {
    let mut play = Play::new();
    play.create(deployment(2));
    play.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "namespace": "a", "finalizers": ["x.io/keep"]}}));
    play.world.settle(30);
    play.admin.delete("Namespace", "", "a", &Deletion::default()).unwrap();
    play.world.settle(120);
    let space = play.get("Namespace", "", "a");
    assert_eq!(
        text(find(&space, "NamespaceContentRemaining").unwrap(), "/message"),
        "Some resources are remaining: configmaps. has 1 resource instances"
    );
    assert!(play.all("Pod", "a").is_empty());
    play.admin.patch("ConfigMap", "a", "held", json!({"metadata": {"finalizers": null}})).unwrap();
    play.world.settle(30);
    assert!(play.is_gone("Namespace", "", "a"));
}

#[test]
fn quotas_and_limit_ranges_take_part() {
    let mut play = Play::new();
    play.create(json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": "a"},
        "spec": {"hard": {"pods": "1", "requests.memory": "1Gi"}}}));
    play.create(deployment(2));
    play.world.settle(20);
    let sets = play.all("ReplicaSet.apps", "a");
    let failure = find(&sets[0], "ReplicaFailure").map(|c| text(c, "/message").to_owned()).unwrap_or_default();
    assert!(failure.contains("failed quota: small: must specify requests.memory for: c"), "{failure}");
    play.create(json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "some", "namespace": "a"},
        "spec": {"limits": [{"type": "Container", "defaultRequest": {"memory": "256Mi"}}]}}));
    play.world.settle(300);
    assert_eq!(play.all("Pod", "a").len(), 1);
    let sets = play.all("ReplicaSet.apps", "a");
    let failure = text(find(&sets[0], "ReplicaFailure").unwrap(), "/message").to_owned();
    assert!(failure.ends_with("exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1"), "{failure}");
    let quota = play.get("ResourceQuota", "a", "small");
    assert_eq!(quota["status"]["used"], json!({"pods": "1", "requests.memory": "256Mi"}));
}

#[test]
fn a_lost_node_gives_its_pods_to_the_others() {
    let mut play = Play::new();
    play.create(deployment(1));
    play.world.settle(20);
    let pod = play.all("Pod", "a").remove(0);
    let node = text(&pod, "/spec/nodeName").to_owned();
    play.faults.add(format!("node-lost={node}").parse().unwrap());
    play.world.settle(700);
    assert_eq!(text(find(&play.get("Node", "", &node), "Ready").unwrap(), "/status"), "Unknown");
    let web = play.get("Deployment.apps", "a", "web");
    assert!(holds(&web, "Available"), "{web:#}");
    let others = play.all("Pod", "a");
    assert!(others.iter().any(|p| text(p, "/spec/nodeName") != node && holds(p, "Ready")));
    let stuck = others.iter().find(|p| name(p) == name(&pod));
    assert!(stuck.is_some_and(super::read::deleting));
}

#[test]
fn a_crash_loop_is_told_and_does_not_run_for_ever() {
    let mut play = Play::new();
    play.faults.add("crash-loop=web-*".parse().unwrap());
    play.create(deployment(1));
    play.world.settle(40);
    let pod = play.all("Pod", "a").remove(0);
    assert_eq!(text(&pod, "/status/containerStatuses/0/state/waiting/reason"), "CrashLoopBackOff");
    assert!(count(&pod, "/status/containerStatuses/0/restartCount") >= 2);
    let backoff = play.all("Event", "a").into_iter().find(|e| text(e, "/reason") == "BackOff").unwrap();
    assert_eq!(text(&backoff, "/source/component"), "kubelet");
    assert_eq!(text(&backoff, "/involvedObject/fieldPath"), "spec.containers{c}");
}

#[tokio::test]
async fn a_virtual_clock_runs_by_itself_while_nobody_holds_it() {
    let play = Play::new();
    let Play { api, world, admin, .. } = play;
    let cancel = crate::cancel::Cancel::new();
    let guard = api.clock().busy();
    let running = tokio::spawn(world.run(cancel.clone()));
    let mut held = deployment(1);
    api.with_types(|types| types.of_object(&held)).unwrap().default(&mut held);
    admin.create(held).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let available = |hand: &Hand| holds(&hand.get("Deployment.apps", "a", "web").unwrap(), "Available");
    assert!(!available(&admin), "the clock was held");
    drop(guard);
    for _ in 0..200 {
        if available(&admin) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(available(&admin));
    running.abort();
}
