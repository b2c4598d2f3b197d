use super::*;
use crate::sim::world::conditions::{find, holds};
use crate::sim::world::read::count;
use crate::sim::world::stage::Stage;

fn node() -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.168.1.11"}]}})
}

fn pod(spec: &Value) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "namespace": "a", "uid": "u-p", "generation": 1},
        "spec": {"nodeName": "n", "restartPolicy": "Always", "containers": [{"name": "c", "image": "i:1", "imagePullPolicy": "IfNotPresent"}]},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]}});
    json_patch::merge(&mut object["spec"], spec);
    object
}

fn owned_by_job(mut pod: Value) -> Value {
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u-j", "controller": true}]);
    pod
}

/// Lets the kubelet work for so many seconds, from wake to wake.
fn work(stage: &mut Stage, kubelet: &mut Kubelets, seconds: i64) {
    let end = seconds_later(stage.now(), seconds);
    loop {
        let mut wake = stage.run(kubelet, "a/p");
        if wake == Some(stage.now()) {
            wake = stage.run(kubelet, "a/p").max(Some(seconds_later(stage.now(), 1)));
        }
        match wake {
            Some(at) if at <= end => stage.pass(at.duration_since(stage.now()).as_secs().max(1)),
            _ => break,
        }
    }
    stage.pass(end.duration_since(stage.now()).as_secs());
}

fn now(stage: &Stage) -> Value {
    stage.get("Pod", "a", "p")
}

fn waiting(stage: &Stage) -> (String, String) {
    let pod = now(stage);
    let of = |key: &str| text(&pod, &format!("/status/containerStatuses/0/state/waiting/{key}")).to_owned();
    (of("reason"), of("message"))
}

#[test]
fn pulled_started_ready() {
    let mut stage = Stage::new([node(), pod(&json!({}))]);
    let mut kubelet = Kubelets::default();
    stage.run(&mut kubelet, "a/p");
    assert_eq!(waiting(&stage).0, "ContainerCreating");
    let message = text(find(&now(&stage), "Ready").unwrap(), "/message").to_owned();
    assert_eq!(message, "containers with unready status: [c]");
    work(&mut stage, &mut kubelet, 5);
    let pod = now(&stage);
    assert_eq!(text(&pod, "/status/phase"), "Running");
    assert!(holds(&pod, "Ready") && holds(&pod, "ContainersReady") && holds(&pod, "Initialized"));
    assert!(text(&pod, "/status/podIP").starts_with("10.244."));
    assert_eq!(text(&pod, "/status/hostIP"), "192.168.1.11");
    let reasons: Vec<String> = stage.events().iter().map(|e| e.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(reasons, ["Pulling", "Pulled", "Created", "Started"]);
}

#[test]
fn a_probe_takes_its_time_and_never_passes_on_request() {
    let probed =
        pod(&json!({"containers": [{"name": "c", "image": "i:1", "readinessProbe": {"initialDelaySeconds": 20}}]}));
    let mut stage = Stage::new([node(), probed]);
    let mut kubelet = Kubelets::default();
    work(&mut stage, &mut kubelet, 10);
    assert!(!holds(&now(&stage), "Ready"));
    work(&mut stage, &mut kubelet, 20);
    assert!(holds(&now(&stage), "Ready"));
    stage.faults.add("never-ready=p".parse().unwrap());
    stage.run(&mut kubelet, "a/p");
    assert!(!holds(&now(&stage), "Ready"));
}

#[test]
fn init_containers_in_order_and_sidecars_beside() {
    let with = pod(&json!({"initContainers": [
        {"name": "first", "image": "i:1"}, {"name": "side", "image": "i:1", "restartPolicy": "Always"}, {"name": "last", "image": "i:1"}]}));
    let mut stage = Stage::new([node(), with]);
    let mut kubelet = Kubelets::default();
    work(&mut stage, &mut kubelet, 2);
    let message = text(find(&now(&stage), "Initialized").unwrap(), "/message").to_owned();
    assert_eq!(message, "containers with incomplete status: [first side last]");
    assert_eq!(waiting(&stage).0, "PodInitializing");
    work(&mut stage, &mut kubelet, 20);
    let pod = now(&stage);
    assert!(holds(&pod, "Ready") && holds(&pod, "Initialized"));
    let states: Vec<bool> =
        list(&pod, "/status/initContainerStatuses").iter().map(|s| s.pointer("/state/running").is_some()).collect();
    assert_eq!(states, [false, true, false]);
}

#[test]
fn the_pod_of_a_job_completes_or_fails() {
    let never = json!({"restartPolicy": "Never"});
    let mut stage = Stage::new([node(), owned_by_job(pod(&never))]);
    let mut kubelet = Kubelets::default();
    work(&mut stage, &mut kubelet, 10);
    let done = now(&stage);
    assert_eq!(text(&done, "/status/phase"), "Succeeded");
    assert_eq!(text(find(&done, "Ready").unwrap(), "/reason"), "PodCompleted");
    assert_eq!(text(&done, "/status/containerStatuses/0/state/terminated/reason"), "Completed");
    let mut stage = Stage::new([node(), owned_by_job(pod(&never))]);
    stage.faults.add("job-fails=j".parse().unwrap());
    work(&mut stage, &mut Kubelets::default(), 10);
    let failed = now(&stage);
    assert_eq!(text(&failed, "/status/phase"), "Failed");
    assert_eq!(count(&failed, "/status/containerStatuses/0/state/terminated/exitCode"), 1);
}

#[test]
fn a_crash_loop_waits_longer_and_longer() {
    let mut stage = Stage::new([node(), pod(&json!({}))]);
    stage.faults.add("crash-loop=p".parse().unwrap());
    let mut kubelet = Kubelets::default();
    work(&mut stage, &mut kubelet, 6);
    assert_eq!(
        waiting(&stage),
        ("CrashLoopBackOff".into(), "back-off 10s restarting failed container=c pod=p_a(u-p)".into())
    );
    assert_eq!(count(&now(&stage), "/status/containerStatuses/0/restartCount"), 1);
    assert_eq!(text(&now(&stage), "/status/containerStatuses/0/lastState/terminated/reason"), "Error");
    work(&mut stage, &mut kubelet, 12);
    assert_eq!(waiting(&stage).1, "back-off 20s restarting failed container=c pod=p_a(u-p)");
    work(&mut stage, &mut kubelet, 1200);
    assert_eq!(waiting(&stage).1, "back-off 5m0s restarting failed container=c pod=p_a(u-p)");
    let said = "Warning BackOff Back-off restarting failed container c in pod p_a(u-p)";
    assert!(stage.events().iter().any(|e| e == said));
    assert_eq!(text(&now(&stage), "/status/phase"), "Running");
}

#[test]
fn an_image_that_is_not_there() {
    let mut stage = Stage::new([node(), pod(&json!({}))]);
    stage.faults.add("image-pull=i:1".parse().unwrap());
    let mut kubelet = Kubelets::default();
    stage.run(&mut kubelet, "a/p");
    assert_eq!(waiting(&stage).0, "ErrImagePull");
    work(&mut stage, &mut kubelet, 5);
    let (reason, message) = waiting(&stage);
    assert_eq!(reason, "ImagePullBackOff");
    assert!(message.starts_with("Back-off pulling image \"i:1\": ErrImagePull: "), "{message}");
    stage.faults.remove(&"image-pull=i:1".parse().unwrap());
    work(&mut stage, &mut kubelet, 40);
    assert!(holds(&now(&stage), "Ready"));
}

#[test]
fn what_the_environment_and_the_volumes_name_must_be_there() {
    let env = json!({"containers": [{"name": "c", "image": "i:1", "env": [{"name": "A",
        "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}], "volumes": [{"name": "v", "configMap": {"name": "m"}}]});
    let mut stage = Stage::new([node(), pod(&env)]);
    let mut kubelet = Kubelets::default();
    work(&mut stage, &mut kubelet, 5);
    assert_eq!(waiting(&stage).0, "ContainerCreating");
    assert_eq!(
        stage.events(),
        ["Warning FailedMount MountVolume.SetUp failed for volume \"v\" : configmap \"m\" not found"]
    );
    stage.put(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "a"}}));
    assert_eq!(stage.touched(&kubelet, "ConfigMap", "a", "m"), ["a/p"]);
    work(&mut stage, &mut kubelet, 5);
    assert_eq!(waiting(&stage), ("CreateContainerConfigError".into(), "secret \"s\" not found".into()));
    stage.put(
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "a"}, "data": {"x": ""}}),
    );
    work(&mut stage, &mut kubelet, 5);
    assert_eq!(waiting(&stage).1, "couldn't find key k in Secret a/s");
    stage.put(
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "a"}, "data": {"k": ""}}),
    );
    work(&mut stage, &mut kubelet, 5);
    assert!(holds(&now(&stage), "Ready"));
}

#[test]
fn a_deleted_pod_stops_and_goes_and_one_on_a_lost_node_stays() {
    let mut stage = Stage::new([node(), pod(&json!({}))]);
    let mut kubelet = Kubelets::default();
    work(&mut stage, &mut kubelet, 5);
    stage.edit("Pod", "a", "p", |p| {
        p["metadata"]["deletionTimestamp"] = json!("2026-11-24T10:01:00Z");
        p["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    });
    stage.faults.add("node-lost=n".parse().unwrap());
    stage.run(&mut kubelet, "a/p");
    assert_eq!(stage.names("Pod"), ["p"]);
    stage.faults.remove(&"node-lost=n".parse().unwrap());
    stage.run(&mut kubelet, "a/p");
    assert_eq!(stage.events().last().unwrap(), "Normal Killing Stopping container c");
    stage.pass(1);
    for _ in 0..3 {
        stage.run(&mut kubelet, "a/p");
    }
    assert!(stage.names("Pod").is_empty());
}

#[test]
fn a_model_says_how_long_and_what() {
    let model: Model = std::sync::Arc::new(|_, _, container| {
        Some(Run { ends: Some((7, 3)), log: vec![format!("hello from {container}")] })
    });
    let mut stage = Stage::new([node(), owned_by_job(pod(&json!({"restartPolicy": "Never"})))]);
    work(&mut stage, &mut Kubelets::new(Some(model.clone())), 20);
    let pod = now(&stage);
    assert_eq!(count(&pod, "/status/containerStatuses/0/state/terminated/exitCode"), 3);
    let names = std::cell::Cell::new(0);
    let look = Look { view: &stage.view, now: stage.now(), faults: &stage.faults, pace: &stage.pace, names: &names };
    assert_eq!(log_of(&look, Some(&model), &pod, "c", false), Some(vec!["hello from c".to_owned()]));
    assert_eq!(log_of(&look, Some(&model), &pod, "c", true), None);
}
