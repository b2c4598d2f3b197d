//! A Deployment's status: counts, and the conditions Available, Progressing and `ReplicaFailure`.

use serde_json::{Value, json};

use crate::sim::world::conditions::{Says, Times, find, set, unset, word};
use crate::sim::world::look::Look;
use crate::sim::world::plan::{Plan, seconds_later};
use crate::sim::world::read::{count, int, list, name, nonzero, put, text, time};

use super::rollout::Rollout;
use super::wanted::{Wanted, available, total};

const PROGRESSING: &str = "Progressing";

impl Rollout<'_> {
    pub(super) fn condition(&self, kind: &str) -> Option<&Value> {
        find(&self.deployment, kind)
    }

    pub(super) fn progress(&mut self, status: &str, reason: &str, message: &str) {
        let now = self.look.stamp();
        let says = Says { kind: PROGRESSING, status, reason, message };
        set(status_of(&mut self.deployment), &says, Times::Updated, &now);
    }

    /// `Progressing` is unknown while paused, and again when resumed.
    pub(super) fn check_paused(&mut self) {
        if self.wanted.deadline.is_none() {
            return;
        }
        let reason = self.condition(PROGRESSING).map_or("", |c| text(c, "/reason"));
        if reason == "ProgressDeadlineExceeded" {
            return;
        }
        match (self.wanted.paused, reason == "DeploymentPaused") {
            (true, false) => self.progress("Unknown", "DeploymentPaused", "Deployment is paused"),
            (false, true) => self.progress("Unknown", "DeploymentResumed", "Deployment is resumed"),
            _ => {}
        }
    }

    /// The counts and whether enough is available.
    pub(super) fn calculate(&self, new: Option<usize>) -> Value {
        let sets = self.objects();
        let sum = |pointer: &str| sets.iter().map(|set| count(set, pointer)).sum::<i64>();
        let is_available = available(&sets);
        let updated = new.map_or(0, |new| count(&self.sets[new].object, "/status/replicas"));
        let mut status = self.deployment.get("status").filter(|s| s.is_object()).cloned().unwrap_or(json!({}));
        for (key, number) in [
            ("observedGeneration", count(self.before, "/metadata/generation")),
            ("replicas", sum("/status/replicas")),
            ("updatedReplicas", updated),
            ("readyReplicas", sum("/status/readyReplicas")),
            ("availableReplicas", is_available),
            ("unavailableReplicas", (total(&sets) - is_available).max(0)),
        ] {
            put(&mut status, key, nonzero(number));
        }
        status["terminatingReplicas"] = Value::from(sum("/status/terminatingReplicas"));
        let enough = is_available >= self.wanted.replicas - self.wanted.unavailable;
        let (reason, message) = if enough {
            ("MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        };
        let says = Says { kind: "Available", status: word(enough), reason, message };
        set(&mut status, &says, Times::Updated, &self.look.stamp());
        status
    }

    /// Status while a rollout may be under way.
    pub(super) fn sync_status(&mut self, new: Option<usize>) {
        let mut status = self.calculate(new);
        let current = self.condition(PROGRESSING).cloned();
        let reason = current.as_ref().map_or("", |c| text(c, "/reason")).to_owned();
        let settled =
            count(&status, "/replicas") == count(&status, "/updatedReplicas") && reason == "NewReplicaSetAvailable";
        if self.wanted.deadline.is_none() {
            unset(&mut status, PROGRESSING);
        } else if !settled {
            self.estimate(new, &mut status, current.as_ref());
        }
        match self.failure(new) {
            Some(failure) => {
                let (reason, message) = (text(&failure, "/reason"), text(&failure, "/message"));
                let says = Says { kind: "ReplicaFailure", status: text(&failure, "/status"), reason, message };
                set(&mut status, &says, Times::Updated, &self.look.stamp());
            }
            None => unset(&mut status, "ReplicaFailure"),
        }
        self.wait_for_deadline(&status);
        self.deployment["status"] = status;
    }

    fn estimate(&self, new: Option<usize>, status: &mut Value, current: Option<&Value>) {
        let what = match new {
            Some(new) => format!("ReplicaSet \"{}\"", name(&self.sets[new].object)),
            None => format!("Deployment \"{}\"", self.wanted.name),
        };
        let now = self.look.stamp();
        if self.is_complete(Some(status)) {
            let message = format!("{what} has successfully progressed.");
            let says = Says { kind: PROGRESSING, status: "True", reason: "NewReplicaSetAvailable", message: &message };
            set(status, &says, Times::Updated, &now);
        } else if self.has_progressed(status) {
            let message = format!("{what} is progressing.");
            let since =
                current.filter(|c| text(c, "/status") == "True").map(|c| text(c, "/lastTransitionTime").to_owned());
            unset(status, PROGRESSING);
            let says = Says { kind: PROGRESSING, status: "True", reason: "ReplicaSetUpdated", message: &message };
            set(status, &says, Times::Updated, &now);
            if let (Some(since), Some(last)) = (since, status["conditions"].as_array_mut().and_then(|c| c.last_mut())) {
                last["lastTransitionTime"] = Value::from(since);
            }
        } else if self.has_timed_out(status) {
            let message = format!("{what} has timed out progressing.");
            let says =
                Says { kind: PROGRESSING, status: "False", reason: "ProgressDeadlineExceeded", message: &message };
            set(status, &says, Times::Updated, &now);
        }
    }

    pub(super) fn is_complete(&self, status: Option<&Value>) -> bool {
        let Some(status) = status else { return false };
        ["/updatedReplicas", "/replicas", "/availableReplicas"]
            .iter()
            .all(|at| count(status, at) == self.wanted.replicas)
            && count(status, "/observedGeneration") >= count(self.before, "/metadata/generation")
    }

    fn has_progressed(&self, status: &Value) -> bool {
        let none = Value::Null;
        let old = self.before.get("status").unwrap_or(&none);
        let outdated = |s: &Value| count(s, "/replicas") - count(s, "/updatedReplicas");
        count(status, "/updatedReplicas") > count(old, "/updatedReplicas")
            || outdated(status) < outdated(old)
            || count(status, "/readyReplicas") > count(old, "/readyReplicas")
            || count(status, "/availableReplicas") > count(old, "/availableReplicas")
    }

    fn has_timed_out(&self, status: &Value) -> bool {
        let Some(condition) = list(status, "/conditions").iter().find(|c| text(c, "/type") == PROGRESSING) else {
            return false;
        };
        match text(condition, "/reason") {
            "NewReplicaSetAvailable" => false,
            "ProgressDeadlineExceeded" => true,
            _ => self.deadline_of(condition).is_some_and(|deadline| deadline < self.look.now),
        }
    }

    fn deadline_of(&self, condition: &Value) -> Option<jiff::Timestamp> {
        Some(seconds_later(time(condition, "/lastUpdateTime")?, self.wanted.deadline?))
    }

    fn wait_for_deadline(&mut self, status: &Value) {
        let Some(condition) = list(status, "/conditions").iter().find(|c| text(c, "/type") == PROGRESSING) else {
            return;
        };
        if self.is_complete(Some(status)) || text(condition, "/reason") == "ProgressDeadlineExceeded" {
            return;
        }
        if let Some(deadline) = self.deadline_of(condition) {
            self.later.wake_at(seconds_later(deadline, 1).max(seconds_later(self.look.now, 1)));
        }
    }

    /// The failure of the new set, else of any.
    fn failure(&self, new: Option<usize>) -> Option<Value> {
        let of = |set: &Value| find(set, "ReplicaFailure").cloned();
        new.and_then(|new| of(&self.sets[new].object)).or_else(|| self.sets.iter().find_map(|set| of(&set.object)))
    }
}

/// A new replica set was refused.
pub(super) fn set_failed(look: &Look<'_>, deployment: &Value, replica_set: &Value, why: &str, plan: &mut Plan) {
    let message = format!("Failed to create new replica set \"{}\": {why}", name(replica_set));
    if Wanted::read(deployment).deadline.is_some() {
        let mut failed = deployment.clone();
        let says = Says { kind: PROGRESSING, status: "False", reason: "ReplicaSetCreateError", message: &message };
        if set(status_of(&mut failed), &says, Times::Updated, &look.stamp()) {
            plan.status(failed);
        }
    }
    plan.warning(deployment, "ReplicaSetCreateError", message);
    if int(deployment, "/spec/progressDeadlineSeconds").is_none() {
        plan.wake_after(look.now, std::time::Duration::from_secs(30));
    }
}

fn status_of(deployment: &mut Value) -> &mut Value {
    crate::sim::world::read::slot(deployment, "status")
}
