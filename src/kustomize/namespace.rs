//! Puts objects into a namespace, with kustomize's exceptions.

use serde_json::Value;

use super::collection::Collection;
use super::config::Config;
use super::fieldspec::{Leaf, visit};
use super::resource::{Resource, error_about};
use crate::error::Result;

/// Sets the namespace of every object that can have one; a Namespace object takes it as its name, and a binding's
/// subject named `default` follows.
pub(super) fn apply(namespace: &str, config: &Config, all: &mut Collection) -> Result<()> {
    for index in 0..all.0.len() {
        let resource = &mut all.0[index];
        if resource.is_empty() {
            continue;
        }
        resource.remember_id();
        if !resource.id().is_cluster_scoped() {
            resource.set_namespace(namespace);
        }
        let binding = matches!(resource.kind(), "RoleBinding" | "ClusterRoleBinding");
        if binding {
            set_default_subjects(resource, namespace);
        }
        let core = resource.value.get("apiVersion").and_then(Value::as_str) == Some("v1");
        for spec in &config.namespace {
            let skip = spec.path == "metadata/namespace"
                || (spec.path == "metadata/name" && !core)
                || (binding && spec.path == "subjects/namespace" && spec.gvk.kind.ends_with("RoleBinding"));
            if !skip {
                visit(resource, spec, Leaf::Scalar, &mut |node| {
                    *node = namespace.into();
                    Ok(())
                })?;
            }
        }
        let id = all.0[index].id();
        if all.0.iter().filter(|r| r.id().is_same(&id)).count() > 1 {
            return Err(error_about(&id, format!("the namespace {namespace} makes two objects one: {id}")));
        }
    }
    Ok(())
}

fn set_default_subjects(resource: &mut Resource, namespace: &str) {
    let subjects = resource.value.get_mut("subjects").and_then(Value::as_array_mut);
    for subject in subjects.into_iter().flatten().filter_map(Value::as_object_mut) {
        if subject.get("name").and_then(Value::as_str) == Some("default") {
            subject.insert("namespace".into(), namespace.into());
        }
    }
}
