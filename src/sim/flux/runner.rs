//! A controller's queue and workers: what a key waits for, what runs, and when it is looked at again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::server::Server;
use crate::sim::clock::stamp;

/// What a reconciliation may use.
pub struct Env<'a> {
    /// The API server.
    pub server: &'a dyn Server,
    /// The time.
    pub now: Timestamp,
}

impl Env<'_> {
    /// The time as conditions carry it.
    pub fn stamp(&self) -> String {
        stamp(self.now)
    }
}

/// A change of an object that a controller may care about.
pub struct Seen<'a> {
    /// The kind, by name.
    pub kind: &'a str,
    /// Before; absent when it was created.
    pub old: Option<&'a Value>,
    /// After; absent when it is gone.
    pub new: Option<&'a Value>,
}

/// What comes after a reconciliation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Nothing, until something changes.
    Never,
    /// The next one, at once.
    Now,
    /// A retry, after a time.
    After(Duration),
    /// The next regular one: all is well, or will be only when something changes.
    Interval(Duration),
    /// The next one, after a time that doubles with every failure.
    Backoff,
}

/// How far a reconciliation has come.
pub(super) enum Step<R> {
    /// It goes on after a time.
    Wait(Duration, R),
    /// It is over.
    End(Again),
}

/// The logic of one controller.
pub(super) trait Reconciler {
    /// A reconciliation that has begun and waits.
    type Run;
    /// The kind that it reconciles.
    fn kind(&self) -> &'static str;
    /// Which keys a change concerns.
    fn concerns(&self, env: &Env<'_>, seen: &Seen<'_>) -> Vec<String>;
    /// Begins with an object.
    fn start(&mut self, env: &Env<'_>, namespace: &str, name: &str) -> Step<Self::Run>;
    /// Goes on.
    fn resume(&mut self, env: &Env<'_>, run: Self::Run) -> Step<Self::Run>;
    /// A running one that waits is told that its key was queued anew; it may end at once.
    fn interrupt(&mut self, _env: &Env<'_>, _seen: &Seen<'_>, run: Self::Run) -> Result<Again, Self::Run> {
        Err(run)
    }
}

/// Begins and ends of waiting: first 750 ms, doubled up to 15 minutes, as Flux's rate limiter.
const FIRST: Duration = Duration::from_millis(750);
const LONGEST: Duration = Duration::from_mins(15);
/// A retry that comes within this time is waited for.
const SOON: Duration = Duration::from_mins(1);

/// A controller at work.
pub(super) struct Runner<R: Reconciler> {
    logic: R,
    workers: usize,
    queue: VecDeque<String>,
    again: BTreeSet<String>,
    running: BTreeMap<String, (Timestamp, R::Run)>,
    /// When a key is looked at again, and whether that is a retry that others may wait for.
    later: BTreeMap<String, (Timestamp, bool)>,
    failures: BTreeMap<String, u32>,
}

impl<R: Reconciler> Runner<R> {
    /// With so many workers: a running health check holds one.
    pub(super) fn new(logic: R, workers: usize) -> Self {
        Self {
            logic,
            workers,
            queue: VecDeque::new(),
            again: BTreeSet::new(),
            running: BTreeMap::new(),
            later: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Queues every object that exists: what happens when a controller starts.
    pub(super) fn begin(&mut self, env: &Env<'_>) {
        for object in env.server.list(self.logic.kind()).unwrap_or_default() {
            self.add(key(&object));
        }
    }

    /// Takes note of a change.
    pub(super) fn changed(&mut self, env: &Env<'_>, seen: &Seen<'_>) {
        for key in self.logic.concerns(env, seen) {
            if let Some((at, run)) = self.running.remove(&key) {
                match self.logic.interrupt(env, seen, run) {
                    Ok(again) => self.ended(env, &key, again),
                    Err(run) => drop(self.running.insert(key.clone(), (at, run))),
                }
            }
            self.add(key);
        }
    }

    fn add(&mut self, key: String) {
        if self.running.contains_key(&key) {
            self.again.insert(key);
        } else if !self.queue.contains(&key) {
            // What was to come later has come now.
            self.later.remove(&key);
            self.queue.push_back(key);
        }
    }

    /// Does what is due; whether there was anything.
    pub(super) fn work(&mut self, env: &Env<'_>) -> bool {
        let due: Vec<String> =
            self.later.iter().filter(|(_, (at, _))| *at <= env.now).map(|(key, _)| key.clone()).collect();
        for key in due {
            self.later.remove(&key);
            self.add(key);
        }
        let mut worked = false;
        let due: Vec<String> =
            self.running.iter().filter(|(_, (at, _))| *at <= env.now).map(|(k, _)| k.clone()).collect();
        for key in due {
            if let Some((_, run)) = self.running.remove(&key) {
                worked = true;
                let step = self.logic.resume(env, run);
                self.stepped(env, key, step);
            }
        }
        while self.running.len() < self.workers
            && let Some(key) = self.queue.pop_front()
        {
            worked = true;
            let (namespace, name) = key.split_once('/').unwrap_or(("", &key));
            let step = self.logic.start(env, namespace, name);
            self.stepped(env, key, step);
        }
        worked
    }

    fn stepped(&mut self, env: &Env<'_>, key: String, step: Step<R::Run>) {
        match step {
            Step::Wait(time, run) => {
                self.running.insert(key, (after(env.now, time), run));
            }
            Step::End(again) => self.ended(env, &key, again),
        }
    }

    fn ended(&mut self, env: &Env<'_>, key: &str, again: Again) {
        let wait = match again {
            Again::Backoff => {
                let failures = self.failures.entry(key.to_owned()).or_default();
                *failures += 1;
                Some(FIRST.saturating_mul(1 << (*failures - 1).min(20)).min(LONGEST))
            }
            Again::Never | Again::After(_) | Again::Interval(_) | Again::Now => {
                self.failures.remove(key);
                match again {
                    Again::After(time) | Again::Interval(time) => Some(time),
                    _ => None,
                }
            }
        };
        if let Some(wait) = wait {
            let new = (after(env.now, wait), wait <= SOON && !matches!(again, Again::Interval(_)));
            let known = self.later.entry(key.to_owned()).or_insert(new);
            *known = new.min(*known);
        }
        if again == Again::Now || self.again.remove(key) {
            self.again.remove(key);
            self.add(key.to_owned());
        }
    }

    /// When something is due next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let running = self.running.values().map(|(at, _)| *at);
        running.chain(self.later.values().map(|(at, _)| *at)).min()
    }

    /// When a reconciliation that runs goes on, or one is retried soon.
    pub(super) fn next_step(&self) -> Option<Timestamp> {
        let retries = self.later.values().filter(|(_, soon)| *soon).map(|(at, _)| *at);
        self.running.values().map(|(at, _)| *at).chain(retries).min()
    }
}

/// `namespace/name` of an object.
pub(super) fn key(object: &Value) -> String {
    format!("{}/{}", crate::sim::api::object::namespace(object), crate::sim::api::object::name(object))
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    now.checked_add(jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}

/// Whether a controller looks at its own object after a change: it is new or gone, its spec changed, or somebody asks by token.
pub(super) fn is_due(seen: &Seen<'_>) -> bool {
    let (Some(old), Some(new)) = (seen.old, seen.new) else { return seen.new.is_some() };
    let token = |object: &Value| object["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"].clone();
    old["metadata"]["generation"] != new["metadata"]["generation"]
        || token(old) != token(new)
        || old["metadata"]["deletionTimestamp"] != new["metadata"]["deletionTimestamp"]
}
