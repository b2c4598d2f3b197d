//! Generated situations: nodes, pods that run on them, and workloads that come.

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::rules::{self, Theme};

/// The namespaces of all situations, with a label `team` each.
pub(crate) const NAMESPACES: [&str; 2] = ["sched-a", "sched-b"];

/// One situation.
pub(crate) struct Situation {
    pub(crate) name: String,
    pub(crate) theme: Theme,
    pub(crate) nodes: Vec<Value>,
    pub(crate) running: Vec<Value>,
    pub(crate) workloads: Vec<Value>,
    /// Single pods that come one after the other, when all else is settled.
    pub(crate) probes: Vec<Value>,
}

impl Situation {
    pub(crate) fn generate(number: u64) -> Self {
        let mut dice = Dice::new(number * 7919 + 3);
        let name = format!("s{number:03}");
        let theme = rules::THEMES[usize::try_from(number).unwrap() % rules::THEMES.len()];
        let nodes: Vec<Value> = (0..dice.between(1, 6)).map(|i| node(&mut dice, &name, i)).collect();
        let running: Vec<Value> = (0..dice.roll(9)).map(|i| running(&mut dice, &name, theme, i, &nodes)).collect();
        let mut found = Self { name, theme, nodes, running, workloads: Vec::new(), probes: Vec::new() };
        let count = if theme == Theme::Exact { 1 } else { dice.pick(&[1, 1, 2, 2, 3]) };
        for i in 0..count {
            let workload = found.workload(&mut dice, i);
            found.workloads.push(workload);
        }
        for i in 0..2 {
            let probe = found.probe(&mut dice, i);
            found.probes.push(probe);
        }
        found
    }

    fn workload(&self, dice: &mut Dice, number: u64) -> Value {
        let app = dice.pick(&["web", "db", "cache"]);
        let name = format!("{}-{app}{number}", self.name);
        let namespace = dice.pick(&NAMESPACES);
        let mut kind = dice.pick(&["Deployment", "Deployment", "StatefulSet", "DaemonSet", "Job"]);
        if self.theme == Theme::Exact {
            kind = "Deployment";
        }
        let labels = json!({"situation": self.name, "app": app, "name": name});
        let mut spec = self.pod_spec(dice, app);
        let replicas = dice.pick(&[1, 1, 2, 3, 4]);
        if self.theme == Theme::Exact {
            self.exactly(dice, &mut spec, replicas);
        }
        let selector = json!({"matchLabels": {"name": name}});
        let template = json!({"metadata": {"labels": labels}, "spec": spec});
        let metadata = json!({"name": name, "namespace": namespace, "labels": {"situation": self.name}});
        match kind {
            "Job" => {
                let mut template = template;
                template["spec"]["restartPolicy"] = json!("Never");
                json!({"apiVersion": "batch/v1", "kind": kind, "metadata": metadata,
                    "spec": {"parallelism": replicas, "completions": replicas, "template": template}})
            }
            "DaemonSet" => json!({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata,
                "spec": {"selector": selector, "template": template}}),
            "StatefulSet" => {
                let policy = dice.pick(&["Parallel", "OrderedReady"]);
                json!({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {"replicas": replicas,
                    "serviceName": name, "podManagementPolicy": policy, "selector": selector, "template": template}})
            }
            _ => json!({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata,
                "spec": {"replicas": replicas, "selector": selector, "template": template}}),
        }
    }

    fn probe(&self, dice: &mut Dice, number: u64) -> Value {
        let app = dice.pick(&["web", "db", "cache"]);
        let name = format!("{}-probe{number}", self.name);
        let labels = json!({"situation": self.name, "app": app, "probe": name});
        json!({"apiVersion": "v1", "kind": "Pod", "spec": self.pod_spec(dice, app),
            "metadata": {"name": name, "namespace": dice.pick(&NAMESPACES), "labels": labels}})
    }

    fn pod_spec(&self, dice: &mut Dice, app: &str) -> Value {
        let mut spec = json!({"terminationGracePeriodSeconds": 0, "containers": containers(dice)});
        if matches!(self.theme, Theme::Room | Theme::Priority) && dice.chance(60) {
            // Of the size of the nodes, so that it matters who comes first.
            let node = dice.pick(&self.nodes);
            spec["containers"][0]["resources"]["requests"] = share(dice, &node, &[2, 3, 4, 6, 8]);
        }
        rules::add(dice, self.theme, &mut spec, app, &self.nodes);
        spec
    }

    /// Asks for exactly what the node of most memory has left for each of the replicas, or a little more.
    fn exactly(&self, dice: &mut Dice, spec: &mut Value, replicas: u64) {
        let free = |node: &Value| {
            let name = &node["metadata"]["name"];
            let amount =
                |value: &Value, unit: &str| value.as_str().unwrap().trim_end_matches(unit).parse::<u64>().unwrap();
            let here = self.running.iter().filter(|pod| pod["spec"]["nodeName"] == *name);
            let (mut cpu, mut memory) = (0, 0);
            for pod in here {
                let requests = &pod["spec"]["containers"][0]["resources"]["requests"];
                cpu += amount(&requests["cpu"], "m");
                memory += amount(&requests["memory"], "Mi");
            }
            let whole = &node["status"]["allocatable"];
            (amount(&whole["cpu"], "m").saturating_sub(cpu), amount(&whole["memory"], "Mi").saturating_sub(memory))
        };
        let (cpu, memory) = self.nodes.iter().map(free).max_by_key(|(_, memory)| *memory).unwrap();
        let (mut cpu, mut memory) = (cpu * 1000 / replicas, memory * 1024 / replicas);
        match dice.roll(4) {
            0 => cpu += 1000, // one thousandth of a core too much
            1 => memory += 1, // one KiB too much
            _ => {}
        }
        let requests = json!({"cpu": format!("{}m", cpu / 1000), "memory": format!("{memory}Ki")});
        spec["containers"] =
            json!([{"name": "c", "image": "registry.example.org/x:1", "resources": {"requests": requests}}]);
        for key in ["initContainers", "resources", "runtimeClassName"] {
            spec.as_object_mut().unwrap().remove(key);
        }
    }
}

fn node(dice: &mut Dice, situation: &str, number: u64) -> Value {
    let name = format!("{situation}-n{number}");
    let cores = dice.pick(&[1, 2, 2, 4, 4, 8]);
    let mut labels = json!({"situation": situation, "kubernetes.io/hostname": name, "disk": dice.pick(&["ssd", "hdd"]),
        "cores": cores.to_string(), "rig": "yes"});
    if dice.chance(85) {
        labels["topology.kubernetes.io/zone"] = json!(dice.pick(&["a", "b", "c"]));
    }
    let mut room = json!({"cpu": format!("{}m", cores * 1000 - dice.pick(&[0, 50, 125])), "pods": dice.pick(&["4", "8", "20", "110"]),
        "memory": format!("{}Mi", dice.pick(&[2048, 4096, 7800, 16384])), "ephemeral-storage": "20Gi"});
    if dice.chance(25) {
        room["example.com/gpu"] = json!(dice.pick(&["1", "2"]));
    }
    let mut taints = Vec::new();
    for (percent, key, effect) in
        [(15, "dedicated", "NoSchedule"), (12, "slow", "PreferNoSchedule"), (6, "service", "NoExecute")]
    {
        if dice.chance(percent) {
            taints.push(json!({"key": key, "value": "yes", "effect": effect}));
        }
    }
    let mut spec = json!({"taints": taints});
    if dice.chance(7) {
        spec["unschedulable"] = json!(true);
    }
    let ready = if dice.chance(6) { "False" } else { "True" };
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec,
        "status": {"capacity": room, "allocatable": room,
            "conditions": [{"type": "Ready", "status": ready, "reason": "Set", "message": "set"}]}})
}

fn running(dice: &mut Dice, situation: &str, theme: Theme, number: u64, nodes: &[Value]) -> Value {
    let node = dice.pick(nodes);
    let (name, app) = (format!("{situation}-run{number}"), dice.pick(&["web", "db", "cache"]));
    let requests = if theme == Theme::Priority {
        // Much of the node, so that something has to go.
        share(dice, &node, &[2, 2, 3, 4])
    } else {
        json!({"cpu": format!("{}m", dice.pick(&[50, 100, 250, 500])), "memory": format!("{}Mi", dice.pick(&[64, 200, 512, 1000]))})
    };
    let mut spec = json!({"nodeName": node["metadata"]["name"], "terminationGracePeriodSeconds": 0, "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "c", "image": "registry.example.org/x:1", "resources": {"requests": requests}}]});
    rules::add_to_running(dice, theme, &mut spec, app);
    let labels = json!({"situation": situation, "app": app, "running": "yes"});
    json!({"apiVersion": "v1", "kind": "Pod", "spec": spec,
        "metadata": {"name": name, "namespace": dice.pick(&NAMESPACES), "labels": labels}})
}

/// A part of what a node has.
fn share(dice: &mut Dice, node: &Value, parts: &[u64]) -> Value {
    let whole = &node["status"]["allocatable"];
    let mut part = |amount: &Value, unit: &str| {
        let amount: u64 = amount.as_str().unwrap().trim_end_matches(unit).parse().unwrap();
        format!("{}{unit}", amount / dice.pick(parts))
    };
    json!({"cpu": part(&whole["cpu"], "m"), "memory": part(&whole["memory"], "Mi")})
}

fn requests(dice: &mut Dice) -> Value {
    let cpu = dice.pick(&["10m", "50m", "0.1", "100m", "250m", "500m", "1", "2"]);
    let memory = dice.pick(&["32Mi", "64Mi", "128M", "200Mi", "512Mi", "1Gi", "3Gi"]);
    match dice.roll(8) {
        0 => json!({}),
        1 => json!({"cpu": cpu}),
        2 => json!({"memory": memory}),
        3 => json!({"memory": memory, "ephemeral-storage": dice.pick(&["1Gi", "8Gi"])}),
        _ => json!({"cpu": cpu, "memory": memory}),
    }
}

fn containers(dice: &mut Dice) -> Value {
    let one = |dice: &mut Dice, name: &str| json!({"name": name, "image": "registry.example.org/x:1", "resources": {"requests": requests(dice)}});
    let mut all = vec![one(dice, "c")];
    if dice.chance(15) {
        all.push(one(dice, "d"));
    }
    json!(all)
}
