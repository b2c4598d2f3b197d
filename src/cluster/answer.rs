//! From an answer that says no, or from no answer, to an error that says what to do.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::error::{Code, Error};

use super::ask::Ask;

/// How the API server begins to say that an applied manifest does not fit its schema.
const UNTYPED: &str = "failed to create typed patch object ";

/// Why one request failed, with what a retry needs to know.
#[derive(Debug)]
pub(super) struct Failure {
    /// HTTP status; 0 when nobody answered.
    pub(super) status: u16,
    /// What the server said about when to come back.
    pub(super) retry_after: Option<Duration>,
    pub(super) error: Error,
}

impl Failure {
    /// Whether asking again soon may help, the request being a read.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self.status, 0 | 429 | 500 | 502 | 503 | 504) && self.error.code() == Code::Unavailable
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// An answer with a status of 400 or above.
pub(super) fn refused(ask: &Ask, server: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let parsed: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let is_status = parsed["kind"] == "Status";
    let said = match parsed["message"].as_str() {
        Some(message) if is_status => message.to_owned(),
        _ => one_line(&String::from_utf8_lossy(body)),
    };
    let details = if is_status { &parsed["details"] } else { &Value::Null };
    let reason = parsed["reason"].as_str().unwrap_or_default();
    let error = match status.as_u16() {
        401 => denied(server),
        403 => forbidden(ask, &said),
        404 => absent(ask, &said, is_status && !reason.is_empty(), details),
        409 => conflict(ask, reason, &said, details),
        410 => Error::new(Code::Conflict, format!("{}: the version asked for is gone: {said}", ask.what())),
        // Server-side apply answers 500 to a manifest that does not fit its schema.
        500 if said.contains(UNTYPED) => invalid(ask, said.rsplit_once("): ").map_or(&said, |(_, rest)| rest), details),
        429 | 500..=599 => unavailable(ask, server, status, &said),
        _ => invalid(ask, &said, details),
    };
    Failure { status: status.as_u16(), retry_after: retry_after(headers, details), error: ask.name_in(error) }
}

fn denied(server: &str) -> Error {
    Error::new(Code::Denied, format!("{server} does not accept our credentials: expired or wrong (401)"))
        .hint("Log in again as your kubeconfig's user needs it, then see: kubectl auth whoami")
}

/// 403 means two things: a missing permission, or an admission plugin (quota, pod security, webhook) that refused.
fn forbidden(ask: &Ask, said: &str) -> Error {
    let rbac = said.contains(" cannot ") || said.is_empty() || !said.contains("forbidden");
    if !rbac || said.contains("admission webhook") {
        return Error::new(Code::Invalid, format!("{}: refused by admission: {}", ask.what(), one_line(said)));
    }
    let place = match (&ask.path, &ask.namespace) {
        (Some(path), _) => format!("get {path}"),
        (None, Some(ns)) => format!("{} {} in namespace {ns}", ask.verb, ask.resource_group()),
        (None, None) => format!("{} {} in the whole cluster", ask.verb, ask.resource_group()),
    };
    let who = said.split_once("User \"").and_then(|(_, rest)| rest.split_once('"')).map(|(user, _)| user);
    let who = who.map(|user| format!(" as {user}")).unwrap_or_default();
    Error::new(Code::Forbidden, format!("not allowed to {place}{who}"))
        .hint(format!("Ask for this permission; it is there when this says yes: {}", ask.can_i()))
}

fn absent(ask: &Ask, said: &str, known: bool, details: &Value) -> Error {
    if details["kind"] == "namespaces" && ask.resource != "namespaces" {
        let ns = ask.namespace.as_deref().or(details["name"].as_str()).unwrap_or_default();
        return Error::new(Code::NotFound, format!("{}: namespace {ns} does not exist", ask.what()));
    }
    // The server names the object when the kind is served; a path that it does not serve gets a text or no name.
    if ask.path.is_none() && (!known || details["name"].as_str().is_none_or(str::is_empty)) {
        let kind = if ask.group.is_empty() { ask.kind.clone() } else { format!("{}.{}", ask.kind, ask.group) };
        return Error::new(Code::UnknownKind, format!("the API server does not serve {kind}"))
            .hint("Is its CustomResourceDefinition installed? See: kubectl api-resources");
    }
    let error = Error::new(Code::NotFound, format!("{} does not exist", ask.what()));
    if said.is_empty() || said.contains("not found") { error } else { error.note(said.to_owned()) }
}

fn conflict(ask: &Ask, reason: &str, said: &str, details: &Value) -> Error {
    if reason == "AlreadyExists" {
        return Error::new(Code::Conflict, format!("{} exists already", ask.what()));
    }
    let owners: Vec<String> = causes(details, Some("FieldManagerConflict"));
    if owners.is_empty() {
        return Error::new(Code::Conflict, format!("{}: {}", ask.what(), one_line(said)))
            .hint("Somebody else changed it meanwhile: look at it, then try again");
    }
    let error = Error::new(Code::Conflict, format!("{}: other field managers own what we set", ask.what()));
    owners.into_iter().fold(error, Error::note)
}

fn invalid(ask: &Ask, said: &str, details: &Value) -> Error {
    let error = Error::new(Code::Invalid, format!("{}: {}", ask.what(), one_line(said)));
    let causes = causes(details, None);
    if causes.len() > 1 { causes.into_iter().fold(error, Error::note) } else { error }
}

fn unavailable(ask: &Ask, server: &str, status: StatusCode, said: &str) -> Error {
    let said =
        if said.is_empty() { status.canonical_reason().unwrap_or("no reason given").to_owned() } else { said.into() };
    let message = format!("{server} answered {} to {}: {}", status.as_u16(), ask.what(), one_line(&said));
    let hint = if said.contains("failed calling webhook") {
        "The webhook named there must answer first: look at its pods"
    } else if status == StatusCode::TOO_MANY_REQUESTS {
        "The server asks for fewer requests: try again in a while"
    } else {
        "Look at the API server (and at the service behind it), then try again: kubectl get --raw /readyz?verbose"
    };
    Error::new(Code::Unavailable, message).hint(hint)
}

fn causes(details: &Value, reason: Option<&str>) -> Vec<String> {
    let all = details["causes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |cause: &Value| {
        let message = cause["message"].as_str().unwrap_or_default();
        match cause["field"].as_str() {
            Some(field) if !message.contains(field) => format!("{field}: {message}"),
            _ => message.to_owned(),
        }
    };
    all.iter().filter(|cause| reason.is_none_or(|r| cause["reason"] == r)).map(line).collect()
}

fn retry_after(headers: &HeaderMap, details: &Value) -> Option<Duration> {
    let header = headers.get(http::header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse().ok());
    header.or_else(|| details["retryAfterSeconds"].as_u64()).filter(|s| *s > 0).map(Duration::from_secs)
}

fn one_line(text: &str) -> String {
    const MOST: usize = 1000;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > MOST { line.chars().take(MOST).chain(['…']).collect() } else { line }
}

/// No answer: the connection, its encryption, or the credentials failed.
pub(super) fn unanswered(ask: &Ask, server: &str, context: &str, error: &kube::Error) -> Failure {
    let failure = |error: Error| Failure { status: 0, retry_after: None, error: ask.name_in(error) };
    let mut chain: Vec<&(dyn std::error::Error + 'static)> = vec![error];
    while let Some(next) = chain.last().and_then(|e| e.source()) {
        if chain.len() > 20 {
            break;
        }
        chain.push(next);
    }
    if let Some(auth) = chain.iter().find_map(|e| e.downcast_ref::<kube::client::AuthError>()) {
        return failure(credentials(auth));
    }
    if let kube::Error::Api(status) = error {
        return api_status(ask, server, status);
    }
    let tls = chain.iter().find_map(|e| tls_error(*e));
    let because = chain.last().map_or_else(|| error.to_string(), ToString::to_string);
    if let Some(tls) = tls {
        return failure(untrusted(server, context, tls));
    }
    let text = format!("no answer from {server} (context {context}): {}", one_line(&because));
    failure(
        Error::new(Code::Unavailable, text)
            .hint("Is the cluster up and is this its address? Another one: --context; see: kubectl cluster-info"),
    )
}

/// An error of the encryption may lie within I/O errors, which do not name it as their source.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref().or_else(|| tls_error(error.downcast_ref::<std::io::Error>()?.get_ref()?))
}

/// An error that kube's WebSocket path has read already.
fn api_status(ask: &Ask, server: &str, status: &kube::core::Status) -> Failure {
    let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = serde_json::to_value(status).unwrap_or(Value::Null);
    body["kind"] = "Status".into();
    refused(ask, server, code, &HeaderMap::new(), body.to_string().as_bytes())
}

fn untrusted(server: &str, context: &str, tls: &rustls::Error) -> Error {
    let (code, text, hint) = match tls {
        rustls::Error::InvalidCertificate(_) => (
            Code::Denied,
            format!("the certificate of {server} (context {context}) is not trusted: {tls}"),
            "Check certificate-authority of this cluster in the kubeconfig, and that the address is the right one",
        ),
        rustls::Error::AlertReceived(_) => (
            Code::Denied,
            format!("{server} (context {context}) refused our client certificate: {tls}"),
            "It may have expired: renew the user's client certificate in the kubeconfig",
        ),
        _ => (
            Code::Unavailable,
            format!("no encrypted connection with {server} (context {context}): {tls}"),
            "Is this the address of an API server? See: kubectl cluster-info",
        ),
    };
    Error::new(code, text).hint(hint)
}

/// A failed exec plugin or unreadable token.
pub(super) fn credentials(auth: &kube::client::AuthError) -> Error {
    use kube::client::AuthError as A;
    let text = match auth {
        A::AuthExecRun { cmd, out } => {
            let stderr = String::from_utf8_lossy(&out.stderr);
            let last = stderr.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("it said nothing").to_owned();
            format!("the credentials command `{cmd}` failed ({}): {}", out.status, last.trim())
        }
        A::AuthExecStart(io) => format!("the credentials command of the kubeconfig's user could not be started: {io}"),
        A::ReadTokenFile(io, path) => format!("reading the token file {}: {io}", path.display()),
        other => format!("no credentials for the cluster: {other}"),
    };
    Error::new(Code::Denied, text)
        .hint("Log in again as your kubeconfig's user needs it, then see: kubectl auth whoami")
}
