//! Field specifications: paths into objects of certain kinds, as kustomize's transformers are told where to write.

use serde_json::{Map, Value};

use super::resource::{Gvk, Resource};
use crate::error::{Code, Error, Result};

/// A path into objects of certain kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSpec {
    /// Which objects; empty parts fit all.
    pub(super) gvk: Gvk,
    /// Field names separated by `/` (a `/` within a name is written `\/`); lists on the way mean all their items.
    pub(super) path: String,
    /// Whether missing fields are created.
    pub(super) create: bool,
}

impl FieldSpec {
    /// A path in every object.
    pub(super) fn everywhere(path: &str, create: bool) -> Self {
        Self { gvk: Gvk::default(), path: path.into(), create }
    }

    fn covers(&self, other: &Self) -> bool {
        self.gvk.is_selected(&other.gvk) && self.path == other.path
    }
}

/// Adds `new` unless it is there; an error when it is there with another `create`.
pub(super) fn add(specs: &mut Vec<FieldSpec>, new: &FieldSpec) -> Result<()> {
    match specs.iter().find(|spec| spec.covers(new)) {
        Some(old) if old.create != new.create => {
            Err(Error::new(Code::Kustomize, format!("two field specifications of {} disagree about create", new.path)))
        }
        Some(_) => Ok(()),
        None => {
            specs.push(new.clone());
            Ok(())
        }
    }
}

/// What a missing last field is created as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    /// It is never created.
    Never,
    /// Null, for the setter to overwrite.
    Scalar,
    /// An empty map.
    Map,
}

/// Calls `set` on every node that `spec` leads to in `resource`, if the resource is of its kind.
pub(super) fn visit(
    resource: &mut Resource,
    spec: &FieldSpec,
    leaf: Leaf,
    set: &mut dyn FnMut(&mut Value) -> Result<()>,
) -> Result<()> {
    if !resource.gvk().is_selected(&spec.gvk) {
        return Ok(());
    }
    let parts = split(&spec.path, '/');
    let id = resource.id();
    walk(&mut resource.value, &parts, spec.create, leaf, set)
        .map_err(|e| e.context(format!("field {} of {id}", spec.path)))
}

fn walk(
    node: &mut Value,
    parts: &[String],
    create: bool,
    leaf: Leaf,
    set: &mut dyn FnMut(&mut Value) -> Result<()>,
) -> Result<()> {
    let Some((part, rest)) = parts.split_first() else { return set(node) };
    match node {
        Value::Null => Ok(()),
        Value::Array(items) => items.iter_mut().try_for_each(|item| walk(item, parts, create, leaf, set)),
        Value::Object(map) => {
            let (name, is_list) = part.strip_suffix("[]").map_or((part.as_str(), false), |name| (name, true));
            let blank = match leaf {
                _ if !create || is_list || leaf == Leaf::Never => None,
                Leaf::Scalar if rest.is_empty() => Some(Value::Null),
                _ => Some(Value::Object(Map::new())),
            };
            let child = match (map.contains_key(name), blank) {
                (false, None) => return Ok(()),
                (true, None) => map.get_mut(name),
                (_, Some(blank)) => {
                    let child = map.entry(name.to_owned()).or_insert(Value::Null);
                    if child.is_null() {
                        *child = blank;
                    }
                    Some(child)
                }
            };
            child.map_or(Ok(()), |child| walk(child, rest, create, leaf, set))
        }
        _ => Err(Error::new(Code::Kustomize, format!("expected a map or a list above {part}"))),
    }
}

/// Splits a path at `separator`, except where a backslash stands before it; a leading separator is left out.
pub(super) fn split(path: &str, separator: char) -> Vec<String> {
    let mut pieces: Vec<&str> = path.split(separator).collect();
    if pieces.len() > 1 && pieces[0].is_empty() {
        pieces.remove(0);
    }
    let mut parts: Vec<String> = Vec::new();
    for piece in pieces {
        match parts.last_mut().filter(|last| last.ends_with('\\')) {
            Some(last) => {
                last.pop();
                last.push(separator);
                last.push_str(piece);
            }
            None => parts.push(piece.to_owned()),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_slash_can_be_part_of_a_name() {
        assert_eq!(split(r"metadata/annotations/a.io\/b", '/'), ["metadata", "annotations", "a.io/b"]);
        assert_eq!(split("/a/b", '/'), ["a", "b"]);
    }

    #[test]
    fn missing_maps_are_created_and_lists_walked() {
        let mut resource = Resource::new(json!({"kind": "X", "spec": {"list": [{"a": 1}, {"b": 2}]}}));
        let spec = FieldSpec::everywhere("spec/list/c/d", true);
        visit(&mut resource, &spec, Leaf::Scalar, &mut |node| {
            *node = json!(3);
            Ok(())
        })
        .unwrap();
        assert_eq!(resource.value["spec"]["list"][1], json!({"b": 2, "c": {"d": 3}}));
    }
}
