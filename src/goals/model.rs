//! What a ledger holds, as far as dpb reads it.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// Where an objective or a phase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not begun; also every word that nobody knows.
    Pending,
    /// A run is at it.
    InProgress,
    /// A run failed at it; `dpb` on the objective says why.
    Blocked,
    /// Proved.
    Completed,
}

impl Status {
    /// Every status, in the order of an objective's life.
    pub const ALL: [Self; 4] = [Self::Pending, Self::InProgress, Self::Blocked, Self::Completed];

    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
        }
    }

    /// The status of a word, if it is one of ours.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The status that an invented word probably means.
    pub fn meant_by(word: &str) -> Self {
        let plain: String = word.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        match plain.as_str() {
            "done" | "complete" | "completed" | "finished" | "closed" | "ok" => Self::Completed,
            "inprogress" | "active" | "started" | "running" | "wip" | "ongoing" | "doing" => Self::InProgress,
            "blocked" | "failed" | "stuck" | "onhold" | "waiting" => Self::Blocked,
            _ => Self::Pending,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One objective.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Objective {
    /// Id, a text: `1.10` is not `1.1`.
    pub id: String,
    /// Name; empty when the ledger has none.
    pub name: String,
    /// Description; empty when the ledger has none.
    pub description: String,
    /// Where it stands.
    pub status: Status,
    /// The word in the ledger, which may be an invented one.
    pub status_word: String,
    /// What has to come first: ids, or sentences.
    pub prerequisites: Vec<String>,
    /// What it delivers, in sentences.
    pub deliverables: Vec<String>,
    /// How one sees that it is done, in sentences and commands; shown, never run.
    pub validation_criteria: Vec<String>,
    /// How long it is thought to take.
    pub estimated_duration: Option<String>,
    /// Who sees to it.
    pub assigned_to: Option<String>,
    /// When it was completed, as written.
    pub completion_timestamp: Option<String>,
    /// Notes of people.
    pub notes: Option<String>,
    /// What dpb keeps on it: reason of a block, evidence, override, run, commit.
    pub dpb: Option<Value>,
    /// Id of its phase.
    pub phase: String,
}

impl Objective {
    /// `1.2 Hive Metastore Deployment`, or the id alone when it has no name.
    pub fn title(&self) -> String {
        format!("{} {}", self.id, self.name).trim_end().to_owned()
    }
}

/// What a phase may take, all of the platform together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// CPU in thousandths of a core.
    pub cpu: Option<u64>,
    /// Storage in bytes.
    pub storage: Option<u64>,
}

/// One phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Phase {
    /// Id (`phase_1`).
    pub id: String,
    /// Name; empty when the ledger has none.
    pub name: String,
    /// Description; empty when the ledger has none.
    pub description: String,
    /// Where it stands, as the ledger says it.
    pub status: Status,
    /// The word in the ledger.
    pub status_word: String,
    /// How long it is thought to take.
    pub estimated_duration: Option<String>,
    /// What it may take.
    pub resource_allocation: Option<Budget>,
    /// How one sees that it is done.
    pub success_criteria: Vec<String>,
    /// Its objectives.
    pub objectives: Vec<Objective>,
}

/// What makes the platform worth building.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Triggers {
    /// Storage in use, in bytes, above which it is.
    pub storage_usage_threshold: Option<u64>,
    /// Applications need S3.
    pub s3: bool,
    /// Analytical queries over large data sets are wanted.
    pub analytics: bool,
    /// Data are transformed by hand.
    pub data_processing: bool,
    /// `pending` or `evaluated`.
    pub evaluation_status: Option<String>,
    /// What was found, or why it was overridden.
    pub evaluation_notes: Option<String>,
}
