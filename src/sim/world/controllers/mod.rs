//! The controllers of the control plane, one a file.

pub mod claims;
mod cluster_role;
mod cron_job;
mod daemon_set;
mod defaults;
mod deployment;
mod disruption;
mod endpoints;
mod garbage;
mod job;
mod job_indexes;
mod namespace;
mod nodes;
mod quota_status;
mod replica_set;
mod stateful_set;

pub use claims::Claims;
pub use cluster_role::ClusterRoles;
pub use cron_job::CronJobs;
pub use daemon_set::DaemonSets;
pub use defaults::{RootCertificates, ServiceAccounts};
pub use deployment::Deployments;
pub use disruption::Disruptions;
pub use endpoints::Endpoints;
pub use garbage::Garbage;
pub use job::Jobs;
pub use namespace::Namespaces;
pub use nodes::Nodes;
pub use quota_status::QuotaStatus;
pub use replica_set::ReplicaSets;
pub use stateful_set::StatefulSets;
