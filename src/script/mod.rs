//! The script host: library, engine and profiles, import jail, static check, error chain, documentation.
//!
//! Nothing here knows what a cluster is: the functions that scripts call are described in a [`registry::Registry`],
//! which `script::api` fills (and the simulated world with another).

pub mod api;
pub mod bridge;
pub mod call;
pub mod check;
pub mod compile;
pub mod docs;
pub mod engine;
pub mod error;
pub mod jail;
pub mod library;
pub mod names;
pub mod options;
pub mod param;
pub mod profile;
pub mod programs;
pub mod registry;
pub mod thrown;
pub mod value;
pub mod walk;

#[cfg(test)]
mod tests;
