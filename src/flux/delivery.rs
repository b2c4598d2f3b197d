//! What is to be waited for, the steps of that wait, and what it found.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;

use super::fault::Fault;
use super::inventory::InventoryEntry;

/// Namespace and name of a Flux object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Named {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Named {
    /// From both parts.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A pushed commit, and what has to follow from it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The `GitRepository` that fetches the commit.
    pub source: Named,
    /// The full id of the commit.
    pub commit: String,
    /// The Kustomizations to follow: parents before their children, ours last. A rollback that removes ours names the
    /// parents only.
    pub chain: Vec<Named>,
    /// Objects that must be absent afterwards (a rollback): the former inventory without what is kept.
    pub gone: Vec<InventoryEntry>,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// Says whether a commit (full id) is a descendant of the delivered one. Called once for each foreign commit seen; it
/// may fetch. An error counts as "no".
pub type Descends<'a> = dyn Fn(String) -> BoxFuture<'a, bool> + Send + Sync + 'a;

/// The steps of a wait, in the order in which they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The source fetches the commit.
    Source,
    /// Every Kustomization of the chain applies it.
    Apply,
    /// Every `HelmRelease` that they hold is deployed. Left out when there is none.
    Helm,
    /// Workloads and their pods become ready, and every Kustomization with them.
    Workloads,
    /// Objects disappear. Left out when none has to.
    Gone,
}

impl Step {
    /// Its name in reports, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Apply => "apply",
            Self::Helm => "helm",
            Self::Workloads => "workloads",
            Self::Gone => "gone",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happens to a step, as it happens. Reasons for waiting go to `Progress`.
#[derive(Clone, Debug)]
pub enum StepEvent {
    /// The wait for it begins.
    Started(Step),
    /// It ended well.
    Done {
        /// Which.
        step: Step,
        /// One line: `flux-system fetched main@8d1e0c4`.
        seen: String,
        /// Since it started.
        took: Duration,
    },
    /// It can no longer end well.
    Failed {
        /// Which.
        step: Step,
        /// What is at fault, with events and log lines.
        fault: Box<Fault>,
        /// Since it started.
        took: Duration,
    },
    /// Its time was over.
    TimedOut {
        /// Which.
        step: Step,
        /// What it waited for last.
        reason: String,
        /// Since it started.
        took: Duration,
    },
}

/// A Kustomization that applied the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedKustomization {
    /// Which.
    pub name: Named,
    /// The revision that it applied: the commit or a descendant.
    pub revision: String,
    /// What it owns now.
    pub inventory: Vec<InventoryEntry>,
    /// From the start of the wait until it was ready.
    pub took: Duration,
}

/// A workload that became ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadSeen {
    /// Which.
    pub object: InventoryEntry,
    /// What was seen: `1 of 1`.
    pub seen: String,
}

/// What a delivery led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The source's revision: `main@sha1:…`.
    pub revision: String,
    /// Each Kustomization of the chain, in its order.
    pub kustomizations: Vec<AppliedKustomization>,
    /// Each workload of the chain's leaves.
    pub workloads: Vec<WorkloadSeen>,
    /// Objects that are gone.
    pub gone: usize,
    /// Each step with what was seen and its duration.
    pub steps: Vec<(Step, String, Duration)>,
}
