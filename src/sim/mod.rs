//! The simulated world: an API server, operators played by scripts, and an S3 server, all in the process.

#![allow(clippy::result_large_err, reason = "a refusal carries all that the true server tells with it")]

pub mod api;
pub mod clock;
pub mod engines;
pub mod faults;
pub mod flux;
pub mod operators;
pub mod s3;
pub mod state;
pub mod world;
