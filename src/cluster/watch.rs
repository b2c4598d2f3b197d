//! Watching: the present state first, then every change, through outages and expired versions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::error::{Code, Error, Result};

use super::answer::Failure;
use super::ask::Ask;
use super::connect::Cluster;
use super::kind::{Kind, Which};
use super::objects::Query;
use super::transport::Timing;

/// How long the server keeps one watch open, in seconds.
const SERVER_SECONDS: u64 = 240;
/// A watch that says nothing for longer is taken for dead.
const SILENCE: Duration = Duration::from_secs(SERVER_SECONDS + 30);

/// What a watch of many objects tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// All objects that exist: at the start, and after the watch had to start anew.
    Synced(Vec<Value>),
    /// An object was added or changed.
    Applied(Value),
    /// An object is gone; its last state.
    Deleted(Value),
}

type Changes = BoxStream<'static, Result<Change>>;

impl Cluster {
    /// One object over time: its present state at once, then each new one; `None` while it is absent.
    ///
    /// Outages up to 20 s, expired versions and closed connections are bridged. A longer outage, or an answer that will
    /// not pass (credentials, permission), comes as an error; polled again, it goes on trying. A kind that is not served
    /// is one error, then the end.
    pub async fn watch(
        &self,
        kind: impl Into<Which<'_>>,
        namespace: Option<&str>,
        name: &str,
    ) -> BoxStream<'static, Result<Option<Value>>> {
        let changes = match self.follow_one(kind.into(), namespace, name).await {
            Ok(changes) => changes,
            Err(error) => return futures::stream::once(std::future::ready(Err(error))).boxed(),
        };
        let mut told: Option<Option<String>> = None;
        let states = changes.filter_map(move |change| {
            let state = match change {
                Ok(Change::Synced(mut objects)) => objects.pop(),
                Ok(Change::Applied(object)) => Some(object),
                Ok(Change::Deleted(_)) => None,
                Err(error) => return std::future::ready(Some(Err(error))),
            };
            // A watch that starts anew finds what was told before: not news.
            let version =
                state.as_ref().map(|o| o["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned());
            let news = told.as_ref() != Some(&version) || version.as_deref() == Some("");
            told = Some(version);
            std::future::ready(news.then_some(Ok(state)))
        });
        states.boxed()
    }

    async fn follow_one(&self, kind: Which<'_>, namespace: Option<&str>, name: &str) -> Result<Changes> {
        let kind = self.resolve(kind).await?;
        super::path::segment("name", name)?;
        let namespace = self.namespace_for(&kind, namespace).map(ToOwned::to_owned);
        let query = Query { namespace, fields: Some(format!("metadata.name={name}")), ..Query::default() };
        self.follow(kind, query)
    }

    /// All objects of a kind that match, over time. After an interruption all that exist are told again.
    pub async fn watch_all(&self, kind: impl Into<Which<'_>>, query: &Query) -> BoxStream<'static, Result<Change>> {
        let followed = match self.resolve(kind.into()).await {
            Ok(kind) => self.follow(kind, query.clone()),
            Err(error) => Err(error),
        };
        followed.unwrap_or_else(|error| futures::stream::once(std::future::ready(Err(error))).boxed())
    }

    fn follow(&self, kind: Arc<Kind>, query: Query) -> Result<Changes> {
        query.call(&kind)?;
        let follower = Follower {
            cluster: self.fresh(),
            kind,
            query,
            version: None,
            lines: None,
            pause: self.inner.transport.timing.watch_pause,
            failing_since: None,
            resting: false,
        };
        Ok(Box::pin(futures::stream::unfold(follower, |mut follower| async move {
            let change = follower.next().await;
            Some((change, follower))
        })))
    }
}

struct Follower {
    cluster: Cluster,
    kind: Arc<Kind>,
    query: Query,
    /// Where to go on; `None`: list first.
    version: Option<String>,
    lines: Option<Lines>,
    pause: Duration,
    failing_since: Option<Instant>,
    /// An error was told: wait before the next attempt.
    resting: bool,
}

impl Follower {
    fn timing(&self) -> &Timing {
        &self.cluster.inner.transport.timing
    }

    /// The next change, or an error that the caller should know about. Keeps its place when it is dropped and called again.
    async fn next(&mut self) -> Result<Change> {
        loop {
            if self.resting {
                tokio::time::sleep(self.pause).await;
                self.resting = false;
            }
            let failure = match self.step().await {
                Ok(Some(change)) => {
                    (self.pause, self.failing_since) = (self.timing().watch_pause, None);
                    return Ok(change);
                }
                Ok(None) => continue,
                Err(failure) => failure,
            };
            self.lines = None;
            if failure.status == 410 {
                self.version = None;
                continue;
            }
            let since = *self.failing_since.get_or_insert_with(Instant::now);
            let lasting = !failure.is_passing() || since.elapsed() > self.timing().outage;
            let longest = self.timing().longest_watch_pause;
            let pause = failure.retry_after.unwrap_or(self.pause).min(longest);
            self.pause = (self.pause * 2).min(longest);
            if lasting {
                self.resting = true;
                return Err(failure.error);
            }
            tracing::debug!("watch of {}: {}; again in {pause:?}", self.kind.plural, failure.error);
            tokio::time::sleep(pause).await;
        }
    }

    /// One step: list, open, or read a line.
    async fn step(&mut self) -> Result<Option<Change>, Failure> {
        let namespace = self.query.namespace.as_deref();
        let call = self.query.call(&self.kind).map_err(|error| Failure { status: 400, retry_after: None, error })?;
        let Some(version) = self.version.clone() else {
            let whole = Query { limit: None, ..self.query.clone() };
            let (objects, version) = self.cluster.pages(&self.kind, &whole, &call).await.map_err(as_failure)?;
            self.version = Some(version);
            return Ok(Some(Change::Synced(objects)));
        };
        let lines = match &mut self.lines {
            Some(lines) => lines,
            empty => {
                let call = call
                    .query("watch", "true")
                    .query("allowWatchBookmarks", "true")
                    .query("timeoutSeconds", SERVER_SECONDS.to_string())
                    .query("resourceVersion", version);
                let ask = Ask::new("watch", &self.kind, namespace, None);
                let body = self.cluster.inner.transport.stream(&ask, &call).await?;
                empty.insert(Lines { body, rest: BytesMut::new() })
            }
        };
        let line = match tokio::time::timeout(SILENCE, lines.next()).await {
            Ok(Ok(Some(line))) => line,
            // The server's time for this watch is over, or the connection broke: open a new one where we are.
            Ok(Ok(None)) => {
                self.lines = None;
                return Ok(None);
            }
            Ok(Err(reason)) => {
                tracing::debug!("watch of {} broke off: {reason}", self.kind.plural);
                return Err(broken(&reason));
            }
            Err(_) => return Err(broken("it fell silent")),
        };
        self.event(&line)
    }

    fn event(&mut self, line: &[u8]) -> Result<Option<Change>, Failure> {
        let mut event: Value =
            serde_json::from_slice(line).map_err(|e| broken(&format!("an event is no JSON: {e}")))?;
        let object = event["object"].take();
        if event["type"] == "ERROR" {
            let status = object["code"].as_u64().and_then(|c| u16::try_from(c).ok()).unwrap_or(500);
            let text = object["message"].as_str().unwrap_or("the watch failed").to_owned();
            return Err(Failure { status, retry_after: None, error: Error::new(Code::Unavailable, text) });
        }
        if let Some(version) = object["metadata"]["resourceVersion"].as_str() {
            self.version = Some(version.to_owned());
        }
        Ok(match event["type"].as_str() {
            Some("ADDED" | "MODIFIED") => Some(Change::Applied(object)),
            Some("DELETED") => Some(Change::Deleted(object)),
            _ => None,
        })
    }
}

fn broken(reason: &str) -> Failure {
    Failure {
        status: 0,
        retry_after: None,
        error: Error::new(Code::Unavailable, format!("the watch broke off: {reason}")),
    }
}

fn as_failure(error: Error) -> Failure {
    let status = if error.code() == Code::Unavailable { 503 } else { 400 };
    Failure { status, retry_after: None, error }
}

/// A body, line by line. What was read of an unfinished line stays when a read is dropped.
struct Lines {
    body: super::Body,
    rest: BytesMut,
}

impl Lines {
    async fn next(&mut self) -> Result<Option<Bytes>, String> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(end + 1).freeze();
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Ok(Some(line));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.rest.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Err(error.to_string()),
                None => return Ok(None),
            }
        }
    }
}
