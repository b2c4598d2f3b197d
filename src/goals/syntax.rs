//! From text to a syntax tree whose nodes know their place; anything but strict JSON is an error with its place.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use serde::de::IgnoredAny;

use crate::error::{Code, Error, Place};

/// What to do about a broken ledger.
const MEND: &str =
    "Mend it, or take an earlier one: git restore PATH; copies of earlier writes lie in .git/dpb/backups";

/// Strict JSON.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// A text, and the name that errors give it.
#[derive(Clone, Copy)]
pub(super) struct Source<'t> {
    pub(super) text: &'t str,
    pub(super) display: &'t str,
}

impl<'t> Source<'t> {
    /// A byte order mark belongs to the file, not to the JSON.
    pub(super) fn new(text: &'t str, display: &'t str) -> Self {
        Self { text: text.strip_prefix('\u{feff}').unwrap_or(text), display }
    }

    /// The tree of the text.
    pub(super) fn tree(self) -> Result<Value<'t>, Error> {
        serde_json::from_str::<IgnoredAny>(self.text).map_err(|error| self.not_json(&error))?;
        let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
        match parse_to_ast(self.text, &collect, &STRICT) {
            Ok(parsed) => parsed.value.ok_or_else(|| self.wrong(Range::new(0, 0), "the file is empty", "")),
            Err(error) => Err(self.wrong(error.range(), &lower(&error.kind().to_string()), "")),
        }
    }

    /// An error about a range of the text; an empty label is none.
    pub(super) fn wrong(self, range: Range, message: &str, label: &str) -> Error {
        let error = Error::new(Code::Ledger, format!("{}: {message}", self.display)).at(self.place(range, label));
        error.hint(MEND.replace("PATH", self.display))
    }

    /// Line of a byte, from 1.
    pub(super) fn line(self, byte: usize) -> usize {
        self.text[..byte].matches('\n').count() + 1
    }

    fn place(self, range: Range, label: &str) -> Place {
        let begin = self.text[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let column = self.text[begin..range.start].chars().count() + 1;
        let shown = self.text[range.start..range.end].lines().next().unwrap_or_default();
        let place = Place::new(self.display, self.line(range.start), column).with_source(self.text);
        let place = place.with_length(shown.chars().count());
        if label.is_empty() { place } else { place.with_label(label) }
    }

    /// The place of an error of `serde_json`, whose columns count bytes.
    fn not_json(self, error: &serde_json::Error) -> Error {
        if error.is_eof() {
            return self.cut_off();
        }
        let rendered = error.to_string();
        let message = rendered.split(" at line ").next().unwrap_or(&rendered);
        let begin = match error.line() {
            0 | 1 => 0,
            line => self.text.match_indices('\n').nth(line - 2).map_or(0, |(at, _)| at + 1),
        };
        let mut byte = (begin + error.column().max(1) - 1).min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let before = self.text[..byte].trim_end().chars().next_back();
        let label = match (before, self.text[byte..].chars().next()) {
            (_, Some('/' | '#')) => "JSON has no comments",
            (Some(','), Some('}' | ']')) => "no comma may stand after the last item",
            (_, Some('\'')) => "JSON quotes with \"",
            _ => "",
        };
        self.wrong(Range::new(byte, byte), &format!("this is no JSON: {message}"), label)
    }

    /// The file ends too early: where it ends, and what was left open.
    fn cut_off(self) -> Error {
        let end = self.text.trim_end().len();
        if end == 0 {
            return self.wrong(Range::new(0, 0), "the file is empty", "");
        }
        let last = self.text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
        let label = match innermost_open(self.text) {
            Some((at, c)) => format!("ends here; the `{c}` of line {} is not closed", self.line(at)),
            None => "ends here".to_owned(),
        };
        self.wrong(Range::new(last, end), "the file is cut off", &label)
    }
}

/// The innermost bracket that is not closed at the end of the text.
fn innermost_open(text: &str) -> Option<(usize, char)> {
    let (mut open, mut in_string, mut escaped) = (Vec::new(), false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '{' | '[' if !in_string => open.push((at, c)),
            '}' | ']' if !in_string => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

/// A value of an object, unless it is absent or null.
pub(super) fn get<'a, 't>(object: &'a Object<'t>, key: &str) -> Option<&'a Value<'t>> {
    let property = object.properties.iter().find(|property| property.name.as_str() == key)?;
    (!matches!(property.value, Value::NullKeyword(_))).then_some(&property.value)
}

/// What a value is, in words.
pub(super) fn word(value: &Value) -> &'static str {
    match value {
        Value::StringLit(_) => "text",
        Value::NumberLit(_) => "a number",
        Value::BooleanLit(_) => "true or false",
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::NullKeyword(_) => "null",
    }
}

/// The value of a node as plain JSON.
pub(super) fn plain(source: Source, value: &Value) -> serde_json::Value {
    serde_json::from_str(value.text(source.text)).unwrap_or_default()
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |c| c.to_lowercase().chain(letters).collect())
}
