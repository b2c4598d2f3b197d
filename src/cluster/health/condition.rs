//! `status.conditions` of an object.

use serde_json::Value;

/// One entry of `status.conditions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its type (`Ready`).
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Reason in one word.
    pub reason: String,
    /// The reason in words.
    pub message: String,
    /// The generation that it speaks of, where it says so.
    pub observed_generation: Option<i64>,
    /// Since when (RFC 3339).
    pub since: Option<String>,
}

impl Condition {
    /// Whether its status is `True`.
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }

    /// Message and reason in one line.
    pub fn text(&self) -> String {
        let message = self.message.split_whitespace().collect::<Vec<_>>().join(" ");
        match (self.reason.as_str(), message.as_str()) {
            ("", "") => format!("{} is {}", self.kind, self.status),
            ("", message) => message.to_owned(),
            (reason, "") => reason.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }
}

/// All conditions of an object.
pub fn conditions(object: &Value) -> Vec<Condition> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let condition = |c: &Value| Condition {
        kind: text(&c["type"]),
        status: text(&c["status"]),
        reason: text(&c["reason"]),
        message: text(&c["message"]),
        observed_generation: c["observedGeneration"].as_i64(),
        since: c["lastTransitionTime"].as_str().map(Into::into),
    };
    object["status"]["conditions"].as_array().into_iter().flatten().map(condition).collect()
}

/// One condition by its type.
pub fn condition(object: &Value, kind: &str) -> Option<Condition> {
    conditions(object).into_iter().find(|c| c.kind == kind)
}
