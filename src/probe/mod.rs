//! Proofs by use: S3, SQL, thrift, HTTP, jobs and commands, each answer with the time it took.
//!
//! Every protocol runs over a [`Stream`] that a [`Connector`] opens: a port-forward to a ready pod, or an endpoint from
//! the settings. All futures are cancel-safe: dropping one closes its stream and leaves no task behind.

mod connector;
mod exec;
mod http;
mod http1;
mod job;
pub mod s3;
mod scratch;
pub mod sql;
pub mod thrift;
mod timed;

pub use connector::{Connector, Stream};
pub use exec::{Executed, exec};
pub use http::{HttpAnswer, get};
pub use http1::{Answer, Http};
pub use job::{JobOutcome, run_job};
pub use scratch::scratch;
pub use timed::Timed;

#[cfg(test)]
mod tests;
