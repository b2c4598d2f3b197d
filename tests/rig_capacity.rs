//! Effective requests and free room against `kubectl describe node` of a true API server, on 200 generated pods of all
//! kinds. Run with `rig/test`.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use dpb::capacity::{Requests, effective, room_for};
use dpb::cluster::{Cluster, Flags, Query};
use dpb::manifest::quantity::Quantity;
use futures::StreamExt as _;
use serde_json::{Value, json};

const NAMESPACE: &str = "t-capacity";
const PODS: usize = 200;
const NODES: [&str; 3] = ["k8s-1", "k8s-2", "k8s-3"];

/// The same numbers every time (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let sides = u64::try_from(from.len()).unwrap();
        from[usize::try_from(self.roll(sides)).unwrap()]
    }
}

/// Requests, limits, both, or neither; in every notation of quantities.
fn resources(dice: &mut Dice) -> Value {
    let cpu = ["1m", "50m", "0.1", "100m", "0.25", "1", "1500m", "2"];
    let memory = ["64Mi", "128M", "100000Ki", "1Gi", "0.5Gi", "1e8", "123456789", "1G"];
    let mut requests = json!({});
    let mut limits = json!({});
    match dice.roll(5) {
        0 => {}
        1 => limits = json!({"cpu": dice.pick(&cpu), "memory": dice.pick(&memory)}),
        2 => requests = json!({"cpu": dice.pick(&cpu), "memory": dice.pick(&memory)}),
        3 => {
            requests = json!({"cpu": dice.pick(&cpu)});
            limits = json!({"cpu": "4", "memory": dice.pick(&memory)});
        }
        _ => requests = json!({"memory": dice.pick(&memory), "ephemeral-storage": dice.pick(&["1Gi", "100M"])}),
    }
    match dice.roll(8) {
        0 => limits["example.com/gpu"] = json!("1"),
        1 => {
            limits["hugepages-2Mi"] = json!("4Mi");
            limits["memory"] = json!("2Gi");
        }
        _ => {}
    }
    json!({"requests": requests, "limits": limits})
}

fn container(name: &str, dice: &mut Dice) -> Value {
    json!({"name": name, "image": "registry.example.org/x:1", "resources": resources(dice)})
}

fn pod(number: usize, dice: &mut Dice) -> Value {
    let containers: Vec<Value> = (0..=dice.roll(3)).map(|i| container(&format!("c{i}"), dice)).collect();
    let mut spec = json!({"nodeName": dice.pick(&NODES), "containers": containers, "terminationGracePeriodSeconds": 0});
    if dice.roll(2) == 0 {
        let init = (0..=dice.roll(3)).map(|i| {
            let mut container = container(&format!("i{i}"), dice);
            if dice.roll(2) == 0 {
                container["restartPolicy"] = json!("Always");
            }
            container
        });
        spec["initContainers"] = init.collect();
    }
    if dice.roll(3) == 0 {
        spec["runtimeClassName"] = json!("heavy");
    }
    match dice.roll(6) {
        // Larger than any sum of containers can be: the API server refuses less.
        0 => spec["resources"] = json!({"requests": {"cpu": "32", "memory": "64Gi"}}),
        1 => spec["resources"] = json!({"requests": {"cpu": "31500m"}, "limits": {"cpu": "40", "memory": "70Gi"}}),
        2 => spec["resources"] = json!({"limits": {"memory": "80Gi"}}),
        _ => {}
    }
    let mut metadata = json!({"name": format!("p{number:03}"), "namespace": NAMESPACE});
    if number.is_multiple_of(20) {
        metadata["finalizers"] = json!(["example.org/hold"]);
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
}

fn kubectl(args: &[&str]) -> String {
    let output = Command::new("kubectl").args(args).output().expect("kubectl is on the PATH: run this with rig/test");
    assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What `kubectl describe node` says.
#[derive(Debug, Default, PartialEq)]
struct Described {
    /// By resource.
    allocated: BTreeMap<String, Quantity>,
    allocatable: BTreeMap<String, Quantity>,
    /// CPU and memory requests of each pod of our namespace.
    pods: BTreeMap<String, (Quantity, Quantity)>,
    total: i64,
}

fn describe(node: &str) -> Described {
    let text = kubectl(&["describe", "node", node]);
    let mut described = Described::default();
    let mut section = "";
    for line in text.lines() {
        if !line.starts_with(' ') {
            section = line.split(':').next().unwrap();
            if section == "Non-terminated Pods" {
                described.total = line.split('(').nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
            }
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match (section, words.as_slice()) {
            ("Allocatable", [name, amount]) => {
                described.allocatable.insert(name.trim_end_matches(':').into(), Quantity::parse(amount).unwrap());
            }
            ("Non-terminated Pods", [NAMESPACE, name, cpu, _, _, _, memory, ..]) => {
                let amounts = (Quantity::parse(cpu).unwrap(), Quantity::parse(memory).unwrap());
                described.pods.insert((*name).into(), amounts);
            }
            ("Allocated resources", [name, amount, ..]) => {
                if let Ok(amount) = Quantity::parse(amount) {
                    described.allocated.insert((*name).into(), amount);
                }
            }
            _ => {}
        }
    }
    described
}

fn amount(requests: &Requests, name: &str) -> Quantity {
    let amount = requests.get(name);
    if name == "cpu" { Quantity::from_millis(amount) } else { Quantity::from_bytes(amount) }
}

async fn generate(cluster: &Cluster) {
    cluster.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})).await.unwrap();
    cluster
        .create(&json!({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "heavy"},
            "handler": "heavy", "overhead": {"podFixed": {"cpu": "250m", "memory": "120Mi"}}}))
        .await
        .unwrap();
    let extra = json!({"example.com/gpu": "500", "hugepages-2Mi": "8Gi"});
    for node in NODES {
        let patch = json!({"status": {"capacity": extra, "allocatable": extra}});
        cluster.merge_patch("Node", None, node, &patch, Some("status")).await.unwrap();
    }
    let began = Instant::now();
    while cluster.find("ServiceAccount", Some(NAMESPACE), "default").await.unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(20), "no service account");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut dice = Dice(7);
    let pods: Vec<Value> = (0..PODS).map(|number| pod(number, &mut dice)).collect();
    let created: Vec<_> = futures::stream::iter(pods)
        .map(|pod| async move { cluster.create(&pod).await })
        .buffer_unordered(8)
        .collect()
        .await;
    for result in created {
        result.unwrap_or_else(|e| panic!("{e}: {:?}", e.notes()));
    }
}

/// Lets some pods end and some be on their way out, and waits until nothing changes any more.
async fn age(cluster: &Cluster) {
    for number in (5..PODS).step_by(20) {
        let (phase, name) = (if number % 40 == 5 { "Succeeded" } else { "Failed" }, format!("p{number:03}"));
        // KWOK makes a new pod Running; ended after that, it stays so.
        let began = Instant::now();
        while cluster.get("Pod", Some(NAMESPACE), &name).await.unwrap()["status"]["phase"] != "Running" {
            assert!(began.elapsed() < Duration::from_secs(30), "{name} does not run");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let patch = json!({"status": {"phase": phase}});
        cluster.merge_patch("Pod", Some(NAMESPACE), &name, &patch, Some("status")).await.unwrap();
    }
    for number in (0..PODS).step_by(20) {
        cluster
            .delete("Pod", Some(NAMESPACE), &format!("p{number:03}"), &dpb::cluster::Delete::default())
            .await
            .unwrap();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn room_equals_what_kubectl_describes() {
    let cluster = Cluster::connect(&Flags::default()).await.unwrap();
    generate(&cluster).await;
    age(&cluster).await;

    let began = Instant::now();
    let room = room_for(&cluster, &[NAMESPACE]).await.unwrap();
    println!("room read in {:.0} ms", began.elapsed().as_secs_f64() * 1000.0);
    let mut compared = 0;
    for node in &room.nodes {
        let described = describe(&node.name);
        assert_eq!(node.pods, described.total, "{}: number of pods", node.name);
        for name in ["cpu", "memory", "ephemeral-storage", "example.com/gpu", "hugepages-2Mi"] {
            let seen = described.allocated[name];
            assert_eq!(amount(&node.requested, name), seen, "{}: {name} requested", node.name);
            let free = described.allocatable[name].plus(seen.times(-1));
            assert_eq!(amount(&node.free(), name), free, "{}: {name} free", node.name);
            compared += 1;
        }
        let ours: BTreeMap<String, (Quantity, Quantity)> = room
            .pods
            .iter()
            .filter(|pod| pod.namespace == NAMESPACE && pod.node == node.name)
            .map(|pod| (pod.name.clone(), (amount(&pod.requests, "cpu"), amount(&pod.requests, "memory"))))
            .collect();
        assert_eq!(ours, described.pods, "{}", node.name);
    }
    assert_eq!(compared, 15);
    let ours: Vec<_> = room.pods.iter().filter(|pod| pod.namespace == NAMESPACE).collect();
    assert_eq!(ours.len(), PODS - 10, "ended ones are left out");
    assert_eq!(room.nodes.iter().map(|n| n.terminating_pods).sum::<i64>(), 10);

    // The same from JSON, pod by pod.
    let listed = cluster.list("Pod", &Query::namespace(NAMESPACE)).await.unwrap();
    for pod in ours {
        let object = listed.iter().find(|o| o["metadata"]["name"] == pod.name.as_str()).unwrap();
        assert_eq!(effective(&object["spec"]), pod.requests, "{}", pod.name);
    }
    for pod in listed.iter().filter(|o| o["metadata"]["deletionTimestamp"].is_string()) {
        let nobody = json!({"metadata": {"finalizers": null}});
        let name = pod["metadata"]["name"].as_str().unwrap();
        cluster.merge_patch("Pod", Some(NAMESPACE), name, &nobody, None).await.unwrap();
    }
    kubectl(&["delete", "namespace", NAMESPACE, "--wait=false"]);
}
