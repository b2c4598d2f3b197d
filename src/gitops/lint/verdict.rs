//! How a rule says what it found.

use crate::check::{Check, Verdict};
use crate::error::Place;

/// A fault at a place.
pub(super) fn fault(name: &str, place: &Place, seen: &str) -> Check {
    Check::new(name, Verdict::Fail, format!("{}:{}: {seen}", place.file, place.line))
}

/// What a rule says: its faults, or that it found none. Nothing if there was nothing to look at.
pub(super) fn verdict(name: &str, faults: Vec<Check>, seen_if_none: Option<String>) -> Vec<Check> {
    match (faults.is_empty(), seen_if_none) {
        (false, _) => faults,
        (true, Some(seen)) => vec![Check::new(name, Verdict::Pass, seen)],
        (true, None) => Vec::new(),
    }
}

/// `1 dependency`, `2 dependencies`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
