//! The modules of a crate, a file each, and which file uses which.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::{Import, Paths, code, paths, without_tests};

/// A file of the program, known by its module path.
pub(crate) struct File {
    pub(crate) path: Vec<String>,
    names: Paths,
}

impl File {
    pub(crate) fn display(&self) -> String {
        if self.path.is_empty() { "lib".into() } else { self.path.join("::") }
    }
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.display())
    }
}

impl PartialEq for File {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for File {}

impl PartialOrd for File {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for File {
    fn cmp(&self, other: &Self) -> Ordering {
        self.path.cmp(&other.path)
    }
}

/// All files of a crate.
pub(crate) struct Modules {
    files: BTreeMap<Vec<String>, File>,
    on_disk: Vec<PathBuf>,
}

impl Modules {
    pub(crate) fn read(src: &Path) -> Self {
        let mut modules = Self { files: BTreeMap::new(), on_disk: Vec::new() };
        list(src, &mut modules.on_disk);
        modules.add(src, Vec::new(), &src.join("lib.rs"));
        modules
    }

    fn add(&mut self, src: &Path, path: Vec<String>, file: &Path) {
        let code = without_tests(&code(&fs::read_to_string(file).unwrap()));
        let declared = code.lines().filter_map(|line| line.trim().strip_suffix(';')?.rsplit_once("mod "));
        for (_, name) in declared.filter(|(before, _)| before.is_empty() || before.starts_with("pub")) {
            let mut path = path.clone();
            path.push(name.to_owned());
            let folder = path.iter().fold(src.to_owned(), |dir, name| dir.join(name));
            let file = [folder.with_extension("rs"), folder.join("mod.rs")].into_iter().find(|f| f.exists()).unwrap();
            self.add(src, path, &file);
        }
        self.files.insert(path.clone(), File { path, names: paths(&code) });
    }

    /// Every `.rs` file, tests among the sources too.
    pub(crate) fn all_files(&self) -> impl Iterator<Item = &Path> {
        self.on_disk.iter().map(PathBuf::as_path)
    }

    /// The files of the program itself.
    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }

    /// The other files whose definitions a file uses. That a module hands on names of its files is no use.
    pub(crate) fn uses(&self, file: &File) -> Vec<&File> {
        let imported = file.names.imported.iter().filter(|import| !import.handed_on).map(|import| &import.path);
        let mut found: Vec<&File> = imported
            .chain(&file.names.inline)
            .filter_map(|path| self.resolve(&file.path, path))
            .filter(|target| *target != file)
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// The file that defines what `path` names in the module `here`; nothing for what other crates define.
    fn resolve(&self, here: &[String], path: &[String]) -> Option<&File> {
        let mut at = here.to_vec();
        let mut rest = path;
        let first = rest.first()?.as_str();
        match first {
            "crate" => at.clear(),
            "self" => {}
            "super" => {
                at.pop();
            }
            _ => {
                at.push(first.to_owned());
                if !self.files.contains_key(&at) {
                    return None;
                }
            }
        }
        rest = &rest[1..];
        while let Some(name) = rest.first() {
            if name == "super" {
                at.pop();
            } else {
                at.push(name.clone());
                if !self.files.contains_key(&at) {
                    at.pop();
                    break;
                }
            }
            rest = &rest[1..];
        }
        let module = self.files.get(&at)?;
        let Some(name) = rest.first() else { return Some(module) };
        match module.names.imported.iter().find(|import: &&Import| import.name == *name) {
            Some(import) if import.path != path => self.resolve(&at, &import.path).or(Some(module)),
            _ => Some(module),
        }
    }
}

fn list(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
    into.sort();
}
