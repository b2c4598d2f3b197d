//! The kustomization that Flux builds from: the folder's own or a generated one, with what the Flux Kustomization adds.

use serde_json::Value;

use super::super::build::kustomization_file;
use super::super::file::{Kustomization, Patch};
use super::super::image::Image;
use super::super::item::Item;
use super::super::resource::{Gvk, objects};
use super::super::selector::Selector;
use super::super::tree::{Tree, is_remote, resolve};
use super::super::yaml::Source;
use crate::error::{Code, Error, Result};

/// What Flux's sources leave out, unless told otherwise; only what could be taken for a manifest matters here.
const IGNORED: [&str; 16] = [
    ".git",
    ".github",
    ".circleci",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    ".goreleaser.yml",
    ".goreleaser.yaml",
    ".goreleaser.brew.yml",
    ".sops.yaml",
    ".flux.yaml",
    ".golangci.yml",
];

/// The kustomization for the folder `dir` as the spec of a Flux Kustomization asks for it.
pub(super) fn kustomization(tree: &dyn Tree, dir: &str, spec: &Value) -> Result<Kustomization> {
    let mut k = if let Some((path, text)) = kustomization_file(tree, dir)? {
        let mut own = Kustomization::parse(Source { text: &text, display: &path })?;
        if own.resources.is_empty() {
            own.build_metadata = vec!["originAnnotations".into()];
        }
        own
    } else {
        let mut found = Vec::new();
        scan(tree, dir, "", &mut found)?;
        Kustomization { resources: found, ..Kustomization::default() }
    };
    let text = |field: &str| spec.get(field).and_then(Value::as_str);
    if let Some(namespace) = text("targetNamespace") {
        namespace.clone_into(&mut k.namespace);
    }
    if let Some(prefix) = text("namePrefix") {
        prefix.clone_into(&mut k.name_prefix);
    }
    if let Some(suffix) = text("nameSuffix") {
        suffix.clone_into(&mut k.name_suffix);
    }
    for entry in list(spec, "patches") {
        k.patches.push(patch(entry)?);
    }
    components(tree, dir, spec, &mut k)?;
    for entry in list(spec, "images") {
        image(entry, &mut k.images);
    }
    if let Some(words) = spec.get("buildMetadata").and_then(Value::as_array).filter(|w| !w.is_empty()) {
        k.build_metadata = words.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if let Some(word) = k.build_metadata.iter().find(|w| *w != "originAnnotations") {
            return Err(Error::new(Code::Kustomize, format!("buildMetadata {word} is not supported")));
        }
    }
    for field in ["patchesStrategicMerge", "patchesJson6902"] {
        if !list(spec, field).is_empty() {
            return Err(Error::new(Code::Kustomize, format!("spec.{field} is gone from Flux: use spec.patches")));
        }
    }
    Ok(k)
}

fn list<'a>(spec: &'a Value, field: &str) -> &'a [Value] {
    spec.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Every manifest below a folder; a folder with its own kustomization file counts as one.
fn scan(tree: &dyn Tree, dir: &str, below: &str, found: &mut Vec<Item>) -> Result<()> {
    let here = resolve(dir, below)?;
    for entry in tree.list(&here)?.unwrap_or_default() {
        if IGNORED.contains(&entry.name.as_str()) {
            continue;
        }
        let relative = if below.is_empty() { entry.name.clone() } else { format!("{below}/{}", entry.name) };
        let path = resolve(dir, &relative)?;
        if entry.is_dir {
            if kustomization_file(tree, &path)?.is_some() {
                found.push(Item::bare(relative));
            } else {
                scan(tree, dir, &relative, found)?;
            }
            continue;
        }
        let is_yaml = entry.name.rsplit_once('.').is_some_and(|(_, end)| matches!(end, "yaml" | "yml"));
        if is_yaml && let Some(text) = tree.read_text(&path)? {
            objects(Source { text: &text, display: &path })?;
            found.push(Item::bare(relative));
        }
    }
    Ok(())
}

fn patch(entry: &Value) -> Result<Patch> {
    let text = entry.get("patch").and_then(Value::as_str).unwrap_or_default();
    if text.trim().is_empty() {
        return Err(Error::new(Code::Kustomize, "an entry of spec.patches has no patch"));
    }
    let target = entry.get("target").filter(|t| !t.is_null()).map(|target| {
        let text = |field: &str| target.get(field).and_then(Value::as_str).unwrap_or_default();
        Selector::new(
            &Gvk { group: text("group").into(), version: text("version").into(), kind: text("kind").into() },
            text("name"),
            text("namespace"),
            text("labelSelector"),
            text("annotationSelector"),
        )
    });
    Ok(Patch { path: None, text: Some(Item::bare(text)), target: target.transpose()?, renames: false, rekinds: false })
}

fn components(tree: &dyn Tree, dir: &str, spec: &Value, k: &mut Kustomization) -> Result<()> {
    let optional = spec.get("ignoreMissingComponents").and_then(Value::as_bool) == Some(true);
    for path in list(spec, "components").iter().filter_map(Value::as_str) {
        if is_remote(path) || path.starts_with('/') {
            return Err(Error::new(Code::Kustomize, format!("the component {path} must be a relative path")));
        }
        if !optional || tree.is_dir(&resolve(dir, path)?)? {
            k.components.push(Item::bare(path));
        }
    }
    Ok(())
}

fn image(entry: &Value, images: &mut Vec<Image>) {
    let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let new = Image {
        name: text("name"),
        new_name: text("newName"),
        new_tag: text("newTag"),
        tag_suffix: String::new(),
        digest: text("digest"),
    };
    let Some(old) = images.iter_mut().find(|image| image.name == new.name) else {
        images.push(new);
        return;
    };
    if !new.new_name.is_empty() {
        old.new_name = new.new_name;
    }
    if !(new.new_tag.is_empty() && new.digest.is_empty()) {
        old.new_tag = new.new_tag;
        old.digest = new.digest;
    }
}
