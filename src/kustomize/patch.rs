//! Applies patches: strategic merges and JSON patches, to the objects that they name or select.

use serde_json::Value;

use super::collection::Collection;
use super::file::Patch;
use super::item::Item;
use super::merge::merge;
use super::resource::{Resource, objects};
use super::tree::Tree;
use super::yaml::{Data, Node, Source, documents, documents_old};
use crate::error::{Code, Error, Result};

enum Loaded {
    Merge(Vec<Resource>),
    Json(json_patch::Patch),
}

/// The text of a patch, the name it is shown under, and where it stands in that.
fn load(tree: &dyn Tree, dir: &str, patch: &Patch) -> Result<(Item, String)> {
    match (&patch.text, &patch.path) {
        (Some(text), _) => Ok((text.clone(), "patch".into())),
        (None, Some(file)) => {
            let full = file.path(dir, &file.text)?;
            let text = tree.read_text(&full)?.ok_or_else(|| file.error(format!("{full} does not exist")))?;
            Ok((Item { text, place: file.place.clone() }, full))
        }
        (None, None) => Err(Error::new(Code::Kustomize, "a patch has either a path or a patch")),
    }
}

fn parse(item: &Item, display: &str) -> Result<Loaded> {
    let text = item.text.trim();
    let source = Source { text, display };
    let nodes = documents(source).map_err(|e| within(e, item))?;
    match nodes.first().map(|node| &node.data) {
        Some(Data::List(_)) => {
            let operations = documents_old(source).map_err(|e| within(e, item))?;
            json(operations.first().map(Node::value).unwrap_or_default(), item).map(Loaded::Json)
        }
        Some(_) => objects(source).map(Loaded::Merge).map_err(|e| within(e, item)),
        None => Err(item.error("this patch is empty")),
    }
}

fn json(operations: Value, item: &Item) -> Result<json_patch::Patch> {
    serde_json::from_value(operations).map_err(|e| item.error(format!("not a JSON patch: {e}")))
}

/// Adds where the kustomization names the patch.
fn within(error: Error, item: &Item) -> Error {
    match &item.place {
        Some(place) => error.at(place.clone()),
        None => error,
    }
}

/// Applies an entry of `patches`.
pub(super) fn apply(tree: &dyn Tree, dir: &str, patch: &Patch, all: &mut Collection) -> Result<()> {
    let (item, display) = load(tree, dir, patch)?;
    match (parse(&item, &display)?, &patch.target) {
        (Loaded::Json(_), None) => Err(item.error("a JSON patch needs a target")),
        (Loaded::Json(operations), Some(target)) => {
            for resource in all.0.iter_mut().filter(|r| !r.is_empty() && target.selects(r)) {
                resource.remember_id();
                apply_json(resource, &operations, &item)?;
            }
            Ok(())
        }
        (Loaded::Merge(patches), Some(target)) => {
            let [single] = &patches[..] else {
                return Err(item.error("a patch with a target holds one document"));
            };
            let mut single = single.clone();
            (single.renames, single.rekinds) = (patch.renames, patch.rekinds);
            for resource in all.0.iter_mut().filter(|r| !r.is_empty() && target.selects(r)) {
                let mut own = single.clone();
                if let (Some(object), Some(api_version)) = (own.value.as_object_mut(), resource.value.get("apiVersion"))
                {
                    object.insert("apiVersion".into(), api_version.clone());
                }
                apply_merge(resource, own).map_err(|e| within(e, &item))?;
            }
            all.drop_empty();
            all.check_ids().map_err(|e| within(e, &item))
        }
        (Loaded::Merge(patches), None) => {
            for mut single in patches {
                (single.renames, single.rekinds) = (patch.renames, patch.rekinds);
                let index = all.find(&single.original_id()).map_err(|e| within(e, &item))?;
                apply_merge(&mut all.0[index], single).map_err(|e| within(e, &item))?;
            }
            Ok(())
        }
    }
}

/// Applies an entry of `patchesStrategicMerge`: a text or a file.
pub(super) fn apply_strategic(tree: &dyn Tree, dir: &str, item: &Item, all: &mut Collection) -> Result<()> {
    let inline = documents(Source { text: &item.text, display: "patch" })
        .is_ok_and(|nodes| nodes.first().is_some_and(|node| matches!(node.data, Data::Map(_))));
    let patches = if inline {
        objects(Source { text: &item.text, display: "patch" }).map_err(|e| within(e, item))?
    } else {
        let full = item.path(dir, &item.text)?;
        let text = tree.read_text(&full)?.ok_or_else(|| item.error(format!("{full} does not exist")))?;
        objects(Source { text: &text, display: &full }).map_err(|e| within(e, item))?
    };
    for patch in patches {
        let index = all.find(&patch.original_id()).map_err(|e| within(e, item))?;
        apply_merge(&mut all.0[index], patch).map_err(|e| within(e, item))?;
        all.drop_empty();
    }
    all.check_ids()
}

/// Applies an entry of `patchesJson6902`.
pub(super) fn apply_json_entry(tree: &dyn Tree, dir: &str, patch: &Patch, all: &mut Collection) -> Result<()> {
    let (item, display) = load(tree, dir, patch)?;
    let Some(target) = patch.target.as_ref().filter(|t| t.has_name()) else {
        return Err(item.error("an entry of patchesJson6902 needs a target with a name"));
    };
    let Loaded::Json(operations) = parse(&item, &display)? else {
        return Err(item.error("an entry of patchesJson6902 is a list of operations"));
    };
    let selected = all.0.iter_mut().filter(|r| !r.is_empty() && target.selects(r));
    selected.into_iter().try_for_each(|resource| apply_json(resource, &operations, &item))
}

fn apply_json(resource: &mut Resource, operations: &json_patch::Patch, item: &Item) -> Result<()> {
    let id = resource.id();
    resource.blanks.clear();
    json_patch::patch(&mut resource.value, operations)
        .map_err(|e| item.error(format!("the JSON patch does not fit {id}: {e}")))
}

fn apply_merge(resource: &mut Resource, patch: Resource) -> Result<()> {
    let (id, name, kind) = (resource.id(), resource.name().to_owned(), resource.value.get("kind").cloned());
    let namespace = resource.namespace().to_owned();
    if patch.renames || patch.rekinds {
        resource.remember_id();
    }
    resource.drop_blanks();
    let old = std::mem::take(&mut resource.value);
    let Some(new) = merge(old, patch.value).map_err(|e| e.context(format!("patching {id}")))? else {
        return Ok(());
    };
    resource.value = new;
    if resource.is_empty() {
        return Ok(());
    }
    if let (false, Some(kind), Some(object)) = (patch.rekinds, kind, resource.value.as_object_mut()) {
        object.insert("kind".into(), kind);
    }
    if !patch.renames {
        resource.set_name(&name);
    }
    resource.set_namespace(&namespace);
    Ok(())
}
