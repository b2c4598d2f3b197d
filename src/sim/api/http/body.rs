//! From the bytes of a request to a value.

use serde_json::Value;

use super::super::json_text::parse_json;
use super::super::status::Status;

/// The largest body that is read.
pub(super) const LARGEST: usize = 3_145_728;
/// How much of a body a refusal shows.
const SHOWN: usize = 30;
const READ: [&str; 2] = ["application/json", "application/yaml"];

/// Whether a media type is JSON or YAML; 415 if it is neither.
pub(super) fn is_yaml(media: &str) -> Result<bool, Status> {
    match media {
        "" | "application/json" | "*/*" => Ok(false),
        "application/yaml" => Ok(true),
        _ => Err(Status::unsupported_media(&READ)),
    }
}

/// Reads an object. `kind` is what should be in it. Returns the duplicate fields too.
pub(super) fn object(bytes: &[u8], yaml: bool, kind: &str) -> Result<(Value, Vec<String>), Status> {
    let unknown = |why: String| {
        Status::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): {why} ({})",
            shown(bytes)
        ))
    };
    let (value, duplicates) = if yaml {
        (self::yaml(bytes).map_err(&unknown)?, Vec::new())
    } else {
        parse(bytes).map_err(|e| unknown(format!("couldn't get version/kind; json parse error: {e}")))?
    };
    if !value.is_object() {
        let what = if value.is_array() { "array" } else { "value" };
        return Err(unknown(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {what} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
        )));
    }
    let version = value["apiVersion"].as_str().unwrap_or_default();
    if version.matches('/').count() > 1 {
        return Err(unknown(format!("unexpected GroupVersion string: {version}")));
    }
    Ok((value, duplicates))
}

/// Reads a patch.
pub(super) fn patch(bytes: &[u8], yaml: bool) -> Result<(Value, Vec<String>), Status> {
    if yaml {
        let wrong = |e| Status::bad_request(format!("error decoding YAML: {e}"));
        return self::yaml(bytes).map(|value| (value, Vec::new())).map_err(wrong);
    }
    parse(bytes).map_err(|e| Status::bad_request(format!("error decoding patch: {e}")))
}

/// Reads the options of a delete; an empty body has none.
pub(super) fn options(bytes: &[u8], yaml: bool) -> Result<Value, Status> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    if yaml {
        return self::yaml(bytes).map_err(Status::bad_request);
    }
    let wrong = |e| Status::bad_request(format!("couldn't get version/kind; json parse error: {e}"));
    parse(bytes).map(|(value, _)| value).map_err(wrong)
}

fn parse(bytes: &[u8]) -> Result<(Value, Vec<String>), String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("unexpected end of JSON input".to_owned());
    }
    parse_json(bytes)
}

fn yaml(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
    serde_saphyr::from_str(text).map_err(|e| format!("yaml: {e}"))
}

/// The start of a body, as `summarizeData` shows it.
fn shown(bytes: &[u8]) -> String {
    match bytes.first() {
        None => "<empty>".to_owned(),
        Some(first) => {
            let start = &bytes[..bytes.len().min(SHOWN)];
            let text = if *first == b'{' { String::from_utf8_lossy(start).into_owned() } else { hex::encode(start) };
            if bytes.len() > SHOWN { format!("{text} ...") } else { text }
        }
    }
}
