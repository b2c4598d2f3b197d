//! Paths of fields, and the faults found at them.

use std::fmt;

use serde_json::Value;

use super::super::field_error::{FieldError, FieldErrorKind};

/// The path of a field: `spec.containers[0].image`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Path(String);

impl Path {
    /// Of a field at the top.
    pub(in super::super) fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Of a field below.
    pub(in super::super) fn child(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}.{name}", self.0)) }
    }

    /// Of an element of a list.
    pub(in super::super) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// Of an entry of a map.
    pub(in super::super) fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value as a fault shows it.
pub(in super::super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// A text in quotes as Go prints it.
pub(in super::super) fn quoted(text: &str) -> String {
    format!("{text:?}").replace("\\'", "'")
}

/// The faults of an object.
#[derive(Debug, Default)]
pub(in super::super) struct Faults(pub(in super::super) Vec<FieldError>);

impl Faults {
    pub(in super::super) fn required(&mut self, path: &Path, detail: &str) {
        self.0.push(FieldError::required(path.to_string(), detail));
    }

    pub(in super::super) fn invalid(&mut self, path: &Path, value: &Value, detail: &str) {
        self.0.push(FieldError::invalid(path.to_string(), &shown(value), detail));
    }

    pub(in super::super) fn invalid_text(&mut self, path: &Path, text: &str, detail: &str) {
        self.0.push(FieldError::invalid(path.to_string(), &quoted(text), detail));
    }

    pub(in super::super) fn forbidden(&mut self, path: &Path, detail: &str) {
        self.0.push(FieldError::forbidden(path.to_string(), detail));
    }

    pub(in super::super) fn duplicate(&mut self, path: &Path, value: &Value) {
        self.0.push(FieldError::duplicate(path.to_string(), &shown(value)));
    }

    pub(in super::super) fn duplicate_because(&mut self, path: &Path, value: &Value, why: &str) {
        let message = format!("Duplicate value: {}: {why}", shown(value));
        self.0.push(FieldError::new(FieldErrorKind::Duplicate, path.to_string(), message));
    }

    pub(in super::super) fn not_found(&mut self, path: &Path, value: &Value) {
        let message = format!("Not found: {}", shown(value));
        self.0.push(FieldError::new(FieldErrorKind::NotFound, path.to_string(), message));
    }

    pub(in super::super) fn too_long(&mut self, path: &Path, most: usize) {
        let message = format!("Too long: may not be more than {most} bytes");
        self.0.push(FieldError::new(FieldErrorKind::TooLong, path.to_string(), message));
    }

    pub(in super::super) fn unsupported(&mut self, path: &Path, value: &Value, allowed: &[&str]) {
        self.0.push(FieldError::not_supported(path.to_string(), &shown(value), allowed));
    }

    /// `Unsupported value` unless the value is one of those allowed; `Required value` if it is empty.
    pub(in super::super) fn one_of(&mut self, path: &Path, value: &Value, allowed: &[&str]) {
        let text = value.as_str().unwrap_or_default();
        if text.is_empty() {
            self.required(path, "");
        } else if !allowed.contains(&text) {
            self.unsupported(path, value, allowed);
        }
    }

    /// As [`Self::one_of`], for a field that may be absent.
    pub(in super::super) fn one_of_if_set(&mut self, path: &Path, value: &Value, allowed: &[&str]) {
        if !value.is_null() {
            self.one_of(path, value, allowed);
        }
    }

    /// Each message as a fault of its own.
    pub(in super::super) fn each(&mut self, path: &Path, text: &str, messages: Vec<String>) {
        for message in messages {
            self.invalid_text(path, text, &message);
        }
    }

    /// A number that must not be negative.
    pub(in super::super) fn nonnegative(&mut self, path: &Path, value: &Value) {
        if value.as_f64().is_some_and(|n| n < 0.0) {
            self.invalid(path, value, "must be greater than or equal to 0");
        }
    }

    /// `field is immutable` if two values differ.
    pub(in super::super) fn immutable(&mut self, path: &Path, new: &Value, old: &Value) {
        if new != old {
            self.invalid(path, new, "field is immutable");
        }
    }
}

/// The elements of a list with their paths.
pub(in super::super) fn each<'a>(list: &'a Value, path: &Path) -> impl Iterator<Item = (&'a Value, Path)> {
    let path = path.clone();
    list.as_array().into_iter().flatten().enumerate().map(move |(index, item)| (item, path.index(index)))
}

/// A field's text; empty if it is absent.
pub(in super::super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
