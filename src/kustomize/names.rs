//! Prefixes and suffixes of names, and the hash of generated objects.

use serde_json::Value;

use super::collection::Collection;
use super::fieldspec::{FieldSpec, Leaf, visit};
use super::hash;
use super::resource::{Resource, plain_text};
use crate::error::{Code, Error, Result};

/// What is put to a name, and on which side.
#[derive(Clone, Copy, Debug)]
pub(super) enum Affix<'a> {
    /// Before it.
    Prefix(&'a str),
    /// After it.
    Suffix(&'a str),
}

/// Changes the names of all objects but those of CRDs, `APIService` objects and Namespaces.
pub(super) fn apply(affix: Affix<'_>, specs: &[FieldSpec], all: &mut Collection) -> Result<()> {
    for resource in &mut all.0 {
        let original = resource.original_id();
        if is_fixed(resource) {
            continue;
        }
        for spec in specs.iter().filter(|spec| original.gvk.is_selected(&spec.gvk)) {
            if spec.path == "metadata/name" {
                match affix {
                    Affix::Prefix(text) => resource.prefixes.push(text.to_owned()),
                    Affix::Suffix(text) => resource.suffixes.push(text.to_owned()),
                }
                resource.remember_id();
            }
            visit(resource, spec, Leaf::Never, &mut |node| {
                if node.is_object() || node.is_array() {
                    return Err(Error::new(Code::Kustomize, "a name must be a text"));
                }
                let old = plain_text(node);
                *node = Value::String(match affix {
                    Affix::Prefix(text) => format!("{text}{old}"),
                    Affix::Suffix(text) => format!("{old}{text}"),
                });
                Ok(())
            })?;
        }
    }
    Ok(())
}

fn is_fixed(resource: &Resource) -> bool {
    let gvk = resource.original_id().gvk;
    matches!(gvk.kind.as_str(), "CustomResourceDefinition" | "Namespace")
        || (gvk.kind == "APIService" && gvk.group == "apiregistration.k8s.io")
}

/// Puts the hash of its content behind the name of each generated object that wants it.
pub(super) fn add_hashes(all: &mut Collection) {
    for resource in all.0.iter_mut().filter(|r| r.hashed) {
        let name = format!("{}-{}", resource.name(), hash::suffix(resource));
        resource.remember_id();
        resource.set_name(&name);
    }
}
