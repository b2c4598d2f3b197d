//! Writes an object as YAML the way Flux has it before it puts variables in: it matters which texts stand without
//! quotes, since `"${REPLICAS}"` becomes a number that way.

use serde_json::Value;

use super::super::scalar;

/// An object as YAML.
pub(super) fn write(value: &Value) -> String {
    let mut out = String::new();
    node(value, 0, &mut out);
    out
}

fn node(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                pad(indent, out);
                out.push_str(&single_line(key));
                out.push(':');
                child(value, indent, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                pad(indent, out);
                out.push('-');
                child(item, indent, out);
            }
        }
        other => {
            scalar_text(other, indent, out);
            out.push('\n');
        }
    }
}

fn child(value: &Value, indent: usize, out: &mut String) {
    let nested = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        out.push('\n');
        node(value, indent + 2, out);
    } else {
        out.push(' ');
        scalar_text(value, indent + 2, out);
        out.push('\n');
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn scalar_text(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(_) => out.push_str("{}"),
        Value::Array(_) => out.push_str("[]"),
        Value::String(text) if text.contains('\n') && Shape::of(text).block => literal(text, indent, out),
        Value::String(text) => out.push_str(&single_line(text)),
        other => out.push_str(&other.to_string()),
    }
}

fn literal(text: &str, indent: usize, out: &mut String) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    let body = text.trim_end_matches('\n');
    match text.len() - body.len() {
        0 => out.push('-'),
        1 if !body.is_empty() => {}
        _ => out.push('+'),
    }
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(indent, out);
            out.push_str(line);
        }
    }
}

/// A text on one line: plain where that is safe and means a text, else in single or double quotes.
fn single_line(text: &str) -> String {
    let shape = Shape::of(text);
    if text.contains('\n') || !is_text(text) {
        return double_quoted(text);
    }
    if shape.plain {
        return text.to_owned();
    }
    if shape.single { format!("'{}'", text.replace('\'', "''")) } else { double_quoted(text) }
}

/// Whether a plain scalar would be read as this text.
fn is_text(text: &str) -> bool {
    text != "<<"
        && !is_base_60(text)
        && scalar::plain_old(text).as_ref().and_then(Value::as_str) == Some(text)
        && scalar::plain(text).as_ref().and_then(Value::as_str) == Some(text)
}

/// `1:30` was a number once and is quoted ever since.
fn is_base_60(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = rest.split(':');
    let digits = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_digit() || c == '_');
    parts.next().is_some_and(|first| digits(first) && first.starts_with(|c: char| c.is_ascii_digit()))
        && rest.contains(':')
        && parts.all(|p| {
            let (whole, fraction) = p.split_once('.').unwrap_or((p, "0"));
            digits(fraction) && digits(whole) && whole.len() <= 2 && (whole.len() == 1 || whole < "60")
        })
}

fn double_quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Which styles a text can be written in.
struct Shape {
    plain: bool,
    single: bool,
    block: bool,
}

impl Shape {
    /// The analysis of libyaml's emitter.
    fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let (Some(first), Some(last)) = (chars.first(), chars.last()) else {
            return Self { plain: true, single: true, block: false };
        };
        let blank = |c: Option<&char>| c.is_none_or(|c| matches!(c, ' ' | '\t' | '\n'));
        let indicator = text.starts_with("---")
            || text.starts_with("...")
            || "#,[]{}&*!|>'\"%@`".contains(*first)
            || ("?:-".contains(*first) && blank(chars.get(1)))
            || chars.windows(2).any(|w| w[0] == ':' && blank(w.get(1)))
            || *last == ':'
            || chars.windows(2).any(|w| w[1] == '#' && blank(w.first()));
        let special = chars.iter().any(|c| !is_printable(*c));
        let space_break = chars.windows(2).any(|w| w[0] == ' ' && w[1] == '\n');
        let break_space = chars.windows(2).any(|w| w[0] == '\n' && w[1] == ' ');
        let edge = [first, last].iter().any(|c| matches!(c, ' ' | '\n'));
        let breaks = chars.contains(&'\n');
        Self {
            plain: !(indicator || special || edge || breaks),
            single: !(special || space_break || break_space),
            block: !(special || space_break || *last == ' '),
        }
    }
}

/// Whether the emitter takes a character as it is (tabs and emoji it does not).
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::yaml::{Source, documents};
    use super::*;

    #[test]
    fn texts_are_quoted_as_go_quotes_them() {
        for (text, written) in [
            ("${A}", "${A}"),
            ("a: b", "'a: b'"),
            ("on", "\"on\""),
            ("12", "\"12\""),
            ("1:30", "\"1:30\""),
            ("", "\"\""),
            ("# x", "'# x'"),
            ("{${A}}", "'{${A}}'"),
            ("a\tb", "\"a\\tb\""),
            ("2024-01-01", "\"2024-01-01\""),
            ("it's", "it's"),
        ] {
            assert_eq!(single_line(text), written, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let object = json!({
            "a": ["x", {"b": "1\n 2\n"}, [], {}, "  lead\nx", "tail \n", "two\n\n"],
            "c": {"yes": "no", "n": null, "t": true, "f": 1.5, "nl": "\n", "e": "\u{1f600} \u{7}"},
        });
        let text = write(&object);
        let nodes = documents(Source { text: &text, display: "x" }).unwrap();
        assert_eq!(nodes[0].value(), object, "{text}");
    }
}
