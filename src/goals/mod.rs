//! The ledger `goals.json`: read generously, written surgically, `current_status` derived.
//!
//! The file belongs to people and other tools as well. A write replaces the characters of the values that it means to
//! change, and nothing else: order, whitespace, unknown fields, even a missing final newline stay. (jsonc-parser's own
//! editing tree breaks the line of an object that it appends to, so the editing here works on its syntax tree.)

mod current;
mod edit;
mod ledger;
mod model;
mod order;
mod reader;
mod shipped;
mod stamp;
mod surgery;
mod syntax;
mod warnings;
mod write;

pub use current::{Current, PhaseProgress, Progress};
pub use edit::Edit;
pub use ledger::Ledger;
pub use model::{Budget, Objective, Phase, Status, Triggers};
pub use order::Next;
pub use shipped::shipped;

#[cfg(test)]
mod tests;
