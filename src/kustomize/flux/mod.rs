//! What Flux's kustomize-controller makes of a Flux Kustomization, and of all that hang below it.

mod expression;
mod generate;
mod substitute;
mod text;
mod walk;

use serde_json::{Value, json};

use super::build::build_with;
use super::resource::Resource;
use super::tree::{Tree, clean};
use crate::error::{Code, Error, Result};

pub use substitute::Vars;
pub use walk::{Built, Forest, Outcome, walk};

/// Whether an object is a Flux Kustomization (not kustomize's own file).
pub fn is_kustomization(object: &Value) -> bool {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
    text("kind") == "Kustomization" && text("apiVersion").starts_with("kustomize.toolkit.fluxcd.io/")
}

/// Whether an object is encrypted with sops: its values are ciphertext.
pub fn is_encrypted(object: &Value) -> bool {
    object.get("sops").is_some_and(Value::is_object)
}

/// A Flux Kustomization for the folder `path`, for trees whose root Kustomization stands nowhere in them.
pub fn root(namespace: &str, name: &str, path: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"path": path, "prune": true},
    })
}

/// The folder that a Flux Kustomization builds, from the root of the tree; an error when it leads out of it.
pub fn source_path(kustomization: &Value) -> Result<String> {
    clean(kustomization.pointer("/spec/path").and_then(Value::as_str).unwrap_or_default())
}

/// The objects that a Flux Kustomization makes, in the order in which Flux reads them: built from its path (with a
/// generated kustomization where there is none), variables put in, common metadata set. Objects encrypted with sops pass
/// as they are; the labels by which Flux marks what it owns are not added.
pub fn build_kustomization(tree: &dyn Tree, kustomization: &Value, vars: &Vars<'_>) -> Result<Vec<Value>> {
    let name = |field: &str| kustomization.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (namespace, name) = (name("/metadata/namespace"), name("/metadata/name"));
    build(tree, kustomization, vars)
        .map_err(|e| if e.object_ref().is_none() { e.object("Kustomization", Some(&namespace), &name) } else { e })
}

fn build(tree: &dyn Tree, kustomization: &Value, vars: &Vars<'_>) -> Result<Vec<Value>> {
    let dir = source_path(kustomization)?;
    let spec = kustomization.get("spec").unwrap_or(&Value::Null);
    if !tree.is_dir(&dir)? {
        return Err(Error::new(Code::Kustomize, format!("spec.path {dir} does not exist")));
    }
    let always = spec.pointer("/postBuild/substituteStrategy").and_then(Value::as_str) == Some("Always");
    let variables = substitute::variables(kustomization, vars)?;
    let mut all = build_with(tree, &dir, &generate::kustomization(tree, &dir, spec)?)?;
    if let Some(variables) = variables {
        all.0.iter_mut().try_for_each(|resource| substitute::apply(resource, &variables, always))?;
    }
    let mut made = Vec::new();
    for mut resource in all.0 {
        if resource.gvk().api_version().starts_with("kustomize.config.k8s.io/") {
            continue;
        }
        common_metadata(&mut resource, spec);
        made.push(resource.value);
    }
    Ok(made)
}

fn common_metadata(resource: &mut Resource, spec: &Value) {
    for field in ["labels", "annotations"] {
        let texts = spec.pointer(&format!("/commonMetadata/{field}")).and_then(Value::as_object);
        for (key, text) in texts.into_iter().flatten() {
            resource.set_text(field, key, text.as_str().unwrap_or_default());
        }
    }
}
