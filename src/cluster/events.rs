//! Events of an object.

use serde_json::Value;

use crate::error::{ObjectRef, Result};

use super::connect::Cluster;
use super::objects::Query;

/// Namespace of the events of objects that have none.
const CLUSTER_EVENTS: &str = "default";

/// One event, as the cluster keeps it for about an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it last happened (RFC 3339), as the server wrote it.
    pub at: String,
    /// Whether it is a `Warning`.
    pub warning: bool,
    /// Reason in one word (`FailedScheduling`).
    pub reason: String,
    /// What happened.
    pub message: String,
    /// How often.
    pub count: u64,
    /// Who said so (`kubelet`).
    pub source: String,
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.reason, self.message.split_whitespace().collect::<Vec<_>>().join(" "))?;
        if self.count > 1 { write!(f, " ({} times)", self.count) } else { Ok(()) }
    }
}

impl Cluster {
    /// The events of an object, oldest first.
    pub async fn events(&self, object: &ObjectRef) -> Result<Vec<Event>> {
        let fields = format!("involvedObject.kind={},involvedObject.name={}", object.kind, object.name);
        let query = Query::namespace(object.namespace.as_deref().unwrap_or(CLUSTER_EVENTS)).fields(fields);
        let kind = super::kind::Kind {
            group: String::new(),
            version: "v1".into(),
            kind: "Event".into(),
            plural: "events".into(),
            singular: "event".into(),
            short_names: Vec::new(),
            namespaced: true,
            verbs: Vec::new(),
            subresources: Vec::new(),
        };
        let mut events: Vec<Event> = self.list(&kind, &query).await?.iter().map(event).collect();
        events.sort_by(|a, b| a.at.cmp(&b.at));
        Ok(events)
    }
}

fn event(event: &Value) -> Event {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let series = &event["series"];
    let times = [&series["lastObservedTime"], &event["lastTimestamp"], &event["eventTime"], &event["firstTimestamp"]];
    let at = times.iter().find_map(|t| t.as_str()).or_else(|| event["metadata"]["creationTimestamp"].as_str());
    let source = event["source"]["component"]
        .as_str()
        .filter(|s| !s.is_empty())
        .or_else(|| event["reportingComponent"].as_str());
    Event {
        at: at.unwrap_or_default().to_owned(),
        warning: event["type"] == "Warning",
        reason: text(&event["reason"]),
        message: text(&event["message"]),
        count: series["count"].as_u64().or_else(|| event["count"].as_u64()).unwrap_or(1),
        source: source.unwrap_or_default().to_owned(),
    }
}
