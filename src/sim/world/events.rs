//! Events as the true recorders write them: counted when they come again, and held back when there are too many.

use std::cell::Cell;
use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::api::server::Api;
use crate::sim::clock::stamp;

use super::look::micro;
use super::plan::{Act, Note, Reporter};
use super::read::text;
use super::view::View;
use super::writes::Writes;

/// So many events of one source about one object at once (`client-go` `defaultSpamBurst`).
const BURST: f64 = 25.0;
/// Seconds until one more is let through.
const REFILL: f64 = 300.0;
/// Seconds after which a known event is written afresh.
const FORGET: i64 = 3600;

/// Writes events.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    known: HashMap<String, Known>,
    tokens: HashMap<String, (f64, Timestamp)>,
}

/// With what events are written.
pub(super) struct Pen<'a> {
    pub(super) api: &'a Api,
    pub(super) view: &'a View,
    pub(super) names: &'a Cell<u64>,
    pub(super) now: Timestamp,
}

#[derive(Clone, Debug)]
struct Known {
    event: Value,
    last: Timestamp,
}

impl Recorder {
    /// Records an event; what can't be written (a namespace on its way out) is dropped, as the true recorders do.
    pub(super) fn record(&mut self, pen: &Pen<'_>, controller: &str, note: &Note) {
        let reporter =
            note.from.clone().unwrap_or_else(|| Reporter { component: controller.to_owned(), host: String::new() });
        let source = format!("{}/{}/{}", reporter.component, reporter.host, text(&note.about, "/uid"));
        if !self.let_through(&source, pen.now) {
            return;
        }
        let key = format!("{source}/{}/{}/{:?}", note.reason, note.message, note.field);
        let fresh =
            pen.now.as_second() - self.known.get(&key).map_or(i64::MIN / 2, |known| known.last.as_second()) > FORGET;
        let event = match self.known.get(&key).filter(|_| !fresh) {
            Some(known) => again(&known.event, note, pen.now),
            None => first(note, &reporter, pen),
        };
        let act = match self.known.get(&key).filter(|_| !fresh) {
            Some(_) => Act::Merge {
                id: super::id::Id::of(&event),
                patch: json!({"count": event["count"], "lastTimestamp": event["lastTimestamp"], "series": event["series"]}),
            },
            None => Act::Create(event.clone()),
        };
        let mut writes = Writes::new(
            pen.api,
            pen.view,
            "system:serviceaccount:kube-system:event-recorder",
            "kube-controller-manager",
        );
        if writes.carry_out(&act).is_ok() {
            self.known.insert(key, Known { event, last: pen.now });
        }
        if self.known.len() > 4096 {
            let horizon = pen.now.as_second() - FORGET;
            self.known.retain(|_, known| known.last.as_second() > horizon);
        }
    }

    fn let_through(&mut self, source: &str, now: Timestamp) -> bool {
        let (tokens, since) = self.tokens.get(source).copied().unwrap_or((BURST, now));
        let more = now.duration_since(since).as_secs_f64() / REFILL;
        let tokens = (tokens + more).min(BURST);
        let passes = tokens >= 1.0;
        self.tokens.insert(source.to_owned(), (if passes { tokens - 1.0 } else { tokens }, now));
        passes
    }
}

fn first(note: &Note, reporter: &Reporter, pen: &Pen<'_>) -> Value {
    let about = &note.about;
    let space = match text(about, "/namespace") {
        "" => "default",
        space => space,
    };
    let number = pen.names.get();
    pen.names.set(number + 1);
    let nanos = i128::from(pen.now.as_second()) * 1_000_000_000 + i128::from(number);
    let mut involved = about.clone();
    if let Some(field) = &note.field {
        involved["fieldPath"] = Value::from(field.clone());
    }
    let mut event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": format!("{}.{nanos:x}", text(about, "/name")), "namespace": space},
        "involvedObject": involved,
        "reason": note.reason,
        "message": note.message,
        "type": if note.warning { "Warning" } else { "Normal" },
        "reportingComponent": reporter.component,
    });
    if let Some(action) = note.action {
        // Of the newer recorder: the scheduler's.
        event["eventTime"] = Value::from(micro(pen.now));
        event["action"] = Value::from(action);
        event["reportingInstance"] = Value::from(reporter.component.clone());
        event["source"] = json!({});
        event["firstTimestamp"] = Value::Null;
        event["lastTimestamp"] = Value::Null;
    } else {
        let mut source = json!({"component": reporter.component});
        if !reporter.host.is_empty() {
            source["host"] = Value::from(reporter.host.clone());
        }
        event["source"] = source;
        event["reportingInstance"] = Value::from(reporter.host.clone());
        event["firstTimestamp"] = Value::from(stamp(pen.now));
        event["lastTimestamp"] = Value::from(stamp(pen.now));
        event["count"] = Value::from(1);
        event["eventTime"] = Value::Null;
    }
    event
}

/// The same event once more.
fn again(event: &Value, note: &Note, now: Timestamp) -> Value {
    let mut event = event.clone();
    if note.action.is_some() {
        let count = event.pointer("/series/count").and_then(Value::as_i64).unwrap_or(1) + 1;
        event["series"] = json!({"count": count, "lastObservedTime": micro(now)});
    } else {
        event["count"] = Value::from(event["count"].as_i64().unwrap_or(1) + 1);
        event["lastTimestamp"] = Value::from(stamp(now));
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_at_once_are_held_back() {
        let mut recorder = Recorder::default();
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let passed = (0..40).filter(|_| recorder.let_through("s", now)).count();
        assert_eq!(passed, 25);
        let later = super::super::plan::seconds_later(now, 300);
        assert!(recorder.let_through("s", later) && !recorder.let_through("s", later));
    }

    #[test]
    fn an_event_that_comes_again_is_counted() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let plain = Note::new(&json!({"kind": "Pod"}), true, "BackOff", "m");
        let counted = again(&json!({"count": 1}), &plain, now);
        assert_eq!((&counted["count"], &counted["lastTimestamp"]), (&json!(2), &json!("2026-11-24T10:00:00Z")));
        let mut newer = plain;
        newer.action = Some("Scheduling");
        assert_eq!(again(&json!({}), &newer, now)["series"]["count"], 2);
    }
}
