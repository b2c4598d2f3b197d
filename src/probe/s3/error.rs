//! What S3's error answers mean.

use super::xml::Element;
use crate::error::{Code, Error};
use crate::probe::http1::Answer;

/// Turns an error answer into ours: the server's own code and message, and what to do about it.
pub(super) fn failure(what: &str, answer: &Answer) -> Error {
    let body = Element::parse(&answer.text()).ok().filter(|e| e.name == "Error");
    let field = |name: &str| body.as_ref().and_then(|e| e.text_of(name)).filter(|t| !t.is_empty());
    let s3_code = field("Code");
    let code = match (answer.status, s3_code) {
        (403, Some("SignatureDoesNotMatch" | "InvalidAccessKeyId" | "RequestTimeTooSkewed")) | (401, _) => Code::Denied,
        (403, _) => Code::Forbidden,
        (404, _) => Code::NotFound,
        (409 | 412, _) => Code::Conflict,
        (500.., _) => Code::Unavailable,
        _ => Code::Invalid,
    };
    let said = match (s3_code, field("Message")) {
        (Some(c), Some(m)) => format!("{c}: {m}"),
        (Some(c), None) => c.to_owned(),
        _ => format!("status {}", answer.status),
    };
    let error = Error::new(code, format!("{what}: {said}"));
    match s3_code {
        Some("SignatureDoesNotMatch") => error.hint("Compare the secret key with the one that the object store issued"),
        Some("InvalidAccessKeyId") => {
            error.hint("The object store does not know this access key: was the user made anew?")
        }
        Some("RequestTimeTooSkewed") => error.hint("Set this machine's clock, or the server's"),
        Some("NoSuchBucket") => error.hint("Create the bucket, or name another in dpb.yaml"),
        _ => error,
    }
}
