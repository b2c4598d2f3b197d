//! Reads that several callers share within a run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::error::Result;

type Cell = Arc<OnceCell<Result<Arc<Value>>>>;

/// Answers by request. Whoever asks first reads, the others wait for that read; it can be used from several threads.
#[derive(Debug, Default)]
pub(super) struct Memo(Mutex<HashMap<String, Cell>>);

impl Memo {
    /// The answer to `key`, reading it when nobody has.
    ///
    /// A reader that is dropped leaves the cell empty, and the next one who waits reads in its place.
    pub(super) async fn read(&self, key: String, read: impl Future<Output = Result<Value>>) -> Result<Arc<Value>> {
        let cell = self.cells().entry(key).or_default().clone();
        cell.get_or_init(|| async { read.await.map(Arc::new) }).await.clone()
    }

    /// Forgets everything: something was written.
    pub(super) fn clear(&self) {
        self.cells().clear();
    }

    fn cells(&self) -> std::sync::MutexGuard<'_, HashMap<String, Cell>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
