//! The page of an objective: what its template says, then what this run adds to it.

use std::fmt::Write;

use serde_json::Value;

use crate::check::Verdict;
use crate::settings::Settings;

use super::Session;
use super::evidence::Evidence;

/// The rendered page with its evidence, what was overridden, and what was customised.
pub(super) fn with_evidence(session: &Session, text: &str, evidence: &Evidence<'_>) -> String {
    let mut out = text.trim_end().to_owned();
    let day = jiff::Zoned::now().strftime("%Y-%m-%d");
    let how = if evidence.adopted { "adopted" } else { "delivered" };
    let _ = write!(
        out,
        "\n\n## Evidence\n\nProved on {day} on {}, {how} by run `{}`",
        session.cluster_name(),
        evidence.run
    );
    let _ = match evidence.commit {
        Some(commit) => writeln!(out, " in commit `{commit}`.\n"),
        None => writeln!(out, ".\n"),
    };
    out += "| check | verdict | seen |\n|---|---|---|\n";
    for check in evidence.checks {
        let verdict = match check.verdict {
            Verdict::Pass => "pass",
            Verdict::Warn => "warning",
            Verdict::Fail => "fail",
            Verdict::Skip => "skipped",
            Verdict::Unknown => "unknown",
        };
        let _ = writeln!(out, "| {} | {verdict} | {} |", cell(&check.name), cell(&check.seen));
    }
    out += "\n## Overridden\n\n";
    match evidence.reason {
        None => out += "Nothing.\n",
        Some(reason) => {
            let _ = writeln!(out, "{reason}\n");
            if evidence.triggers {
                out += "- no trigger was met\n";
            }
            for line in &evidence.overridden {
                let _ = writeln!(out, "- {line}");
            }
        }
    }
    out += "\n## Customised\n\n";
    let differing = customised(session);
    if differing.is_empty() {
        out += "Every setting has its default, and every script is the shipped one.\n";
    }
    for line in differing {
        let _ = writeln!(out, "- {line}");
    }
    out
}

/// Settings that differ from their defaults, and scripts that the repository brings itself.
fn customised(session: &Session) -> Vec<String> {
    let mut lines = Vec::new();
    differences("", &Settings::default().as_value(), &session.settings.as_value(), &mut lines);
    for folder in ["phases", "lib"] {
        for (path, origin) in session.library.files(folder).unwrap_or_default() {
            if origin == crate::script::library::Origin::Repository {
                lines.push(format!("`scripts/{path}` is the repository's own"));
            }
        }
    }
    lines
}

fn differences(prefix: &str, default: &Value, now: &Value, lines: &mut Vec<String>) {
    match (default, now) {
        (Value::Object(default), Value::Object(now)) => {
            for (key, value) in now {
                let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                differences(&path, default.get(key).unwrap_or(&Value::Null), value, lines);
            }
        }
        (default, now) if default != now => {
            lines.push(format!("`{prefix}`: `{}` in place of `{}`", bare(now), bare(default)));
        }
        _ => {}
    }
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A cell must not end its row.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_listed() {
        let mut lines = Vec::new();
        differences(
            "",
            &json!({"a": 1, "b": {"c": "x", "d": true}}),
            &json!({"a": 1, "b": {"c": "y", "d": true}}),
            &mut lines,
        );
        assert_eq!(lines, ["`b.c`: `y` in place of `x`"]);
    }
}
