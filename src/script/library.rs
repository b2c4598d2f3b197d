//! Scripts and templates: embedded in the binary, overlaid file by file from the repository's own `scripts/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::error::{Code, Error, Result, io_error};
use crate::script::{jail, names};

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scripts");

/// The folders under `scripts/` that are ours; whatever else lies there is somebody else's.
pub const FOLDERS: [&str; 3] = ["phases", "lib", "sim"];

/// The name that a text goes by which a person typed, instead of a path.
pub const EVAL: &str = "eval";

/// Where a file came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Embedded in the binary.
    Shipped,
    /// From the repository's own `scripts/`.
    Repository,
}

impl Origin {
    /// As reports say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Repository => "repository",
        }
    }
}

/// A script or a template, with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path below `scripts/` (`lib/postgres.rhai`).
    pub path: String,
    /// Its text.
    pub text: String,
    /// Where it came from.
    pub origin: Origin,
}

impl Source {
    /// The path as people write it: `scripts/lib/postgres.rhai`.
    pub fn display(&self) -> String {
        display(&self.path)
    }
}

/// The path as people write it, from the path below `scripts/`.
pub fn display(path: &str) -> String {
    format!("scripts/{path}")
}

/// The script of an objective.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectiveScript {
    /// Id of the objective (`1.2`), from the file's name.
    pub id: String,
    /// What it says of itself: its first line, after `//!`; else its file name.
    pub name: String,
    /// Path below `scripts/`.
    pub path: String,
    /// Where it came from.
    pub origin: Origin,
}

impl ObjectiveScript {
    /// The folder of its templates, below `scripts/`.
    pub fn folder(&self) -> &str {
        self.path.strip_suffix(".rhai").unwrap_or(&self.path)
    }
}

/// All scripts and templates. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Library {
    overlay: Option<Arc<PathBuf>>,
}

impl Library {
    /// What the binary brings, alone.
    pub fn shipped() -> Self {
        Self { overlay: None }
    }

    /// What the binary brings, overlaid by `scripts/` of the repository at `root`.
    pub fn of_repository(root: &Path) -> Self {
        let scripts = root.join("scripts");
        Self { overlay: scripts.is_dir().then(|| Arc::new(scripts)) }
    }

    /// The file at `path` below `scripts/`, if there is one.
    pub fn find(&self, path: &str) -> Result<Option<Source>> {
        jail::inside(path)?;
        if !FOLDERS.iter().any(|folder| path.split('/').next() == Some(folder)) {
            return Ok(None);
        }
        if let Some(root) = self.overlay.as_deref()
            && let Some(file) = jail::on_disk(root, path)?
            && file.is_file()
        {
            let text = std::fs::read_to_string(&file).map_err(|e| io_error("reading", &file, &e))?;
            return Ok(Some(Source { path: path.to_owned(), text, origin: Origin::Repository }));
        }
        let Some(file) = SHIPPED.get_file(path) else { return Ok(None) };
        let text = file
            .contents_utf8()
            .ok_or_else(|| Error::new(Code::Internal, format!("shipped file {} is not text", display(path))))?;
        Ok(Some(Source { path: path.to_owned(), text: text.to_owned(), origin: Origin::Shipped }))
    }

    /// The file at `path` below `scripts/`; an error with the nearest name when there is none.
    pub fn read(&self, path: &str) -> Result<Source> {
        if let Some(source) = self.find(path)? {
            return Ok(source);
        }
        let error = Error::new(Code::NotFound, format!("no file {}", display(path)));
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let files = self.files(folder)?;
        let near = names::nearest(path, files.keys().map(String::as_str));
        Err(match near {
            Some(near) => error.hint(format!("Did you mean {}?", display(near))),
            None if files.is_empty() => error,
            None => {
                let list: Vec<_> = files.keys().map(|f| f.rsplit('/').next().unwrap_or(f)).take(12).collect();
                error.hint(format!("In that folder: {}", list.join(", ")))
            }
        })
    }

    /// The library that a script imports as `lib/name`.
    pub fn import(&self, path: &str) -> Result<Source> {
        self.read(&jail::import(path)?)
    }

    /// The template `name` of an objective; `lib/…` names one that several objectives share.
    pub fn template(&self, objective: &ObjectiveScript, name: &str) -> Result<Source> {
        jail::inside(name)?;
        if name.starts_with("lib/") { self.read(name) } else { self.read(&format!("{}/{name}", objective.folder())) }
    }

    /// Every file below `folder` (itself below `scripts/`), deep, with its origin; in order of path.
    pub fn files(&self, folder: &str) -> Result<BTreeMap<String, Origin>> {
        let mut files = BTreeMap::new();
        let ours = |path: &str| {
            FOLDERS.iter().any(|f| path.split('/').next() == Some(f))
                && (folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
        };
        collect_shipped(&SHIPPED, &mut |path| {
            if ours(path) {
                files.insert(path.to_owned(), Origin::Shipped);
            }
        });
        if let Some(root) = self.overlay.as_deref() {
            for top in FOLDERS {
                collect_disk(&root.join(top), top, 0, &mut |path| {
                    if ours(path) {
                        files.insert(path.to_owned(), Origin::Repository);
                    }
                })?;
            }
        }
        Ok(files)
    }

    /// The objectives that have a script, by id; the repository's wins over a shipped one of the same id.
    pub fn objectives(&self) -> Result<Vec<ObjectiveScript>> {
        let mut scripts: BTreeMap<Vec<u64>, ObjectiveScript> = BTreeMap::new();
        for (path, origin) in self.files("phases")? {
            let file = path.rsplit('/').next().unwrap_or(&path);
            let Some(stem) = file.strip_suffix(".rhai") else { continue };
            if stem.rsplit_once('.').is_some_and(|(_, last)| last == "test") {
                continue;
            }
            let id = stem.split_once('-').map_or(stem, |(id, _)| id);
            let Some(key) = id.split('.').map(|n| n.parse().ok()).collect::<Option<Vec<u64>>>() else { continue };
            let id = id.to_owned();
            if scripts.get(&key).is_some_and(|known| known.origin == Origin::Repository) {
                continue;
            }
            let text = self.read(&path)?.text;
            let name = title(&text).unwrap_or(stem).to_owned();
            scripts.insert(key, ObjectiveScript { id, name, path, origin });
        }
        Ok(scripts.into_values().collect())
    }

    /// The script of the objective `id`, if it has one.
    pub fn objective(&self, id: &str) -> Result<Option<ObjectiveScript>> {
        Ok(self.objectives()?.into_iter().find(|script| script.id == id))
    }
}

/// What a script says of itself: its first line, after `//!`.
pub fn title(text: &str) -> Option<&str> {
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    line.trim().strip_prefix("//!").map(str::trim).filter(|title| !title.is_empty())
}

fn collect_shipped(dir: &Dir<'_>, found: &mut impl FnMut(&str)) {
    for file in dir.files() {
        if let Some(path) = file.path().to_str() {
            found(path);
        }
    }
    for inner in dir.dirs() {
        collect_shipped(inner, found);
    }
}

fn collect_disk(dir: &Path, prefix: &str, depth: usize, found: &mut impl FnMut(&str)) -> Result<()> {
    const DEEPEST: usize = 8;
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(()),
        Err(e) => return Err(io_error("listing", dir, &e)),
    };
    for entry in entries {
        let entry = entry.map_err(|e| io_error("listing", dir, &e))?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let path = format!("{prefix}/{name}");
        let kind = entry.file_type().map_err(|e| io_error("looking at", &entry.path(), &e))?;
        if kind.is_dir() && depth < DEEPEST {
            collect_disk(&entry.path(), &path, depth + 1, found)?;
        } else if !kind.is_dir() {
            found(&path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(files: &[(&str, &str)]) -> (tempfile::TempDir, Library) {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join("scripts").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let library = Library::of_repository(dir.path());
        (dir, library)
    }

    #[test]
    fn the_repository_adds_and_overrides_objectives() {
        let (_dir, library) = repository(&[
            ("phases/9-mine/9.10-ten.rhai", "//! Ten things\nfn review(o) {}"),
            ("phases/9-mine/9.2-two.rhai", "fn review(o) {}"),
            ("phases/9-mine/9.2-two.test.rhai", ""),
            ("phases/9-mine/9.2-two/app.yaml.j2", "a: 1"),
            ("other/ignored.rhai", ""),
        ]);
        let ours: Vec<_> = library.objectives().unwrap().into_iter().filter(|o| o.id.starts_with("9.")).collect();
        let ids: Vec<_> = ours.iter().map(|o| (o.id.as_str(), o.name.as_str())).collect();
        assert_eq!(ids, [("9.2", "9.2-two"), ("9.10", "Ten things")]);
        assert_eq!(library.template(&ours[0], "app.yaml.j2").unwrap().text, "a: 1");
        assert_eq!(library.find("other/ignored.rhai").unwrap(), None);
        let error = library.template(&ours[0], "ap.yaml.j2").unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
        assert_eq!(error.hint_text(), Some("Did you mean scripts/phases/9-mine/9.2-two/app.yaml.j2?"));
        assert_eq!(library.template(&ours[0], "../9.10-ten.rhai").unwrap_err().code(), Code::Denied);
    }

    #[test]
    fn ids_are_texts_and_sort_as_numbers() {
        let (_dir, library) = repository(&[("phases/9-x/9.1-a.rhai", ""), ("phases/9-x/9.10-b.rhai", "")]);
        assert_eq!(library.objective("9.1").unwrap().unwrap().path, "phases/9-x/9.1-a.rhai");
        assert_eq!(library.objective("9.10").unwrap().unwrap().path, "phases/9-x/9.10-b.rhai");
        assert_eq!(library.objective("9.100").unwrap(), None);
    }
}
