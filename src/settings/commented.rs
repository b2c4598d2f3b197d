//! The commented `dpb.yaml` that `dpb init` writes, made from the table of settings.

use serde_json::Value;

use super::{Entry, Setting, Settings};

/// What stands above the first key.
const HEAD: [&str; 2] = [
    "# Settings of the data platform, read by dpb. Every key is optional: one that is left out has the value that",
    "# this file was first written with. A key that dpb does not know is an error.",
];

/// Every setting with its explanation and its default, as YAML.
pub fn commented() -> String {
    let mut lines: Vec<String> = HEAD.map(str::to_owned).to_vec();
    add(&mut lines, &Settings::entries(), &Settings::default().as_value(), 0);
    lines.push(String::new());
    lines.join("\n")
}

fn add(lines: &mut Vec<String>, entries: &[Entry], values: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    for entry in entries {
        if depth == 0 {
            lines.push(String::new());
        }
        // Backticks are for rustdoc; in YAML they only disturb.
        lines.extend(entry.doc.iter().map(|line| format!("{indent}# {}", line.trim().replace('`', ""))));
        let value = &values[entry.name];
        if entry.children.is_empty() {
            lines.push(format!("{indent}{}: {}", entry.name, scalar(value)));
        } else {
            lines.push(format!("{indent}{}:", entry.name));
            add(lines, &entry.children, value, depth + 1);
        }
    }
}

/// A plain value as YAML: text bare where no reader could take it for something else, else as JSON (which is YAML).
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_bare(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_bare(text: &str) -> bool {
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let inner = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    !words.contains(&text.to_ascii_lowercase().as_str())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| inner(c) || c == ':')
        && !text.ends_with(':')
        && (text.contains(|c: char| c.is_ascii_alphabetic()) && text.parse::<f64>().is_err())
        && (!text.starts_with(|c: char| c.is_ascii_digit()) || !text.contains(':'))
}
