//! The one place where a script waits for asynchronous work.

use std::fmt;
use std::future::Future;

use tokio::runtime::Handle;

use crate::cancel::Cancel;
use crate::error::{Code, Error, Result};

/// Runs a future to its end from a script's thread, or stops it at the deadline or at Ctrl-C. Cheap to clone.
#[derive(Clone)]
pub struct Bridge {
    handle: Handle,
    cancel: Cancel,
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("cancel", &self.cancel).finish_non_exhaustive()
    }
}

impl Bridge {
    /// A bridge to the runtime of `handle` (one with worker threads), which stops when `cancel` says so.
    pub fn new(handle: Handle, cancel: Cancel) -> Self {
        Self { handle, cancel }
    }

    /// The same runtime under another `cancel`.
    #[must_use]
    pub fn with_cancel(&self, cancel: Cancel) -> Self {
        Self { handle: self.handle.clone(), cancel }
    }

    /// What stops it.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Waits for `work`. An error of code `internal` on a thread of the runtime itself, where waiting would block it.
    pub fn block<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        if Handle::try_current().is_ok() {
            return Err(Error::new(Code::Internal, "a script was run on a thread of the asynchronous runtime"));
        }
        self.cancel.check()?;
        self.handle.block_on(self.cancel.run(work))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }

    #[test]
    fn a_deadline_ends_native_work() {
        let runtime = runtime();
        let bridge = Bridge::new(runtime.handle().clone(), Cancel::new().within(Duration::from_millis(50)));
        let start = Instant::now();
        let error = bridge.block(std::future::pending::<Result<()>>()).unwrap_err();
        assert_eq!(error.code(), Code::Timeout);
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn on_the_runtime_itself_it_refuses_instead_of_panicking() {
        let runtime = runtime();
        let bridge = Bridge::new(runtime.handle().clone(), Cancel::new());
        let error = runtime.block_on(async { bridge.block(async { Ok(1) }) }).unwrap_err();
        assert_eq!(error.code(), Code::Internal);
    }
}
