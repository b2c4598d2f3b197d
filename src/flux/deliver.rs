//! Following a pushed commit: source, Kustomizations parents first, releases, workloads, and what must disappear.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cancel::Cancel;
use crate::cluster::Cluster;
use crate::error::{Code, Error, ObjectRef, Result};
use crate::progress::Progress;

use super::board::{Board, GIT_REPOSITORY, Key};
use super::cause;
use super::delivery::{Applied, Delivery, Descends, Step, StepEvent};
use super::fault::Fault;
use super::judgement::{Judgement, is_suspended};
use super::revision::{commit_of, revisions_of, short};
use super::source::judge_source;

/// How often a wait looks again when nothing changes: for times of grace, and for reasons that no watch tells.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// Follows a pushed commit until everything that it touches is ready, or can no longer become so.
///
/// Each step is told to `on_step`, the reason for waiting to `progress`. The errors: `failed` at once when the delivery
/// can no longer succeed, with events, last log lines and a probable cause as notes; `timeout` with what it waited for;
/// `interrupted`. Cancel-safe: dropping it leaves the cluster as it is.
pub async fn deliver<'a>(
    cluster: &'a Cluster,
    delivery: &'a Delivery,
    descends: &'a Descends<'a>,
    cancel: &Cancel,
    progress: &'a Progress,
    on_step: &'a (dyn Fn(StepEvent) + Send + Sync),
) -> Result<Applied> {
    let moment = Arc::new(Mutex::new(Moment::default()));
    let mut run = Run {
        cluster,
        delivery,
        descends,
        progress,
        on_step,
        board: Board::new(cluster),
        ours: HashMap::new(),
        tokens: HashMap::new(),
        started: Instant::now(),
        applied: Applied::default(),
        ready_after: HashMap::new(),
        moment: moment.clone(),
    };
    let ended = cancel.within(delivery.timeout).run(Box::pin(run.all())).await;
    match ended {
        Err(error) if error.code() == Code::Timeout && cancel.check().is_ok() => {
            drop(run);
            let moment = moment.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let took = moment.since.map(|since| since.elapsed()).unwrap_or_default();
            on_step(StepEvent::TimedOut { step: moment.step, reason: moment.reason.clone(), took });
            Err(timed_out(cluster, &moment, delivery.timeout).await)
        }
        Ok(()) => Ok(run.applied),
        Err(error) => Err(error),
    }
}

/// Where a wait stands, for whoever tells that its time is over.
#[derive(Clone)]
struct Moment {
    step: Step,
    since: Option<Instant>,
    reason: String,
    object: Option<ObjectRef>,
}

impl Default for Moment {
    fn default() -> Self {
        Self { step: Step::Source, since: None, reason: String::new(), object: None }
    }
}

async fn timed_out(cluster: &Cluster, moment: &Moment, timeout: Duration) -> Error {
    let reason = if moment.reason.is_empty() { "an answer of the API server" } else { moment.reason.as_str() };
    let mut error =
        Error::new(Code::Timeout, format!("{} not done after {}: waited for {reason}", moment.step, span(timeout)));
    if let Some(object) = &moment.object {
        error = error.object(&object.kind, object.namespace.as_deref(), &object.name);
        let events = tokio::time::timeout(Duration::from_secs(5), cause::events(cluster, object)).await;
        let events = events.unwrap_or_default();
        if !events.is_empty() {
            error = error.note(format!("events of {object}\n  {}", events.join("\n  ")));
        }
    }
    error
}

/// `10m`, `90s` → `1m30s`.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, s) => format!("{s}s"),
        (m, 0) => format!("{m}m"),
        (m, s) => format!("{m}m{s}s"),
    }
}

/// One wait, while it runs.
pub(crate) struct Run<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) delivery: &'a Delivery,
    descends: &'a Descends<'a>,
    progress: &'a Progress,
    on_step: &'a (dyn Fn(StepEvent) + Send + Sync),
    pub(crate) board: Board,
    /// Whether a revision is our commit or a descendant, as far as it was asked.
    ours: HashMap<String, bool>,
    /// Requests that Kustomizations of the chain have to handle before they are believed, by place in the chain.
    pub(crate) tokens: HashMap<usize, String>,
    pub(crate) started: Instant,
    pub(crate) applied: Applied,
    /// When each Kustomization of the chain became ready, by place in the chain.
    pub(crate) ready_after: HashMap<usize, Duration>,
    moment: Arc<Mutex<Moment>>,
}

impl Run<'_> {
    async fn all(&mut self) -> Result<()> {
        self.source().await?;
        if !self.delivery.chain.is_empty() {
            self.apply().await?;
            self.settle().await?;
        }
        if !self.delivery.gone.is_empty() {
            self.gone().await?;
        }
        Ok(())
    }

    /// Asks the source to fetch, and waits until it holds our commit.
    async fn source(&mut self) -> Result<()> {
        let since = self.begin(Step::Source);
        let Delivery { source: name, commit, .. } = self.delivery;
        let key = Key::new(GIT_REPOSITORY, &name.namespace, &name.name);
        let found = self.cluster.fresh().get(GIT_REPOSITORY, Some(&name.namespace), &name.name).await;
        let found = found.map_err(|e| e.hint("Name the source that fetches this branch: flux.source in dpb.yaml"))?;
        if is_suspended(&found) {
            let mut fault = Fault::new(key.object(), "is suspended: it fetches nothing");
            fault.hint = Some(format!("Resume it: flux resume source git {} -n {}", name.name, name.namespace));
            return Err(self.fail(Step::Source, since, fault));
        }
        self.board.watch(&key).await;
        for name in &self.delivery.chain {
            self.board.watch(&Key::kustomization(name)).await;
        }
        self.renew_failures().await?;
        let token = token();
        self.request(&key, &token).await?;
        loop {
            if let Some(source) = self.board.present(&key).cloned() {
                self.learn(&source).await;
                match judge_source(&source, &token, commit, &|r| self.is_ours(r)) {
                    Judgement::Ready => {
                        self.applied.revision = super::judgement::text(&source, "/status/artifact/revision").into();
                        let seen = format!("{} fetched {}", name.name, short(&self.applied.revision));
                        self.end(Step::Source, since, seen);
                        return Ok(());
                    }
                    Judgement::Waiting(reason) => self.say(&reason, &key),
                    Judgement::Failed(reason) => {
                        let fault = cause::of_object(self.cluster, key.object(), &reason).await;
                        return Err(self.fail(Step::Source, since, fault));
                    }
                }
            }
            self.next().await?;
        }
    }

    /// A Kustomization that has failed on our revision before this wait began (a resumed run) is asked to try again, and
    /// believed only when it has.
    async fn renew_failures(&mut self) -> Result<()> {
        for (place, name) in self.delivery.chain.iter().enumerate() {
            let key = Key::kustomization(name);
            self.board.refresh(&key).await?;
            let Some(ks) = self.board.present(&key).cloned() else { continue };
            self.learn(&ks).await;
            let failed = super::judge_kustomization(&ks, None, &|r| self.is_ours(r));
            if matches!(failed, Judgement::Failed(_)) && !is_suspended(&ks) {
                let token = token();
                self.request(&key, &token).await?;
                self.tokens.insert(place, token);
            }
        }
        Ok(())
    }

    /// Sets the annotation that asks a Flux controller to look at an object now.
    pub(crate) async fn request(&self, key: &Key, token: &str) -> Result<()> {
        let annotation = [("reconcile.fluxcd.io/requestedAt", Some(token))];
        self.cluster.annotate(key.kind.as_str(), key.namespace.as_deref(), &key.name, &annotation).await?;
        Ok(())
    }

    /// Finds out about every revision that an object names, so that judging needs no waiting.
    pub(crate) async fn learn(&mut self, object: &Value) {
        for revision in revisions_of(object) {
            if self.ours.contains_key(&revision) {
                continue;
            }
            let commit = commit_of(&revision);
            let ours = commit == self.delivery.commit || (self.descends)(commit.to_string()).await;
            self.ours.insert(revision, ours);
        }
    }

    /// Whether a revision is our commit or a descendant.
    pub(crate) fn is_ours(&self, revision: &str) -> bool {
        self.ours.get(revision).copied().unwrap_or_else(|| commit_of(revision) == self.delivery.commit)
    }

    /// Waits for a change, or one tick.
    pub(crate) async fn next(&mut self) -> Result<()> {
        self.board.next(TICK).await?;
        if let Some(outage) = self.board.outage().map(str::to_string) {
            self.say_about(&format!("the API server: {outage}"), None);
        }
        Ok(())
    }

    pub(crate) fn begin(&self, step: Step) -> Instant {
        let now = Instant::now();
        *self.moment() = Moment { step, since: Some(now), ..Moment::default() };
        (self.on_step)(StepEvent::Started(step));
        now
    }

    pub(crate) fn end(&mut self, step: Step, since: Instant, seen: String) {
        let took = since.elapsed();
        self.applied.steps.push((step, seen.clone(), took));
        (self.on_step)(StepEvent::Done { step, seen, took });
    }

    pub(crate) fn fail(&self, step: Step, since: Instant, fault: Fault) -> Error {
        let error = fault.to_error();
        (self.on_step)(StepEvent::Failed { step, fault: Box::new(fault), took: since.elapsed() });
        error
    }

    /// Says what is waited for, once for each new reason.
    pub(crate) fn say(&self, reason: &str, key: &Key) {
        self.say_about(reason, Some(key.object()));
    }

    pub(crate) fn say_about(&self, reason: &str, object: Option<ObjectRef>) {
        let mut moment = self.moment();
        moment.object = object;
        if moment.reason != reason {
            moment.reason = reason.to_string();
            drop(moment);
            self.progress.say(reason);
        }
    }

    fn moment(&self) -> std::sync::MutexGuard<'_, Moment> {
        self.moment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reconcile request: the same one twice does nothing, so each is the time to the nanosecond.
pub(crate) fn token() -> String {
    jiff::Timestamp::now().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_as_people_write_them() {
        assert_eq!([0, 45, 60, 90, 600].map(|s| span(Duration::from_secs(s))), ["0s", "45s", "1m", "1m30s", "10m"]);
    }

    #[test]
    fn two_requests_differ() {
        let first = token();
        std::thread::sleep(Duration::from_millis(1));
        assert_ne!(first, token());
    }
}
