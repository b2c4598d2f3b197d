//! `dpb.yaml`: names, sizes, versions, endpoints, each with a default and an explanation.
//!
//! Every section is a struct in a file of its own, written with [`section!`](table): the doc comment of a field is
//! also its comment in the file that `dpb init` writes, so that explanation, default and type have one place.

mod airflow;
mod commented;
mod delivery;
mod endpoints;
mod flux;
mod git;
mod initiative;
mod limits;
mod load;
mod metastore;
mod monitoring;
mod postgres;
mod s3;
mod secrets;
mod storage;
mod table;
mod value;

pub use airflow::Airflow;
pub use commented::commented;
pub use delivery::Delivery;
pub use endpoints::Endpoints;
pub use flux::Flux;
pub use git::Git;
pub use initiative::Initiative;
pub use limits::Limits;
pub use load::FILE;
pub use metastore::{Database, Metastore};
pub use monitoring::Monitoring;
pub use postgres::Postgres;
pub use s3::{Buckets, Lifecycle, S3};
pub use secrets::Secrets;
pub use storage::Storage;
pub use table::{Entry, Setting};
pub use value::{Amount, Span};

table::section! {
    /// Settings of the data platform. Every key is optional: what is left out has the value written here.
    pub struct Settings {
        /// Where the initiative's ledger and its documentation lie.
        initiative: Initiative = Initiative::default(),
        /// Namespace of everything that the initiative deploys.
        namespace: String = "data-platform".into(),
        /// How changes reach the cluster: flux (commit, push, wait), branch (push a branch, resume after its merge),
        /// apply (server-side apply, without Flux) or files (write only).
        delivery: Delivery = Delivery::Flux,
        /// The Git repository that Flux reads.
        git: Git = Git::default(),
        /// Flux, and where its files lie in the repository.
        flux: Flux = Flux::default(),
        /// Rook-Ceph: object store and storage classes.
        storage: Storage = Storage::default(),
        /// `CloudNativePG`, the operator behind every database.
        postgres: Postgres = Postgres::default(),
        /// External Secrets, which brings credentials into the cluster.
        secrets: Secrets = Secrets::default(),
        /// Prometheus and Grafana.
        monitoring: Monitoring = Monitoring::default(),
        /// Airflow, as it runs already.
        airflow: Airflow = Airflow::default(),
        /// The object store's user and buckets for Iceberg (objective 1.1).
        s3: S3 = S3::default(),
        /// The Hive Metastore and its database (objective 1.2).
        metastore: Metastore = Metastore::default(),
        /// What must be free before anything is deployed.
        limits: Limits = Limits::default(),
        /// Addresses that proofs use in place of a port-forward.
        endpoints: Endpoints = Endpoints::default(),
    }
}

impl Settings {
    /// The same as JSON, for scripts (`o.settings`) and templates.
    pub fn as_value(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
