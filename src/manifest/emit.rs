//! Values as YAML in the style that people write: block collections, lists indented by two, quotes only where needed.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The value as YAML text, with a final newline. Keys keep their order, long lines stay whole.
pub fn emit(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => mapping(&mut out, map, 0),
        Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0),
        other => {
            inline(&mut out, other, 0);
            out.push('\n');
        }
    }
    out
}

/// A string as a YAML scalar on one line: plain where every YAML reader takes it as this string, else in double quotes.
pub fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quote(text) }
}

/// A string in double quotes, escaped as both YAML and JSON read it.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 || ('\u{7f}'..='\u{9f}').contains(&c) || !is_printable(c) => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn mapping(out: &mut String, map: &Map<String, Value>, indent: usize) {
    for (i, (key, value)) in map.iter().enumerate() {
        if i > 0 {
            pad(out, indent);
        }
        out.push_str(&scalar(key));
        out.push(':');
        under_key(out, value, indent);
    }
}

/// What follows `key:`, up to and with the newline.
fn under_key(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            pad(out, indent + 2);
            mapping(out, map, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            pad(out, indent + 2);
            sequence(out, items, indent + 2);
        }
        other => {
            out.push(' ');
            inline(out, other, indent + 2);
            out.push('\n');
        }
    }
}

fn sequence(out: &mut String, items: &[Value], indent: usize) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            pad(out, indent);
        }
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => mapping(out, map, indent + 2),
            Value::Array(inner) if !inner.is_empty() => sequence(out, inner, indent + 2),
            other => {
                inline(out, other, indent + 2);
                out.push('\n');
            }
        }
    }
}

/// A scalar or an empty collection; a string of several lines becomes a literal block whose lines stand at `indent`.
fn inline(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&n.to_string()),
        Value::String(s) if is_block(s) => block(out, s, indent.max(2)),
        Value::String(s) => out.push_str(&scalar(s)),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// Whether a text of several lines reads back unchanged as a literal block without an indentation indicator.
fn is_block(text: &str) -> bool {
    let body = text.trim_end_matches('\n');
    body.contains('\n')
        && !body.starts_with([' ', '\n', '\t'])
        && body.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))
        && body.lines().all(|line| !line.ends_with([' ', '\t', '\r']))
        && !body.lines().any(|line| line.starts_with('\t'))
}

fn block(out: &mut String, text: &str, indent: usize) {
    let body = text.trim_end_matches('\n');
    let newlines = text.len() - body.len();
    out.push_str(match newlines {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
    }
    for _ in 1..newlines {
        out.push('\n');
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Whether a plain scalar reads back as this very string in YAML 1.1 and 1.2, in block and in flow collections.
fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let starts_like_syntax = matches!(
        first,
        '-' | '?'
            | ':'
            | ','
            | '['
            | ']'
            | '{'
            | '}'
            | '#'
            | '&'
            | '*'
            | '!'
            | '|'
            | '>'
            | '\''
            | '"'
            | '%'
            | '@'
            | '`'
            | '='
    );
    let starts_ok = !starts_like_syntax
        || (first == '-' && text.chars().nth(1).is_some_and(|c| c.is_ascii_alphabetic()) && !text.starts_with("---"));
    starts_ok
        && !text.starts_with(' ')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains(['[', ']', '{', '}', ','])
        && text.chars().all(is_printable)
        && !text.starts_with("...")
        && !looks_typed(text)
}

/// Whether a plain scalar would be taken as null, a boolean, a number or a date by some YAML reader.
fn looks_typed(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), "~" | "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "<<") {
        return true;
    }
    let unsigned = lower.strip_prefix(['+', '-']).unwrap_or(&lower);
    if matches!(unsigned, ".inf" | ".nan") {
        return true;
    }
    let digits_first = unsigned.starts_with(|c: char| c.is_ascii_digit())
        || (unsigned.starts_with('.') && unsigned[1..].starts_with(|c: char| c.is_ascii_digit()));
    // Numbers, octals, hex, sexagesimals (`10:30`) and dates use nothing but these characters.
    digits_first
        && unsigned.chars().all(|c| {
            c.is_ascii_digit()
                || matches!(c, '.' | '_' | ':' | '-' | '+' | 'e' | 'x' | 'o' | 'b' | 'a' | 'c' | 'd' | 'f' | 't' | 'z')
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::manifest::yaml;

    #[test]
    fn writes_as_people_do() {
        let value = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "metadata": {"name": "hive-metastore", "labels": {"app.kubernetes.io/name": "hive-metastore"}},
            "spec": {
                "dependsOn": [{"name": "a", "namespace": "b"}, {"name": "c"}],
                "interval": "30m", "prune": true, "replicas": 1, "none": null, "empty": {}, "nothing": [],
                "args": ["--flag=x", "-c", "0644", "yes", "a: b", "10:30", ""],
                "script": "set -e\necho 1\n",
            },
        });
        let expected = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
metadata:
  name: hive-metastore
  labels:
    app.kubernetes.io/name: hive-metastore
spec:
  dependsOn:
    - name: a
      namespace: b
    - name: c
  interval: 30m
  prune: true
  replicas: 1
  none: null
  empty: {}
  nothing: []
  args:
    - \"--flag=x\"
    - -c
    - \"0644\"
    - \"yes\"
    - \"a: b\"
    - \"10:30\"
    - \"\"
  script: |
    set -e
    echo 1
";
        assert_eq!(emit(&value), expected);
        assert_eq!(yaml::document(expected, "x").unwrap(), value);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "[ -~]{0,12}",
            "[a-z:# \\-\n\t\"'\\\\]{0,16}",
            "[0-9.eExo_:+-]{1,6}",
            any::<String>(),
            Just("yes".to_owned()),
            Just("a\n\nb\n\n".to_owned()),
            Just("\n".to_owned()),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(text.clone(), inner, 0..5)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn whatever_is_written_reads_back(value in any_value()) {
            let text = emit(&value);
            let back = yaml::documents(&text, "x").unwrap();
            let back = back.into_iter().next().map_or(Value::Null, |d| d.value);
            prop_assert_eq!(back, value, "{}", text);
        }
    }
}
