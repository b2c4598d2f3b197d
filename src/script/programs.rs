//! Scripts, compiled once, however many threads run them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::error::Result;
use crate::script::compile::Program;

/// The scripts that a run has read so far, by path below `scripts/`. Clones share them.
#[derive(Clone, Default)]
pub struct Programs(Arc<Mutex<BTreeMap<String, Known>>>);

type Known = Arc<OnceLock<Result<Program>>>;

impl Programs {
    /// The script at `path`: made now, by `load`, or by whoever asked first.
    pub fn get(&self, path: &str, load: impl FnOnce() -> Result<Program>) -> Result<Program> {
        let known = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(path.to_owned()).or_default().clone()
        };
        known.get_or_init(load).clone()
    }
}
