//! The plan: every file that changes with its diff, what Flux makes of it, and what speaks against it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::check::Check;
use crate::error::Result;
use crate::kustomize::{Disk, Overlay, Tree};

use super::assemble::{self, Assembled};
use super::change::Change;
use super::danger;
use super::deliverables::Deliverables;
use super::flux_files::Name;
use super::lint::{self, Subject};
use super::objects::Objects;
use super::world::{Variables, World};

/// A Kustomization that the change touches, or that stands above one.
#[derive(Clone, Debug, PartialEq)]
pub struct Touched {
    /// Namespace and name.
    pub name: Name,
    /// The one that applies it; `None` for a root.
    pub parent: Option<Name>,
    /// The ones it waits for.
    pub depends_on: Vec<Name>,
    /// Whether one of the deliverables declares it.
    pub is_ours: bool,
    /// Whether it comes with the change.
    pub is_new: bool,
    /// What it makes after the change.
    pub objects: Vec<Value>,
}

/// The Kustomizations of a repository as it lies there.
#[derive(Clone, Debug)]
pub struct Before {
    /// All of them, built.
    pub world: World,
    /// The variables that were read from the cluster for them.
    pub live: Variables,
}

/// What an execute would do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Files of the delivery that change, by path: one commit.
    pub changes: Vec<Change>,
    /// Every file of the delivery, changed or not, by path.
    pub files: Vec<String>,
    /// Pages that change: they come with the ledger, once the objective is proved.
    pub docs: Vec<Change>,
    /// The Kustomizations that deliver it: parents before children, dependencies before what waits for them.
    pub kustomizations: Vec<Touched>,
    /// What comes, changes and goes in the cluster.
    pub objects: Objects,
    /// What the repository alone says: faults and what was looked at.
    pub checks: Vec<Check>,
    /// What cannot simply be taken back.
    pub dangers: Vec<Check>,
    after: World,
}

impl Plan {
    /// Holds deliverables against the repository at `root`, whose Kustomizations are `before`
    /// ([`trial::before`](super::trial::before)).
    pub fn make(root: &Path, deliverables: &Deliverables, before: &Before) -> Result<Self> {
        Self::between(&Disk::new(root)?, deliverables, before)
    }

    /// Holds deliverables against any tree of files; `live` are variables for `postBuild`, as read from the cluster.
    pub fn over(tree: &dyn Tree, deliverables: &Deliverables, live: &Variables) -> Result<Self> {
        let world = World::of(tree, deliverables.layout(), live)?;
        Self::between(tree, deliverables, &Before { world, live: live.clone() })
    }

    fn between(tree: &dyn Tree, deliverables: &Deliverables, before: &Before) -> Result<Self> {
        let layout = deliverables.layout();
        let Before { world: before, live } = before;
        let assembled = assemble::assemble(tree, deliverables, before)?;
        let planned = assembled.files.iter().map(|(path, text)| (path.clone(), Some(text.clone().into_bytes())));
        let overlay = Overlay::new(tree, planned.collect())?;
        let after = World::of(&overlay, layout, live)?;
        let objects = Objects::between(before, &after);
        let subject = Subject { deliverables, assembled: &assembled, after: &after };
        let checks = lint::check(&subject);
        let kustomizations = touched(&assembled, &objects, before, &after);
        let chain: Vec<Name> = kustomizations.iter().map(|k| k.name.clone()).collect();
        let dangers = danger::in_repository(&objects, &after, &chain);
        Ok(Self {
            changes: changes(tree, &assembled.files)?,
            files: assembled.files.keys().cloned().collect(),
            docs: changes(tree, deliverables.docs())?,
            kustomizations,
            objects,
            checks,
            dangers,
            after,
        })
    }

    /// A plan that does nothing, for tests to fill.
    #[cfg(test)]
    pub(super) fn empty() -> Self {
        Self {
            changes: Vec::new(),
            files: Vec::new(),
            docs: Vec::new(),
            kustomizations: Vec::new(),
            objects: Objects::default(),
            checks: Vec::new(),
            dangers: Vec::new(),
            after: World::default(),
        }
    }

    /// Whether the repository says all of it already.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.docs.is_empty()
    }

    /// The Kustomizations to wait for, in order: parents before children, dependencies before what waits for them.
    pub fn chain(&self) -> Vec<Name> {
        self.kustomizations.iter().map(|k| k.name.clone()).collect()
    }

    /// Everything that the deliverables' own Kustomizations make: what has to fit on the nodes.
    pub fn own_objects(&self) -> Vec<Value> {
        self.kustomizations.iter().filter(|k| k.is_ours).flat_map(|k| k.objects.iter().cloned()).collect()
    }

    /// Everything that the repository makes in a namespace after the change: what a budget counts.
    pub fn objects_in(&self, namespace: &str) -> Vec<Value> {
        let there = |object: &&Value| object["metadata"]["namespace"] == namespace;
        self.after.objects().map(|(_, object)| object).filter(there).cloned().collect()
    }

    /// Checks and dangers that stand in the way.
    pub fn blockers(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().chain(&self.dangers).filter(|c| c.blocks())
    }
}

fn changes(tree: &dyn Tree, files: &BTreeMap<String, String>) -> Result<Vec<Change>> {
    let mut out = Vec::new();
    for (path, text) in files {
        let before = tree.read(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        if before.as_ref() != Some(text) {
            out.push(Change { path: path.clone(), before, after: text.clone() });
        }
    }
    Ok(out)
}

/// Ours and every one whose objects change, with all above them.
fn touched(assembled: &Assembled, objects: &Objects, before: &World, after: &World) -> Vec<Touched> {
    let made = objects.added.iter().map(|m| &m.by).chain(objects.changed.iter().map(|c| &c.by));
    let made = made.chain(objects.removed.iter().map(|m| &m.by));
    let mut names: Vec<Name> = Vec::new();
    for name in assembled.kustomizations.iter().chain(made) {
        for name in after.chain(name) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let mut ordered: Vec<Name> = Vec::new();
    for name in &names {
        visit(name, &names, after, &mut Vec::new(), &mut ordered);
    }
    ordered
        .into_iter()
        .filter_map(|name| {
            let unit = after.unit(&name)?;
            Some(Touched {
                parent: unit.parent.clone(),
                depends_on: unit.depends_on(),
                is_ours: assembled.kustomizations.contains(&name),
                is_new: before.unit(&name).is_none(),
                objects: unit.objects.clone(),
                name,
            })
        })
        .collect()
}

/// Depth first: what stands above and what it waits for come before it. A circle ends where it closes.
fn visit(name: &Name, wanted: &[Name], world: &World, open: &mut Vec<Name>, out: &mut Vec<Name>) {
    if out.contains(name) || open.contains(name) {
        return;
    }
    let Some(unit) = world.unit(name) else { return };
    open.push(name.clone());
    for earlier in unit.parent.iter().cloned().chain(unit.depends_on()).filter(|n| wanted.contains(n)) {
        visit(&earlier, wanted, world, open, out);
    }
    open.pop();
    out.push(name.clone());
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
