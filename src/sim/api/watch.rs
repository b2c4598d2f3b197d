//! A watch: what is there, then what changes, with bookmarks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

use super::change::Change;
use super::convert;
use super::object;
use super::read::{self, Selection};
use super::resource::Resource;
use super::status::Status;
use super::work::{State, Work};

/// Real time between two bookmarks.
const BOOKMARK: Duration = Duration::from_mins(1);
/// How long a watch lasts that names no end.
const LONGEST: Duration = Duration::from_mins(45);
/// Changes that may wait for a client; one that is slower loses its watch.
const WAITING: usize = 10_000;

/// So long before its end a watch gets a last bookmark.
const LAST: Duration = Duration::from_secs(2);

/// When the next bookmark is due: every minute, and right before the end.
fn next_bookmark(end: Instant) -> Instant {
    let now = Instant::now();
    let last = end.checked_sub(LAST).filter(|last| *last > now);
    // Without a last one there is none before the end.
    last.unwrap_or(end + LAST).min(now + BOOKMARK)
}

/// One event of a watch.
#[derive(Clone, Debug)]
pub struct WatchEvent {
    /// `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`.
    pub kind: &'static str,
    /// The object; a `Status` for `ERROR`.
    pub object: Arc<Value>,
}

/// The events of one resource, in order.
pub struct Watch {
    state: Arc<Mutex<State>>,
    resource: Arc<Resource>,
    namespace: String,
    selection: Selection,
    feed: UnboundedReceiver<Arc<Change>>,
    first: VecDeque<WatchEvent>,
    /// Changes up to here are old.
    from: u64,
    bookmarks: bool,
    next_bookmark: Instant,
    end: Instant,
    over: bool,
}

/// Starts a watch; `state` is what the work has locked.
pub(super) fn start(work: &mut Work, state: &Arc<Mutex<State>>) -> Result<Watch, Status> {
    read::check_match(work, true)?;
    let selection = Selection::of(work)?;
    let options = work.call.options.clone();
    let asked = read::exact_version(&options.resource_version)?;
    let resource = work.kept().resource();
    let namespace = work.namespace().to_owned();
    let feed = work.state.store.subscribe(Some(resource.clone()));
    let current = work.state.store.version();
    let seconds = options.timeout_seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs);
    let end = Instant::now() + seconds.unwrap_or(LONGEST).min(LONGEST * 4);
    let mut watch = Watch {
        state: state.clone(),
        resource: work.resource.clone(),
        namespace,
        selection,
        feed,
        first: VecDeque::new(),
        from: current,
        bookmarks: options.bookmarks,
        next_bookmark: next_bookmark(end),
        end,
        over: false,
    };
    let initial = options.send_initial_events.unwrap_or(asked == 0);
    if initial {
        let all: Vec<Arc<Value>> = work.state.store.of(&resource, &watch.namespace).map(|(_, v)| v.clone()).collect();
        for value in all {
            if !watch.means(&value) {
                continue;
            }
            let event = WatchEvent { kind: "ADDED", object: convert::to_served(&value, &work.resource)? };
            watch.first.push_back(event);
        }
        if options.send_initial_events == Some(true) && options.bookmarks {
            let mut mark = watch.bookmark(current);
            mark["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
            watch.first.push_back(WatchEvent { kind: "BOOKMARK", object: Arc::new(mark) });
        }
        watch.from = current.max(asked);
    } else if asked == 0 {
        watch.from = current;
    } else {
        match work.state.store.since(&resource, asked) {
            Ok(changes) => {
                for change in changes {
                    let event = watch.event(&change)?;
                    watch.first.extend(event);
                }
                watch.from = current.max(asked);
            }
            Err(compacted) => {
                let status = Status::gone(format!("too old resource version: {asked} ({})", compacted.oldest));
                watch.first.push_back(WatchEvent { kind: "ERROR", object: Arc::new(status.to_value()) });
                watch.over = true;
            }
        }
    }
    Ok(watch)
}

impl Watch {
    /// The resource that is watched.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The next event; `None` when the watch ends.
    pub async fn next(&mut self) -> Option<WatchEvent> {
        loop {
            if let Some(event) = self.first.pop_front() {
                return Some(event);
            }
            if self.over || self.feed.len() > WAITING {
                return None;
            }
            tokio::select! {
                biased;
                change = self.feed.recv() => {
                    let change = change?;
                    if change.version > self.from {
                        match self.event(&change) {
                            Ok(event) => self.first.extend(event),
                            Err(status) => {
                                self.over = true;
                                return Some(WatchEvent { kind: "ERROR", object: Arc::new(status.to_value()) });
                            }
                        }
                    }
                }
                () = sleep_until(self.end) => return None,
                () = sleep_until(self.next_bookmark), if self.bookmarks => {
                    self.next_bookmark = next_bookmark(self.end);
                    return Some(self.mark());
                }
            }
        }
    }

    /// An event that is there already.
    pub fn try_next(&mut self) -> Option<WatchEvent> {
        loop {
            if let Some(event) = self.first.pop_front() {
                return Some(event);
            }
            let change = self.feed.try_recv().ok()?;
            if change.version > self.from
                && let Ok(event) = self.event(&change)
            {
                self.first.extend(event);
            }
        }
    }

    fn means(&self, value: &Value) -> bool {
        (self.namespace.is_empty() || object::namespace(value) == self.namespace)
            && self.selection.labels.matches(value)
            && self.selection.fields.matches(&convert::kept(&self.resource), value)
    }

    fn event(&self, change: &Change) -> Result<Option<WatchEvent>, Status> {
        let meant = |value: &Option<Arc<Value>>| value.as_ref().filter(|value| self.means(value)).cloned();
        let (kind, value) = match (meant(&change.old), meant(&change.new)) {
            (None, Some(new)) => ("ADDED", new),
            (Some(_), Some(new)) => ("MODIFIED", new),
            (Some(old), None) => {
                let mut last = (*old).clone();
                object::set_meta(&mut last, "resourceVersion", json!(change.version.to_string()));
                ("DELETED", Arc::new(last))
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(WatchEvent { kind, object: convert::to_served(&value, &self.resource)? }))
    }

    /// A bookmark of the newest version, unless changes still wait: then of the last one seen.
    fn mark(&mut self) -> WatchEvent {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.feed.is_empty() {
            self.from = self.from.max(state.store.version());
        }
        drop(state);
        WatchEvent { kind: "BOOKMARK", object: Arc::new(self.bookmark(self.from)) }
    }

    fn bookmark(&self, version: u64) -> Value {
        json!({"kind": self.resource.kind, "apiVersion": self.resource.api_version(),
            "metadata": {"resourceVersion": version.to_string(), "creationTimestamp": null}})
    }
}
