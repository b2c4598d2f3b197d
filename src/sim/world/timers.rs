//! When which controller looks at what again.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A look that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Look {
    /// The controller's name.
    pub controller: String,
    /// What it is to look at.
    pub key: String,
    /// Whether a virtual clock lets it be until the time comes by itself.
    pub lazy: bool,
}

/// All looks that are wanted, by time, and by the order in which they were asked for. One a controller, key and kind:
/// the earliest.
#[derive(Debug, Default)]
pub struct Timers {
    queue: BTreeMap<(Timestamp, u64), Look>,
    places: HashMap<Look, (Timestamp, u64)>,
    number: u64,
}

impl Timers {
    /// Wants a look at a time, or earlier if that was wanted before.
    pub fn add(&mut self, at: Timestamp, look: Look) {
        if let Some(place) = self.places.get(&look) {
            if place.0 <= at {
                return;
            }
            self.queue.remove(place);
        }
        self.number += 1;
        self.places.insert(look.clone(), (at, self.number));
        self.queue.insert((at, self.number), look);
    }

    /// The first look whose time has come.
    pub fn due(&mut self, now: Timestamp) -> Option<Look> {
        let (&place, _) = self.queue.first_key_value()?;
        if place.0 > now {
            return None;
        }
        let look = self.queue.remove(&place)?;
        self.places.remove(&look);
        Some(look)
    }

    /// The time of the first look of all.
    pub fn first(&self) -> Option<Timestamp> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// The time of the first look that a virtual clock jumps to.
    pub fn first_eager(&self) -> Option<Timestamp> {
        self.queue.iter().find(|(_, look)| !look.lazy).map(|((at, _), _)| *at)
    }

    /// All, in order: what a state keeps.
    pub fn all(&self) -> Vec<(Timestamp, Look)> {
        self.queue.iter().map(|((at, _), look)| (*at, look.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(key: &str, lazy: bool) -> Look {
        Look { controller: "c".into(), key: key.into(), lazy }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_earliest_counts_and_the_first_asked_comes_first() {
        let mut timers = Timers::default();
        timers.add(at(5), look("a", false));
        timers.add(at(3), look("b", true));
        timers.add(at(9), look("a", false));
        timers.add(at(3), look("c", false));
        timers.add(at(4), look("a", true));
        assert_eq!((timers.first(), timers.first_eager()), (Some(at(3)), Some(at(3))));
        let kept = serde_json::to_string(&timers.all()).unwrap();
        let back: Vec<(Timestamp, Look)> = serde_json::from_str(&kept).unwrap();
        assert_eq!(back, timers.all());
        let mut order = Vec::new();
        while let Some(look) = timers.due(at(6)) {
            order.push((look.key, look.lazy));
        }
        let wanted = [("b", true), ("c", false), ("a", true), ("a", false)];
        assert_eq!(order, wanted.map(|(key, lazy)| (key.to_owned(), lazy)));
        assert_eq!(timers.due(at(100)), None);
    }
}
