//! Applying what a script wants there to be.

use base64::Engine;
use serde_json::{Map, Value, json};

use super::watches::LABEL;
use crate::cluster::{Apply, Cluster, Delete, Kind};
use crate::error::{Code, Error, Result};

/// The field manager of all that operators write.
pub(super) const MANAGER: &str = "dpb-sim";

/// The object that is being looked at, and its kind.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) object: Value,
}

impl Subject {
    pub(super) fn namespace(&self) -> Option<&str> {
        self.object["metadata"]["namespace"].as_str()
    }

    pub(super) fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// `Cluster data-platform/db`
    pub(super) fn label(&self) -> String {
        match self.namespace() {
            Some(namespace) => format!("{} {namespace}/{}", self.kind.kind, self.name()),
            None => format!("{} {}", self.kind.kind, self.name()),
        }
    }
}

/// What came of applying.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) object: Value,
    pub(super) kind: Kind,
    /// It could not be changed in place and was deleted: it has to be applied again.
    pub(super) replaced: bool,
}

/// Completes and applies an object: its version from its kind, the subject's namespace, the operator's label, and, when
/// it is owned, the owner reference with which it goes when the subject goes.
pub(super) async fn apply(
    cluster: &Cluster,
    subject: &Subject,
    script: &str,
    wanted: Value,
    owned: bool,
) -> Result<Applied> {
    let Value::Object(mut wanted) = wanted else {
        return Err(Error::new(Code::Invalid, "an object is a map with kind and metadata"));
    };
    let named = wanted.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = match wanted.get("apiVersion").and_then(Value::as_str) {
        Some(_) => cluster.kind_of(&Value::Object(wanted.clone())).await?,
        None if named.is_empty() => return Err(Error::new(Code::Invalid, "an object without kind")),
        None => cluster.kind(&named).await?,
    };
    wanted.insert("apiVersion".into(), json!(kind.api_version()));
    wanted.insert("kind".into(), json!(kind.kind));
    encode_strings(&mut wanted)?;

    let metadata = wanted.entry("metadata").or_insert_with(|| json!({}));
    let Some(metadata) = metadata.as_object_mut() else {
        return Err(Error::new(Code::Invalid, "metadata is no map"));
    };
    if kind.namespaced && !metadata.contains_key("namespace") {
        let namespace = subject.namespace().ok_or_else(|| {
            Error::new(Code::Invalid, format!("a {} needs a namespace: {} has none", kind.kind, subject.label()))
        })?;
        metadata.insert("namespace".into(), json!(namespace));
    }
    if owned {
        own(metadata, &kind, subject)?;
        let labels = metadata.entry("labels").or_insert_with(|| json!({}));
        labels[LABEL] = json!(script);
    }
    let namespace = metadata.get("namespace").and_then(Value::as_str).map(str::to_owned);
    let name = metadata.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();

    let how = Apply { manager: MANAGER.into(), force: true, dry_run: false, strict: true };
    let wanted = Value::Object(wanted);
    match cluster.apply(&wanted, &how).await {
        Ok(object) => Ok(Applied { object, kind, replaced: false }),
        // Pods and Jobs can't be changed in most of their fields: an operator makes them anew.
        Err(error) if error.code() == Code::Invalid && matches!(kind.kind.as_str(), "Pod" | "Job") => {
            if cluster.find(&kind, namespace.as_deref(), &name).await?.is_none() {
                return Err(error);
            }
            cluster.delete(&kind, namespace.as_deref(), &name, &Delete::default()).await?;
            Ok(Applied { object: wanted, kind, replaced: true })
        }
        Err(error) => Err(error),
    }
}

fn own(metadata: &mut Map<String, Value>, kind: &Kind, subject: &Subject) -> Result<()> {
    let elsewhere = metadata.get("namespace").and_then(Value::as_str) != subject.namespace();
    if subject.kind.namespaced && (!kind.namespaced || elsewhere) {
        return Err(Error::new(
            Code::Invalid,
            format!("{} can't own a {} outside of its namespace", subject.label(), kind.kind),
        )
        .hint("Use world.put, and take it away in fn removed(obj, world)"));
    }
    metadata.insert(
        "ownerReferences".into(),
        json!([{
            "apiVersion": subject.kind.api_version(),
            "kind": subject.kind.kind,
            "name": subject.name(),
            "uid": subject.object["metadata"]["uid"],
            "controller": true,
            "blockOwnerDeletion": true,
        }]),
    );
    Ok(())
}

/// `stringData` is write-only: an apply of it would never compare equal. It becomes `data`.
fn encode_strings(object: &mut Map<String, Value>) -> Result<()> {
    let Some(strings) = object.remove("stringData") else { return Ok(()) };
    let Value::Object(strings) = strings else { return Err(Error::new(Code::Invalid, "stringData is no map")) };
    let data = object.entry("data").or_insert_with(|| json!({}));
    for (key, value) in strings {
        let text = match &value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(Error::new(Code::Invalid, format!("stringData.{key} is no text"))),
        };
        data[key] = json!(base64::engine::general_purpose::STANDARD.encode(text));
    }
    Ok(())
}

/// Writes `status` (what the script returned), if it says anything new: whether it did.
pub(super) async fn write_status(cluster: &Cluster, subject: &Subject, status: &Value) -> Result<bool> {
    if !differs(&subject.object["status"], status) {
        return Ok(false);
    }
    let api: kube::Api<kube::api::DynamicObject> = {
        let group = kube::api::GroupVersionKind::gvk(&subject.kind.group, &subject.kind.version, &subject.kind.kind);
        let resource = kube::api::ApiResource::from_gvk_with_plural(&group, &subject.kind.plural);
        match subject.namespace() {
            Some(namespace) => kube::Api::namespaced_with(cluster.client(), namespace, &resource),
            None => kube::Api::all_with(cluster.client(), &resource),
        }
    };
    let patch = kube::api::Patch::Merge(json!({ "status": status }));
    let how = kube::api::PatchParams { field_manager: Some(MANAGER.into()), ..kube::api::PatchParams::default() };
    let result = if subject.kind.subresources.iter().any(|s| s == "status") {
        api.patch_status(subject.name(), &how, &patch).await
    } else {
        api.patch(subject.name(), &how, &patch).await
    };
    match result {
        Ok(_) => Ok(true),
        // Gone in the meantime.
        Err(kube::Error::Api(e)) if e.code == 404 => Ok(false),
        Err(e) => Err(Error::new(Code::Unavailable, format!("status of {}: {e}", subject.label()))),
    }
}

/// Whether merging `patch` into `now` would change it.
fn differs(now: &Value, patch: &Value) -> bool {
    match patch {
        Value::Object(fields) => fields.iter().any(|(name, value)| match value {
            Value::Null => now.get(name).is_some_and(|v| !v.is_null()),
            _ => now.get(name).is_none_or(|now| differs(now, value)),
        }),
        _ => now != patch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_news_is_written() {
        let now = json!({"phase": "Ready", "info": {"a": "1"}, "list": [1, 2]});
        for same in
            [json!({}), json!({"phase": "Ready"}), json!({"info": {"a": "1"}, "x": null}), json!({"list": [1, 2]})]
        {
            assert!(!differs(&now, &same), "{same}");
        }
        for new in [json!({"phase": "x"}), json!({"info": {"b": "1"}}), json!({"phase": null}), json!({"list": [1]})] {
            assert!(differs(&now, &new), "{new}");
        }
    }

    #[test]
    fn string_data_becomes_data() {
        let mut secret = json!({"stringData": {"a": "b", "port": 5432}, "data": {"c": "ZA=="}});
        encode_strings(secret.as_object_mut().unwrap()).unwrap();
        assert_eq!(secret, json!({"data": {"c": "ZA==", "a": "Yg==", "port": "NTQzMg=="}}));
        assert!(encode_strings(json!({"stringData": {"a": []}}).as_object_mut().unwrap()).is_err());
    }
}
