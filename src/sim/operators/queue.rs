//! Which objects are to be looked at, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Several changes at once are one look.
const SETTLE: Duration = Duration::from_millis(20);
/// Everything is looked at again after so long, changed or not.
const RESYNC: Duration = Duration::from_secs(15);
/// The first pause after an error; it doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// An object of a kind that is played.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Index into the script's kinds.
    pub(super) kind: usize,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// Objects by the time at which they are due.
#[derive(Debug, Default)]
pub(super) struct Queue {
    due: BTreeMap<Key, Instant>,
    pauses: BTreeMap<Key, Duration>,
}

impl Queue {
    /// It changed: look soon, unless it failed just now.
    pub(super) fn changed(&mut self, key: Key, now: Instant) {
        if !self.pauses.contains_key(&key) {
            self.sooner(key, now + SETTLE);
        }
    }

    /// The spec changed, or a first look: look soon in any case.
    pub(super) fn touched(&mut self, key: Key, now: Instant) {
        self.pauses.remove(&key);
        self.sooner(key, now + SETTLE);
    }

    /// It is well: look again at the next round, or when the script asked for it.
    pub(super) fn done(&mut self, key: Key, again: Option<Duration>, now: Instant) {
        self.pauses.remove(&key);
        self.sooner(key, now + again.unwrap_or(RESYNC).min(RESYNC));
    }

    /// It failed: look again after a pause.
    pub(super) fn failed(&mut self, key: Key, now: Instant) {
        let pause = self.pauses.get(&key).map_or(FIRST, |p| (*p * 2).min(LONGEST));
        self.pauses.insert(key.clone(), pause);
        self.due.insert(key, now + pause);
    }

    /// It is gone.
    pub(super) fn forget(&mut self, key: &Key) {
        self.due.remove(key);
        self.pauses.remove(key);
    }

    /// Forgets the objects of a kind that are not among `there`, and says which.
    pub(super) fn keep(&mut self, kind: usize, there: &BTreeSet<Key>) -> Vec<Key> {
        let gone: Vec<Key> = self.due.keys().filter(|k| k.kind == kind && !there.contains(k)).cloned().collect();
        for key in &gone {
            self.forget(key);
        }
        gone
    }

    /// Takes the first object that is due.
    pub(super) fn next(&mut self, now: Instant) -> Option<Key> {
        let key = self.due.iter().filter(|(_, due)| **due <= now).min_by_key(|(_, due)| **due)?.0.clone();
        self.due.remove(&key);
        Some(key)
    }

    /// How long until one is due.
    pub(super) fn rest(&self, now: Instant) -> Option<Duration> {
        self.due.values().min().map(|due| due.saturating_duration_since(now))
    }

    fn sooner(&mut self, key: Key, due: Instant) {
        self.due.entry(key).and_modify(|d| *d = (*d).min(due)).or_insert(due);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key { kind: 0, namespace: None, name: name.into() }
    }

    #[test]
    fn changes_at_once_are_one_look() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for _ in 0..5 {
            queue.changed(key("a"), now);
        }
        assert_eq!(queue.next(now), None);
        assert_eq!(queue.next(now + SETTLE), Some(key("a")));
        assert_eq!(queue.next(now + SETTLE), None);
    }

    #[test]
    fn failures_are_looked_at_less_and_less_often() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..7 {
            queue.failed(key("a"), now);
            pauses.push(queue.rest(now).unwrap().as_secs());
            queue.changed(key("a"), now);
            assert_eq!(queue.next(now + SETTLE), None, "an echo of the failure is no reason to look");
            queue.next(now + LONGEST);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        queue.touched(key("a"), now);
        assert_eq!(queue.next(now + SETTLE), Some(key("a")));
    }

    #[test]
    fn what_is_gone_is_named() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.done(key("a"), None, now);
        queue.done(key("b"), Some(Duration::from_secs(1)), now);
        assert_eq!(queue.rest(now), Some(Duration::from_secs(1)));
        assert_eq!(queue.keep(0, &BTreeSet::from([key("b")])), [key("a")]);
        assert_eq!(queue.keep(1, &BTreeSet::new()), []);
    }
}
