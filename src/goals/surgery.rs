//! Changing single values in a JSON text, every other character kept.

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::syntax::Source;
use crate::error::{Code, Error, Result};

/// A step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A key of an object.
    Key(String),
    /// An index of a list, from 0.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The value at `path` as it is written; `None` when it isn't there.
pub(super) fn raw(text: &str, display: &str, path: &[Step]) -> Result<Option<String>> {
    let source = Source::new(text, display);
    let tree = source.tree()?;
    let (value, rest) = walk(&tree, path);
    Ok(rest.is_empty().then(|| value.text(source.text).to_owned()))
}

/// Sets the value at `path` to what is written in `raw`, character by character.
pub(super) fn set_raw(text: &str, display: &str, path: &[Step], raw: &str) -> Result<String> {
    let value = serde_json::from_str(raw).map_err(|error| Error::new(Code::Internal, format!("no JSON: {error}")))?;
    // Made first where it isn't there yet, then replaced by the very characters.
    let text = set(text, display, path, &value)?;
    let source = Source::new(&text, display);
    let tree = source.tree()?;
    let range = walk(&tree, path).0.range();
    Ok(splice(&text, source.text, range.start, range.end, raw))
}

/// Sets the value at `path`; objects on the way that are not there are made. Equal values are left as written.
pub(super) fn set(text: &str, display: &str, path: &[Step], value: &serde_json::Value) -> Result<String> {
    let source = Source::new(text, display);
    let tree = source.tree()?;
    let (found, rest) = walk(&tree, path);
    let layout = Layout::of(source, &tree);
    let (start, end, new) = match (found, rest) {
        (old, []) => {
            if super::warnings::same(&super::syntax::plain(source, old), value) {
                return Ok(text.to_owned());
            }
            let range = old.range();
            (range.start, range.end, layout.render(value, source.text, range.start))
        }
        (Value::Object(object), [Step::Key(key), deeper @ ..]) => {
            let value = deeper.iter().rev().try_fold(value.clone(), |inner, step| match step {
                Step::Key(key) => Ok(serde_json::json!({ key: inner })),
                Step::Index(_) => Err(no_such(display, path)),
            })?;
            layout.append(source.text, object, key, &value)
        }
        _ => return Err(no_such(display, path)),
    };
    Ok(splice(text, source.text, start, end, &new))
}

/// Takes the key at `path` away, with the comma that goes with it; nothing happens when it isn't there.
pub(super) fn remove(text: &str, display: &str, path: &[Step]) -> Result<String> {
    let source = Source::new(text, display);
    let tree = source.tree()?;
    let Some((Step::Key(key), above)) = path.split_last() else { return Err(no_such(display, path)) };
    let (Value::Object(object), []) = walk(&tree, above) else { return Ok(text.to_owned()) };
    let Some(at) = object.properties.iter().position(|property| property.name.as_str() == key) else {
        return Ok(text.to_owned());
    };
    let property = |at: usize| object.properties.get(at);
    let range = object.properties[at].range();
    let (start, end, new) = match (at.checked_sub(1).and_then(property), property(at + 1)) {
        (Some(before), _) => (before.end(), range.end, ""),
        (None, Some(after)) => (range.start, after.start(), ""),
        (None, None) => (object.range.start, object.range.end, "{}"),
    };
    Ok(splice(text, source.text, start, end, new))
}

/// As far as the path leads, and what is left of it.
fn walk<'a, 't, 'p>(tree: &'a Value<'t>, path: &'p [Step]) -> (&'a Value<'t>, &'p [Step]) {
    let (mut value, mut rest) = (tree, path);
    while let Some((step, deeper)) = rest.split_first() {
        let inner = match (value, step) {
            (Value::Object(object), Step::Key(key)) => {
                object.properties.iter().find(|property| property.name.as_str() == key).map(|property| &property.value)
            }
            (Value::Array(array), Step::Index(index)) => array.elements.get(*index),
            _ => None,
        };
        match inner {
            Some(inner) => (value, rest) = (inner, deeper),
            None => break,
        }
    }
    (value, rest)
}

fn no_such(display: &str, path: &[Step]) -> Error {
    let words = path.iter().map(|step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => index.to_string(),
    });
    let path = words.collect::<Vec<_>>().join(".");
    Error::new(Code::Ledger, format!("{display}: `{path}` can't be set: there is no such place"))
}

/// Replaces a range of the JSON inside the whole text (which may begin with a byte order mark).
fn splice(whole: &str, json: &str, start: usize, end: usize, new: &str) -> String {
    let mark = whole.len() - json.len();
    format!("{}{new}{}", &whole[..mark + start], &whole[mark + end..])
}

/// How a text is laid out.
struct Layout {
    /// What a level is indented by; `None` when the text has no lines.
    unit: Option<String>,
    newline: &'static str,
    /// Between a key's closing quote and its value.
    colon: String,
}

impl Layout {
    fn of(source: Source, tree: &Value) -> Self {
        let text = source.text;
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let first = match tree {
            Value::Object(object) => object.properties.first().map(|property| (object, property)),
            _ => None,
        };
        let unit = first.and_then(|(object, property)| own_line(&text[object.range.start + 1..property.range.start]));
        let colon = first.map_or(": ".to_owned(), |(_, property)| between(text, property).to_owned());
        Self { unit: unit.map(|unit| if unit.is_empty() { "  ".to_owned() } else { unit }), newline, colon }
    }

    /// A value as it would stand at a place of the text: over several lines where the text has them.
    fn render(&self, value: &serde_json::Value, text: &str, at: usize) -> String {
        let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let blank = |c: char| c == ' ' || c == '\t';
        let indent: String = text[line..at].chars().take_while(|c| blank(*c)).collect();
        self.write(value, &indent)
    }

    fn write(&self, value: &serde_json::Value, indent: &str) -> String {
        let deeper = format!("{indent}{}", self.unit.as_deref().unwrap_or_default());
        let items: Vec<String> = match value {
            serde_json::Value::Object(map) => {
                let colon = &self.colon;
                map.iter().map(|(key, v)| format!("{}{colon}{}", quoted(key), self.write(v, &deeper))).collect()
            }
            serde_json::Value::Array(list) => list.iter().map(|item| self.write(item, &deeper)).collect(),
            other => return other.to_string(),
        };
        let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
        match &self.unit {
            _ if items.is_empty() => format!("{open}{close}"),
            None => format!("{open}{}{close}", items.join(",")),
            Some(_) => {
                let newline = self.newline;
                let joined = items.join(&format!(",{newline}{deeper}"));
                format!("{open}{newline}{deeper}{joined}{newline}{indent}{close}")
            }
        }
    }

    /// Where and what to insert for one more key at the end of an object, laid out as the keys that it has.
    fn append(&self, text: &str, object: &Object, key: &str, value: &serde_json::Value) -> (usize, usize, String) {
        let Some(last) = object.properties.last() else {
            let whole = serde_json::json!({ key: value });
            return (object.range.start, object.range.end, self.render(&whole, text, object.range.start));
        };
        let before = object.properties.iter().rev().nth(1);
        let from = before.map_or(object.range.start + 1, |before| {
            let end = before.range.end;
            end + text[end..].find(',').map_or(0, |comma| comma + 1)
        });
        let gap = &text[from..last.range.start];
        let colon = between(text, last);
        let value = match own_line(gap) {
            Some(indent) => self.write(value, &indent),
            None => value.to_string(),
        };
        (last.range.end, last.range.end, format!(",{gap}{}{colon}{value}", quoted(key)))
    }
}

/// The indentation that a gap ends with, when it holds a line end.
fn own_line(gap: &str) -> Option<String> {
    gap.rfind('\n').map(|newline| gap[newline + 1..].to_owned())
}

/// What stands between a key and its value.
fn between<'s>(text: &'s str, property: &ObjectProp) -> &'s str {
    &text[property.name.end()..property.value.start()]
}

fn quoted(key: &str) -> String {
    serde_json::Value::from(key).to_string()
}
