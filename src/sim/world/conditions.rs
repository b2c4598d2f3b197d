//! Conditions: one entry a type, whose transition time moves only with its status.

use serde_json::{Value, json};

use super::read::{list, text};

/// Which times the conditions of a kind carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// `lastTransitionTime` (`ReplicaSet`, `StatefulSet`, `DaemonSet`, `Namespace`, `PodDisruptionBudget`).
    Transition,
    /// And `lastUpdateTime` (`Deployment`).
    Updated,
    /// And `lastProbeTime` (`Job`, `PersistentVolumeClaim`).
    Probed,
    /// And a `lastProbeTime` that is null (`Pod`).
    Pod,
}

/// What a condition says.
#[derive(Clone, Copy, Debug)]
pub struct Says<'a> {
    /// `Available`.
    pub kind: &'a str,
    /// `True`, `False` or `Unknown`.
    pub status: &'a str,
    /// One word.
    pub reason: &'a str,
    /// A sentence.
    pub message: &'a str,
}

/// A condition of an object's status.
pub fn find<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|c| text(c, "/type") == kind)
}

/// Whether a condition is `True`.
pub fn holds(object: &Value, kind: &str) -> bool {
    find(object, kind).is_some_and(|c| text(c, "/status") == "True")
}

/// `True` or `False`.
pub fn word(holds: bool) -> &'static str {
    if holds { "True" } else { "False" }
}

/// Sets a condition in a status. Nothing changes where status and reason are as before, and for `Times::Pod` also the
/// message; says whether something did.
pub fn set(status: &mut Value, says: &Says<'_>, times: Times, now: &str) -> bool {
    let word = says.status;
    let mut fresh = json!({"type": says.kind, "status": word});
    if times == Times::Updated {
        fresh["lastUpdateTime"] = Value::from(now);
    }
    match times {
        Times::Probed => fresh["lastProbeTime"] = Value::from(now),
        Times::Pod => fresh["lastProbeTime"] = Value::Null,
        Times::Transition | Times::Updated => {}
    }
    fresh["lastTransitionTime"] = Value::from(now);
    for (key, value) in [("reason", says.reason), ("message", says.message)] {
        if !value.is_empty() {
            fresh[key] = Value::from(value);
        }
    }
    let known = list(status, "/conditions").iter().position(|c| text(c, "/type") == says.kind);
    let Some(index) = known else {
        match status.get_mut("conditions").and_then(Value::as_array_mut) {
            Some(all) => all.push(fresh),
            None => status["conditions"] = Value::Array(vec![fresh]),
        }
        return true;
    };
    let old = &mut status["conditions"][index];
    let message_counts = matches!(times, Times::Pod | Times::Transition);
    let same_words = text(old, "/reason") == says.reason && (!message_counts || text(old, "/message") == says.message);
    if text(old, "/status") == word {
        if same_words {
            return false;
        }
        fresh["lastTransitionTime"] = old.get("lastTransitionTime").cloned().unwrap_or(Value::Null);
    }
    *old = fresh;
    true
}

/// Takes a condition away.
pub fn unset(status: &mut Value, kind: &str) {
    let Some(all) = status.get_mut("conditions").and_then(Value::as_array_mut) else { return };
    all.retain(|c| text(c, "/type") != kind);
    if all.is_empty() {
        super::read::put(status, "conditions", None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_time_moves_with_the_status_only() {
        let mut status = json!({});
        let says = |status, reason| Says { kind: "Available", status, reason, message: "m" };
        assert!(set(&mut status, &says("True", "A"), Times::Updated, "t1"));
        assert!(!set(&mut status, &says("True", "A"), Times::Updated, "t2"));
        assert!(set(&mut status, &says("True", "B"), Times::Updated, "t3"));
        let condition = &status["conditions"][0];
        assert_eq!((&condition["lastTransitionTime"], &condition["lastUpdateTime"]), (&json!("t1"), &json!("t3")));
        assert!(set(&mut status, &says("False", "B"), Times::Updated, "t4"));
        assert_eq!(status["conditions"][0]["lastTransitionTime"], "t4");
        unset(&mut status, "Available");
        assert_eq!(status, json!({}));
    }
}
