//! What a controller looks at: the objects, the time, the faults, and names for what it makes.

use std::cell::Cell;

use jiff::Timestamp;

use crate::sim::faults::Faults;

use super::hash::{fnv64, letters};
use super::view::View;

/// One look at the world.
pub struct Look<'a> {
    /// The objects.
    pub view: &'a View,
    /// The time.
    pub now: Timestamp,
    /// What goes wrong on request.
    pub faults: &'a Faults,
    /// How long the played parts of the world take.
    pub pace: &'a Pace,
    /// Numbers for new names.
    pub names: &'a Cell<u64>,
}

/// How long the played parts of the world take, in seconds.
#[derive(Clone, Debug)]
pub struct Pace {
    /// An image until it is pulled.
    pub pull: i64,
    /// A container from its image to running.
    pub start: i64,
    /// A container without a readiness probe from running to ready; with one, its `initialDelaySeconds` and one period
    /// come on top.
    pub ready: i64,
    /// A Job's container, and an init container, from running to its end.
    pub work: i64,
    /// A pod that is asked to end.
    pub stop: i64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { pull: 1, start: 1, ready: 1, work: 2, stop: 1 }
    }
}

impl Look<'_> {
    /// The time as `metav1.Time` is written.
    pub fn stamp(&self) -> String {
        crate::sim::clock::stamp(self.now)
    }

    /// Five letters as the API server appends them to a `generateName`, made from a seed and a running number.
    pub fn suffix(&self, seed: &str) -> String {
        let number = self.names.get();
        self.names.set(number + 1);
        letters(fnv64(format!("{seed}/{number}/{}", self.now.as_millisecond()).as_bytes()))
    }
}

/// A point in time as `metav1.MicroTime` is written.
pub fn micro(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
