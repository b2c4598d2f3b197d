//! Putting files back to what a commit says.

use std::collections::BTreeSet;
use std::path::Path;

use super::Repo;
use crate::cancel::Cancel;
use crate::error::{Result, io_error};

impl Repo {
    /// Puts `paths` back, in index and work tree, to what they are at `revision`; what is not there at that revision
    /// is removed, and folders that become empty with it.
    pub async fn restore(&self, paths: &[String], revision: &str, cancel: &Cancel) -> Result<()> {
        let (there, gone) = self.split(paths, revision, cancel).await?;
        if !there.is_empty() {
            let source = format!("--source={revision}");
            self.writes(&["restore", &source, "--staged", "--worktree"]).paths(&there).run(cancel).await?;
        }
        if !gone.is_empty() {
            let forget = ["rm", "--cached", "--quiet", "--force", "--ignore-unmatch"];
            self.writes(&forget).paths(&gone).run(cancel).await?;
            for path in gone {
                remove_file(&self.root, path)?;
            }
        }
        Ok(())
    }

    /// Those of `paths` that a revision has, and those that it has not.
    pub(super) async fn split<'p>(
        &self,
        paths: &'p [String],
        revision: &str,
        cancel: &Cancel,
    ) -> Result<(Vec<&'p str>, Vec<&'p str>)> {
        if paths.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let listed = self.reads(&["ls-tree", "-r", "-z", "--name-only", revision]).paths(paths).run(cancel).await?;
        let known: BTreeSet<String> = listed.entries().into_iter().collect();
        Ok(paths.iter().map(String::as_str).partition(|path| known.contains(*path)))
    }
}

/// Removes a file, and every folder above it that is empty then, up to the root.
fn remove_file(root: &Path, path: &str) -> Result<()> {
    let file = root.join(path);
    match std::fs::remove_file(&file) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error("removing", &file, &error)),
    }
    for folder in file.ancestors().skip(1).take_while(|folder| *folder != root) {
        if std::fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}
