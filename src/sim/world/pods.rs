//! Pods as their controllers see them: from a template, active, ready, available.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::conditions::{find, holds};
use super::look::Look;
use super::owner::{controlled_by, controller, controller_reference};
use super::plan::{Plan, seconds_later};
use super::read::{created, deleting, labels, name, namespace, slot, text, time};
use super::selector::selects;

/// A pod of a template, controlled by its owner. `name` is what the API server would have made of `generateName`.
pub fn from_template(template: &Value, owner: &Value, generate: Option<&str>, pod_name: &str) -> Value {
    let mut metadata = json!({});
    if let Some(generate) = generate {
        metadata["generateName"] = Value::from(generate);
    }
    metadata["name"] = Value::from(pod_name);
    metadata["namespace"] = Value::from(namespace(owner));
    for key in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.pointer("/metadata").and_then(|m| m.get(key)).filter(|v| !v.is_null()) {
            metadata[key] = value.clone();
        }
    }
    metadata["ownerReferences"] = json!([controller_reference(owner)]);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template.get("spec").cloned().unwrap_or(json!({}))})
}

/// A pod with a name of its owner and five letters.
pub fn generated(look: &Look<'_>, template: &Value, owner: &Value) -> Value {
    let generate = format!("{}-", name(owner));
    // apiserver names.go: a generated name has at most 63 characters.
    let kept: String = generate.chars().take(58).collect();
    let full = format!("{kept}{}", look.suffix(text(owner, "/metadata/uid")));
    from_template(template, owner, Some(&generate), &full)
}

/// `status.phase`; `Pending` where it says nothing.
pub fn phase(pod: &Value) -> &str {
    match text(pod, "/status/phase") {
        "" => "Pending",
        phase => phase,
    }
}

/// Whether it has ended, well or not.
pub fn ended(pod: &Value) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Neither ended nor on its way out.
pub fn active(pod: &Value) -> bool {
    !ended(pod) && !deleting(pod)
}

/// Whether it is ready.
pub fn ready(pod: &Value) -> bool {
    holds(pod, "Ready")
}

/// When a pod became, or will be, available: ready for so many seconds.
pub fn available_from(pod: &Value, min_ready: i64) -> Option<Timestamp> {
    if !ready(pod) {
        return None;
    }
    let since = find(pod, "Ready").and_then(|c| time(c, "/lastTransitionTime"))?;
    Some(seconds_later(since, min_ready))
}

/// Whether a pod is available now; where it only will be, the plan looks again then.
pub fn available(pod: &Value, min_ready: i64, look: &Look<'_>, plan: &mut Plan) -> bool {
    match available_from(pod, min_ready) {
        Some(from) if min_ready == 0 || from <= look.now => true,
        Some(from) => {
            plan.wake_at(from);
            false
        }
        None => false,
    }
}

/// The pods of an owner: those that it controls and its selector takes, and orphans that it takes (these are adopted,
/// the former are released when the selector takes them no more), by name.
pub fn claimed<'a>(look: &'a Look<'a>, owner: &'a Value, plan: &mut Plan) -> Vec<&'a Value> {
    let selector = owner.pointer("/spec/selector");
    let mut mine = Vec::new();
    for pod in look.view.list("Pod", namespace(owner)) {
        let taken = selects(selector, &labels(pod, "/metadata/labels"));
        if controlled_by(pod, owner) {
            if taken {
                mine.push(pod);
            } else if !deleting(owner) {
                plan.update(super::owner::release(pod, owner));
            }
        } else if taken && controller(pod).is_none() && !deleting(owner) && active(pod) {
            plan.update(super::owner::adopt(pod, owner));
        }
    }
    mine
}

/// Sets a label of a pod, making the map where there is none.
pub fn set_label(pod: &mut Value, key: &str, value: &str) {
    super::read::map_of(slot(pod, "metadata"), "labels").insert(key.to_owned(), Value::from(value));
}

/// The order in which surplus pods go: unassigned before assigned, pending before running, not ready before ready,
/// lower deletion cost first, more crowded nodes first, ready for a shorter time first, more restarts first, younger
/// first (`controller.ActivePodsWithRanks`).
pub fn removal_order(pods: &mut [&Value], crowd: impl Fn(&str) -> usize) {
    let phase_rank = |pod: &Value| match phase(pod) {
        "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let cost = |pod: &Value| -> i64 {
        super::read::annotation(pod, "controller.kubernetes.io/pod-deletion-cost")
            .and_then(|c| c.parse().ok())
            .unwrap_or(0)
    };
    let ready_since =
        |pod: &Value| find(pod, "Ready").and_then(|c| time(c, "/lastTransitionTime")).unwrap_or(Timestamp::UNIX_EPOCH);
    pods.sort_by_key(|pod| {
        let node = text(pod, "/spec/nodeName");
        let since =
            if ready(pod) { std::cmp::Reverse(ready_since(pod)) } else { std::cmp::Reverse(Timestamp::UNIX_EPOCH) };
        (
            (!node.is_empty(), phase_rank(pod), ready(pod), cost(pod)),
            (std::cmp::Reverse(crowd(node)), since, std::cmp::Reverse(restarts(pod)), std::cmp::Reverse(created(pod))),
        )
    });
}

/// The most restarts of one container.
pub fn restarts(pod: &Value) -> i64 {
    let of = |list: &str| super::read::list(pod, list).iter().map(|c| super::read::count(c, "/restartCount")).max();
    of("/status/containerStatuses").unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surplus_pods_go_in_the_true_order() {
        let pod = |name: &str, node: &str, phase: &str, ready: bool, cost: &str| {
            json!({"metadata": {"name": name, "annotations": {"controller.kubernetes.io/pod-deletion-cost": cost}},
                "spec": {"nodeName": node}, "status": {"phase": phase, "conditions": [
                {"type": "Ready", "status": if ready {"True"} else {"False"}, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}})
        };
        let pods = [
            pod("ready-dear", "n", "Running", true, "5"),
            pod("ready", "n", "Running", true, "0"),
            pod("ready-crowded", "m", "Running", true, "0"),
            pod("running", "n", "Running", false, "0"),
            pod("pending", "n", "Pending", false, "0"),
            pod("unassigned", "", "Pending", false, "0"),
        ];
        let mut order: Vec<&Value> = pods.iter().collect();
        removal_order(&mut order, |node| if node == "m" { 3 } else { 1 });
        let names: Vec<&str> = order.iter().map(|p| name(p)).collect();
        assert_eq!(names, ["unassigned", "pending", "running", "ready-crowded", "ready", "ready-dear"]);
    }

    #[test]
    fn a_pod_of_a_template_keeps_what_the_template_says_of_it() {
        let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r", "namespace": "a", "uid": "1"}});
        let template =
            json!({"metadata": {"labels": {"app": "x"}, "annotations": {"k": "v"}}, "spec": {"containers": []}});
        let pod = from_template(&template, &owner, Some("r-"), "r-abcde");
        assert_eq!(pod.pointer("/metadata/labels/app"), Some(&json!("x")));
        assert_eq!(pod.pointer("/metadata/annotations/k"), Some(&json!("v")));
        assert_eq!((name(&pod), namespace(&pod)), ("r-abcde", "a"));
        assert!(controlled_by(&pod, &owner));
    }
}
