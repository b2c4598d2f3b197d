//! Builds a kustomization: resources, generators, components, then the transformers in kustomize's own order.

use super::collection::Collection;
use super::config::Config;
use super::file::{FILE_NAMES, Kustomization, empty};
use super::item::Item;
use super::names::{self, Affix};
use super::resource::{ORIGIN, objects};
use super::sort::SortOptions;
use super::tree::{Tree, resolve};
use super::yaml::Source;
use super::{label, namespace, patch, reference, replicas};
use crate::error::{Code, Error, Result};

/// The annotation that keeps an object out of the result.
const LOCAL: &str = "config.kubernetes.io/local-config";

/// What has been gathered so far, and the field specifications that came with it.
#[derive(Default)]
struct Gathered {
    objects: Collection,
    config: Config,
}

struct Builder<'a> {
    tree: &'a dyn Tree,
    /// The folders that are being built, outermost first.
    open: Vec<String>,
    /// Whether origins are written, as the outermost kustomization asks.
    origins: bool,
}

/// The kustomization file of a folder: its path and content.
pub(super) fn kustomization_file(tree: &dyn Tree, dir: &str) -> Result<Option<(String, String)>> {
    let mut found = Vec::new();
    for name in FILE_NAMES {
        let path = resolve(dir, name)?;
        if let Some(text) = tree.read_text(&path)? {
            found.push((path, text));
        }
    }
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(Error::new(Code::Kustomize, format!("{} and {} are both there: keep one", found[0].0, found[1].0))),
    }
}

/// Builds the folder `dir` with its kustomization file, in the order of `kubectl kustomize`.
pub(super) fn build_dir(tree: &dyn Tree, dir: &str) -> Result<Collection> {
    let mut kustomization = load(tree, dir)?;
    kustomization.sort.get_or_insert_with(SortOptions::legacy);
    build_with(tree, dir, &kustomization)
}

/// Builds the folder `dir` as `kustomization` says.
pub(super) fn build_with(tree: &dyn Tree, dir: &str, kustomization: &Kustomization) -> Result<Collection> {
    let origins = !kustomization.build_metadata.is_empty();
    let keep_origins = kustomization.build_metadata.iter().any(|word| word == "originAnnotations");
    let sort = kustomization.sort.clone();
    let mut builder = Builder { tree, open: Vec::new(), origins };
    let mut gathered = builder.gather(dir, kustomization, Gathered::default())?;
    let all = &mut gathered.objects;
    names::add_hashes(all);
    reference::fix(&gathered.config.references, all)?;
    all.drop_empty();
    all.0.retain(|r| !r.texts("annotations").iter().any(|(key, text)| key == LOCAL && text != "false"));
    if let Some(sort) = sort {
        sort.apply(all);
    }
    for resource in &mut all.0 {
        if !keep_origins
            && let Some(map) = resource.value.pointer_mut("/metadata/annotations").and_then(|a| a.as_object_mut())
        {
            map.shift_remove(ORIGIN);
        }
        resource.tidy_annotations();
    }
    Ok(gathered.objects)
}

fn load(tree: &dyn Tree, dir: &str) -> Result<Kustomization> {
    let Some((path, text)) = kustomization_file(tree, dir)? else {
        let shown = if dir.is_empty() { "the root" } else { dir };
        return Err(Error::new(Code::Kustomize, format!("{shown} has no kustomization.yaml")));
    };
    let source = Source { text: &text, display: &path };
    let kustomization = Kustomization::parse(source)?;
    if kustomization.is_empty {
        return Err(empty(source));
    }
    Ok(kustomization)
}

impl Builder<'_> {
    fn gather(&mut self, dir: &str, k: &Kustomization, mut into: Gathered) -> Result<Gathered> {
        self.open.push(dir.to_owned());
        for item in &k.resources {
            self.resource(dir, item, &mut into)?;
        }
        into.config.merge(Config::defaults())?;
        for item in &k.configurations {
            let path = Self::inside(dir, item)?;
            let text = self.tree.read_text(&path)?.ok_or_else(|| item.error(format!("{path} does not exist")))?;
            into.config.merge(&Config::parse(Source { text: &text, display: &path })?)?;
        }
        for generator in &k.generators {
            let mut made = generator.generate(self.tree, dir)?;
            if let (true, Some(place)) = (self.origins, &k.place) {
                let (file, kind) = (self.relative(&place.file), made.kind());
                let by = format!("configuredBy:\n  apiVersion: builtin\n  kind: {kind}Generator\n");
                made.set_text("annotations", ORIGIN, &format!("configuredIn: {file}\n{by}"));
            }
            into.objects.absorb(made).map_err(|e| at_item(e, generator.name()))?;
        }
        for item in &k.components {
            into = self.component(dir, item, into)?;
        }
        self.transform(dir, k, &mut into).map_err(|e| match &k.place {
            Some(place) if e.places().is_empty() => e.at(place.clone()),
            _ => e,
        })?;
        self.open.pop();
        Ok(into)
    }

    /// The path of an item, which must lie in the repository.
    fn inside(dir: &str, item: &Item) -> Result<String> {
        item.path(dir, &item.text)
    }

    fn resource(&mut self, dir: &str, item: &Item, into: &mut Gathered) -> Result<()> {
        let path = Self::inside(dir, item)?;
        if let Some(text) = self.tree.read_text(&path)? {
            for mut object in objects(Source { text: &text, display: &path })? {
                if self.origins {
                    let shown = self.relative(&path);
                    object.set_text("annotations", ORIGIN, &format!("path: {shown}\n"));
                }
                into.objects.append(object).map_err(|e| at_item(e, item))?;
            }
            return Ok(());
        }
        let sub = self.folder(&path, item)?;
        if sub.is_component {
            return Err(item.error(format!("{path} is a Component: list it under components")));
        }
        let gathered = self.gather(&path, &sub, Gathered::default())?;
        into.objects.append_all(gathered.objects).map_err(|e| at_item(e, item))?;
        into.config.merge(&gathered.config)
    }

    fn component(&mut self, dir: &str, item: &Item, into: Gathered) -> Result<Gathered> {
        let path = Self::inside(dir, item)?;
        let sub = self.folder(&path, item)?;
        if !sub.is_component {
            return Err(item.error(format!("{path} is not a Component: list it under resources")));
        }
        self.gather(&path, &sub, into)
    }

    fn folder(&self, path: &str, item: &Item) -> Result<Kustomization> {
        if !self.tree.is_dir(path)? {
            return Err(item.error(format!("{path} does not exist")));
        }
        let above = |open: &&String| **open == path || path.is_empty() || open.starts_with(&format!("{path}/"));
        if let Some(open) = self.open.iter().find(above) {
            return Err(item.error(format!("{path} holds {open}, which is being built: a cycle")));
        }
        load(self.tree, path).map_err(|e| at_item(e, item))
    }

    /// A path seen from the outermost folder, as origins are written.
    fn relative(&self, path: &str) -> String {
        let root: Vec<&str> =
            self.open.first().map_or("", String::as_str).split('/').filter(|p| !p.is_empty()).collect();
        let parts: Vec<&str> = path.split('/').collect();
        let shared = root.iter().zip(&parts).take_while(|(a, b)| a == b).count();
        let up = std::iter::repeat_n("..", root.len() - shared);
        up.chain(parts[shared..].iter().copied()).collect::<Vec<_>>().join("/")
    }

    fn transform(&self, dir: &str, k: &Kustomization, into: &mut Gathered) -> Result<()> {
        let (all, config) = (&mut into.objects, &into.config);
        for item in &k.merge_patches {
            patch::apply_strategic(self.tree, dir, item, all)?;
        }
        for entry in &k.patches {
            patch::apply(self.tree, dir, entry, all)?;
            all.drop_empty();
        }
        if !k.namespace.is_empty() {
            namespace::apply(&k.namespace, config, all)?;
        }
        if !k.name_prefix.is_empty() {
            names::apply(Affix::Prefix(&k.name_prefix), &config.name_prefix, all)?;
        }
        if !k.name_suffix.is_empty() {
            names::apply(Affix::Suffix(&k.name_suffix), &config.name_suffix, all)?;
        }
        for labels in &k.labels {
            label::apply(labels, config, all)?;
        }
        label::set(&k.common_labels, &config.common_labels, all)?;
        label::set(&k.common_annotations, &config.common_annotations, all)?;
        for entry in &k.json_patches {
            patch::apply_json_entry(self.tree, dir, entry, all)?;
            all.drop_empty();
        }
        for entry in &k.replicas {
            replicas::apply(entry, config, all)?;
        }
        for image in &k.images {
            image.apply(all, config)?;
        }
        for replacement in &k.replacements {
            replacement.apply(self.tree, dir, all)?;
        }
        Ok(())
    }
}

/// Adds where the kustomization names what failed.
fn at_item(error: Error, item: &Item) -> Error {
    match &item.place {
        Some(place) => error.at(place.clone()),
        None => error,
    }
}
