//! What a run works with.

use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::git::Repo;
use crate::goals::{Ledger, Objective};
use crate::report::ObjectiveName;
use crate::script::library::Library;
use crate::settings::Settings;
use crate::ui::Ui;

/// A repository with its settings, ledger and scripts, a cluster, and the person at the terminal.
#[derive(Clone)]
pub struct Session {
    /// The `GitOps` repository.
    pub repo: Repo,
    /// `dpb.yaml`.
    pub settings: Settings,
    /// `goals.json`.
    pub ledger: Ledger,
    /// The scripts: shipped, overlaid by the repository's own.
    pub library: Library,
    /// The cluster, or why there is none.
    pub cluster: Result<Cluster>,
    /// The runtime that waits.
    pub runtime: tokio::runtime::Handle,
    /// Ctrl-C.
    pub cancel: Cancel,
    /// A second Ctrl-C: stops taking back.
    pub undo: Cancel,
    /// Where progress goes.
    pub ui: Ui,
}

impl Session {
    /// Waits for a future, unless interrupted.
    pub fn block<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(self.cancel.run(work))
    }

    /// The same, with so much time left for what is begun with it.
    pub(super) fn within(&self, time: std::time::Duration) -> Self {
        Self { cancel: self.cancel.within(time), ..self.clone() }
    }

    /// The cluster, or the error that says why there is none.
    pub fn cluster(&self) -> Result<&Cluster> {
        self.cluster.as_ref().map_err(Error::clone)
    }

    /// The value of an expression against repository and cluster, read-only.
    pub fn eval(&self, text: &str) -> Result<serde_json::Value> {
        let host = self.host_of(self.cluster.as_ref().map(Cluster::shared).map_err(Error::clone));
        crate::script::api::eval(&host, text)
    }

    /// What reports call the cluster.
    pub fn cluster_name(&self) -> String {
        match &self.cluster {
            Ok(c) if c.cluster_name().is_empty() || c.cluster_name() == c.context() => {
                format!("context {}", c.context())
            }
            Ok(c) => format!("{} (context {})", c.cluster_name(), c.context()),
            Err(_) => "no cluster".to_owned(),
        }
    }

    /// The ledger's path.
    pub fn ledger_path(&self) -> PathBuf {
        self.repo.root().join(&self.settings.initiative.ledger)
    }

    /// Where backups of the ledger lie.
    pub fn backups(&self) -> PathBuf {
        self.repo.state_dir().join("backups")
    }

    /// The initiative's name, as titles show it.
    pub fn title(&self) -> String {
        self.ledger.initiative().map_or_else(|| "Data platform bootstrap".to_owned(), ToOwned::to_owned)
    }
}

/// An objective as reports name it.
pub(crate) fn named(objective: &Objective) -> ObjectiveName {
    ObjectiveName { id: objective.id.clone(), name: objective.name.clone(), status: objective.status_word.clone() }
}
