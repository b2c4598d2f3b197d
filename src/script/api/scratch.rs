//! Scratch objects of probes: registered before they are made, removed by the host whatever happens.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};

/// Removes one scratch object; nothing there is no error.
pub type Removal = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// One scratch object that a probe is about to make.
struct Intent {
    what: String,
    remove: Box<dyn FnOnce() -> Removal + Send>,
}

/// A scratch object that could not be removed.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What it is (`Job data-platform/probe-1a2b`, `prefix scratch/s3-1a2b/ in bucket iceberg-tables`).
    pub what: String,
    /// Why it is still there.
    pub error: Error,
}

type Hook = Arc<dyn Fn(&str) -> Result<()> + Send + Sync>;

/// The scratch objects of a run. Cheap to clone; all clones are one registry.
#[derive(Clone)]
pub struct Scratch {
    intents: Arc<Mutex<Vec<Intent>>>,
    on_intent: Hook,
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pending()).finish()
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// An empty registry that tells nobody.
    pub fn new() -> Self {
        Self::journaled(|_| Ok(()))
    }

    /// An empty registry that calls `on_intent` before each scratch object is made; when that fails, none is made.
    pub fn journaled(on_intent: impl Fn(&str) -> Result<()> + Send + Sync + 'static) -> Self {
        Self { intents: Arc::default(), on_intent: Arc::new(on_intent) }
    }

    /// Registers what is about to be made, and how it is removed.
    pub fn intend(&self, what: impl Into<String>, remove: impl FnOnce() -> Removal + Send + 'static) -> Result<()> {
        let what = what.into();
        if self.pending().contains(&what) {
            return Ok(());
        }
        (self.on_intent)(&what)?;
        self.lock().push(Intent { what, remove: Box::new(remove) });
        Ok(())
    }

    /// What is registered and not removed yet.
    pub fn pending(&self) -> Vec<String> {
        self.lock().iter().map(|intent| intent.what.clone()).collect()
    }

    /// Removes everything that is registered, the last first, and gives what is still there. To be called in any case,
    /// with a time of its own: also after a failure, and after Ctrl-C.
    pub async fn clean(&self) -> Vec<Kept> {
        let mut kept = Vec::new();
        loop {
            let Some(intent) = self.lock().pop() else { return kept };
            if let Err(error) = (intent.remove)().await {
                kept.push(Kept { what: intent.what, error });
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Intent>> {
        self.intents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[tokio::test]
    async fn everything_intended_is_removed_last_first() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let journal = Arc::clone(&told);
        let scratch = Scratch::journaled(move |what| {
            journal.lock().unwrap().push(what.to_owned());
            Ok(())
        });
        let removed = Arc::new(Mutex::new(Vec::new()));
        for name in ["a", "b", "a"] {
            let removed = Arc::clone(&removed);
            let remove = move || -> Removal {
                Box::pin(async move {
                    removed.lock().unwrap().push(name);
                    if name == "b" { Err(Error::new(Code::Unavailable, "away")) } else { Ok(()) }
                })
            };
            scratch.clone().intend(name, remove).unwrap();
        }
        let kept = scratch.clean().await;
        assert_eq!(*told.lock().unwrap(), ["a", "b"]);
        assert_eq!(*removed.lock().unwrap(), ["b", "a"]);
        assert_eq!(kept.iter().map(|k| k.what.as_str()).collect::<Vec<_>>(), ["b"]);
        assert!(scratch.pending().is_empty());
    }

    #[tokio::test]
    async fn what_cannot_be_journaled_is_not_made() {
        let scratch = Scratch::journaled(|_| Err(Error::new(Code::Io, "full disk")));
        assert!(scratch.intend("a", || Box::pin(async { Ok(()) })).is_err());
        assert!(scratch.pending().is_empty());
    }
}
