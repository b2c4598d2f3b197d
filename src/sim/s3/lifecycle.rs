//! Lifecycle rules between `s3s`' types and the JSON that the store keeps.

use s3s::dto::BucketLifecycleConfiguration;
use s3s::xml::{Deserialize, Deserializer, Serialize, Serializer};
use s3s::{S3Result, s3_error};
use serde_json::Value;

use crate::error::{Code, Error, Result};
use crate::probe::s3::{lifecycle_from_xml, lifecycle_to_xml};

/// Refuses rules that S3 would refuse: no status, no action, or what can't be read.
pub(super) fn check(rules: &Value) -> Result<()> {
    let invalid = |why: String| Error::new(Code::Invalid, format!("lifecycle rules: {why}"));
    // s3s passes over some unknown fields, and refuses others without a name.
    if let Some(path) = unknown(rules, "", "") {
        return Err(invalid(format!("unknown field {path}")));
    }
    let dto = to_dto(rules).map_err(|e| invalid(e.message().unwrap_or("malformed").to_owned()))?;
    check_dto(&dto).map_err(invalid)
}

/// The rules of S3 that both the API and the operators meet.
pub(super) fn check_dto(dto: &BucketLifecycleConfiguration) -> std::result::Result<(), String> {
    if dto.rules.is_empty() || dto.rules.len() > 1000 {
        return Err(format!("{} rules, S3 takes 1 to 1000", dto.rules.len()));
    }
    let mut ids = std::collections::BTreeSet::new();
    for (number, rule) in (1..).zip(dto.rules.iter()) {
        let name = rule.id.clone().unwrap_or_else(|| format!("number {number}"));
        if !matches!(rule.status.as_str(), "Enabled" | "Disabled") {
            return Err(format!("rule {name}: status is `{}`, not Enabled or Disabled", rule.status.as_str()));
        }
        if rule.id.is_some() && !ids.insert(name.clone()) {
            return Err(format!("rule {name} stands there twice"));
        }
        let acts = rule.expiration.is_some()
            || rule.abort_incomplete_multipart_upload.is_some()
            || rule.noncurrent_version_expiration.is_some()
            || rule.transitions.as_ref().is_some_and(|t| !t.is_empty())
            || rule.noncurrent_version_transitions.as_ref().is_some_and(|t| !t.is_empty());
        if !acts {
            return Err(format!("rule {name} does nothing"));
        }
        if rule.expiration.as_ref().and_then(|e| e.days).is_some_and(|days| days < 1) {
            return Err(format!("rule {name}: Days must be 1 or more"));
        }
    }
    Ok(())
}

pub(super) fn to_dto(rules: &Value) -> S3Result<BucketLifecycleConfiguration> {
    let xml = lifecycle_to_xml(rules).map_err(|e| s3_error!(MalformedXML, "{}", e.message()))?;
    let mut reader = Deserializer::new(xml.as_bytes());
    BucketLifecycleConfiguration::deserialize(&mut reader).map_err(|e| s3_error!(MalformedXML, "{e}"))
}

pub(super) fn from_dto(dto: &BucketLifecycleConfiguration) -> S3Result<Value> {
    let mut xml = Vec::new();
    dto.serialize(&mut Serializer::new(&mut xml)).map_err(|e| s3_error!(InternalError, "{e}"))?;
    let text = String::from_utf8(xml).map_err(|e| s3_error!(InternalError, "{e}"))?;
    lifecycle_from_xml(&text).map_err(|e| s3_error!(InternalError, "{}", e.message()))
}

/// The fields of each part of a rule (Amazon S3 API reference, `LifecycleRule`).
const FIELDS: [(&str, &[&str]); 11] = [
    ("", &["Rules"]),
    (
        "Rules",
        &[
            "ID",
            "Status",
            "Filter",
            "Prefix",
            "Expiration",
            "AbortIncompleteMultipartUpload",
            "NoncurrentVersionExpiration",
            "NoncurrentVersionTransitions",
            "Transitions",
        ],
    ),
    ("Filter", &["Prefix", "Tag", "And", "ObjectSizeGreaterThan", "ObjectSizeLessThan"]),
    ("And", &["Prefix", "Tags", "ObjectSizeGreaterThan", "ObjectSizeLessThan"]),
    ("Tag", &["Key", "Value"]),
    ("Tags", &["Key", "Value"]),
    ("Expiration", &["Days", "Date", "ExpiredObjectDeleteMarker"]),
    ("AbortIncompleteMultipartUpload", &["DaysAfterInitiation"]),
    ("NoncurrentVersionExpiration", &["NoncurrentDays", "NewerNoncurrentVersions"]),
    ("NoncurrentVersionTransitions", &["NoncurrentDays", "NewerNoncurrentVersions", "StorageClass"]),
    ("Transitions", &["Days", "Date", "StorageClass"]),
];

/// The path of the first field that S3 does not know.
fn unknown(value: &Value, part: &str, path: &str) -> Option<String> {
    match value {
        Value::Object(map) => map.iter().find_map(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let known = FIELDS.iter().any(|(p, fields)| *p == part && fields.contains(&name.as_str()));
            if known { unknown(value, name, &path) } else { Some(path) }
        }),
        Value::Array(list) => (0..).zip(list).find_map(|(i, value)| unknown(value, part, &format!("{path}[{i}]"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(extra: &Value) -> Value {
        let mut rule = json!({"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}});
        if let (Value::Object(rule), Value::Object(extra)) = (&mut rule, extra) {
            rule.extend(extra.clone());
        }
        json!({ "Rules": [rule] })
    }

    #[test]
    fn good_rules_pass() {
        check(&rule(&json!({}))).unwrap();
        check(&rule(&json!({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}))).unwrap();
    }

    #[test]
    fn what_s3_would_refuse_or_lose_is_named() {
        for (extra, part) in [
            (json!({"Status": "On"}), "status"),
            (json!({"Expiration": {"Days": 0}}), "Days"),
            (json!({"Expirations": {"Days": 1}}), "Rules[0].Expirations"),
            (json!({"Expiration": null}), "does nothing"),
        ] {
            let error = check(&rule(&extra)).unwrap_err();
            assert!(error.message().contains(part), "{error}");
        }
    }
}
