use super::*;
use crate::sim::world::stage::Stage;

fn node(name: &str, taint: Option<&str>) -> Value {
    let taints: Vec<Value> = taint.map(|key| json!({"key": key, "effect": "NoSchedule"})).into_iter().collect();
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}, "spec": {"taints": taints}})
}

fn set() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "log", "namespace": "a", "uid": "u-log", "generation": 1,
            "annotations": {"deprecated.daemonset.template.generation": "1"}},
        "spec": {"selector": {"matchLabels": {"app": "log"}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "template": {"metadata": {"labels": {"app": "log"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}}})
}

#[test]
fn one_pod_on_each_node_that_takes_it() {
    let cordon = node("c", Some("node.kubernetes.io/unschedulable"));
    let mut stage = Stage::new([node("a", None), node("b", Some("dedicated")), cordon, set()]);
    stage.run(&mut DaemonSets::default(), "a/log");
    let mut nodes: Vec<String> = stage.all("Pod").iter().map(|pod| target(pod).to_owned()).collect();
    nodes.sort();
    assert_eq!(nodes, ["a", "c"]);
    stage.make_ready("Pod");
    stage.run(&mut DaemonSets::default(), "a/log");
    assert_eq!(
        stage.get(KIND, "a", "log")["status"],
        json!({"desiredNumberScheduled": 2, "currentNumberScheduled": 2, "numberMisscheduled": 0, "numberReady": 2,
            "updatedNumberScheduled": 2, "numberAvailable": 2, "observedGeneration": 1})
    );
    let pod = &stage.all("Pod")[0];
    assert_eq!(label(pod, "pod-template-generation"), Some("1"));
    assert!(list(pod, "/spec/tolerations").len() == 6);
}

#[test]
fn an_update_replaces_one_pod_after_the_other() {
    let mut stage = Stage::new([node("a", None), node("b", None), set()]);
    let mut sets = DaemonSets::default();
    stage.run(&mut sets, "a/log");
    stage.make_ready("Pod");
    stage.run(&mut sets, "a/log");
    stage.edit(KIND, "a", "log", |s| s["spec"]["template"]["spec"]["containers"][0]["image"] = json!("i:2"));
    stage.run(&mut sets, "a/log");
    assert_eq!(stage.all("Pod").len(), 1);
    let images = |stage: &Stage| -> Vec<Value> {
        stage.all("Pod").iter().map(|p| p["spec"]["containers"][0]["image"].clone()).collect()
    };
    stage.run(&mut sets, "a/log");
    stage.run(&mut sets, "a/log");
    assert!(images(&stage).contains(&json!("i:1")) && images(&stage).contains(&json!("i:2")));
    for _ in 0..4 {
        stage.make_ready("Pod");
        stage.run(&mut sets, "a/log");
    }
    assert_eq!(images(&stage), ["i:2", "i:2"]);
    assert_eq!(stage.get(KIND, "a", "log")["status"]["updatedNumberScheduled"], 2);
}

#[test]
fn failed_pods_and_those_of_lost_nodes_go() {
    let mut stage = Stage::new([node("a", None), set()]);
    let mut sets = DaemonSets::default();
    stage.run(&mut sets, "a/log");
    let pod = stage.all("Pod").remove(0);
    stage.edit("Pod", "a", name(&pod), |p| p["status"] = json!({"phase": "Failed"}));
    stage.run(&mut sets, "a/log");
    assert_eq!(stage.all("Pod").len(), 0);
    assert!(stage.events().iter().any(|e| e.starts_with("Warning FailedDaemonPod Found failed daemon pod a/log-")));
    stage.run(&mut sets, "a/log");
    stage.view.remove(&Id::new("Node", "", "a"));
    stage.run(&mut sets, "a/log");
    assert_eq!(stage.all("Pod").len(), 0);
}
