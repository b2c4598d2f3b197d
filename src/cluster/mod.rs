//! Access to the cluster: one wrapper over a `kube::Client`.
//!
//! Objects are `serde_json::Value` everywhere above this module. Every request passes one transport, which names what
//! was asked in each error, retries reads for a short while, and records method and path.

mod access;
mod answer;
mod ask;
mod connect;
mod crd;
mod discovery;
mod dry_run;
mod events;
mod exec;
#[cfg(test)]
mod fake;
mod flags;
mod forward;
pub mod health;
mod http2;
mod kind;
mod kubeconfig;
mod logs;
mod memo;
mod objects;
mod openapi;
mod path;
mod proxy_env;
mod record;
mod schema;
mod service_proxy;
mod target;
#[cfg(test)]
mod tests;
mod transport;
mod watch;
pub mod why;
mod writes;

pub use access::Access;
pub use connect::{Cluster, Origin};
pub use dry_run::{DryRun, Outcome};
pub use events::Event;
pub use exec::Output;
pub use flags::{Flags, Token};
pub use forward::Tunnel;
pub use health::{Condition, Readiness};
pub use kind::{Kind, Which};
pub use objects::{Query, object_ref};
pub use record::Sent;
pub use schema::{Schemas, Violation};
pub use target::Target;
pub use watch::Change;
pub use writes::{Apply, Delete};

/// The body of a raw answer.
pub use kube::client::Body;
