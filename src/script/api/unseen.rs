//! What could not be looked at is a result of its own, and never a guess.

use crate::check::{Check, Verdict};
use crate::error::{Code, Error};

/// Whether `error` says that something could not be looked at, rather than what was seen.
pub(super) fn is_unseen(error: &Error) -> bool {
    matches!(error.code(), Code::Forbidden | Code::UnknownKind | Code::Unavailable | Code::Timeout | Code::Denied)
}

/// The check `name`, which could not look because of `error`.
pub(super) fn unknown(name: &str, error: &Error) -> Check {
    with_error(Check::new(name, Verdict::Unknown, error.message()), error)
}

/// The check `name`, which failed with `error`.
pub(super) fn failed(name: &str, error: &Error) -> Check {
    with_error(Check::new(name, Verdict::Fail, error.message()), error)
}

fn with_error(mut check: Check, error: &Error) -> Check {
    check.details = error.notes().iter().flat_map(|note| note.lines()).map(str::to_owned).collect();
    if let Some(place) = error.places().first() {
        check.details.push(format!("at {}:{}:{}", place.file, place.line, place.column));
    }
    match error.hint_text() {
        Some(hint) => check.remedy(hint),
        None => check,
    }
}
