//! `metav1.Status`: how the API server says no. Messages, reasons and details follow `apimachinery/pkg/api/errors`.

use std::fmt;

use serde_json::{Map, Value, json};

use super::field_error::FieldError;
use super::gvr::Gvr;

/// A refusal of the API server.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    code: u16,
    reason: &'static str,
    message: String,
    details: Map<String, Value>,
    continue_token: Option<String>,
    plain: bool,
}

impl Status {
    /// Any refusal: HTTP code, reason (may be empty), message.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, reason, message, details: Map::new(), continue_token: None, plain: false }
    }

    /// 404 for an object that is not there.
    pub fn not_found(resource: &Gvr, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.resource());
        Self::new(404, "NotFound", message).about(resource, name)
    }

    /// 404 of a path under which nothing is served, as the mux of API groups answers it.
    pub fn no_such_path() -> Self {
        Self { plain: true, ..Self::new(404, "", "404 page not found") }
    }

    /// 404 of a resource that a served group and version does not have.
    pub fn no_such_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    /// 409 for a name that is taken.
    pub fn already_exists(resource: &Gvr, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.resource());
        Self::new(409, "AlreadyExists", message).about(resource, name)
    }

    /// 409 for a write that would go over somebody else's.
    pub fn conflict(resource: &Gvr, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.resource());
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// 409 for an object that was written since it was read.
    pub fn modified(resource: &Gvr, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// 422 for an object with faulty fields.
    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let mut lines: Vec<String> = Vec::new();
        for line in errors.iter().map(FieldError::line) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let lines = if lines.len() == 1 { lines.remove(0) } else { format!("[{}]", lines.join(", ")) };
        let full = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut status = Self::new(422, "Invalid", format!("{full} \"{name}\" is invalid: {lines}"));
        status.name_kind(name, group, kind);
        let causes = errors.iter().map(|e| json!({"reason": e.kind.reason(), "message": e.message, "field": e.field}));
        status.details.insert("causes".into(), causes.collect());
        status
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 403 by admission or by the authorizer, for an object of a resource; an empty name is said as such.
    pub fn forbidden(resource: &Gvr, name: &str, why: &str) -> Self {
        let what = resource.resource();
        let message = match (what.is_empty(), name.is_empty()) {
            (true, _) => format!("forbidden: {why}"),
            (false, true) => format!("{what} is forbidden: {why}"),
            (false, false) => format!("{what} \"{name}\" is forbidden: {why}"),
        };
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    /// 403 of a path that is no resource.
    pub fn forbidden_path(message: impl Into<String>) -> Self {
        Self::new(403, "Forbidden", message).with_empty_details()
    }

    /// 405 for a verb that a resource does not have.
    pub fn method_not_allowed(resource: &Gvr, verb: &str) -> Self {
        let message = format!("{verb} is not supported on resources of kind \"{}\"", resource.resource());
        let mut status = Self::new(405, "MethodNotAllowed", message);
        status.name_kind("", &resource.group, &resource.plural);
        status
    }

    /// 406 for a client that takes none of the served media types.
    pub fn not_acceptable(served: &[&str]) -> Self {
        let message = format!("only the following media types are accepted: {}", served.join(", "));
        Self::new(406, "NotAcceptable", message)
    }

    /// 410 for a version of the past that is not kept any more.
    pub fn gone(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 415 for a body in a form that is not read.
    pub fn unsupported_media(served: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            served.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 413.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(413, "RequestEntityTooLarge", format!("Request entity is too large: {}", message.into()))
    }

    /// 500.
    pub fn internal(why: impl fmt::Display) -> Self {
        let mut status = Self::new(500, "InternalError", format!("Internal error occurred: {why}"));
        status.details.insert("causes".into(), json!([{"message": why.to_string()}]));
        status
    }

    /// 501 for what the simulator cannot do and the true server could; `what` names it.
    pub fn not_simulated(what: impl fmt::Display) -> Self {
        Self::new(501, "NotImplemented", format!("unknown to the simulator: {what}"))
    }

    /// 503.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(503, "ServiceUnavailable", message)
    }

    /// 504 with a hint when to try again.
    pub fn timeout(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        Self::new(504, "Timeout", format!("Timeout: {}", message.into())).retry_after(retry_after_seconds)
    }

    /// 429 with a hint when to try again.
    pub fn too_many(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        Self::new(429, "TooManyRequests", message).retry_after(retry_after_seconds)
    }

    /// 422 that names no field, as for a patch that does not fit.
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(422, "Invalid", message)
    }

    /// With `details` even if they are empty, as the true server gives them for some refusals.
    #[must_use]
    pub fn with_empty_details(mut self) -> Self {
        self.details.entry("").or_insert(Value::Null);
        self
    }

    /// With `details` of a resource and a name.
    #[must_use]
    pub fn about(mut self, resource: &Gvr, name: &str) -> Self {
        self.name_kind(name, &resource.group, &resource.plural);
        self
    }

    /// With causes: reason, message and field of each.
    #[must_use]
    pub fn with_causes(mut self, causes: &[(&str, &str, &str)]) -> Self {
        let causes = causes.iter().map(|(reason, message, field)| {
            let parts = [("reason", reason), ("message", message), ("field", field)];
            let set = parts.iter().filter(|(_, value)| !value.is_empty());
            set.map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<Map<String, Value>>()
        });
        self.details.insert("causes".into(), causes.map(Value::Object).collect());
        self
    }

    /// With `metadata.continue`, for a list that can be gone on with all the same.
    #[must_use]
    pub fn with_continue(mut self, token: String) -> Self {
        self.continue_token = Some(token);
        self
    }

    #[must_use]
    fn retry_after(mut self, seconds: u32) -> Self {
        self.details.insert("retryAfterSeconds".into(), json!(seconds));
        self
    }

    fn name_kind(&mut self, name: &str, group: &str, kind: &str) {
        let mut first = Map::new();
        for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                first.insert(key.to_owned(), json!(value));
            }
        }
        first.extend(std::mem::take(&mut self.details));
        self.details = first;
        self.details.entry("").or_insert(Value::Null);
    }

    /// The HTTP code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// `NotFound`, `Conflict`, …; empty where the true server gives none.
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same refusal with another message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Whether it is answered as plain text.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// Seconds after which the client may try again: the `Retry-After` header.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.details.get("retryAfterSeconds").and_then(Value::as_u64)
    }

    /// As it is sent.
    pub fn to_value(&self) -> Value {
        let metadata = self.continue_token.as_ref().map_or_else(|| json!({}), |token| json!({"continue": token}));
        let mut value = json!({"kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure", "message": self.message});
        if !self.reason.is_empty() {
            value["reason"] = json!(self.reason);
        }
        if !self.details.is_empty() {
            let set = self.details.iter().filter(|(key, _)| !key.is_empty());
            value["details"] = Value::Object(set.map(|(key, value)| (key.clone(), value.clone())).collect());
        }
        value["code"] = json!(self.code);
        value
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Status {}
