//! Everything that one run of `execute` declares, before it is held against the repository.

use std::collections::BTreeMap;

use crate::error::{Code, Error, Result};

use super::app::{App, AppOptions};
use super::layout::{Layout, clean, join};
use super::source::{Source, SourceOptions};

/// Everything that one run of `execute` declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliverables {
    layout: Layout,
    apps: Vec<App>,
    sources: Vec<Source>,
    files: BTreeMap<String, String>,
    docs: BTreeMap<String, String>,
    includes: Vec<(String, String)>,
}

impl Deliverables {
    /// Nothing yet.
    pub fn new(layout: Layout) -> Self {
        Self {
            layout,
            apps: Vec::new(),
            sources: Vec::new(),
            files: BTreeMap::new(),
            docs: BTreeMap::new(),
            includes: Vec::new(),
        }
    }

    /// Where files lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Declares an application; its position, for [`Deliverables::app`]. A second one of that name is an error.
    pub fn add_app(&mut self, name: &str, options: AppOptions) -> Result<usize> {
        let app = App::new(name, options, &self.layout)?;
        if self.apps.iter().any(|a| a.name == app.name || a.dir == app.dir) {
            return Err(Error::new(Code::Invalid, format!("app {name} is declared twice"))
                .hint("Keep the handle that gitops::app returns, and add files to it"));
        }
        self.apps.push(app);
        Ok(self.apps.len() - 1)
    }

    /// An application by the position that [`Deliverables::add_app`] gave.
    pub fn app(&mut self, position: usize) -> Result<&mut App> {
        let count = self.apps.len();
        self.apps
            .get_mut(position)
            .ok_or_else(|| Error::new(Code::Internal, format!("app {position} of {count} does not exist")))
    }

    /// Declares a Helm or OCI repository. The same one twice is one; another of the same name is an error.
    pub fn add_source(&mut self, name: &str, options: SourceOptions) -> Result<()> {
        let source = Source::new(name, options)?;
        match self.sources.iter().find(|s| s.name == source.name) {
            Some(same) if *same == source => {}
            Some(_) => return Err(Error::new(Code::Invalid, format!("source {name} is declared twice, differently"))),
            None => self.sources.push(source),
        }
        Ok(())
    }

    /// Declares a file by its path in the repository.
    pub fn add_file(&mut self, path: &str, text: impl Into<String>) -> Result<()> {
        let path = clean(path)?;
        check_path(&path)?;
        if self.files.contains_key(&path) {
            return Err(Error::new(Code::Invalid, format!("file {path} is declared twice")));
        }
        self.files.insert(path, text.into());
        Ok(())
    }

    /// Declares a page below the initiative's documentation, written once the objective is proved.
    pub fn add_doc(&mut self, file: &str, text: impl Into<String>) -> Result<()> {
        let path = clean(&join(&self.layout.docs, file))?;
        check_path(&path)?;
        if !path.starts_with(&format!("{}/", self.layout.docs)) {
            return Err(Error::new(Code::Denied, format!("page {file} leads out of {}", self.layout.docs)));
        }
        self.docs.insert(path, text.into());
        Ok(())
    }

    /// Declares one line in the `resources:` of a kustomization file that may exist already.
    pub fn add_include(&mut self, kustomization: &str, entry: &str) -> Result<()> {
        let path = clean(kustomization)?;
        check_path(&path)?;
        let include = (path, entry.to_owned());
        if !self.includes.contains(&include) {
            self.includes.push(include);
        }
        Ok(())
    }

    /// The applications, in the order of their declaration.
    pub fn apps(&self) -> &[App] {
        &self.apps
    }

    /// The sources, in the order of their declaration.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Files by path, apart from those of applications.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// Pages by path: they come with the ledger, in a commit of their own, once the objective is proved.
    pub fn docs(&self) -> &BTreeMap<String, String> {
        &self.docs
    }

    /// Lines in kustomization files: path and entry.
    pub fn includes(&self) -> &[(String, String)] {
        &self.includes
    }

    /// Whether nothing at all was declared.
    pub fn is_empty(&self) -> bool {
        self.apps.is_empty()
            && self.sources.is_empty()
            && self.files.is_empty()
            && self.docs.is_empty()
            && self.includes.is_empty()
    }
}

/// What belongs to Git is nobody's deliverable.
fn check_path(path: &str) -> Result<()> {
    if path.is_empty() || path.split('/').any(|part| part.eq_ignore_ascii_case(".git")) {
        return Err(Error::new(Code::Denied, format!("`{path}` cannot be a deliverable")));
    }
    Ok(())
}
