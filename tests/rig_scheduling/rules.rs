//! What a generated pod asks for beside room.

use serde_json::{Value, json};

use crate::dice::Dice;

/// What a situation is about above all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Theme {
    Room,
    Exact,
    Shape,
    Nodes,
    Taints,
    Near,
    Apart,
    Spread,
    Ports,
    Priority,
    All,
}

pub(crate) const THEMES: [Theme; 11] = [
    Theme::Room,
    Theme::Exact,
    Theme::Shape,
    Theme::Nodes,
    Theme::Taints,
    Theme::Near,
    Theme::Apart,
    Theme::Spread,
    Theme::Ports,
    Theme::Priority,
    Theme::All,
];

const HOST: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Adds to a new pod's spec.
pub(crate) fn add(dice: &mut Dice, theme: Theme, spec: &mut Value, app: &str, nodes: &[Value]) {
    let mut on = |own: Theme| theme == own || dice.chance(if theme == Theme::All { 25 } else { 3 });
    let flags = THEMES.map(&mut on);
    let on = |wanted: Theme| THEMES.iter().zip(flags).any(|(theme, on)| *theme == wanted && on);
    if on(Theme::Shape) {
        shape(dice, spec);
    }
    if on(Theme::Nodes) {
        nodes_wanted(dice, spec, nodes);
    }
    if on(Theme::Taints) {
        tolerations(dice, spec);
    }
    if on(Theme::Near) {
        pods(dice, spec, app, "podAffinity");
    }
    if on(Theme::Apart) {
        pods(dice, spec, app, "podAntiAffinity");
    }
    if on(Theme::Spread) {
        spread(dice, spec, app);
    }
    if on(Theme::Ports) {
        let port =
            json!({"containerPort": 80, "hostPort": dice.pick(&[80, 81]), "protocol": dice.pick(&["TCP", "UDP"])});
        spec["containers"][0]["ports"] = json!([port]);
        if dice.chance(30) {
            spec["containers"][0]["ports"][0]["hostIP"] = json!(dice.pick(&["10.0.0.1", "10.0.0.2"]));
        }
    }
    if on(Theme::Priority) {
        spec["priorityClassName"] = json!(dice.pick(&["sched-high", "sched-low", "sched-polite"]));
    }
}

/// Adds to the spec of a pod that runs.
pub(crate) fn add_to_running(dice: &mut Dice, theme: Theme, spec: &mut Value, app: &str) {
    if theme == Theme::Ports || dice.chance(5) {
        let port = json!({"containerPort": 80, "hostPort": dice.pick(&[80, 81])});
        spec["containers"][0]["ports"] = json!([port]);
    }
    if dice.chance(if theme == Theme::Apart { 35 } else { 4 }) {
        pods(dice, spec, app, "podAntiAffinity");
    }
    if dice.chance(if theme == Theme::Near { 20 } else { 2 }) {
        pods(dice, spec, app, "podAffinity");
    }
    if theme == Theme::Priority {
        spec["priorityClassName"] = json!(dice.pick(&["sched-high", "sched-low", "sched-lowest"]));
    }
}

fn shape(dice: &mut Dice, spec: &mut Value) {
    let small = |dice: &mut Dice| json!({"requests": {"cpu": dice.pick(&["100m", "700m"]), "memory": dice.pick(&["100Mi", "1500Mi"])}});
    let init = |dice: &mut Dice, number: u64| {
        let mut container =
            json!({"name": format!("i{number}"), "image": "registry.example.org/x:1", "resources": small(dice)});
        if dice.chance(50) {
            container["restartPolicy"] = json!("Always");
        }
        container
    };
    let inits: Vec<Value> = (0..dice.between(1, 2)).map(|i| init(dice, i)).collect();
    spec["initContainers"] = json!(inits);
    if dice.chance(30) {
        spec["runtimeClassName"] = json!("sched-heavy");
    }
    if dice.chance(30) {
        // No less than the sum of the containers, or the API server refuses it.
        spec["resources"] =
            json!({"requests": {"cpu": dice.pick(&["1600m", "3"]), "memory": dice.pick(&["3200Mi", "6Gi"])}});
        for container in spec["containers"].as_array_mut().unwrap() {
            container["resources"] = json!({"requests": {"cpu": "50m", "memory": "64Mi"}});
        }
    }
    if dice.chance(30) {
        let gpu = json!({"example.com/gpu": dice.pick(&["1", "2"])});
        spec["containers"][0]["resources"]["limits"] = gpu;
    }
}

fn nodes_wanted(dice: &mut Dice, spec: &mut Value, nodes: &[Value]) {
    if dice.chance(40) {
        spec["nodeSelector"] = dice.pick(&[
            json!({"disk": "ssd"}),
            json!({"rig": "yes"}),
            json!({"disk": "hdd", "rig": "yes"}),
            json!({"rig": "no"}),
        ]);
    }
    let expressions = [
        json!({"key": "disk", "operator": "In", "values": ["ssd", "nvme"]}),
        json!({"key": "disk", "operator": "NotIn", "values": ["hdd"]}),
        json!({"key": ZONE, "operator": "Exists"}),
        json!({"key": ZONE, "operator": "DoesNotExist"}),
        json!({"key": "cores", "operator": "Gt", "values": ["2"]}),
        json!({"key": "cores", "operator": "Lt", "values": ["8"]}),
        json!({"key": "missing", "operator": "NotIn", "values": ["x"]}),
    ];
    let term = |dice: &mut Dice| {
        let mut term = json!({});
        if dice.chance(80) {
            let count = dice.between(1, 2);
            term["matchExpressions"] = (0..count).map(|_| dice.pick(&expressions)).collect();
        }
        if dice.chance(30) {
            let name = dice.pick(nodes)["metadata"]["name"].clone();
            let operator = dice.pick(&["In", "NotIn"]);
            term["matchFields"] = json!([{"key": "metadata.name", "operator": operator, "values": [name]}]);
        }
        term
    };
    if dice.chance(80) {
        let terms: Vec<Value> = (0..dice.between(1, 2)).map(|_| term(dice)).collect();
        spec["affinity"]["nodeAffinity"][REQUIRED] = json!({"nodeSelectorTerms": terms});
    }
    if dice.chance(40) {
        let preference = json!({"matchExpressions": [dice.pick(&expressions)]});
        spec["affinity"]["nodeAffinity"][PREFERRED] =
            json!([{"weight": dice.between(1, 100), "preference": preference}]);
    }
}

fn tolerations(dice: &mut Dice, spec: &mut Value) {
    let all = [
        json!({"key": "dedicated", "operator": "Exists"}),
        json!({"key": "dedicated", "value": "yes", "effect": "NoSchedule"}),
        json!({"key": "dedicated", "value": "no"}),
        json!({"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}),
        json!({"key": "service", "operator": "Exists"}),
        json!({"key": "slow", "operator": "Exists"}),
        json!({"operator": "Exists"}),
        json!({"operator": "Exists", "effect": "NoSchedule"}),
        json!({"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}),
        json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists"}),
    ];
    let own: Vec<Value> = (0..dice.between(1, 3)).map(|_| dice.pick(&all)).collect();
    spec["tolerations"] = json!(own);
}

fn pods(dice: &mut Dice, spec: &mut Value, app: &str, kind: &str) {
    let selectors = [
        json!({"matchLabels": {"app": app}}),
        json!({"matchLabels": {"app": "db"}}),
        json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web", app]}]}),
        json!({"matchLabels": {"running": "yes", "app": "cache"}}),
        json!({"matchExpressions": [{"key": "running", "operator": "Exists"}]}),
    ];
    let term = |dice: &mut Dice| {
        let mut term = json!({"labelSelector": dice.pick(&selectors), "topologyKey": dice.pick(&[HOST, HOST, ZONE])});
        match dice.roll(6) {
            0 => term["namespaces"] = json!(["sched-b"]),
            1 => term["namespaceSelector"] = json!({}),
            2 => term["namespaceSelector"] = json!({"matchLabels": {"team": "one"}}),
            3 => term["matchLabelKeys"] = json!(["situation", "missing"]),
            _ => {}
        }
        term
    };
    let count = if dice.chance(20) { 2 } else { 1 };
    let terms: Vec<Value> = (0..count).map(|_| term(dice)).collect();
    if dice.chance(75) {
        spec["affinity"][kind][REQUIRED] = json!(terms);
    } else {
        let weight = dice.between(1, 100);
        spec["affinity"][kind][PREFERRED] = json!([{"weight": weight, "podAffinityTerm": terms[0]}]);
    }
}

fn spread(dice: &mut Dice, spec: &mut Value, app: &str) {
    let one = |dice: &mut Dice, key: &str| {
        let mut one = json!({"maxSkew": dice.pick(&[1, 1, 2]), "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": app}}});
        if dice.chance(20) {
            one["whenUnsatisfiable"] = json!("ScheduleAnyway");
        } else if dice.chance(25) {
            one["minDomains"] = json!(dice.between(1, 3));
        }
        if dice.chance(20) {
            one["matchLabelKeys"] = json!([dice.pick(&["pod-template-hash", "situation"])]);
        }
        if dice.chance(25) {
            one["nodeAffinityPolicy"] = json!(dice.pick(&["Honor", "Ignore"]));
        }
        if dice.chance(25) {
            one["nodeTaintsPolicy"] = json!(dice.pick(&["Honor", "Ignore"]));
        }
        one
    };
    let keys: &[&str] = dice.pick(&[&[HOST][..], &[ZONE][..], &[ZONE, HOST][..]]);
    let all: Vec<Value> = keys.iter().map(|key| one(dice, key)).collect();
    spec["topologySpreadConstraints"] = json!(all);
}
