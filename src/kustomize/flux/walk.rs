//! Walks from root Kustomizations to all that they make: a parent's build, patches included, yields its children.

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use serde_json::Value;

use super::super::tree::Tree;
use super::{Vars, build_kustomization, is_encrypted, is_kustomization, source_path};
use crate::error::{Error, Result};

/// Every Flux Kustomization that was reached, parents before their children.
#[derive(Debug, Default)]
pub struct Forest {
    /// The Kustomizations, in the order in which they were reached.
    pub kustomizations: Vec<Built>,
}

/// A Flux Kustomization and what became of it.
#[derive(Debug)]
pub struct Built {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Index of the one that makes it; `None` for a root.
    pub parent: Option<usize>,
    /// The object itself, as its parent makes it.
    pub object: Value,
    /// The folder that it builds, from the root of the tree.
    pub path: String,
    /// Whether it is suspended.
    pub suspended: bool,
    /// What it makes.
    pub outcome: Outcome,
}

/// What a Kustomization makes.
#[derive(Debug)]
pub enum Outcome {
    /// These objects.
    Objects(Vec<Value>),
    /// Not known: it builds from another source (`GitRepository flux-system/other`).
    Elsewhere(String),
    /// Nothing: it cannot be built.
    Failed(Error),
}

impl Built {
    /// The objects that it makes; none when it could not be built.
    pub fn objects(&self) -> &[Value] {
        match &self.outcome {
            Outcome::Objects(objects) => objects,
            _ => &[],
        }
    }
}

impl Forest {
    /// The Kustomization of that name.
    pub fn find(&self, namespace: &str, name: &str) -> Option<&Built> {
        self.kustomizations.iter().find(|k| k.namespace == namespace && k.name == name)
    }

    /// A Kustomization and those above it, the root first.
    pub fn chain(&self, namespace: &str, name: &str) -> Vec<&Built> {
        let mut chain = Vec::new();
        let mut next = self.find(namespace, name);
        while let Some(built) = next.filter(|_| chain.len() <= self.kustomizations.len()) {
            chain.push(built);
            next = built.parent.and_then(|index| self.kustomizations.get(index));
        }
        chain.reverse();
        chain
    }

    /// Every object with the Kustomization that makes it.
    pub fn objects(&self) -> impl Iterator<Item = (&Built, &Value)> {
        self.kustomizations.iter().flat_map(|k| k.objects().iter().map(move |object| (k, object)))
    }

    /// Those that could not be built, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&Built, &Error)> {
        self.kustomizations.iter().filter_map(|k| match &k.outcome {
            Outcome::Failed(error) => Some((k, error)),
            _ => None,
        })
    }

    /// The data of a `ConfigMap` or `Secret` that the forest makes, where it can be read.
    fn variables(&self, kind: &str, namespace: &str, name: &str) -> Option<BTreeMap<String, String>> {
        let text = |object: &Value, pointer: &str| {
            object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (_, object) = self.objects().find(|(_, o)| {
            text(o, "/kind") == kind && text(o, "/metadata/name") == name && text(o, "/metadata/namespace") == namespace
        })?;
        if is_encrypted(object) {
            return None;
        }
        let decode = |value: &str| {
            let bytes = base64::engine::general_purpose::STANDARD.decode(value.replace('\n', "")).ok()?;
            String::from_utf8(bytes).ok()
        };
        let mut vars = BTreeMap::new();
        for field in ["data", "stringData"] {
            for (key, value) in object.get(field).and_then(Value::as_object).into_iter().flatten() {
                let value = value.as_str().unwrap_or_default();
                let plain = kind != "Secret" || field == "stringData";
                vars.insert(key.clone(), if plain { value.to_owned() } else { decode(value)? });
            }
        }
        Some(vars)
    }
}

struct Waiting {
    parent: Option<usize>,
    object: Value,
}

/// Builds `roots` and every Kustomization below them. Variables come from `vars` or, where it knows nothing, from
/// `ConfigMap` and `Secret` objects that the walk itself came upon. A child of another source, or one that fails, is said so in
/// its place; the walk goes on.
pub fn walk(tree: &dyn Tree, roots: &[Value], vars: &Vars<'_>) -> Result<Forest> {
    let mut forest = Forest::default();
    let mut seen = HashSet::new();
    let source = roots.iter().find_map(source);
    let mut waiting: Vec<Waiting> =
        roots.iter().rev().map(|object| Waiting { parent: None, object: object.clone() }).collect();
    let mut postponed: Vec<Waiting> = Vec::new();
    loop {
        let Some(next) = waiting.pop() else {
            if postponed.is_empty() {
                return Ok(forest);
            }
            // Whoever waited for variables that the walk might yet come upon: those that can, else the first anyway.
            let ready = postponed.iter().position(|w| is_ready(&w.object, &forest, vars)).unwrap_or(0);
            let next = postponed.remove(ready);
            build_one(tree, next, &mut forest, vars, source.as_deref(), &mut waiting);
            continue;
        };
        if !seen.insert(id(&next.object)) {
            continue;
        }
        if is_ready(&next.object, &forest, vars) {
            build_one(tree, next, &mut forest, vars, source.as_deref(), &mut waiting);
        } else {
            postponed.push(next);
        }
    }
}

fn id(object: &Value) -> (String, String) {
    let text = |field: &str| object.pointer(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("/metadata/namespace"), text("/metadata/name"))
}

/// The source of a Kustomization: `GitRepository flux-system/flux-system`.
fn source(object: &Value) -> Option<String> {
    let reference = object.pointer("/spec/sourceRef")?;
    let text = |field: &str| reference.get(field).and_then(Value::as_str);
    let own = id(object).0;
    Some(format!("{} {}/{}", text("kind")?, text("namespace").unwrap_or(&own), text("name")?))
}

fn is_ready(object: &Value, forest: &Forest, vars: &Vars<'_>) -> bool {
    let namespace = id(object).0;
    let references = object.pointer("/spec/postBuild/substituteFrom").and_then(Value::as_array);
    references.into_iter().flatten().all(|reference| {
        let text = |field: &str| reference.get(field).and_then(Value::as_str).unwrap_or_default();
        let (kind, name) = (text("kind"), text("name"));
        vars(kind, &namespace, name).is_some() || forest.variables(kind, &namespace, name).is_some()
    })
}

fn build_one(
    tree: &dyn Tree,
    next: Waiting,
    forest: &mut Forest,
    vars: &Vars<'_>,
    wanted: Option<&str>,
    waiting: &mut Vec<Waiting>,
) {
    let (namespace, name) = id(&next.object);
    let elsewhere = source(&next.object).filter(|s| wanted.is_some_and(|w| w != s));
    let both = |kind: &str, namespace: &str, name: &str| {
        vars(kind, namespace, name).or_else(|| forest.variables(kind, namespace, name))
    };
    let outcome = if let Some(source) = elsewhere {
        Outcome::Elsewhere(source)
    } else {
        build_kustomization(tree, &next.object, &both).map_or_else(Outcome::Failed, Outcome::Objects)
    };
    let built = Built {
        namespace,
        name,
        parent: next.parent,
        path: source_path(&next.object).unwrap_or_default(),
        suspended: next.object.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true),
        object: next.object,
        outcome,
    };
    let index = forest.kustomizations.len();
    let children: Vec<Value> = built.objects().iter().filter(|o| is_kustomization(o)).cloned().collect();
    forest.kustomizations.push(built);
    waiting.extend(children.into_iter().rev().map(|object| Waiting { parent: Some(index), object }));
}
