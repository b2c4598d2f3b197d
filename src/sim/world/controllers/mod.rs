//! The controllers of the control plane, one a file.

mod daemon_set;
mod deployment;
mod replica_set;
mod stateful_set;

pub use daemon_set::DaemonSets;
pub use deployment::Deployments;
pub use replica_set::ReplicaSets;
pub use stateful_set::StatefulSets;
