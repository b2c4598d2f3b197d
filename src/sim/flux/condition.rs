//! Conditions of the `metav1` kind, kept and summed up as Flux's `runtime/conditions` does.

use serde_json::{Value, json};

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) generation: i64,
    pub(super) since: String,
}

/// The longest message, in bytes; a longer one ends in dots.
const LONGEST: usize = 32768;

impl Condition {
    pub(super) fn new(kind: &str, status: &str, reason: &str, message: &str) -> Self {
        let mut message = message.to_owned();
        if message.len() > LONGEST {
            let mut end = LONGEST - 3;
            while !message.is_char_boundary(end) {
                end -= 1;
            }
            message.truncate(end);
            message.push_str("...");
        }
        Self {
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message,
            generation: 0,
            since: String::new(),
        }
    }

    pub(super) fn to_value(&self) -> Value {
        json!({
            "lastTransitionTime": self.since,
            "message": self.message,
            "observedGeneration": self.generation,
            "reason": self.reason,
            "status": self.status,
            "type": self.kind,
        })
    }

    fn same_state(&self, other: &Self) -> bool {
        (&self.status, &self.reason, &self.message) == (&other.status, &other.reason, &other.message)
    }

    fn weight(&self) -> Option<u8> {
        ["Stalled", "Reconciling", "Ready"].iter().position(|k| *k == self.kind).and_then(|p| u8::try_from(p).ok())
    }
}

/// The conditions of an object.
pub(super) fn read(object: &Value) -> Vec<Condition> {
    let text = |c: &Value, field: &str| c[field].as_str().unwrap_or_default().to_owned();
    let list = object.pointer("/status/conditions").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .map(|c| Condition {
            kind: text(c, "type"),
            status: text(c, "status"),
            reason: text(c, "reason"),
            message: text(c, "message"),
            generation: c["observedGeneration"].as_i64().unwrap_or_default(),
            since: text(c, "lastTransitionTime"),
        })
        .collect()
}

/// Sets a condition: its time changes with its status, reason or message only. The list is kept in Flux's order.
pub(super) fn set(all: &mut Vec<Condition>, mut new: Condition, generation: i64, now: &str) {
    new.generation = generation;
    now.clone_into(&mut new.since);
    match all.iter_mut().find(|c| c.kind == new.kind) {
        Some(old) => {
            if old.same_state(&new) {
                new.since.clone_from(&old.since);
            }
            *old = new;
        }
        None => all.push(new),
    }
    all.sort_by(|a, b| match (a.weight(), b.weight()) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => b.generation.cmp(&a.generation).then_with(|| a.kind.cmp(&b.kind)),
    });
}

/// The summary of conditions as `Ready`: the gravest group decides, `order` picks reason and message within it;
/// `negative` are those that are bad when true.
pub(super) fn summary(all: &[Condition], order: &[&str], negative: &[&str]) -> Option<Condition> {
    let rank = |c: &Condition| {
        let bad = negative.contains(&c.kind.as_str());
        match (c.status.as_str(), bad) {
            ("True", true) => 0,
            ("False", false) => 1,
            ("True", false) => 2,
            ("False", true) => 3,
            _ => 4,
        }
    };
    let scope: Vec<&Condition> = all.iter().filter(|c| order.contains(&c.kind.as_str())).collect();
    let top = scope.iter().map(|c| rank(c)).min()?;
    let first = order.iter().find_map(|kind| scope.iter().find(|c| c.kind == *kind && rank(c) == top))?;
    let status = match top {
        0 | 1 => "False",
        2 | 3 => "True",
        _ => "Unknown",
    };
    Some(Condition::new("Ready", status, &first.reason, &first.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_condition_stays_while_its_state_does() {
        let mut all = Vec::new();
        set(&mut all, Condition::new("Ready", "True", "Succeeded", "a"), 1, "t1");
        set(&mut all, Condition::new("Ready", "True", "Succeeded", "a"), 2, "t2");
        assert_eq!((all[0].since.as_str(), all[0].generation), ("t1", 2));
        set(&mut all, Condition::new("Ready", "True", "Succeeded", "b"), 2, "t3");
        assert_eq!(all[0].since, "t3");
    }

    #[test]
    fn stalled_reconciling_and_ready_come_first() {
        let mut all = Vec::new();
        for kind in ["Healthy", "Ready", "ArtifactInStorage", "Reconciling"] {
            set(&mut all, Condition::new(kind, "True", "R", ""), 1, "t");
        }
        let kinds: Vec<&str> = all.iter().map(|c| c.kind.as_str()).collect();
        assert_eq!(kinds, ["Reconciling", "Ready", "ArtifactInStorage", "Healthy"]);
    }

    #[test]
    fn the_gravest_condition_makes_the_summary() {
        let order = ["FetchFailed", "ArtifactOutdated", "ArtifactInStorage"];
        let negative = ["FetchFailed", "ArtifactOutdated"];
        let stored = Condition::new("ArtifactInStorage", "True", "Succeeded", "stored");
        let failed = Condition::new("FetchFailed", "True", "GitOperationFailed", "no");
        let ready = summary(std::slice::from_ref(&stored), &order, &negative).unwrap();
        assert_eq!((ready.status.as_str(), ready.message.as_str()), ("True", "stored"));
        let ready = summary(&[stored, failed], &order, &negative).unwrap();
        assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", "GitOperationFailed"));
        assert_eq!(summary(&[], &order, &negative), None);
    }
}
