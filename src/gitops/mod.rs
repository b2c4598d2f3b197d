//! What an objective delivers: files of the GitOps tree, as a plan with its diff, and what Flux would make of them.

pub mod app;
pub mod deliverables;
pub mod flux_files;
pub mod layout;
pub mod source;

pub use app::{App, AppOptions, ConfigOptions};
pub use deliverables::Deliverables;
pub use layout::Layout;
pub use source::{Source, SourceOptions};
