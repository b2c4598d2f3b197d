//! A value and how long it took to come.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::error::{Code, Error, Result};

/// A value and how long it took to come, without opening the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed<T> {
    /// What came.
    pub value: T,
    /// From the request's first byte to the answer's last.
    pub elapsed: Duration,
}

impl<T> Timed<T> {
    /// Another value, the same time.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Timed<U> {
        Timed { value: change(self.value), elapsed: self.elapsed }
    }

    /// Seconds, as scripts compare them.
    pub fn seconds(&self) -> f64 {
        self.elapsed.as_secs_f64()
    }
}

/// Measures `work`.
pub(crate) async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<Timed<T>> {
    let start = Instant::now();
    let value = work.await?;
    Ok(Timed { value, elapsed: start.elapsed() })
}

/// Ends `work` after `limit` with an error that says what was waited for.
pub(crate) async fn limited<T>(limit: Duration, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(Error::new(Code::Timeout, format!("{what}: no answer within {} s", limit.as_secs_f64()))),
    }
}
