//! One model of what a command found, and its renderers: text for people, JSON and YAML for programs, markdown for
//! documents. Nothing here looks at a cluster or prints.

mod execution;
mod markdown;
mod review;
mod text;

pub use execution::{Applied, Execution, FileChange, Outcome, Rollback, Validation};
pub use review::{Head, Impact, NodeLine, Objective, ObjectiveName, PhaseProgress, Review, Risk, Triggers};
pub use text::check_lines;

use serde::Serialize;

use crate::error::{Code, Error, Result};

/// How to write a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// For a page or an issue.
    Markdown,
}

/// What can be written in every format.
pub trait Report: Serialize {
    /// For people, at most `columns` wide where words allow; may carry ANSI styles.
    fn text(&self, columns: usize) -> String;
    /// As GitHub-flavoured markdown.
    fn markdown(&self) -> String;
}

/// Writes a report in a format, with a final newline.
pub fn render(report: &impl Report, format: Format, columns: usize) -> Result<String> {
    let mut text = match format {
        Format::Text => report.text(columns),
        Format::Markdown => report.markdown(),
        Format::Json => serde_json::to_string_pretty(report).map_err(|e| unwritable(&e))?,
        Format::Yaml => serde_saphyr::to_string(report).map_err(|e| unwritable(&e))?,
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn unwritable(source: &dyn std::fmt::Display) -> Error {
    Error::new(Code::Internal, format!("writing the report: {source}"))
}
