//! How lower layers say what they are waiting for, without printing.

use std::fmt;
use std::sync::Arc;

/// A listener for the reason of a wait (`Deployment x 0 of 1: pulling image`). Cheap to clone.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(&str) + Send + Sync>);

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

impl Progress {
    /// Calls `listener` with each new reason.
    pub fn new(listener: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Nobody listens.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Says what is being waited for now.
    pub fn say(&self, reason: &str) {
        (self.0)(reason);
    }
}
