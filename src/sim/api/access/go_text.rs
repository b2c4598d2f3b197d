//! Values as Go's `fmt` prints them, for messages that a true server builds with it.

use std::fmt::Write as _;

/// `%q` of a text.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `%q` of a list: `["a" "b"]`.
pub(super) fn quoted_list<S: AsRef<str>>(list: &[S]) -> String {
    let items: Vec<String> = list.iter().map(|item| quoted(item.as_ref())).collect();
    format!("[{}]", items.join(" "))
}

/// `%#v` of a `[]string`, nil where it is empty.
pub(super) fn go_strings(list: &[String]) -> String {
    if list.is_empty() {
        return "[]string(nil)".into();
    }
    let items: Vec<String> = list.iter().map(|item| quoted(item)).collect();
    format!("[]string{{{}}}", items.join(", "))
}

/// An aggregate of errors: the one alone, several in brackets; each text once.
pub(super) fn aggregate(errors: &[String]) -> String {
    let mut once: Vec<&str> = Vec::new();
    for error in errors {
        if !once.contains(&error.as_str()) {
            once.push(error);
        }
    }
    if once.len() == 1 { once[0].to_owned() } else { format!("[{}]", once.join(", ")) }
}
