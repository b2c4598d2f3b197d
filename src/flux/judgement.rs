//! What one version of an object says about our delivery, and how its status is read.

use serde_json::Value;

/// What one version of an object says about our delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It holds what was delivered, and works.
    Ready,
    /// Not yet; the text says what it waits for.
    Waiting(String),
    /// It can no longer become ready by itself; the text says why.
    Failed(String),
}

impl Judgement {
    /// Shorthand for [`Judgement::Waiting`].
    pub(crate) fn waiting(reason: impl Into<String>) -> Self {
        Self::Waiting(reason.into())
    }

    /// Shorthand for [`Judgement::Failed`].
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }

    /// The text of a judgement that is not [`Judgement::Ready`].
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::Waiting(reason) | Self::Failed(reason) => Some(reason),
        }
    }
}

/// One entry of `status.conditions`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Condition<'a> {
    /// `True`, `False` or `Unknown`.
    pub status: &'a str,
    /// One word in camel case.
    pub reason: &'a str,
    /// A sentence.
    pub message: &'a str,
    /// The generation that this condition was written for.
    pub observed: Option<i64>,
}

impl Condition<'_> {
    /// `Reason: message`, on one line.
    pub(crate) fn text(&self) -> String {
        let message = one_line(self.message);
        match (self.reason.is_empty(), message.is_empty()) {
            (false, false) => format!("{}: {message}", self.reason),
            (false, true) => self.reason.to_string(),
            (true, _) => message,
        }
    }
}

/// The condition of this type, if the object has one.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<Condition<'a>> {
    let list = object.pointer("/status/conditions")?.as_array()?;
    let found = list.iter().find(|c| c.get("type").and_then(Value::as_str) == Some(kind))?;
    let word = |key| found.get(key).and_then(Value::as_str).unwrap_or_default();
    Some(Condition {
        status: word("status"),
        reason: word("reason"),
        message: word("message"),
        observed: found.get("observedGeneration").and_then(Value::as_i64),
    })
}

/// A string at a JSON pointer; empty when absent.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number at a JSON pointer.
pub(crate) fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// `spec.suspend`.
pub(crate) fn is_suspended(object: &Value) -> bool {
    object.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or(false)
}

/// `metadata.generation`; 0 when absent.
pub(crate) fn generation(object: &Value) -> i64 {
    number(object, "/metadata/generation").unwrap_or_default()
}

/// Whether `status.observedGeneration` is the object's generation. Objects without the field at all are taken as
/// observed only when they have no generation either.
pub(crate) fn is_observed(object: &Value) -> bool {
    match number(object, "/status/observedGeneration") {
        Some(observed) => observed == generation(object),
        None => generation(object) == 0,
    }
}

/// Whether a condition speaks of the object's present generation. A condition without `observedGeneration` can't say,
/// and is believed.
pub(crate) fn is_current(object: &Value, condition: &Condition<'_>) -> bool {
    condition.observed.is_none_or(|observed| observed == generation(object))
}

/// `namespace/name` of an object.
pub(crate) fn full_name(object: &Value) -> String {
    let (namespace, name) = (text(object, "/metadata/namespace"), text(object, "/metadata/name"));
    if namespace.is_empty() { name.to_string() } else { format!("{namespace}/{name}") }
}

/// Folds whitespace, so that a message fits in one line.
pub(crate) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
