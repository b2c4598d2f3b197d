//! The Flux Kustomizations of a repository and the objects they make, as this part looks at them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::kustomize::Tree;
use crate::kustomize::flux::{self, Forest, Outcome};
use crate::manifest::object::Id;

use super::flux_files::Name;
use super::layout::Layout;
use super::namespace;

/// Where `postBuild` takes variables from: kind (`ConfigMap` or `Secret`), namespace, name.
pub type Reference = (String, String, String);
/// Variables as read from the cluster, where somebody did.
pub type Variables = BTreeMap<Reference, BTreeMap<String, String>>;

/// One Flux Kustomization, as its parents change it.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Namespace where it lies, and name.
    pub name: Name,
    /// The Kustomization object, with its parents' patches.
    pub object: Value,
    /// The one that applies it; `None` for a root.
    pub parent: Option<Name>,
    /// The folder that it applies, from the root of the repository.
    pub path: String,
    /// What it makes, namespaces filled in; nothing if it builds from another source.
    pub objects: Vec<Value>,
    /// Why it cannot be built here.
    pub error: Option<Error>,
}

impl Unit {
    /// Whether its file says `suspend: true`.
    pub fn is_suspended(&self) -> bool {
        self.object.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or(false)
    }

    /// The Kustomizations it waits for; a dependency without namespace lies in its own.
    pub fn depends_on(&self) -> Vec<Name> {
        let entries = self.object.pointer("/spec/dependsOn").and_then(Value::as_array);
        let text = |value: &Value, key: &str| value[key].as_str().filter(|t| !t.is_empty()).map(str::to_owned);
        entries
            .into_iter()
            .flatten()
            .filter_map(|e| Some((text(e, "namespace").unwrap_or_else(|| self.name.0.clone()), text(e, "name")?)))
            .collect()
    }
}

/// All Flux Kustomizations that the roots lead to, parents before children.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The Kustomizations.
    pub units: Vec<Unit>,
    /// Variables that neither the repository nor the cluster would tell: taken as empty.
    pub unknown: BTreeSet<Reference>,
}

impl World {
    /// Walks from the roots of a repository. Variables that neither `live` nor the repository itself can tell (an
    /// encrypted Secret) are taken as empty and listed in [`World::unknown`], so that one of them hides nothing else.
    pub fn of(tree: &dyn Tree, layout: &Layout, live: &Variables) -> Result<Self> {
        let roots = roots(tree, layout)?;
        let mut unknown = BTreeSet::new();
        loop {
            let vars = |kind: &str, namespace: &str, name: &str| {
                let reference = (kind.to_owned(), namespace.to_owned(), name.to_owned());
                live.get(&reference).cloned().or_else(|| unknown.contains(&reference).then(BTreeMap::new))
            };
            let forest = flux::walk(tree, &roots, &vars)?;
            let more: Vec<Reference> = unresolved(&forest).into_iter().filter(|r| !unknown.contains(r)).collect();
            if more.is_empty() {
                return Ok(Self { units: units(forest), unknown });
            }
            unknown.extend(more);
        }
    }

    /// The Kustomization of that namespace and name.
    pub fn unit(&self, name: &Name) -> Option<&Unit> {
        self.units.iter().find(|u| u.name == *name)
    }

    /// The Kustomization and everything above it, root first.
    pub fn chain(&self, name: &Name) -> Vec<Name> {
        let mut chain = Vec::new();
        let mut next = self.unit(name);
        while let Some(unit) = next {
            if chain.contains(&unit.name) {
                break;
            }
            chain.push(unit.name.clone());
            next = unit.parent.as_ref().and_then(|p| self.unit(p));
        }
        chain.reverse();
        chain
    }

    /// Every object with the Kustomization that makes it.
    pub fn objects(&self) -> impl Iterator<Item = (&Unit, &Value)> {
        self.units.iter().flat_map(|u| u.objects.iter().map(move |o| (u, o)))
    }

    /// The first object that `wanted` says yes to, with the Kustomization that makes it.
    pub fn find(&self, wanted: impl Fn(&Id) -> bool) -> Option<(&Unit, &Value)> {
        self.objects().find(|(_, object)| wanted(&Id::of(object)))
    }

    /// Whether something in the repository creates this namespace.
    pub fn creates_namespace(&self, namespace: &str) -> bool {
        self.find(|id| id.kind == "Namespace" && id.group.is_empty() && id.name == namespace).is_some()
    }
}

/// The Flux Kustomizations in the folder of roots. If one of them applies that very folder, the others hang below it.
fn roots(tree: &dyn Tree, layout: &Layout) -> Result<Vec<Value>> {
    if tree.list(&layout.cluster)?.is_none() {
        return Ok(Vec::new());
    }
    let all = if namespace::file_of(tree, &layout.cluster)?.is_some() {
        crate::kustomize::build(tree, &layout.cluster)?
    } else {
        let root = flux::root(&layout.flux_namespace, &layout.source, &layout.cluster);
        flux::build_kustomization(tree, &root, &|_, _, _| None)?
    };
    let found: Vec<Value> = all.into_iter().filter(flux::is_kustomization).collect();
    let above = found.iter().find(|o| flux::source_path(o).is_ok_and(|path| path == layout.cluster)).cloned();
    Ok(above.map_or(found, |root| vec![root]))
}

/// Variables that a Kustomization failed for, and that the walk did not come upon either.
fn unresolved(forest: &Forest) -> Vec<Reference> {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let made = |(kind, namespace, name): &Reference| {
        forest.objects().any(|(_, o)| {
            let metadata = &o["metadata"];
            o["kind"] == **kind
                && metadata["name"] == **name
                && metadata["namespace"] == **namespace
                && !flux::is_encrypted(o)
        })
    };
    let failed = forest.failures().map(|(built, _)| built);
    let references = failed.flat_map(|built| {
        let entries = built.object.pointer("/spec/postBuild/substituteFrom").and_then(Value::as_array);
        entries.into_iter().flatten().map(|e| (text(e, "kind"), built.namespace.clone(), text(e, "name")))
    });
    references.filter(|r| !made(r)).collect()
}

fn units(forest: Forest) -> Vec<Unit> {
    let names: Vec<Name> = forest.kustomizations.iter().map(|k| (k.namespace.clone(), k.name.clone())).collect();
    forest
        .kustomizations
        .into_iter()
        .zip(&names)
        .map(|(built, name)| {
            let (objects, error) = match built.outcome {
                Outcome::Objects(objects) => (objects, None),
                Outcome::Elsewhere(_) => (Vec::new(), None),
                Outcome::Failed(error) => (Vec::new(), Some(error)),
            };
            Unit {
                name: name.clone(),
                parent: built.parent.and_then(|index| names.get(index).cloned()),
                object: built.object,
                path: built.path,
                objects,
                error,
            }
        })
        .collect()
}
