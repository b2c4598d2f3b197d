//! What a script may see and do while it looks at one object.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::UnboundedSender;

use super::objects::{Subject, apply};
use crate::cluster::{Cluster, Delete, Query, health};
use crate::error::{Code, Error, Result};
use crate::script::bridge::Bridge;
use crate::sim::s3::Store;

/// The handle that scripts hold; all it stands for is in [`World`].
#[derive(Clone, Copy, Debug)]
pub struct Handle;

/// The world of one script.
pub struct World {
    pub(super) cluster: Cluster,
    pub(super) store: Store,
    pub(super) script: String,
    pub(super) bridge: Bridge,
    /// Kinds whose owned objects are watched; new ones are sent to the watcher.
    watched: Mutex<BTreeSet<String>>,
    watcher: UnboundedSender<String>,
    now: Mutex<Option<Look>>,
}

/// The look at one object.
struct Look {
    subject: Subject,
    again: Option<Duration>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("script", &self.script).finish_non_exhaustive()
    }
}

impl World {
    pub(super) fn new(
        cluster: Cluster,
        store: Store,
        script: String,
        bridge: Bridge,
        watcher: UnboundedSender<String>,
    ) -> Self {
        Self { cluster, store, script, bridge, watched: Mutex::default(), watcher, now: Mutex::new(None) }
    }

    /// Begins the look at `subject`.
    pub(super) fn begin(&self, subject: Subject) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Some(Look { subject, again: None });
    }

    /// Ends it: when the script wants to look again.
    pub(super) fn end(&self) -> Option<Duration> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).take().and_then(|look| look.again)
    }

    pub(super) fn subject(&self) -> Result<Subject> {
        let subject = self.now.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|look| look.subject.clone());
        subject.ok_or_else(|| Error::new(Code::Invalid, "the world is there in reconcile and removed only"))
    }

    /// Looks again after so long, or sooner.
    pub(super) fn again(&self, after: Duration) {
        if let Some(look) = self.now.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            look.again = Some(look.again.map_or(after, |a| a.min(after)));
        }
    }

    /// Applies an object; owned ones are watched from now on.
    pub(super) fn apply(&self, wanted: Value, owned: bool) -> Result<Value> {
        let subject = self.subject()?;
        let applied = self.bridge.block(apply(&self.cluster, &subject, &self.script, wanted, owned))?;
        if applied.replaced {
            self.again(Duration::from_millis(300));
        }
        let kind = applied.kind.full_name();
        if owned && self.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.clone()) {
            // Nobody listens any more when the operators are being stopped.
            let _ = self.watcher.send(kind);
        }
        Ok(applied.object)
    }

    /// The objects of a kind in a namespace (the subject's, unless another is named).
    pub(super) fn list(&self, kind: &str, selector: &str, namespace: Option<String>) -> Result<Vec<Value>> {
        let namespace = match namespace {
            Some(namespace) => Some(namespace),
            None => self.subject()?.namespace().map(str::to_owned),
        };
        let mut query = Query { namespace, ..Query::default() };
        if !selector.is_empty() {
            query = query.labels(selector);
        }
        self.bridge.block(self.cluster.list(kind, &query))
    }

    /// One object, or `None`.
    pub(super) fn find(&self, kind: &str, name: &str, namespace: Option<&str>) -> Result<Option<Value>> {
        let subject = self.subject()?;
        let namespace = namespace.or(subject.namespace());
        self.bridge.block(self.cluster.find(kind, namespace, name))
    }

    /// Deletes an object; one that is absent is no error.
    pub(super) fn delete(&self, kind: &str, name: &str, namespace: Option<&str>) -> Result<()> {
        let subject = self.subject()?;
        let namespace = namespace.or(subject.namespace());
        self.bridge.block(self.cluster.delete(kind, namespace, name, &Delete::default())).map(|_| ())
    }

    /// How many pods with these labels are ready.
    pub(super) fn ready(&self, selector: &str) -> Result<usize> {
        Ok(self.list("Pod.v1", selector, None)?.iter().filter(|pod| health::is_ready(pod)).count())
    }

    /// Text that looks random and stays the same for this object and label: the operator may be started again, and the
    /// Secrets that it wrote stay right. Made from the object's uid: good enough for a simulated world, and for it only.
    pub(super) fn token(&self, label: &str, length: usize, alphabet: &[u8]) -> Result<String> {
        let subject = self.subject()?;
        let uid = subject.object["metadata"]["uid"].as_str().unwrap_or_default();
        let mut text = String::with_capacity(length);
        let mut round = 0_u32;
        while text.len() < length {
            let sum = Sha256::digest(format!("dpb-sim {} {uid} {label} {round}", self.script));
            let letters = sum.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]));
            text.extend(letters.take(length - text.len()));
            round += 1;
        }
        Ok(text)
    }

    /// A condition whose `lastTransitionTime` stays while its status does.
    pub(super) fn condition(&self, kind: &str, status: &str, reason: &str, message: &str) -> Result<Value> {
        let subject = self.subject()?;
        let before =
            subject.object["status"]["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == kind);
        let since = before.filter(|c| c["status"] == status).and_then(|c| c["lastTransitionTime"].as_str());
        let since = since.map_or_else(now, str::to_owned);
        Ok(json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}))
    }
}

/// The time, to the second, as the API writes it.
pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
