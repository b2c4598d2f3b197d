//! What a review found, in the order in which it is told.

use serde::Serialize;

use crate::check::Check;

/// A review: where the initiative stands, and whether the objective can start.
#[derive(Clone, Debug, Serialize)]
pub struct Review {
    /// The initiative's name.
    pub initiative: String,
    /// Which cluster was looked at: its context; a simulated one says so.
    pub cluster: String,
    /// The commit in hand, and whether Flux applied it.
    pub head: Option<Head>,
    /// The phase in work.
    pub phase: Option<PhaseProgress>,
    /// Objectives completed.
    pub completed: usize,
    /// Objectives in all.
    pub total: usize,
    /// Percent completed, half rounded up.
    pub percent: u8,
    /// The next objective; `None` when all are completed or a blocked one stands before.
    pub next: Option<ObjectiveName>,
    /// What is odd in ledger, settings or scripts, yet stops nothing.
    pub warnings: Vec<String>,
    /// Reasons to start the initiative at all.
    pub triggers: Triggers,
    /// The platform, one check a component.
    pub platform: Vec<Check>,
    /// The objective that was reviewed.
    pub objective: Option<Objective>,
    /// Everything that stands in the way, from all sections.
    pub blockers: Vec<Check>,
    /// What the objective takes from the cluster.
    pub impact: Option<Impact>,
    /// What to do next, in order.
    pub actions: Vec<String>,
    /// The command to type.
    pub command: Option<String>,
    /// Whether that command can be typed now.
    pub ready: bool,
}

/// The commit in hand.
#[derive(Clone, Debug, Serialize)]
pub struct Head {
    /// Branch.
    pub branch: String,
    /// Abbreviated commit.
    pub commit: String,
    /// What Flux says of it (`applied by Flux`, `Flux is at 1a2b3c4`, `unknown: …`).
    pub flux: String,
}

/// How far a phase is.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseProgress {
    /// `phase_1`.
    pub id: String,
    /// Name.
    pub name: String,
    /// Objectives completed.
    pub completed: usize,
    /// Objectives in all.
    pub total: usize,
}

/// An objective by name.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectiveName {
    /// `1.2`.
    pub id: String,
    /// Name.
    pub name: String,
    /// The word in the ledger.
    pub status: String,
}

/// The triggers: any one suffices.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Triggers {
    /// How many are met.
    pub met: usize,
    /// One check a trigger: passed means met.
    pub checks: Vec<Check>,
    /// Why they do not count any more: the initiative has begun, or an operator overrode them.
    pub waived: Option<String>,
}

/// The objective that was reviewed.
#[derive(Clone, Debug, Serialize)]
pub struct Objective {
    /// Id, name and status.
    #[serde(flatten)]
    pub name: ObjectiveName,
    /// Objectives that must be completed before.
    pub prerequisites: Vec<Check>,
    /// What its own review, its permissions and the checks of its deliverables found.
    pub checks: Vec<Check>,
    /// What it would write: one line each.
    pub deliverables: Vec<String>,
}

/// What the objective takes from the cluster.
#[derive(Clone, Debug, Serialize)]
pub struct Impact {
    /// Memory that its pods request all the time, in bytes.
    pub memory: u64,
    /// CPU that its pods request all the time, in thousandths of a core.
    pub cpu_milli: u64,
    /// Storage that its claims ask for, in bytes.
    pub storage: u64,
    /// The same three in words.
    pub needs: String,
    /// Whether each pod has a node; `None` when the nodes could not be seen.
    pub fits: Option<bool>,
    /// Where each pod would go, or why it has no place.
    pub placement: Vec<String>,
    /// Room by node.
    pub nodes: Vec<NodeLine>,
    /// How near to the limits it brings the cluster.
    pub risk: Risk,
    /// Why that is the risk.
    pub why: String,
}

/// How near to the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Fits, and no node comes above its limit.
    Low,
    /// Fits, and a node comes above its limit.
    Medium,
    /// Does not fit, or breaks the budget.
    High,
    /// The nodes could not be seen.
    Unknown,
}

impl Risk {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Unknown => "unknown",
        }
    }
}

/// Room on one node.
#[derive(Clone, Debug, Serialize)]
pub struct NodeLine {
    /// Name.
    pub name: String,
    /// Whether new pods can go there, and why not.
    pub eligible: bool,
    /// Why it is not eligible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Free memory in bytes.
    pub free_memory: u64,
    /// Free CPU in thousandths of a core.
    pub free_cpu_milli: u64,
    /// Requested memory in percent of allocatable.
    pub memory_percent: u8,
    /// Live usage in words, where metrics are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
}
