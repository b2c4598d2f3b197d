//! From deliverables to files: what is written, and which lists of people's files get a line.

use std::collections::BTreeMap;

use crate::error::{Code, Error, Result};
use crate::kustomize::{self, Overlay, Tree};
use crate::manifest::object::Id;
use crate::manifest::{kustomization, yaml};

use super::app::App;
use super::deliverables::Deliverables;
use super::flux_files::{self, Name};
use super::layout::{Layout, join, parent, relative};
use super::namespace::{self, Convention, FILE_NAMES};
use super::source::Source;
use super::world::World;

/// Every file of the plan by path, and where each app's Kustomization will lie.
#[derive(Clone, Debug, Default)]
pub struct Assembled {
    /// Path and text, also of files that already read so.
    pub files: BTreeMap<String, String>,
    /// The apps' Kustomizations, in the order of their declaration.
    pub kustomizations: Vec<Name>,
}

/// Holds the deliverables against the repository as it is: `tree`, and the Kustomizations found in it.
pub fn assemble(tree: &dyn Tree, deliverables: &Deliverables, before: &World) -> Result<Assembled> {
    let layout = deliverables.layout();
    let mut out = Draft { tree, layout, files: BTreeMap::new() };
    let convention = namespace::convention(tree, layout)?;
    for app in deliverables.apps() {
        out.list_app(app, &convention)?;
    }
    out.bring_namespace(deliverables, before)?;
    let mut kustomizations = Vec::new();
    for app in deliverables.apps() {
        kustomizations.push((out.lands_in(app)?, app.name.clone()));
    }
    for (app, name) in deliverables.apps().iter().zip(&kustomizations) {
        out.write_app(app, &name.0, &kustomizations, before)?;
    }
    for source in deliverables.sources() {
        out.write_source(source, before)?;
    }
    for (path, text) in deliverables.files() {
        out.write(path.clone(), text.clone())?;
    }
    for (path, entry) in deliverables.includes() {
        out.include(path, entry)?;
    }
    Ok(Assembled { files: out.files, kustomizations })
}

struct Draft<'a> {
    tree: &'a dyn Tree,
    layout: &'a Layout,
    files: BTreeMap<String, String>,
}

impl Draft<'_> {
    fn write(&mut self, path: String, text: String) -> Result<()> {
        let text = if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" };
        if self.files.contains_key(&path) {
            return Err(Error::new(Code::Invalid, format!("two deliverables write {path}")));
        }
        self.files.insert(path, text);
        Ok(())
    }

    /// The kustomization file of a folder: as planned, or as it is.
    fn kustomization_of(&self, dir: &str) -> Result<Option<(String, String)>> {
        for name in FILE_NAMES {
            let path = join(dir, name);
            if let Some(text) = self.files.get(&path) {
                return Ok(Some((path, text.clone())));
            }
        }
        namespace::file_of(self.tree, dir)
    }

    /// The app's line in its namespace's kustomization, and the namespace's line above, where there is a list.
    fn list_app(&mut self, app: &App, convention: &Convention) -> Result<()> {
        let dir = parent(&app.dir).to_owned();
        let (path, text) = match self.kustomization_of(&dir)? {
            Some(found) => found,
            None => (join(&dir, FILE_NAMES[0]), namespace::kustomization(&app.namespace, &dir, convention)),
        };
        let entry = styled(&text, &path, &relative(&dir, &join(&app.dir, "ks.yaml")))?;
        let text = kustomization::add_resource(&text, &path, &entry)?.unwrap_or(text);
        self.files.insert(path, text);
        let above = parent(&dir).to_owned();
        if dir.starts_with(&self.layout.apps)
            && dir != self.layout.apps
            && let Some((path, text)) = self.kustomization_of(&above)?
        {
            let listed = kustomization::entries(&text, &path, "resources")?;
            let by_file = format!("{}/kustomization.yaml", relative(&above, &dir).trim_start_matches("./"));
            if listed.iter().any(|l| l.trim_start_matches("./") == by_file) {
                return Ok(());
            }
            let entry = styled(&text, &path, &relative(&above, &dir))?;
            if let Some(text) = kustomization::add_resource(&text, &path, &entry)? {
                self.files.insert(path, text);
            }
        }
        Ok(())
    }

    /// A Namespace object for the platform's own namespace, unless something brings it already. The namespaces of others
    /// are theirs to create.
    fn bring_namespace(&mut self, deliverables: &Deliverables, before: &World) -> Result<()> {
        let name = self.layout.namespace.clone();
        let Some(app) = deliverables.apps().iter().find(|a| a.namespace == name) else { return Ok(()) };
        let dir = parent(&app.dir).to_owned();
        if before.creates_namespace(&name) || self.makes_namespace(&dir, &name)? {
            return Ok(());
        }
        let file = join(&dir, "namespace.yaml");
        if self.tree.read(&file)?.is_some() {
            // Somebody's file that is not listed: what it says decides, so it is listed and not overwritten.
            return self.include_first(&dir, "./namespace.yaml");
        }
        self.write(file, namespace::manifest(&name))?;
        self.include_first(&dir, "./namespace.yaml")
    }

    /// Whether the folder's kustomization, without our apps, brings that namespace (through a Component, for one).
    fn makes_namespace(&self, dir: &str, name: &str) -> Result<bool> {
        let files = self.files.iter().map(|(p, t)| (p.clone(), Some(t.clone().into_bytes())));
        // The Kustomization files come later: here they are only named.
        let names = self.kustomization_of(dir)?.map(|(path, text)| kustomization::entries(&text, &path, "resources"));
        let absent = names.transpose()?.unwrap_or_default().into_iter().enumerate().filter_map(|(i, entry)| {
            let path = super::layout::clean(&join(dir, &entry)).ok()?;
            let missing = self.tree.read(&path).ok()?.is_none() && self.tree.list(&path).ok()?.is_none();
            (missing && !self.files.contains_key(&path)).then(|| (path, Some(placeholder(i).into_bytes())))
        });
        let overlay = Overlay::new(self.tree, files.chain(absent.collect::<Vec<_>>()).collect())?;
        let built = kustomize::build(&overlay, dir).unwrap_or_default();
        Ok(built.iter().map(Id::of).any(|id| id.kind == "Namespace" && id.group.is_empty() && id.name == name))
    }

    /// Adds a line at the head of an empty list, else at its end.
    fn include_first(&mut self, dir: &str, entry: &str) -> Result<()> {
        let Some((path, text)) = self.kustomization_of(dir)? else { return Ok(()) };
        let is_new = self.tree.read(&path)?.is_none();
        let listed = kustomization::entries(&text, &path, "resources")?;
        let mut edited = text;
        if is_new {
            // Our own file: the namespace stands first, as people write it.
            for old in &listed {
                edited = kustomization::remove_resource(&edited, &path, old)?.unwrap_or(edited);
            }
        }
        edited = kustomization::add_resource(&edited, &path, entry)?.unwrap_or(edited);
        if is_new {
            for old in &listed {
                edited = kustomization::add_resource(&edited, &path, old)?.unwrap_or(edited);
            }
        }
        self.files.insert(path, edited);
        Ok(())
    }

    /// Where the app's Kustomization will lie: a `namespace:` of its parent moves it there.
    fn lands_in(&self, app: &App) -> Result<String> {
        let found = self.kustomization_of(parent(&app.dir))?;
        let moved = found.and_then(|(path, text)| namespace::set_by(&text, &path));
        Ok(moved.unwrap_or_else(|| self.layout.flux_namespace.clone()))
    }

    fn write_app(&mut self, app: &App, lands_in: &str, ours: &[Name], before: &World) -> Result<()> {
        let depends_on =
            app.depends_on.iter().map(|d| resolve(d, lands_in, ours, before)).collect::<Result<Vec<_>>>()?;
        let ks = flux_files::ks(app, self.layout, lands_in, &depends_on)?;
        self.write(join(&app.dir, "ks.yaml"), ks)?;
        let folder = app.path();
        self.write(join(&folder, FILE_NAMES[0]), flux_files::kustomization(app))?;
        for file in &app.files {
            self.write(join(&folder, &file.file), file.text.clone())?;
        }
        Ok(())
    }

    /// A source's file and its line, unless the repository has the same source already.
    fn write_source(&mut self, source: &Source, before: &World) -> Result<()> {
        let dir = self.layout.repos.clone();
        let path = join(&dir, &format!("{}.yaml", source.name));
        let manifest = source.manifest(self.layout);
        let wanted = Id::of(&manifest);
        let same_file = self.tree.read_text(&path)?.is_some_and(|text| {
            yaml::documents(&text, &path).is_ok_and(|all| all.iter().any(|d| Id::of(&d.value) == wanted))
        });
        if let Some((unit, object)) = before.find(|id| *id == wanted)
            && !same_file
        {
            if object["spec"]["url"] == manifest["spec"]["url"] {
                return Ok(());
            }
            let theirs = object["spec"]["url"].as_str().unwrap_or_default();
            return Err(Error::new(
                Code::Conflict,
                format!(
                    "{wanted} exists already, from Kustomization {}/{}, with the url {theirs}",
                    unit.name.0, unit.name.1
                ),
            )
            .hint(format!("This objective needs {}: give one of the two another name", source.url)));
        }
        self.write(path, flux_files::document(&manifest))?;
        let (list, text) = match self.kustomization_of(&dir)? {
            Some(found) => found,
            None => (join(&dir, FILE_NAMES[0]), flux_files::document(&flux_files::header().into())),
        };
        let entry = styled(&text, &list, &format!("./{}.yaml", source.name))?;
        let text = kustomization::add_resource(&text, &list, &entry)?.unwrap_or(text);
        self.files.insert(list, text);
        Ok(())
    }

    fn include(&mut self, path: &str, entry: &str) -> Result<()> {
        let text = match self.files.get(path) {
            Some(text) => text.clone(),
            None => self.tree.read_text(path)?.unwrap_or_else(|| flux_files::document(&flux_files::header().into())),
        };
        let text = kustomization::add_resource(&text, path, entry)?.unwrap_or(text);
        self.files.insert(path.to_owned(), text);
        Ok(())
    }
}

/// Stands for a file that is written later, so that a folder can be built before it is complete.
fn placeholder(number: usize) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: dpb-placeholder-{number}\n")
}

/// The entry with or without `./`, as the other entries of the list have it.
fn styled(text: &str, path: &str, entry: &str) -> Result<String> {
    let others = kustomization::entries(text, path, "resources")?;
    let bare = !others.is_empty() && others.iter().all(|o| !o.starts_with('.'));
    Ok(if bare { entry.trim_start_matches("./").to_owned() } else { entry.to_owned() })
}

/// A dependency by its name: among our own apps, then in the repository. One that is nowhere is left to the lint.
fn resolve(dependency: &str, lands_in: &str, ours: &[Name], before: &World) -> Result<Name> {
    if let Some((namespace, name)) = dependency.split_once('/') {
        return Ok((namespace.to_owned(), name.to_owned()));
    }
    if let Some(own) = ours.iter().find(|(_, name)| name == dependency) {
        return Ok(own.clone());
    }
    let found: Vec<&Name> = before.units.iter().map(|u| &u.name).filter(|(_, name)| name == dependency).collect();
    match found[..] {
        [] => Ok((lands_in.to_owned(), dependency.to_owned())),
        [one] => Ok(one.clone()),
        _ => {
            if let Some(here) = found.iter().find(|(namespace, _)| namespace == lands_in) {
                Ok((*here).clone())
            } else {
                let all: Vec<String> = found.iter().map(|(ns, name)| format!("{ns}/{name}")).collect();
                Err(Error::new(
                    Code::Invalid,
                    format!("Kustomization {dependency} exists more than once: {}", all.join(", ")),
                )
                .hint("Name it with its namespace"))
            }
        }
    }
}
