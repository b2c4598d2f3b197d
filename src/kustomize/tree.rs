//! Where files are read from: a folder on disk, or planned files laid over one. Nothing outside the root is reachable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Result, io_error};

/// A file or folder in a [`Tree`] listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Name within its folder.
    pub name: String,
    /// Whether it is a folder (links followed).
    pub is_dir: bool,
}

/// Files below one root. Paths are relative to it, separated by `/`, free of `.` and `..`; the root itself is `""`.
pub trait Tree: Sync {
    /// The content of a file; `None` when there is no such file (or it is a folder).
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>>;

    /// What a folder holds, sorted by name; `None` when there is no such folder.
    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>>;

    /// A file's content as text; an error when it is not UTF-8.
    fn read_text(&self, path: &str) -> Result<Option<String>> {
        let Some(bytes) = self.read(path)? else { return Ok(None) };
        String::from_utf8(bytes).map(Some).map_err(|_| Error::new(Code::Kustomize, format!("{path} is not UTF-8 text")))
    }

    /// Whether there is a folder at `path`.
    fn is_dir(&self, path: &str) -> Result<bool> {
        Ok(self.list(path)?.is_some())
    }
}

/// A folder on disk. Links are followed as long as they stay within the root.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// A tree over `root`, which must be a folder.
    pub fn new(root: &Path) -> Result<Self> {
        let root = root.canonicalize().map_err(|e| io_error("opening", root, &e))?;
        if !root.is_dir() {
            return Err(Error::new(Code::Io, format!("{} is not a folder", root.display())));
        }
        Ok(Self { root })
    }

    /// The true path of `path`; `None` when nothing is there, an error when a link leads out of the root.
    fn locate(&self, path: &str) -> Result<Option<PathBuf>> {
        let plain = clean(path)?;
        let full = self.root.join(&plain);
        match full.canonicalize() {
            Ok(real) if real.starts_with(&self.root) => Ok(Some(real)),
            Ok(_) => Err(outside(path).hint("It is a link; let it point to something inside the repository")),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => Ok(None),
            Err(e) => Err(io_error("opening", &full, &e)),
        }
    }
}

impl Tree for Disk {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.locate(path)? {
            Some(real) if real.is_file() => std::fs::read(&real).map(Some).map_err(|e| io_error("reading", &real, &e)),
            _ => Ok(None),
        }
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>> {
        let Some(real) = self.locate(dir)? else { return Ok(None) };
        if !real.is_dir() {
            return Ok(None);
        }
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(&real).map_err(|e| io_error("listing", &real, &e))? {
            let entry = entry.map_err(|e| io_error("listing", &real, &e))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let is_dir = std::fs::metadata(entry.path()).is_ok_and(|m| m.is_dir());
            entries.push(Entry { name, is_dir });
        }
        entries.sort();
        Ok(Some(entries))
    }
}

/// Planned files laid over another tree: `Some` is a new content, `None` a file that will be gone.
pub struct Overlay<'a> {
    base: &'a dyn Tree,
    files: BTreeMap<String, Option<Vec<u8>>>,
}

impl<'a> Overlay<'a> {
    /// Lays `files` over `base`. Keys are paths from the root; one that leads out of it is an error.
    pub fn new(base: &'a dyn Tree, files: BTreeMap<String, Option<Vec<u8>>>) -> Result<Self> {
        let files = files.into_iter().map(|(path, content)| Ok((clean(&path)?, content))).collect::<Result<_>>()?;
        Ok(Self { base, files })
    }
}

impl Tree for Overlay<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.files.get(&clean(path)?) {
            Some(content) => Ok(content.clone()),
            None => self.base.read(path),
        }
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>> {
        let dir = clean(dir)?;
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let below = |path: &str| path.strip_prefix(&prefix).map(str::to_owned);
        let base = self.base.list(&dir)?;
        let existed = base.is_some();
        let mut entries: BTreeSet<Entry> = base.unwrap_or_default().into_iter().collect();
        let mut touched = false;
        for (path, content) in &self.files {
            let Some(rest) = below(path) else { continue };
            touched |= content.is_some();
            match (rest.split_once('/'), content) {
                (None, Some(_)) => drop(entries.insert(Entry { name: rest, is_dir: false })),
                (None, None) => entries.retain(|e| e.is_dir || e.name != rest),
                (Some((child, _)), Some(_)) => drop(entries.insert(Entry { name: child.to_owned(), is_dir: true })),
                (Some(_), None) => {}
            }
        }
        // A folder that loses its last file is gone, as Git has no empty folders.
        let mut gone = Vec::new();
        for entry in entries.iter().filter(|e| e.is_dir) {
            let child = format!("{prefix}{}", entry.name);
            let removes = self.files.iter().any(|(p, c)| c.is_none() && p.starts_with(&format!("{child}/")));
            if removes && self.list(&child)?.is_none_or(|inside| inside.is_empty()) {
                gone.push(entry.clone());
            }
        }
        entries.retain(|e| !gone.contains(e));
        Ok((existed || touched).then(|| entries.into_iter().collect()))
    }
}

/// `path` from the root without `.`, `..` and double slashes; an error when it leads out of the root.
pub(super) fn clean(path: &str) -> Result<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| outside(path))?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// `relative` seen from the folder `dir`; an error when it is absolute or leads out of the root.
pub(super) fn resolve(dir: &str, relative: &str) -> Result<String> {
    if relative.starts_with('/') {
        return Err(outside(relative).hint("Write the path relative to the file that names it"));
    }
    clean(&format!("{dir}/{relative}"))
}

/// The last part of a path.
pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether kustomize would fetch `path` from somewhere else (Git or HTTP).
pub(super) fn is_remote(path: &str) -> bool {
    const STARTS: [&str; 8] = ["git::", "gh:", "ssh://", "https://", "http://", "git@", "github.com:", "github.com/"];
    let lower = path.to_lowercase();
    STARTS.iter().any(|start| lower.starts_with(start)) || lower.contains("://") || lower.contains("?ref=")
}

fn outside(path: &str) -> Error {
    Error::new(Code::Kustomize, format!("{path} leads out of the repository"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_the_root() {
        assert_eq!(clean("./a//b/../c").unwrap(), "a/c");
        assert_eq!(resolve("apps/x", "../y").unwrap(), "apps/y");
        assert!(resolve("apps/x", "../../../y").is_err());
        assert!(resolve("apps/x", "/etc").is_err());
    }

    #[test]
    fn a_link_out_of_the_root_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("repo");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
        let error = Disk::new(&root).unwrap().read("link").unwrap_err();
        assert_eq!(error.message(), "link leads out of the repository");
    }

    #[test]
    fn planned_files_lie_over_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/old")).unwrap();
        std::fs::write(dir.path().join("a/one"), "1").unwrap();
        std::fs::write(dir.path().join("a/old/two"), "2").unwrap();
        let disk = Disk::new(dir.path()).unwrap();
        let files = BTreeMap::from([
            ("a/one".to_owned(), Some(b"new".to_vec())),
            ("a/b/c".to_owned(), Some(b"c".to_vec())),
            ("a/old/two".to_owned(), None),
        ]);
        let tree = Overlay::new(&disk, files).unwrap();
        assert_eq!(tree.read("a/one").unwrap().unwrap(), b"new");
        assert_eq!(tree.read("a/old/two").unwrap(), None);
        let names: Vec<String> = tree.list("a").unwrap().unwrap().into_iter().map(|e| e.name).collect();
        assert_eq!(names, ["b", "one"]);
        assert!(tree.list("a/b").unwrap().is_some());
        assert!(tree.list("nowhere").unwrap().is_none());
    }
}
