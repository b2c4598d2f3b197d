//! One look at a Deployment: which strategy's step comes next.

use serde_json::Value;

use crate::sim::world::look::Look;
use crate::sim::world::owner::controlled_by;
use crate::sim::world::plan::Plan;
use crate::sim::world::pods::ended;
use crate::sim::world::read::{count, created, deleting, name, namespace};

use super::wanted::{Wanted, available, replicas, total};

/// The state of one look. Sets and the Deployment are copies; what differs in the end is written.
pub(super) struct Rollout<'a> {
    pub(super) look: &'a Look<'a>,
    pub(super) before: &'a Value,
    /// With the annotations that the status update carries.
    pub(super) deployment: Value,
    pub(super) wanted: Wanted,
    /// By age.
    pub(super) sets: Vec<Set>,
    pub(super) plan: Plan,
    /// Written after the sets.
    pub(super) later: Plan,
}

/// A replica set in hand.
pub(super) struct Set {
    pub(super) object: Value,
    pub(super) changed: bool,
    /// Whether it has to be created.
    pub(super) is_new: bool,
}

impl<'a> Rollout<'a> {
    pub(super) fn new(look: &'a Look<'a>, before: &'a Value, mut sets: Vec<Value>, plan: Plan) -> Self {
        sets.sort_by_key(|set| (created(set), name(set).to_owned()));
        let sets = sets.into_iter().map(|object| Set { object, changed: false, is_new: false }).collect();
        let wanted = Wanted::read(before);
        Self { look, before, deployment: before.clone(), wanted, sets, plan, later: Plan::default() }
    }

    pub(super) fn sync(&mut self) {
        if deleting(self.before) {
            let new = self.find_new();
            let status = self.calculate(new);
            self.deployment["status"] = status;
            return;
        }
        self.check_paused();
        if self.wanted.paused || self.is_scaled() {
            let new = self.sync_revision(false);
            self.scale(new);
            if self.wanted.paused {
                self.clean_up(new);
            }
            let status = self.calculate(new);
            self.deployment["status"] = status;
        } else if self.wanted.rolling {
            self.roll();
        } else {
            self.recreate();
        }
    }

    /// What is to be written: sets first, then the status.
    pub(super) fn finish(mut self) -> Plan {
        for set in self.sets {
            if set.is_new {
                self.plan.create(set.object);
            } else if set.changed {
                self.plan.update(set.object);
            }
        }
        self.plan.acts.append(&mut self.later.acts);
        if let Some(wake) = self.later.wake {
            self.plan.wake_at(wake);
        }
        if self.deployment != *self.before {
            self.plan.status(self.deployment);
        }
        self.plan
    }

    fn roll(&mut self) {
        let Some(new) = self.sync_revision(true) else { return };
        if !self.step_up(new) && !self.step_down(new) && self.is_complete(self.before.get("status")) {
            self.clean_up(Some(new));
        }
        self.sync_status(Some(new));
    }

    fn recreate(&mut self) {
        let mut new = self.sync_revision(false);
        let mut scaled = false;
        for old in self.active_old(new) {
            scaled |= self.scale_set(old, 0, false);
        }
        if scaled || self.old_pods_run(new) {
            self.sync_status(new);
            return;
        }
        if new.is_none() {
            new = self.sync_revision(true);
        }
        if let Some(new) = new {
            self.scale_set(new, self.wanted.replicas, false);
        }
        if self.is_complete(self.before.get("status")) {
            self.clean_up(new);
        }
        self.sync_status(new);
    }

    /// Whether old pods still run, in sets that are there or not.
    fn old_pods_run(&self, new: Option<usize>) -> bool {
        let old: Vec<&Value> = self.old(new).into_iter().map(|i| &self.sets[i].object).collect();
        if old.iter().any(|set| count(set, "/status/replicas") > 0) {
            return true;
        }
        let pods = self.look.view.list("Pod", namespace(self.before));
        pods.into_iter().any(|pod| !ended(pod) && old.iter().any(|set| controlled_by(pod, set)))
    }

    /// Scales the new set towards its size.
    fn step_up(&mut self, new: usize) -> bool {
        let have = replicas(&self.sets[new].object);
        if have == self.wanted.replicas {
            return false;
        }
        let size = if have > self.wanted.replicas { self.wanted.replicas } else { self.new_size(have) };
        self.scale_set(new, size, false)
    }

    /// How large the new set may be now, given that it has `have`.
    pub(super) fn new_size(&self, have: i64) -> i64 {
        if !self.wanted.rolling {
            return self.wanted.replicas;
        }
        let all = total(&self.objects());
        let most = self.wanted.replicas + self.wanted.surge;
        if all >= most { have } else { have + (most - all).min(self.wanted.replicas - have) }
    }

    /// Scales old sets down as far as availability allows: unhealthy replicas first.
    fn step_down(&mut self, new: usize) -> bool {
        let mut old = self.active_old(Some(new));
        if old.iter().map(|i| replicas(&self.sets[*i].object)).sum::<i64>() == 0 {
            return false;
        }
        let least = self.wanted.replicas - self.wanted.unavailable;
        let new_set = &self.sets[new].object;
        let unavailable = replicas(new_set) - count(new_set, "/status/availableReplicas");
        let most = total(&self.objects()) - least - unavailable;
        if most <= 0 {
            return false;
        }
        old.sort_by_key(|i| created(&self.sets[*i].object));
        let mut cleaned = 0;
        for &set in &old {
            let (have, healthy) = self.sizes(set);
            let surplus = (most - cleaned).min(have - healthy);
            if have > 0 && surplus > 0 {
                self.scale_set(set, have - surplus, false);
                cleaned += surplus;
            }
        }
        let healthy = available(&self.objects());
        let mut scaled = 0;
        for &set in &old {
            let have = replicas(&self.sets[set].object);
            let surplus = have.min(healthy - least - scaled);
            if surplus > 0 {
                self.scale_set(set, have - surplus, false);
                scaled += surplus;
            }
        }
        cleaned + scaled > 0
    }

    fn sizes(&self, set: usize) -> (i64, i64) {
        let set = &self.sets[set].object;
        (replicas(set), count(set, "/status/availableReplicas"))
    }

    pub(super) fn objects(&self) -> Vec<&Value> {
        self.sets.iter().map(|set| &set.object).collect()
    }

    pub(super) fn old(&self, new: Option<usize>) -> Vec<usize> {
        (0..self.sets.len()).filter(|i| Some(*i) != new).collect()
    }

    pub(super) fn active_old(&self, new: Option<usize>) -> Vec<usize> {
        self.old(new).into_iter().filter(|i| replicas(&self.sets[*i].object) > 0).collect()
    }
}
