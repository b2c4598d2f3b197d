//! What Kustomizations depend on: their source, and each other.

use serde_json::Value;

use super::object::Object;
use super::runner::{Env, key};
use super::source::revision;
use crate::sim::api::object;

/// The kind, by name.
pub(super) const KUSTOMIZATION: &str = "Kustomization.kustomize.toolkit.fluxcd.io";

/// Kind, namespace and name of a Kustomization's source.
pub(super) fn source_of(ks: &Value) -> (String, String, String) {
    let reference = &ks["spec"]["sourceRef"];
    let text = |field: &str| reference[field].as_str().unwrap_or_default();
    let namespace = Some(text("namespace")).filter(|n| !n.is_empty()).unwrap_or_else(|| object::namespace(ks));
    (text("kind").to_owned(), namespace.to_owned(), text("name").to_owned())
}

/// Namespace and name of what an object says it depends on; without a namespace they are in its own.
pub(super) fn depends_on(object: &Value) -> Vec<(String, String)> {
    let list = object.pointer("/spec/dependsOn").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .map(|reference| {
            let own = || object::namespace(object);
            let namespace = reference["namespace"].as_str().filter(|n| !n.is_empty()).unwrap_or_else(own);
            (namespace.to_owned(), reference["name"].as_str().unwrap_or_default().to_owned())
        })
        .collect()
}

/// Whether everything that it depends on is ready, at the same revision where they share a source.
pub(super) fn check_dependencies(env: &Env<'_>, ks: &Object, source: &Value) -> Result<(), String> {
    for (namespace, name) in depends_on(&ks.value) {
        let full = format!("{namespace}/{name}");
        let dependency = env
            .server
            .get(KUSTOMIZATION, &namespace, &name)
            .map_err(|status| format!("dependency '{full}' not found: {}", status.message()))?;
        let other = Object::new(KUSTOMIZATION, dependency);
        if other.conditions().is_empty() || other.generation() != other.observed() || !other.is_true("Ready") {
            return Err(format!("dependency '{full}' is not ready"));
        }
        if source_of(&other.value) == source_of(&ks.value) && other.status("/lastAppliedRevision") != revision(source) {
            return Err(format!("dependency '{full}' revision is not up to date"));
        }
    }
    Ok(())
}

/// The keys of Kustomizations, those that others depend on first.
pub(super) fn by_dependency(all: &[Value]) -> Vec<String> {
    let mut left: Vec<&Value> = all.iter().collect();
    let mut sorted = Vec::new();
    while !left.is_empty() {
        let needs = |ks: &Value| depends_on(ks).into_iter().map(|(namespace, name)| format!("{namespace}/{name}"));
        let keys: Vec<String> = left.iter().map(|ks| key(ks)).collect();
        let at = left.iter().position(|ks| needs(ks).all(|need| !keys.contains(&need))).unwrap_or(0);
        sorted.push(key(left.remove(at)));
    }
    sorted
}
