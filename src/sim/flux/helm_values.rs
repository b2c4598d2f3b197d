//! The values of a `HelmRelease`: those of `valuesFrom` in their order, then its own.

use base64::Engine as _;
use serde_json::{Value, json};

use super::charts::merge;
use super::object::Object;
use super::runner::Env;
use super::server::is_absent;

/// The values as they are given to Helm.
pub(super) fn compose(env: &Env<'_>, release: &Object) -> Result<Value, String> {
    let mut values = json!({});
    for reference in release.list("/valuesFrom") {
        let text = |field: &str| reference[field].as_str().unwrap_or_default();
        let (kind, name) = (text("kind"), text("name"));
        let key = if text("valuesKey").is_empty() { "values.yaml" } else { text("valuesKey") };
        let place = format!("{kind} chart values reference '{}/{name}' with key '{key}'", release.namespace());
        let optional = reference["optional"] == true;
        let object = match env.server.get(kind, release.namespace(), name) {
            Ok(object) => object,
            Err(status) if is_absent(&status) && optional => continue,
            Err(status) => return Err(format!("could not resolve {place}: {}", status.message())),
        };
        let Some(content) = content(kind, &object, key) else {
            if optional {
                continue;
            }
            return Err(format!("could not resolve {place}: missing key"));
        };
        let target = text("targetPath");
        let given = if target.is_empty() {
            let read = crate::kustomize::read(&content, key)
                .map_err(|e| format!("unable to read values from {place}: {}", e.message()))?;
            read.into_iter().next().unwrap_or_else(|| json!({}))
        } else {
            at(target, &content).ok_or_else(|| {
                format!("unable to merge value from {place} into target path '{target}': unknown to the simulator")
            })?
        };
        if !given.is_object() {
            return Err(format!("unable to read values from {place}: not a map"));
        }
        values = merge(&values, &given);
    }
    let own = &release.value["spec"]["values"];
    Ok(if own.is_object() { keep_nulls(&values, own) } else { values })
}

/// Own values win; a `null` of theirs stays, since it takes a chart's default away.
fn keep_nulls(under: &Value, over: &Value) -> Value {
    let (Value::Object(under), Value::Object(over)) = (under, over) else { return over.clone() };
    let mut all = under.clone();
    for (key, value) in over {
        let merged = under.get(key).map_or_else(|| value.clone(), |old| keep_nulls(old, value));
        all.insert(key.clone(), merged);
    }
    Value::Object(all)
}

fn content(kind: &str, object: &Value, key: &str) -> Option<String> {
    let text = object["data"][key].as_str()?;
    if kind != "Secret" {
        return Some(text.to_owned());
    }
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).ok()?).ok()
}

/// A value at a path of plain names; `None` for a path with an index.
fn at(path: &str, text: &str) -> Option<Value> {
    if path.contains(['[', ']', '\\', ',']) {
        return None;
    }
    let scalar = match text {
        "true" => json!(true),
        "false" => json!(false),
        "null" => Value::Null,
        text => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
    };
    Some(path.rsplit('.').fold(scalar, |value, name| json!({ name: value })))
}
