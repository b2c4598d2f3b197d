//! What is written down about a proved objective, in ledger and page.

use crate::check::Check;

/// What is written down about a proved objective.
pub(super) struct Evidence<'a> {
    /// The run.
    pub(super) run: &'a str,
    /// The commit that delivered it.
    pub(super) commit: Option<&'a str>,
    /// What the proof saw.
    pub(super) checks: &'a [Check],
    /// Why a closed gate was passed.
    pub(super) reason: Option<&'a str>,
    /// It was there already.
    pub(super) adopted: bool,
    /// What the operator overrode beside triggers: one line each.
    pub(super) overridden: Vec<String>,
    /// Whether the reason stands for unmet triggers.
    pub(super) triggers: bool,
}
