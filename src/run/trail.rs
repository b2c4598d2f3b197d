//! How far a run came: every effect, journaled before and after, so that it can be told and taken back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::error::Result;
use crate::git::Target;
use crate::journal::{Clock, Journal};
use crate::script::api::Scratch;

use super::Session;

/// What a run has done so far.
pub(super) struct Trail {
    journal: Arc<Mutex<Journal>>,
    run: String,
    /// The commit that everything started from.
    pub(super) base: String,
    /// The branch that commits go to.
    pub(super) branch: String,
    /// Where pushes go; `None` with delivery `files`.
    pub(super) target: Option<Target>,
    /// Files that the plan writes, below the repository's root.
    pub(super) paths: Vec<String>,
    /// The ledger's bytes before the run, once it was touched.
    pub(super) ledger_before: Option<String>,
    /// Files were written.
    pub(super) wrote: bool,
    /// The commit of the deliverables.
    pub(super) commit: Option<String>,
    /// That commit is at the remote.
    pub(super) pushed: bool,
}

impl Trail {
    /// Begins the journal; nothing else was done yet.
    pub(super) fn begin(
        session: &Session,
        run: &str,
        header: &Value,
        base: String,
        branch: String,
        target: Option<Target>,
        paths: Vec<String>,
    ) -> Result<Self> {
        let journal = Journal::create(&session.repo.make_state_dir()?, run, header, Clock::system())?;
        Ok(Self {
            journal: Arc::new(Mutex::new(journal)),
            run: run.to_owned(),
            base,
            branch,
            target,
            paths,
            ledger_before: None,
            wrote: false,
            commit: None,
            pushed: false,
        })
    }

    /// The run's id.
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Scratch objects of the proof: each is journaled before it is made.
    pub(super) fn scratch(&self) -> Scratch {
        let journal = Arc::clone(&self.journal);
        Scratch::journaled(move |what| {
            journal.lock().unwrap_or_else(PoisonError::into_inner).intent("scratch", &json!({ "object": what }))
        })
    }

    /// Whether anything was changed outside the journal.
    pub(super) fn has_effect(&self) -> bool {
        self.ledger_before.is_some() || self.wrote || self.commit.is_some()
    }

    /// Journals an intent, does it, journals the effect.
    pub(super) fn step<T>(
        &mut self,
        step: &str,
        intent: &Value,
        work: impl FnOnce() -> Result<T>,
        effect: impl FnOnce(&T) -> Value,
    ) -> Result<T> {
        self.journal().intent(step, intent)?;
        let done = work()?;
        self.journal().effect(step, &effect(&done))?;
        Ok(done)
    }

    /// Journals what was seen or decided, where nothing is changed.
    pub(super) fn saw(&mut self, step: &str, data: &Value) -> Result<()> {
        self.journal().effect(step, data)
    }

    /// Journals an intent whose effect another line tells.
    pub(super) fn intends(&mut self, step: &str, data: &Value) -> Result<()> {
        self.journal().intent(step, data)
    }

    /// Ends the journal. A disk that is full by now cannot keep the end: that is said, and the run is over all the same.
    pub(super) fn end(self, session: &Session, outcome: &str, data: &Value) {
        if let Err(error) = self.journal().end(outcome, data) {
            session.ui.warning(&format!("the journal could not be ended: {error}"));
        }
    }
}

/// What the journal begins with.
pub(super) fn header(session: &Session, objective: &str, delivery: &str, base: &str, reason: Option<&str>) -> Value {
    json!({
        "objective": objective,
        "operator": operator(),
        "cluster": session.cluster_name(),
        "base": base,
        "delivery": delivery,
        "override": reason,
        "dpb": env!("CARGO_PKG_VERSION"),
    })
}

/// Who runs it: the login name, as the environment or else the system knows it.
fn operator() -> String {
    let named = ["USER", "LOGNAME"].iter().find_map(|key| std::env::var(key).ok().filter(|v| !v.is_empty()));
    let asked = || {
        let output = std::process::Command::new("id").arg("-un").output().ok()?;
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !name.is_empty()).then_some(name)
    };
    named.or_else(asked).unwrap_or_else(|| "unknown".into())
}
