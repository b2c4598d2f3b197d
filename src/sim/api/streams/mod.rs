//! Subresources that are no objects: logs, exec, port-forward, and the proxy to services and pods.
//!
//! What is behind a pod answers through [`Backends`]; everything up to it follows the true server and its kubelets.

mod answer;
pub mod backends;
mod containers;
mod exec;
mod forward;
mod logs;
mod options;
mod proxy;
mod service;
mod spdy;
mod subresource;
mod websocket;

pub use answer::Body;
pub use backends::{Backends, BoxedIo, ExecResult, Io, LogLine};
pub use subresource::{Streams, Target};

#[cfg(test)]
mod tests;
