//! Measuring and breaking lines.

use unicode_width::UnicodeWidthStr;

/// Columns that `text` takes on a terminal; ANSI styles take none.
pub fn width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().width()
}

/// Breaks `text` at blanks so that no line is wider than `columns`, unless a single word is. Words are never cut, so
/// that names and commands can be copied.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ').filter(|w| !w.is_empty()) {
            if !line.is_empty() && width(&line) + 1 + width(word) > columns {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_at_blanks_and_keeps_long_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a kubernetes/apps/data-platform b", 10), ["a", "kubernetes/apps/data-platform", "b"]);
        assert_eq!(wrap("", 10), [""]);
    }

    #[test]
    fn styles_take_no_columns() {
        assert_eq!(width(&super::super::style::paint(super::super::style::BAD, "✗ no")), 4);
    }
}
