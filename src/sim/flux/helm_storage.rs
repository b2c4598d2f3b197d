//! Helm's storage: a Secret for each revision of a release.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::runner::Env;
use super::server::Target;
use super::source::digest;
use crate::sim::api::object;

/// A revision of a release.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) version: i64,
    /// `deployed`, `failed`, `superseded`, `pending-install`, …
    pub(super) status: String,
    pub(super) chart: String,
    pub(super) chart_version: String,
    pub(super) app_version: String,
    /// The values that were given, without the chart's own.
    pub(super) config: Value,
    pub(super) manifest: Vec<Value>,
    pub(super) first_deployed: String,
    pub(super) last_deployed: String,
}

impl Stored {
    fn secret(&self) -> String {
        format!("sh.helm.release.v1.{}.v{}", self.name, self.version)
    }

    /// `namespace/name.v1`.
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}.v{}", self.namespace, self.name, self.version)
    }

    /// `chart@1.0.0`.
    pub(super) fn chart_name(&self) -> String {
        format!("{}@{}", self.chart, self.chart_version)
    }

    fn to_value(&self) -> Value {
        json!({
            "name": self.name,
            "info": {"first_deployed": self.first_deployed, "last_deployed": self.last_deployed, "status": self.status},
            "chart": {"metadata": {"name": self.chart, "version": self.chart_version, "appVersion": self.app_version}},
            "config": self.config,
            "manifest": Value::Array(self.manifest.clone()).to_string(),
            "version": self.version,
            "namespace": self.namespace,
        })
    }

    fn read(secret: &Value) -> Option<Self> {
        let outer = STANDARD.decode(secret["data"]["release"].as_str()?).ok()?;
        let packed = STANDARD.decode(outer).ok()?;
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).ok()?;
        let value: Value = serde_json::from_str(&text).ok()?;
        let field = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self {
            name: field("/name"),
            namespace: field("/namespace"),
            version: value["version"].as_i64()?,
            status: field("/info/status"),
            chart: field("/chart/metadata/name"),
            chart_version: field("/chart/metadata/version"),
            app_version: field("/chart/metadata/appVersion"),
            config: value["config"].clone(),
            manifest: serde_json::from_str(&field("/manifest")).unwrap_or_default(),
            first_deployed: field("/info/first_deployed"),
            last_deployed: field("/info/last_deployed"),
        })
    }

    /// As `status.history` of a `HelmRelease` lists it.
    pub(super) fn snapshot(&self, action: &str, oci_digest: &str) -> Value {
        let mut snapshot = json!({
            "apiVersion": "v2",
            "appVersion": self.app_version,
            "chartName": self.chart,
            "chartVersion": self.chart_version,
            "configDigest": config_digest(&self.config),
            "deleted": null,
            "digest": digest(self.to_value().to_string().as_bytes()),
            "firstDeployed": self.first_deployed,
            "lastDeployed": self.last_deployed,
            "name": self.name,
            "namespace": self.namespace,
            "status": self.status,
            "version": self.version,
        });
        if !action.is_empty() {
            snapshot["action"] = json!(action);
        }
        if !oci_digest.is_empty() {
            snapshot["ociDigest"] = json!(oci_digest);
        }
        snapshot
    }
}

/// The digest of values, whatever the order of their keys.
pub(super) fn config_digest(values: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut keys: Vec<&String> = map.keys().collect();
                keys.sort();
                Value::Object(keys.into_iter().map(|key| (key.clone(), sorted(&map[key]))).collect())
            }
            Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    digest(sorted(values).to_string().as_bytes())
}

/// Every revision of a release, the latest first.
pub(super) fn all(env: &Env<'_>, namespace: &str, name: &str) -> Vec<Stored> {
    let secrets = env.server.list("Secret").unwrap_or_default();
    let of_release = |secret: &&Value| {
        object::namespace(secret) == namespace
            && secret["type"] == "helm.sh/release.v1"
            && object::label(secret, "name") == Some(name)
    };
    let mut found: Vec<Stored> = secrets.iter().filter(of_release).filter_map(Stored::read).collect();
    found.sort_by_key(|stored| std::cmp::Reverse(stored.version));
    found
}

/// Keeps a revision, new or known; only the newest `most` of all stay.
pub(super) fn save(env: &Env<'_>, namespace: &str, stored: &Stored, most: usize) {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let written = packed.write_all(stored.to_value().to_string().as_bytes()).and_then(|()| packed.finish());
    let Ok(bytes) = written else { return };
    let data = json!({"release": STANDARD.encode(STANDARD.encode(bytes))});
    let labels = json!({
        "modifiedAt": env.now.as_second().to_string(), "name": stored.name, "owner": "helm",
        "status": stored.status, "version": stored.version.to_string(),
    });
    let secret = stored.secret();
    let target = Target { kind: "Secret", namespace, name: &secret, status: false };
    if env.server.get("Secret", namespace, &secret).is_ok() {
        let _ = env.server.patch(target, &json!({"metadata": {"labels": labels}, "data": data}), "helm-controller");
    } else {
        let _ = env.server.create(&json!({
            "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
            "metadata": {"name": secret, "namespace": namespace, "labels": labels},
            "data": data,
        }));
    }
    for old in all(env, namespace, &stored.name).iter().skip(most) {
        remove(env, namespace, old);
    }
}

/// Forgets a revision.
pub(super) fn remove(env: &Env<'_>, namespace: &str, stored: &Stored) {
    let _ = env.server.delete("Secret", namespace, &stored.secret());
}
