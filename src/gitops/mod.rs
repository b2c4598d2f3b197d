//! What an objective delivers: files of the `GitOps` tree, as a plan with its diff, and what Flux would make of them.
//!
//! `execute` of a script fills [`Deliverables`]; [`Plan::make`] holds them against the repository, builds what Flux would
//! build, and looks for faults and dangers; [`trial::try_on`] asks the API server.

pub mod app;
pub mod assemble;
pub mod budget;
pub mod change;
pub mod danger;
pub mod deliverables;
pub mod diff;
pub mod flux_files;
pub mod layout;
pub mod lint;
pub mod namespace;
pub mod objects;
pub mod plan;
pub mod source;
pub mod trial;
pub mod world;

pub use app::{App, AppOptions, ConfigOptions};
pub use budget::Amounts;
pub use change::Change;
pub use deliverables::Deliverables;
pub use diff::Diff;
pub use flux_files::Name;
pub use layout::Layout;
pub use plan::{Before, Plan};
pub use source::{Source, SourceOptions};
pub use world::{Variables, World};
