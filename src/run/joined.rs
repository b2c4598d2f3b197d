//! Waiting for what runs beside.

use std::thread::ScopedJoinHandle;

use crate::error::{Code, Error, Result};

/// What a thread came to; `doing` names its work where it ended without a result.
pub(super) fn joined<T>(thread: ScopedJoinHandle<'_, Result<T>>, doing: &str) -> Result<T> {
    thread.join().unwrap_or_else(|_| Err(Error::new(Code::Internal, format!("{doing} ended without a result"))))
}
