//! The simulated world: an API server, operators played by scripts, and an S3 server, all in the process.

pub mod api;
pub mod clock;
pub mod engines;
pub mod faults;
pub mod flux;
pub mod operators;
pub mod s3;
pub mod state;
pub mod world;
