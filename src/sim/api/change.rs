//! What was committed: the feed of controllers, and what keeps it on disk.

use std::io;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use super::gvr::Gvr;

/// One committed change of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version that it made; they grow, and no two are alike.
    pub version: u64,
    /// The resource, in the version that objects are kept in.
    pub gvr: Gvr,
    /// Empty for an object of the cluster.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// As it was before; `None` if it is new.
    pub old: Option<Arc<Value>>,
    /// As it is now; `None` if it is gone.
    pub new: Option<Arc<Value>>,
}

impl Change {
    /// The object as it is now, or as it was last.
    pub fn object(&self) -> &Value {
        self.new.as_deref().or(self.old.as_deref()).unwrap_or(&Value::Null)
    }

    /// Whether the change is of this resource: plural and group, as `("deployments", "apps")`.
    pub fn is(&self, plural: &str, group: &str) -> bool {
        self.gvr.plural == plural && self.gvr.group == group
    }

    /// Whether the object is new.
    pub fn is_created(&self) -> bool {
        self.old.is_none()
    }
}

/// Writes changes down before they are acknowledged.
pub trait Keep: Send {
    /// Writes one down; when it fails the change is not made.
    fn keep(&mut self, change: &Change) -> io::Result<()>;
}

/// Keeps nothing: the cluster ends with the process.
#[derive(Clone, Copy, Debug)]
pub struct Forget;

impl Keep for Forget {
    fn keep(&mut self, _: &Change) -> io::Result<()> {
        Ok(())
    }
}

/// The feed of committed changes, in order, from the moment it was asked for.
#[derive(Debug)]
pub struct Changes(UnboundedReceiver<Arc<Change>>);

impl Changes {
    pub(super) fn new(feed: UnboundedReceiver<Arc<Change>>) -> Self {
        Self(feed)
    }

    /// The next change, if there is one already.
    pub fn try_next(&mut self) -> Option<Arc<Change>> {
        self.0.try_recv().ok()
    }

    /// Waits for the next change; `None` when the server is gone.
    pub async fn next(&mut self) -> Option<Arc<Change>> {
        self.0.recv().await
    }

    /// Whether no change waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
