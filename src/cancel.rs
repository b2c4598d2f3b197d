//! Cancelling: Ctrl-C and deadlines, for native calls and scripts alike.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::error::{Code, Error, Result};

/// Says whether work should stop: because of Ctrl-C, or because its time is over. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cancel {
    token: CancellationToken,
    deadline: Option<Instant>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

impl Cancel {
    /// Never stops until [`Cancel::interrupt`] is called.
    pub fn new() -> Self {
        Self { token: CancellationToken::new(), deadline: None }
    }

    /// The same interrupt, with a deadline of `timeout` from now (or the earlier one that is set already).
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        let new = Instant::now().checked_add(timeout);
        let deadline = match (self.deadline, new) {
            (Some(old), Some(new)) => Some(old.min(new)),
            (old, new) => new.or(old),
        };
        Self { token: self.token.clone(), deadline }
    }

    /// Stops everything that shares this interrupt: what Ctrl-C does.
    pub fn interrupt(&self) {
        self.token.cancel();
    }

    /// Whether Ctrl-C was pressed.
    pub fn is_interrupted(&self) -> bool {
        self.token.is_cancelled()
    }

    /// How much time is left; `None` without a deadline.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|d| d.saturating_duration_since(Instant::now()))
    }

    /// An error of code `interrupted` or `timeout` when work should stop.
    pub fn check(&self) -> Result<()> {
        if self.token.is_cancelled() {
            return Err(interrupted());
        }
        if self.deadline.is_some_and(|d| Instant::now() >= d) {
            return Err(timed_out());
        }
        Ok(())
    }

    /// Runs `work` until it ends or should stop, whichever comes first.
    pub async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let expiry = async {
            match self.deadline {
                Some(d) => tokio::time::sleep_until(d.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(interrupted()),
            result = work => result,
            () = expiry => Err(timed_out()),
        }
    }

    /// Sleeps, unless it should stop earlier.
    pub async fn sleep(&self, duration: Duration) -> Result<()> {
        self.run(async {
            tokio::time::sleep(duration).await;
            Ok(())
        })
        .await
    }
}

fn interrupted() -> Error {
    Error::new(Code::Interrupted, "interrupted")
}

fn timed_out() -> Error {
    Error::new(Code::Timeout, "the time given for this is over")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_deadline_ends_waiting_work() {
        let cancel = Cancel::new().within(Duration::from_millis(20));
        let error = cancel.run(std::future::pending::<Result<()>>()).await.unwrap_err();
        assert_eq!(error.code(), Code::Timeout);
    }

    #[tokio::test]
    async fn an_interrupt_reaches_every_clone() {
        let cancel = Cancel::new();
        let other = cancel.within(Duration::from_mins(1));
        cancel.interrupt();
        assert_eq!(other.run(std::future::pending::<Result<()>>()).await.unwrap_err().code(), Code::Interrupted);
        assert!(other.check().is_err());
    }
}
