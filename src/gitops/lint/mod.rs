//! Faults that can be told from the repository alone, looked for in what a change touches.
//!
//! Each rule is one that broke a real cluster. A rule that finds nothing is one check that passes and says what it looked
//! at; a rule that finds something is one check a fault, with file and line.

mod dependencies;
mod health;
mod ownership;
mod pods;
pub mod protection;
mod reach;
mod resources;
mod secrets;
mod sources;
mod subject;
mod substitution;
mod verdict;

use crate::check::Check;

pub use subject::Subject;

/// Every rule, in the order of a report.
pub fn check(subject: &Subject<'_>) -> Vec<Check> {
    [
        reach::check(subject),
        dependencies::check(subject),
        sources::check(subject),
        ownership::check(subject),
        health::check(subject),
        resources::check(subject),
        secrets::check(subject),
        protection::check(subject),
        substitution::check(subject),
    ]
    .into_iter()
    .flatten()
    .collect()
}
