//! The kustomization of a namespace's folder, as this repository writes them: with or without a shared Component and a
//! `namespace:` of its own.

use serde_json::Value;

use crate::error::Result;
use crate::kustomize::Tree;
use crate::manifest::yaml;

use super::flux_files::{document, header};
use super::layout::{Layout, clean, join, relative};

/// The names under which kustomize finds its file, in its order.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// How the namespaces of a repository are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Convention {
    /// The Component that they share: its folder.
    pub component: Option<String>,
    /// Whether their kustomization sets `namespace:`, which also moves the Flux Kustomizations there.
    pub sets_namespace: bool,
}

/// The path and text of a folder's kustomization file, if it has one.
pub fn file_of(tree: &dyn Tree, dir: &str) -> Result<Option<(String, String)>> {
    for name in FILE_NAMES {
        let path = join(dir, name);
        if let Some(text) = tree.read_text(&path)? {
            return Ok(Some((path, text)));
        }
    }
    Ok(None)
}

/// What most namespaces of the repository do; in a repository without any, the shared Component is used if it is there.
pub fn convention(tree: &dyn Tree, layout: &Layout) -> Result<Convention> {
    let mut total = 0;
    let mut with_namespace = 0;
    let mut components: Vec<(String, usize)> = Vec::new();
    for entry in tree.list(&layout.apps)?.unwrap_or_default() {
        let dir = join(&layout.apps, &entry.name);
        let Some((path, text)) = (if entry.is_dir { file_of(tree, &dir)? } else { None }) else { continue };
        let Ok(value) = yaml::document(&text, &path) else { continue };
        total += 1;
        with_namespace += usize::from(value["namespace"].is_string());
        for component in value["components"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let Ok(component) = clean(&join(&dir, component)) else { continue };
            match components.iter_mut().find(|(c, _)| *c == component) {
                Some((_, count)) => *count += 1,
                None => components.push((component, 1)),
            }
        }
    }
    if total == 0 {
        let shared = file_of(tree, &layout.component)?.is_some();
        return Ok(Convention { component: shared.then(|| layout.component.clone()), sets_namespace: shared });
    }
    let component = components.into_iter().max_by_key(|(_, count)| *count).filter(|(_, count)| count * 2 > total);
    Ok(Convention {
        sets_namespace: with_namespace * 2 > total || component.is_some(),
        component: component.map(|(path, _)| path),
    })
}

/// The text of a new kustomization for `dir`, the folder of `namespace`; its list is still empty.
pub fn kustomization(namespace: &str, dir: &str, convention: &Convention) -> String {
    let mut out = header();
    if convention.sets_namespace {
        out.insert("namespace".into(), namespace.into());
    }
    if let Some(component) = &convention.component {
        out.insert("components".into(), Value::from(vec![relative(dir, component)]));
    }
    document(&Value::Object(out))
}

/// The manifest of a namespace that keeps its data: Flux never deletes it, and its pods are held to a standard.
pub fn manifest(namespace: &str) -> String {
    format!(
        "\
---
apiVersion: v1
kind: Namespace
metadata:
  name: {namespace}
  annotations:
    # It holds databases and claims: no revert may delete it.
    kustomize.toolkit.fluxcd.io/prune: disabled
  labels:
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/warn: restricted
"
    )
}

/// The namespace that a kustomization file moves its objects to.
pub fn set_by(text: &str, path: &str) -> Option<String> {
    yaml::document(text, path).ok()?["namespace"].as_str().map(str::to_owned)
}
