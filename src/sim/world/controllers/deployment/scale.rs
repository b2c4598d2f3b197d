//! Scaling: one set, or all of them in proportion while a rollout is under way.

use serde_json::Value;

use crate::sim::world::read::{count, created, name};

use super::rollout::Rollout;
use super::wanted::replicas;

impl Rollout<'_> {
    /// Gives a set a size; says whether that changed it.
    pub(super) fn scale_set(&mut self, set: usize, size: i64, force: bool) -> bool {
        let old = replicas(&self.sets[set].object);
        if old == size && !force {
            return false;
        }
        let annotated = self.annotate_sizes(set);
        if old == size && !annotated {
            return false;
        }
        self.sets[set].object["spec"]["replicas"] = Value::from(size);
        self.sets[set].changed = true;
        if old == size {
            return false;
        }
        let way = if size > old { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {} from {old} to {size}", name(&self.sets[set].object));
        self.later.normal(self.before, "ScalingReplicaSet", message);
        true
    }

    /// Brings all sets to the Deployment's size, in proportion where several are active.
    pub(super) fn scale(&mut self, new: Option<usize>) {
        if let Some(only) = self.active_or_latest(new) {
            self.scale_set(only, self.wanted.replicas, false);
            return;
        }
        if new.is_some_and(|new| self.is_saturated(new)) {
            for old in self.active_old(new) {
                self.scale_set(old, 0, false);
            }
            return;
        }
        if !self.wanted.rolling {
            return;
        }
        let mut active: Vec<usize> = (0..self.sets.len()).filter(|i| replicas(&self.sets[*i].object) > 0).collect();
        let all: i64 = active.iter().map(|i| replicas(&self.sets[*i].object)).sum();
        let allowed = if self.wanted.replicas > 0 { self.wanted.replicas + self.wanted.surge } else { 0 };
        let more = allowed - all;
        active.sort_by_key(|i| {
            let set = &self.sets[*i].object;
            let age = created(set).as_second();
            (-replicas(set), if more > 0 { -age } else { age })
        });
        let mut added = 0;
        let mut sizes: Vec<i64> = Vec::new();
        for set in &active {
            let part = self.proportion(*set, more, added);
            sizes.push(replicas(&self.sets[*set].object) + part);
            added += part;
        }
        if let Some(first) = sizes.first_mut()
            && more != 0
        {
            *first = (*first + more - added).max(0);
        }
        for (set, size) in active.into_iter().zip(sizes) {
            self.scale_set(set, size, true);
        }
    }

    /// The one set that runs, or the newest where none does.
    fn active_or_latest(&self, new: Option<usize>) -> Option<usize> {
        let active: Vec<usize> = (0..self.sets.len()).filter(|i| replicas(&self.sets[*i].object) > 0).collect();
        match active[..] {
            [] => new.or_else(|| (0..self.sets.len()).max_by_key(|i| created(&self.sets[*i].object))),
            [only] => Some(only),
            _ => None,
        }
    }

    fn is_saturated(&self, new: usize) -> bool {
        let set = &self.sets[new].object;
        let desired = crate::sim::world::read::annotation(set, "deployment.kubernetes.io/desired-replicas");
        let wanted = self.wanted.replicas;
        replicas(set) == wanted
            && desired.and_then(|d| d.parse::<i64>().ok()) == Some(wanted)
            && count(set, "/status/availableReplicas") == wanted
    }

    /// A set's part of the replicas that come or go.
    fn proportion(&self, set: usize, more: i64, added: i64) -> i64 {
        let have = replicas(&self.sets[set].object);
        if have == 0 || more == 0 || more == added {
            return 0;
        }
        let part = self.fraction(set, have);
        if more > 0 { part.min(more - added) } else { part.max(more - added) }
    }

    fn fraction(&self, set: usize, have: i64) -> i64 {
        if self.wanted.replicas == 0 {
            return -have;
        }
        let most = self.wanted.replicas + self.wanted.surge;
        let before = match self.max_annotated(set) {
            0 => count(self.before, "/status/replicas"),
            annotated => annotated,
        };
        if before == 0 {
            return 0;
        }
        // Rounded half up.
        (have * most * 2 + before) / (before * 2) - have
    }
}
