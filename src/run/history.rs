//! The runs whose journals are kept, and the story of one.

use std::fmt::Write;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Code, Error, Result};
use crate::journal::{self, Kind, Lock, Story};
use crate::report::Report;
use crate::ui::style::{BAD, BOLD, GOOD, WARN, paint};

/// One run, as `run list` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The run's id.
    pub run: String,
    /// The objective.
    pub objective: String,
    /// When it began.
    pub begun: jiff::Timestamp,
    /// How long it took, in seconds; `None` while it is under way or when it was cut off.
    pub seconds: Option<f64>,
    /// Who ran it.
    pub operator: String,
    /// How it ended: `completed`, `rolled_back`, …, `under way` or `cut off`.
    pub outcome: String,
}

/// Every run that has a journal, newest first.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Runs(pub Vec<Line>);

/// The story of a run, line by line.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// Which run.
    #[serde(flatten)]
    pub line: Line,
    /// What it began with.
    pub header: Value,
    /// What was meant and what was done, oldest first.
    pub entries: Vec<journal::Entry>,
    /// What it ended with.
    pub end: Option<journal::Entry>,
}

/// Reads all journals.
pub fn list(state_dir: &Path) -> Result<Runs> {
    let alive = Lock::holder(state_dir)?.map(|h| h.run);
    Ok(Runs(journal::list(state_dir)?.iter().map(|story| line(story, alive.as_deref())).collect()))
}

/// Reads one journal; the newest without an id.
pub fn log(state_dir: &Path, run: Option<&str>) -> Result<Told> {
    let alive = Lock::holder(state_dir)?.map(|h| h.run);
    let stories = journal::list(state_dir)?;
    let found = match run {
        Some(id) => stories.into_iter().find(|s| s.run == id),
        None => stories.into_iter().next(),
    };
    let story = found.ok_or_else(|| match run {
        Some(id) => {
            Error::new(Code::NotFound, format!("no run {id} has a journal here")).hint("All of them: dpb run list")
        }
        None => Error::new(Code::NotFound, "no run has a journal here yet").hint("dpb run execute writes one"),
    })?;
    Ok(Told { line: line(&story, alive.as_deref()), header: story.header, entries: story.entries, end: story.end })
}

fn line(story: &Story, alive: Option<&str>) -> Line {
    let outcome = match &story.end {
        Some(end) => end.step.clone(),
        None if alive == Some(story.run.as_str()) => "under way".to_owned(),
        None => "cut off".to_owned(),
    };
    let text = |key: &str| story.header_text(key).unwrap_or_default().to_owned();
    let seconds = story.end.as_ref().map(|end| end.at.duration_since(story.begun).as_secs_f64());
    Line {
        run: story.run.clone(),
        objective: text("objective"),
        begun: story.begun,
        seconds,
        operator: text("operator"),
        outcome,
    }
}

fn outcome_style(outcome: &str) -> anstyle::Style {
    match outcome {
        "completed" | "adopted" | "unchanged" => GOOD,
        "under way" | "not_delivered" => WARN,
        _ => BAD,
    }
}

impl Report for Runs {
    fn text(&self, _columns: usize) -> String {
        if self.0.is_empty() {
            return "No run has a journal here yet.\n".to_owned();
        }
        let mut out = format!(
            "{}\n",
            paint(
                BOLD,
                &format!(
                    "{:<24} {:<5} {:<17} {:>8}  {:<20} {}",
                    "run", "id", "begun", "seconds", "outcome", "operator"
                )
            )
        );
        for l in &self.0 {
            let begun = l.begun.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string();
            let seconds = l.seconds.map_or_else(|| "–".to_owned(), |s| format!("{s:.1}"));
            let pad = " ".repeat(20_usize.saturating_sub(l.outcome.len()));
            let _ = writeln!(
                out,
                "{:<24} {:<5} {begun:<17} {seconds:>8}  {}{pad} {}",
                l.run,
                l.objective,
                paint(outcome_style(&l.outcome), &l.outcome),
                l.operator
            );
        }
        out
    }

    fn markdown(&self) -> String {
        let mut out =
            String::from("| run | objective | begun | seconds | outcome | operator |\n|---|---|---|---|---|---|\n");
        for l in &self.0 {
            let seconds = l.seconds.map_or_else(String::new, |s| format!("{s:.1}"));
            let _ = writeln!(
                out,
                "| {} | {} | {} | {seconds} | {} | {} |",
                l.run, l.objective, l.begun, l.outcome, l.operator
            );
        }
        out
    }
}

impl Report for Told {
    fn text(&self, _columns: usize) -> String {
        let l = &self.line;
        let mut out = format!(
            "{}   {}, begun {} by {}\n",
            paint(BOLD, &l.run),
            paint(outcome_style(&l.outcome), &l.outcome),
            l.begun.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S"),
            l.operator
        );
        if let Value::Object(header) = &self.header {
            for (key, value) in header.iter().filter(|(_, v)| !v.is_null()) {
                let _ = writeln!(out, "  {key:<12} {}", plain(value));
            }
        }
        for entry in self.entries.iter().chain(self.end.as_ref()) {
            let mark = match entry.kind {
                Kind::Intent => "→",
                Kind::Effect => "✓",
                Kind::Begin | Kind::End => "■",
            };
            let since = entry.at.duration_since(l.begun).as_secs_f64();
            let line = format!("  {since:>7.1} s {mark} {:<13} {}", entry.step, plain(&entry.data));
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out
    }

    fn markdown(&self) -> String {
        format!("# {}\n\n```\n{}```\n", self.line.run, anstream::adapter::strip_str(&self.text(100)))
    }
}

/// A commit or the hash of a file.
fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A value on one line: texts bare, maps as `key value`, lists with commas.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if is_hash(text) => text[..7].to_owned(),
        Value::String(text) => text.lines().filter(|l| !l.trim().is_empty()).collect::<Vec<_>>().join(" · "),
        // What a list holds is in the journal; here its length and its first entries tell enough.
        Value::Array(items) if items.len() > 3 => format!("{} (first: {})", items.len(), plain(&items[0])),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(map) => {
            let told = map
                .iter()
                .filter(|(_, v)| !matches!(v, Value::Null | Value::Bool(false)) && **v != Value::Array(Vec::new()));
            told.map(|(k, v)| format!("{k} {}", plain(v))).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}
