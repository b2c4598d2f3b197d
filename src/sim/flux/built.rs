//! The objects that a Kustomization is to apply, or why there are none.

use serde_json::Value;

use super::annotations;
use super::apply::{self, Owner};
use super::id::Id;
use super::object::Object;
use super::remotes::Remotes;
use super::runner::Env;
use super::variables::variables;
use crate::kustomize::flux::{build_kustomization, is_encrypted};

pub(super) const GROUP: &str = "kustomize.toolkit.fluxcd.io";
pub(super) const CONTROLLER: &str = "kustomize-controller";
/// Who applies.
pub(super) const OWNER: Owner = Owner { manager: CONTROLLER, group: GROUP };

/// Why a reconciliation failed.
pub(super) struct Failure {
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// Whether it counts in the history.
    pub(super) kept: bool,
}

impl Failure {
    pub(super) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), kept: false }
    }

    pub(super) fn kept(reason: &'static str, message: impl Into<String>) -> Self {
        Self { kept: true, ..Self::new(reason, message) }
    }
}

/// The objects that it is to apply.
pub(super) fn objects(env: &Env<'_>, remotes: &Remotes, ks: &Object, source: &Value) -> Result<Vec<Value>, Failure> {
    let tree = remotes.tree(source).map_err(|e| Failure::new("ArtifactFailed", e.message()))?;
    let vars = |kind: &str, namespace: &str, name: &str| variables(env, kind, namespace, name);
    let built = build_kustomization(tree.as_ref(), &ks.value, &vars)
        .map_err(|error| Failure::new("BuildFailed", format!("kustomize build failed: {error}")))?;
    let mut objects = Vec::new();
    for mut object in built {
        let id = Id::of(&object);
        if id.name.is_empty() || id.kind.is_empty() || id.version.is_empty() {
            let message = format!("failed to decode Kubernetes apiVersion, kind and name from: {object}");
            return Err(Failure::new("BuildFailed", message));
        }
        let strange = annotations::unknown(&object);
        if !strange.is_empty() {
            let message = format!("unknown to the simulator: {} on {}", strange.join(", "), id.subject());
            return Err(Failure::new("NotSimulated", message));
        }
        if is_encrypted(&object) && !annotations::says(&object, &format!("{GROUP}/decrypt"), "disabled") {
            let secret = id.subject();
            return Err(if ks.value["spec"]["decryption"].is_object() {
                let message = format!(
                    "unknown to the simulator: spec.decryption: {secret} is SOPS encrypted, and keys are not played"
                );
                Failure::new("NotSimulated", message)
            } else {
                Failure::kept(
                    "ReconciliationFailed",
                    format!(
                        "{secret} is SOPS encrypted, configuring decryption is required for this secret to be reconciled"
                    ),
                )
            });
        }
        apply::own(&mut object, OWNER, ks.namespace(), ks.name());
        objects.push(object);
    }
    Ok(objects)
}
