//! The controllers of the control plane, one a file.

pub mod claims;
mod cluster_role;
mod cron_job;
mod daemon_set;
mod deployment;
mod endpoints;
mod garbage;
mod job;
mod namespace;
mod replica_set;
mod stateful_set;

pub use claims::Claims;
pub use cluster_role::ClusterRoles;
pub use cron_job::CronJobs;
pub use daemon_set::DaemonSets;
pub use deployment::Deployments;
pub use endpoints::Endpoints;
pub use garbage::Garbage;
pub use job::Jobs;
pub use namespace::Namespaces;
pub use replica_set::ReplicaSets;
pub use stateful_set::StatefulSets;
