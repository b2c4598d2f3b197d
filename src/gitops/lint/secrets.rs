//! No secret stands in plain text: not in a Secret, an environment variable, a configuration file or a chart's values.

use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::Value;

use crate::check::Check;
use crate::manifest::object::Id;

use super::pods::{containers, pod_spec};
use super::subject::{Subject, in_manifest};
use super::verdict::{count, fault, verdict};

const NAME: &str = "plain secrets";
const REMEDY: &str =
    "Bring it with an ExternalSecret, or encrypt the file with SOPS; what was pushed once counts as known";

/// Names whose value is a secret.
static SECRET_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(passw(or)?d|passphrase|secret|token|private[-_.]?key|access[-_.]?key|api[-_.]?key|credential)")
        .ok()
});
/// Names that speak of a secret without holding it.
static REFERENCE_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(name|ref|refs|file|path|dir|mount|enabled|create|type|store|kind|namespace|existing.*|class|provider|url|uri|ttl|expir.*|interval|audience.*|automount.*)$").ok()
});
/// `password = x`, `password: x`, and Hadoop's `<name>…password</name><value>x</value>`.
static ASSIGNMENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?m)^[ \t]*["']?([A-Za-z0-9_.\-]+)["']?[ \t]*[=:][ \t]*["']?([^\s"'#]+)"#).ok());
static PROPERTY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"<name>\s*([^<\s]+)\s*</name>\s*<value>\s*([^<]*?)\s*</value>").ok());

pub(super) fn check(subject: &Subject<'_>) -> Vec<Check> {
    let mut faults = Vec::new();
    let mut seen = 0;
    for (app, object) in subject.objects() {
        seen += 1;
        let id = Id::of(object);
        for (path, what) in plain(object, &id) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let place = in_manifest(app, object, &path);
            faults.push(fault(NAME, &place, &format!("{what} of {id} stands in plain text")).remedy(REMEDY));
        }
    }
    verdict(NAME, faults, (seen > 0).then(|| format!("none in {}", count(seen, "object", "objects"))))
}

/// Every secret in plain text: its path in the object, and what it is.
fn plain(object: &Value, id: &Id) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let steps = |path: &[&str]| path.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
    match (id.group.as_str(), id.kind.as_str()) {
        ("", "Secret") if object.get("sops").is_none() => {
            for section in ["data", "stringData"] {
                for (key, value) in object[section].as_object().into_iter().flatten() {
                    if value.as_str().is_some_and(|v| !v.is_empty() && !v.starts_with("ENC[") && !v.starts_with("${")) {
                        found.push((steps(&[section, key]), format!("key {key}")));
                    }
                }
            }
        }
        ("", "ConfigMap") => {
            for (key, value) in object["data"].as_object().into_iter().flatten() {
                let Some(text) = value.as_str() else { continue };
                if is_secret(key, text) && !text.contains('\n') {
                    found.push((steps(&["data", key]), format!("key {key}")));
                }
                for name in assigned(text) {
                    found.push((steps(&["data", key]), format!("{name} in {key}")));
                }
            }
        }
        ("helm.toolkit.fluxcd.io", "HelmRelease") => {
            values(&object["spec"]["values"], &steps(&["spec", "values"]), &mut found);
        }
        _ => {}
    }
    if let Some((pod, path)) = pod_spec(object) {
        for (list, i, container) in containers(pod) {
            for (j, env) in container["env"].as_array().into_iter().flatten().enumerate() {
                let (Some(name), Some(value)) = (env["name"].as_str(), env["value"].as_str()) else { continue };
                if is_secret(name, value) {
                    let mut at = steps(&path);
                    at.extend([list.to_owned(), i.to_string(), "env".to_owned(), j.to_string()]);
                    found.push((at, format!("environment variable {name}")));
                }
            }
        }
    }
    found
}

/// Whether a name speaks of a secret and the value is one, not a reference to it.
fn is_secret(name: &str, value: &str) -> bool {
    let is = |regex: &LazyLock<Option<Regex>>| regex.as_ref().is_some_and(|r| r.is_match(name));
    let literal = !value.is_empty()
        && !value.contains("${")
        && !value.contains("$(")
        && !value.starts_with(['/', '$', '{', '<', '%'])
        && !matches!(value.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "none" | "~" | "required");
    is(&SECRET_NAME) && !is(&REFERENCE_NAME) && literal
}

fn assigned(text: &str) -> Vec<String> {
    [&ASSIGNMENT, &PROPERTY]
        .into_iter()
        .filter_map(|regex| regex.as_ref())
        .flat_map(|regex| regex.captures_iter(text))
        .filter_map(|found| Some((found.get(1)?.as_str(), found.get(2)?.as_str())))
        .filter(|(name, value)| is_secret(name, value))
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn values(value: &Value, path: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let below = |step: String| path.iter().cloned().chain([step]).collect::<Vec<_>>();
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                match inner {
                    Value::String(text) if is_secret(key, text) => {
                        found.push((below(key.clone()), format!("value {key}")));
                    }
                    other => values(other, &below(key.clone()), found),
                }
            }
        }
        Value::Array(items) => {
            for (i, inner) in items.iter().enumerate() {
                values(inner, &below(i.to_string()), found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn count_of(object: &Value) -> usize {
        plain(object, &Id::of(object)).len()
    }

    #[test]
    fn secrets_in_every_disguise() {
        let cases = [
            (json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "x", "b": ""}}), 1),
            (json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}, "sops": {}}), 0),
            (json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "${X}"}}), 0),
            (
                json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"app.conf": "user = x\npassword = hunter2\n"}}),
                1,
            ),
            (
                json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "password: ${PASSWORD}\ntoken_file: /x\n"}}),
                0,
            ),
            (
                json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"s.xml":
                    "<property><name>javax.jdo.option.ConnectionPassword</name><value>x</value></property>"}}),
                1,
            ),
            (
                json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"s.xml":
                    "<name>fs.s3a.secret.key</name>\n<value>${env.AWS_SECRET_ACCESS_KEY}</value>"}}),
                0,
            ),
            (
                json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "spec": {"values": {
                    "admin": {"password": "x", "existingSecret": "s", "passwordSecretRef": "r", "secretName": "n"},
                    "list": [{"apiKey": "k"}]}}}),
                2,
            ),
            (
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {
                    "initContainers": [{"env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "x"}]}],
                    "containers": [{"env": [{"name": "DB_PASSWORD", "valueFrom": {}}, {"name": "TOKEN_PATH", "value": "/x"},
                        {"name": "PASSWORD", "value": "$(OTHER)"}]}]}}}}),
                1,
            ),
        ];
        for (object, expected) in cases {
            assert_eq!(count_of(&object), expected, "{object}");
        }
    }
}
