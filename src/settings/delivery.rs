//! How changes reach the cluster.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Setting;

/// How changes reach the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// Commit, push, wait for Flux.
    #[default]
    Flux,
    /// Push a branch of its own, for a protected main; resumed after the merge.
    Branch,
    /// Server-side apply with an inventory, for clusters without Flux.
    Apply,
    /// Write the files and nothing else; the ledger is left alone.
    Files,
}

impl Delivery {
    /// The word in `dpb.yaml` and after `--delivery`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flux => "flux",
            Self::Branch => "branch",
            Self::Apply => "apply",
            Self::Files => "files",
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Setting for Delivery {}
