//! Values as Go's `fmt` prints them, for messages that a true server builds with it.

pub(super) use super::super::go_text::quote as quoted;

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
