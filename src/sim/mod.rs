//! The simulated world: an S3 server in the process, and operators played by scripts.

pub mod operators;
pub mod s3;
