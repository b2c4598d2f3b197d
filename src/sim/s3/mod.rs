//! A real S3 server in the process: protocol and signatures by `s3s`, over a store of our own in memory.
//!
//! What it holds to: a conditional put has one winner (decided under the store's lock), keys are kept byte for byte, a
//! bucket that is not empty stays, every request is signed by a user whom the store knows, and only a bucket's owner
//! reaches into it. What it does not have (versions, ACLs, policies, encryption) answers `NotImplemented`.

mod access;
mod bucket;
mod lifecycle;
mod listing;
mod multipart;
mod server;
mod service;
mod state;
mod store;

pub use server::Server;
pub use state::{Bucket, Object, Part, State, Upload, User};
pub use store::Store;

#[cfg(test)]
mod tests;
