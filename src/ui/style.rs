//! Colours and marks. Colour is a second signal only: the mark or the word beside it says the same.

use anstyle::{AnsiColor, Style};

use crate::check::Verdict;

/// Good.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Bad.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// A reservation.
pub const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// Of lesser weight.
pub const DIM: Style = Style::new().dimmed();
/// Titles.
pub const BOLD: Style = Style::new().bold();
/// What to type.
pub const COMMAND: Style = AnsiColor::Cyan.on_default();

/// `text` in `style`.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The mark of a verdict, coloured.
pub fn mark(verdict: Verdict) -> String {
    match verdict {
        Verdict::Pass => paint(GOOD, "✓"),
        Verdict::Warn => paint(WARN, "!"),
        Verdict::Fail => paint(BAD, "✗"),
        Verdict::Skip => paint(DIM, "–"),
        Verdict::Unknown => paint(WARN, "?"),
    }
}
