//! `GET …/pods/NAME/log`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::sim::api::access::Objects;
use crate::sim::api::object;
use crate::sim::api::{FieldError, Status};
use crate::sim::clock::Clock;

use super::answer::{Body, bare, body, streamed, typed};
use super::backends::{Backends, LogLine};
use super::containers;
use super::options::Options;

/// How often a followed log is looked at, in real time.
const LOOK: Duration = Duration::from_millis(20);

/// What is asked of a log.
struct Asked {
    follow: bool,
    stamped: bool,
    tail: Option<usize>,
    since: Option<Timestamp>,
    limit: Option<usize>,
}

/// Everything that a followed log needs, for as long as it is followed.
struct Followed {
    objects: Arc<dyn Objects + Send + Sync>,
    backends: Arc<dyn Backends>,
    namespace: String,
    pod: String,
    uid: String,
    container: String,
    asked: Asked,
    /// Lines that were told or passed over.
    seen: usize,
    /// Bytes that may still be told.
    left: usize,
    over: bool,
}

/// Answers with a log.
pub(super) fn answer(
    objects: &Arc<dyn Objects + Send + Sync>,
    backends: &Arc<dyn Backends>,
    clock: &Clock,
    pod: &Value,
    options: &Options,
) -> Result<Response<Body>, Status> {
    let (namespace, name) = (object::namespace(pod), object::name(pod));
    let asked = asked(name, options, clock.now())?;
    let container = containers::choose(pod, options.text("container"))?;
    if containers::node(pod).is_none() {
        return Ok(bare(StatusCode::NO_CONTENT));
    }
    let before = containers::log_of_previous(pod, &container, options.flag("previous"))?;
    let lines = backends.logs(namespace, name, &container, before)?;
    let left = asked.limit.unwrap_or(usize::MAX);
    let text = told(&lines, &asked, left);
    if !asked.follow || before || text.len() >= left {
        return Ok(typed(StatusCode::OK, "text/plain", body(text)));
    }
    let followed = Followed {
        objects: objects.clone(),
        backends: backends.clone(),
        namespace: namespace.into(),
        pod: name.into(),
        uid: object::uid(pod).into(),
        container,
        seen: lines.len(),
        left: left - text.len(),
        over: false,
        asked,
    };
    let rest = stream::unfold((Some(text), followed), |(first, mut followed)| async move {
        let piece = match first {
            Some(text) => text,
            None => followed.next().await?,
        };
        Some((Bytes::from(piece), (None, followed)))
    });
    Ok(typed(StatusCode::OK, "text/plain", streamed(rest)))
}

fn asked(pod: &str, options: &Options, now: Timestamp) -> Result<Asked, Status> {
    let (tail, limit) = (options.integer("tailLines")?, options.integer("limitBytes")?);
    let seconds = options.integer("sinceSeconds")?;
    let time = options.text("sinceTime").map(|text| {
        text.parse::<Timestamp>().map_err(|_| {
            let form = "2006-01-02T15:04:05Z07:00";
            Status::bad_request(format!("parsing time \"{text}\" as \"{form}\": cannot parse \"{text}\" as \"2006\""))
        })
    });
    let time = time.transpose()?;
    let mut faults = Vec::new();
    let mut bound = |field: &str, value: Option<i64>, least: i64, why: &str| {
        if let Some(value) = value.filter(|value| *value < least) {
            faults.push(FieldError::invalid(field, &value.to_string(), why));
        }
    };
    bound("tailLines", tail, 0, "must be greater than or equal to 0");
    bound("limitBytes", limit, 1, "must be greater than 0");
    if seconds.is_some() && time.is_some() {
        faults.push(FieldError::forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
    } else {
        bound("sinceSeconds", seconds, 1, "must be greater than 0");
    }
    if options.text("stream").is_some() {
        faults.push(FieldError::forbidden("stream", "may not be specified"));
    }
    if !faults.is_empty() {
        return Err(Status::invalid("", "PodLogOptions", pod, &faults));
    }
    let whole = |value: Option<i64>| value.and_then(|value| usize::try_from(value).ok());
    let ago = seconds.and_then(|seconds| now.checked_sub(SignedDuration::from_secs(seconds)).ok());
    Ok(Asked {
        follow: options.flag("follow"),
        stamped: options.flag("timestamps"),
        tail: whole(tail),
        since: time.or(ago),
        limit: whole(limit),
    })
}

/// The lines as they are sent: the last ones first of all, then those since a time, up to a number of bytes.
fn told(lines: &[LogLine], asked: &Asked, left: usize) -> Vec<u8> {
    let from = asked.tail.map_or(0, |tail| lines.len().saturating_sub(tail));
    written(&lines[from..], asked, left)
}

fn written(lines: &[LogLine], asked: &Asked, left: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines.iter().filter(|line| asked.since.is_none_or(|since| line.time >= since)) {
        if asked.stamped {
            out.extend(line.time.strftime("%Y-%m-%dT%H:%M:%S.%9fZ ").to_string().into_bytes());
        }
        out.extend(line.text.as_bytes());
        out.push(b'\n');
        if out.len() >= left {
            out.truncate(left);
            break;
        }
    }
    out
}

impl Followed {
    /// What comes next; nothing once the container has ended and all is told.
    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if self.over || self.left == 0 {
                return None;
            }
            tokio::time::sleep(LOOK).await;
            let pod = self.objects.find("", "pods", &self.namespace, &self.pod);
            let pod = pod.filter(|pod| object::uid(pod) == self.uid);
            self.over = !pod.is_some_and(|pod| containers::is_running(&pod, &self.container));
            let lines = self.backends.logs(&self.namespace, &self.pod, &self.container, false).ok()?;
            let new = lines.get(self.seen..).unwrap_or_default();
            self.seen = lines.len().max(self.seen);
            let text = written(new, &self.asked, self.left);
            if !text.is_empty() {
                self.left -= text.len();
                return Some(text);
            }
        }
    }
}
