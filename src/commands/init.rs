//! `dpb init`: prepares a repository. What is there already is never written over.

use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Result, io_error};
use crate::git::Repo;
use crate::settings::{self, Settings};

use super::cli::Init;
use super::open::Opener;

/// The folders of an empty repository, as `docs/architecture.md` and the settings' defaults name them.
const LAYOUT: [(&str, &str); 6] = [
    ("kubernetes/flux/cluster/ks.yaml", include_str!("layout/ks.yaml")),
    ("kubernetes/flux/meta/kustomization.yaml", include_str!("layout/meta-kustomization.yaml")),
    ("kubernetes/flux/meta/repos/kustomization.yaml", include_str!("layout/repos-kustomization.yaml")),
    ("kubernetes/components/common/kustomization.yaml", include_str!("layout/component-kustomization.yaml")),
    ("kubernetes/components/common/namespace.yaml", include_str!("layout/component-namespace.yaml")),
    ("kubernetes/apps/README.md", include_str!("layout/apps-readme.md")),
];

/// Writes `dpb.yaml` and the ledger where there are none; in an empty repository the folders first.
pub(super) fn run(opener: &Opener<'_>, args: &Init) -> Result<u8> {
    let dir = args.dir.clone().unwrap_or_else(|| opener.global.repo.clone());
    let repo = opener
        .block(Repo::discover(&dir, &opener.cancel))
        .map_err(|e| e.hint("dpb works in a Git repository: git init, then again"))?;
    let root = repo.root().to_path_buf();
    let mut written = Vec::new();
    if is_empty(&root)? {
        for (path, text) in LAYOUT {
            put(&root, path, text, &mut written)?;
        }
    } else if !has_flux(&root)? {
        return Err(Error::new(Code::NotFound, format!("no Flux Kustomization in {}", root.display()))
            .note("dpb delivers through Flux, and found no file with apiVersion kustomize.toolkit.fluxcd.io")
            .hint("Go to the repository that Flux reads, or begin with an empty one: mkdir new && cd new && git init && dpb init"));
    }
    put(&root, settings::FILE, &settings::commented(), &mut written)?;
    let settings = opener.settings(&repo)?;
    put(&root, &settings.initiative.ledger, &crate::goals::shipped(jiff::Zoned::now().date()), &mut written)?;
    if written.is_empty() {
        opener.ui.note("Everything is there already; nothing was written.");
        return Ok(0);
    }
    for path in &written {
        opener.ui.note(&format!("  added  {path}"));
    }
    opener.ui.note(&format!(
        "Read {}, then: git add {} && git commit -m 'prepare the data platform' && git push",
        settings::FILE,
        tops(&written).join(" ")
    ));
    opener.ui.note("Afterwards:  dpb run review");
    Ok(0)
}

/// `dpb goals init`: the ledger alone.
pub(super) fn ledger(opener: &Opener<'_>, repo: &Repo, settings: &Settings) -> Result<()> {
    let path = &settings.initiative.ledger;
    let mut written = Vec::new();
    put(repo.root(), path, &crate::goals::shipped(jiff::Zoned::now().date()), &mut written)?;
    if written.is_empty() {
        return Err(Error::new(Code::Conflict, format!("{path} exists already, and is not written over"))
            .hint("Look at it: dpb goals check"));
    }
    opener.ui.note(&format!("  added  {path}"));
    Ok(())
}

/// The topmost folders and files of what was written, each once.
fn tops(written: &[String]) -> Vec<&str> {
    let mut tops: Vec<&str> = written.iter().filter_map(|path| path.split('/').next()).collect();
    tops.sort_unstable();
    tops.dedup();
    tops
}

/// Writes a file that is not there yet.
fn put(root: &Path, path: &str, text: &str, written: &mut Vec<String>) -> Result<()> {
    if root.join(path).exists() {
        return Ok(());
    }
    crate::gitops::Change { path: path.to_owned(), before: None, after: text.to_owned() }.write(root)?;
    written.push(path.to_owned());
    Ok(())
}

/// Nothing but Git's own and a README or a licence.
fn is_empty(root: &Path) -> Result<bool> {
    let entries = std::fs::read_dir(root).map_err(|e| io_error("reading", root, &e))?;
    Ok(entries.flatten().all(|e| {
        let name = e.file_name().to_string_lossy().to_uppercase();
        name == ".GIT"
            || name == ".GITIGNORE"
            || name == ".GITATTRIBUTES"
            || name.starts_with("README")
            || name.starts_with("LICENSE")
    }))
}

/// Whether some YAML file holds a Flux Kustomization; hidden folders are not looked into.
fn has_flux(root: &Path) -> Result<bool> {
    let mut folders: Vec<PathBuf> = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| io_error("reading", &folder, &e))?.flatten() {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !entry.file_name().to_string_lossy().starts_with('.') {
                folders.push(path);
            } else if kind.is_file()
                && path.extension().is_some_and(|e| e == "yaml" || e == "yml")
                && std::fs::read_to_string(&path).is_ok_and(|t| t.contains("kustomize.toolkit.fluxcd.io"))
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
