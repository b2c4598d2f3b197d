//! Waiting for a set of objects: looked at every few seconds until all are current, until only failed ones are left, or
//! until the time is over.

use std::time::Duration;

use jiff::Timestamp;

use super::id::Id;
use super::kstatus::{State, state};
use super::runner::Env;

/// A wait.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    ids: Vec<Id>,
    /// Those whose absence is success: Jobs that delete themselves.
    vanishing: Vec<Id>,
    began: Timestamp,
    timeout: Duration,
    interval: Duration,
}

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not decided: look again after this time.
    Wait(Duration),
    /// All are current.
    Passed,
    /// Some are not.
    Failed(String),
}

impl Wait {
    pub(super) fn new(ids: Vec<Id>, env: &Env<'_>, timeout: Duration, interval: Duration) -> Self {
        Self { ids, vanishing: Vec::new(), began: env.now, timeout, interval }
    }

    /// With Jobs that may be gone when they are done.
    #[must_use]
    pub(super) fn with_vanishing(mut self, ids: Vec<Id>) -> Self {
        self.vanishing = ids;
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// For how long it has been waited.
    pub(super) fn elapsed(&self, env: &Env<'_>) -> Duration {
        env.now.duration_since(self.began).unsigned_abs()
    }

    /// Looks at all objects.
    pub(super) fn look(&self, env: &Env<'_>) -> Verdict {
        let seen: Vec<(&Id, State)> = self.ids.iter().map(|id| (id, self.state(env, id))).collect();
        let is = |wanted: State| seen.iter().any(|(_, state)| *state == wanted);
        let told = |wanted: fn(State) -> bool| {
            let list: Vec<String> = seen
                .iter()
                .filter(|(_, state)| wanted(*state))
                .map(|(id, state)| format!("{} status: '{}'", id.subject(), state.as_str()))
                .collect();
            list.join(", ")
        };
        if seen.iter().all(|(_, state)| *state == State::Current) {
            return Verdict::Passed;
        }
        if seen.iter().all(|(_, state)| matches!(state, State::Current | State::Failed)) && is(State::Failed) {
            return Verdict::Failed(format!(
                "failed early due to stalled resources: [{}]",
                told(|s| s == State::Failed)
            ));
        }
        let elapsed = self.elapsed(env);
        if elapsed >= self.timeout {
            return Verdict::Failed(format!("timeout waiting for: [{}]", told(|s| s != State::Current)));
        }
        Verdict::Wait(self.interval.min(self.timeout.checked_sub(elapsed).unwrap()))
    }

    fn state(&self, env: &Env<'_>, id: &Id) -> State {
        match env.server.get(&id.kind_name(), &id.namespace, &id.name) {
            Ok(object) => state(&object, env.now),
            Err(_) if self.vanishing.contains(id) => State::Current,
            Err(_) => State::NotFound,
        }
    }
}

impl Wait {
    /// Whether none of the objects is there any more.
    pub(super) fn is_gone(&self, env: &Env<'_>) -> bool {
        self.ids.iter().all(|id| env.server.get(&id.kind_name(), &id.namespace, &id.name).is_err())
    }
}
