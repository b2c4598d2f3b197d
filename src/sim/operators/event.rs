//! What operators tell while they play.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::error::Error;

/// What happens meanwhile.
#[derive(Clone, Debug)]
pub enum Event {
    /// A script is ready to play these kinds.
    Playing {
        /// Name of the script.
        script: String,
        /// Kinds, as the script names them.
        kinds: Vec<String>,
    },
    /// The S3 server listens.
    S3 {
        /// Where.
        address: SocketAddr,
    },
    /// The status of an object changed.
    Status {
        /// Name of the script.
        script: String,
        /// The object, `Cluster data-platform/db`.
        object: String,
        /// Its state in a word or two.
        state: String,
    },
    /// An object is gone.
    Gone {
        /// Name of the script.
        script: String,
        /// The object.
        object: String,
    },
    /// A script failed on an object; it will try again.
    Trouble {
        /// Name of the script.
        script: String,
        /// The object.
        object: String,
        /// What happened, with its place in the script.
        error: Error,
    },
}

/// Whom events are told to.
#[derive(Clone)]
pub(super) struct Log(Arc<dyn Fn(Event) + Send + Sync>);

impl Log {
    pub(super) fn new(hear: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    pub(super) fn tell(&self, event: Event) {
        (self.0)(event);
    }
}
