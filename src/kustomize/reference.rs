//! Rewrites names in other objects after a rename: a Deployment follows the new name of its `ConfigMap`.

use std::collections::HashSet;

use serde_json::Value;

use super::collection::Collection;
use super::config::NameReference;
use super::fieldspec::{FieldSpec, Leaf, visit};
use super::resource::{Gvk, Id, Resource, error_about};
use crate::error::{Code, Error, Result};

/// An object that may be named by others, as it stands when references are rewritten.
struct Candidate {
    id: Id,
    first: Id,
    former: Vec<Id>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

/// Rewrites every reference to an object whose name or namespace changed.
pub(super) fn fix(references: &[NameReference], all: &mut Collection) -> Result<()> {
    let candidates: Vec<Candidate> = all
        .0
        .iter()
        .map(|r| Candidate {
            id: r.id(),
            first: r.original_id(),
            former: r.former_ids(),
            prefixes: r.prefixes.clone(),
            suffixes: r.suffixes.clone(),
        })
        .collect();
    for resource in &mut all.0 {
        let reachable = reachable(resource, &candidates);
        let original = resource.original_id();
        for reference in references {
            for spec in reference.referrers.iter().filter(|spec| original.gvk.is_selected(&spec.gvk)) {
                fix_field(resource, spec, &reference.target, &reachable)?;
            }
        }
    }
    Ok(())
}

/// The objects that `referrer` could name: of its own namespace, cluster-scoped, or in a namespace that it binds.
fn reachable<'a>(referrer: &Resource, all: &'a [Candidate]) -> Vec<&'a Candidate> {
    let id = referrer.id();
    if id.is_cluster_scoped() {
        return all.iter().collect();
    }
    let bound: HashSet<&str> = if referrer.kind() == "RoleBinding" {
        let subjects = referrer.value.get("subjects").and_then(Value::as_array);
        subjects
            .into_iter()
            .flatten()
            .filter(|s| s.get("kind").and_then(Value::as_str) == Some("ServiceAccount"))
            .filter_map(|s| s.get("namespace").and_then(Value::as_str))
            .collect()
    } else {
        HashSet::new()
    };
    all.iter()
        .filter(|c| {
            c.id.is_cluster_scoped() || c.id.effective == id.effective || bound.contains(c.id.namespace.as_str())
        })
        .collect()
}

fn fix_field(resource: &mut Resource, spec: &FieldSpec, target: &Gvk, reachable: &[&Candidate]) -> Result<()> {
    let search = Search {
        referrer: resource.id(),
        target,
        role: spec.path.ends_with("roleRef/name").then(|| role(resource)).flatten(),
        prefixes: resource.prefixes.clone(),
        suffixes: resource.suffixes.clone(),
        reachable,
    };
    // The field is the referrer's own, whatever kind the rule was written for.
    let spec = FieldSpec { gvk: resource.gvk(), ..spec.clone() };
    visit(resource, &spec, Leaf::Never, &mut |node| search.set(node))
}

fn role(resource: &Resource) -> Option<Gvk> {
    let text = |field: &str| Some(resource.value.pointer(&format!("/roleRef/{field}"))?.as_str()?.to_owned());
    Some(Gvk { group: text("apiGroup")?, version: String::new(), kind: text("kind")? })
}

struct Search<'a> {
    referrer: Id,
    target: &'a Gvk,
    role: Option<Gvk>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
    reachable: &'a [&'a Candidate],
}

impl Search<'_> {
    fn set(&self, node: &mut Value) -> Result<()> {
        match node {
            Value::Null => Ok(()),
            Value::Object(_) => self.set_map(node),
            Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
                Value::Object(_) => self.set_map(item),
                Value::Array(_) => Err(Error::new(Code::Kustomize, "a list of names holds a list")),
                _ => self.set_text(item),
            }),
            _ => self.set_text(node),
        }
    }

    fn set_text(&self, node: &mut Value) -> Result<()> {
        let Some(name) = node.as_str() else { return Ok(()) };
        let found = self.select(name, self.reachable.to_vec(), |a, b| a.id.name == b.id.name)?;
        if let Some(found) = found {
            *node = found.id.name.as_str().into();
        }
        Ok(())
    }

    fn set_map(&self, node: &mut Value) -> Result<()> {
        let Some(map) = node.as_object_mut() else { return Ok(()) };
        let Some(name) = map.get("name") else {
            return Err(Error::new(Code::Kustomize, "a reference lacks its name"));
        };
        let Some(name) = name.as_str() else { return Ok(()) };
        let candidates = match map.get("namespace") {
            None => self.reachable.to_vec(),
            Some(namespace) => {
                let namespace = namespace.as_str().unwrap_or_default();
                let of = |id: fn(&Candidate) -> &Id| -> Vec<&Candidate> {
                    let fits = |c: &&&Candidate| !id(c).is_cluster_scoped() && id(c).effective == namespace;
                    self.reachable.iter().filter(fits).copied().collect()
                };
                let first = of(|c| &c.first);
                if first.is_empty() { of(|c| &c.id) } else { first }
            }
        };
        let same = |a: &Candidate, b: &Candidate| a.id.name == b.id.name && a.id.namespace == b.id.namespace;
        let Some(found) = self.select(name, candidates, same)? else { return Ok(()) };
        map.insert("name".into(), found.id.name.as_str().into());
        if !found.id.namespace.is_empty() {
            map.insert("namespace".into(), found.id.namespace.as_str().into());
        }
        Ok(())
    }

    fn select<'c>(
        &self,
        name: &str,
        mut candidates: Vec<&'c Candidate>,
        same: impl Fn(&Candidate, &Candidate) -> bool,
    ) -> Result<Option<&'c Candidate>> {
        candidates.retain(|c| {
            c.former.iter().any(|id| id.name == name)
                && c.former.iter().any(|id| id.gvk.is_selected(self.target))
                && self.role.as_ref().is_none_or(|role| c.former.iter().any(|id| id.gvk.is_selected(role)))
                && self.may_cross(c)
        });
        if candidates.len() == 1 {
            return Ok(candidates.pop());
        }
        candidates.retain(|c| self.same_affixes(c, true));
        if candidates.len() > 1 {
            candidates.retain(|c| self.same_affixes(c, false));
        }
        match candidates[..] {
            [] => Ok(None),
            [first, ref rest @ ..] if rest.iter().all(|c| same(first, c)) => Ok(Some(first)),
            _ => Err(error_about(&self.referrer, format!("{} could mean several objects named {name}", self.referrer))),
        }
    }

    fn may_cross(&self, candidate: &Candidate) -> bool {
        self.referrer.is_cluster_scoped()
            || candidate.id.is_cluster_scoped()
            || candidate.id.gvk.kind == "ServiceAccount"
            || candidate.id.effective == self.referrer.effective
    }

    fn same_affixes(&self, c: &Candidate, empty_fits: bool) -> bool {
        let same = |ours: &[String], theirs: &[String]| {
            (empty_fits && (ours.is_empty() || theirs.is_empty())) || same_ending(ours, theirs)
        };
        same(&self.prefixes, &c.prefixes) && same(&self.suffixes, &c.suffixes)
    }
}

/// Whether the shorter list ends the longer one; an empty one ends only an empty one.
fn same_ending(a: &[String], b: &[String]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}
