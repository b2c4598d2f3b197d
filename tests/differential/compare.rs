//! Two answers to one request, field by field.

use std::fmt::Write as _;

use serde_json::Value;
use similar::TextDiff;

use crate::golden::sorted;

/// Where two answers differ, as `body.metadata.labels.app` or `events[2].type`.
pub(crate) fn differences(truth: &Value, other: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(truth, other, String::new(), &mut found);
    found
}

fn walk(truth: &Value, other: &Value, at: String, found: &mut Vec<String>) {
    match (truth, other) {
        (Value::Object(a), Value::Object(b)) => {
            let only_b = b.keys().filter(|k| !a.contains_key(*k));
            for key in a.keys().chain(only_b) {
                let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                match (a.get(key), b.get(key)) {
                    (Some(x), Some(y)) => walk(x, y, at, found),
                    _ => found.push(at),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for (i, (x, y)) in a.iter().zip(b).enumerate() {
                walk(x, y, format!("{at}[{i}]"), found);
            }
            for i in a.len().min(b.len())..a.len().max(b.len()) {
                found.push(format!("{at}[{i}]"));
            }
        }
        (a, b) if a == b => {}
        _ => found.push(at),
    }
}

/// The lines that differ, with a little of what is around them.
pub(crate) fn shown(truth: &Value, other: &Value) -> String {
    let pretty = |v: &Value| format!("{:#}\n", sorted(v));
    let (truth, other) = (pretty(truth), pretty(other));
    let diff = TextDiff::from_lines(truth.as_str(), other.as_str());
    let mut out = String::new();
    let text = diff.unified_diff().context_radius(3).header("true server", "simulator").to_string();
    for (i, line) in text.lines().enumerate() {
        if i == 80 {
            let _ = writeln!(out, "    … {} more lines", text.lines().count() - i);
            break;
        }
        let _ = writeln!(out, "    {line}");
    }
    out
}
