//! Git through the `git` binary: commits of our own paths only, reverts in a temporary worktree, pushes that are never forced.
//!
//! Paths are relative to the repository's root, written with `/`, and always taken literally. Users' hooks, signing
//! and credentials are honoured. A command that is cancelled is asked to end (SIGTERM) and waited for, so that Git
//! removes its own lock files; whether its effect happened is for the caller to look at.

mod command;
mod commit;
mod drop;
mod output;
mod read;
mod refusal;
mod remote;
mod restore;
mod revert;
mod status;

use std::path::{Path, PathBuf};

use command::Git;

pub use read::Commit;
pub use remote::Target;
pub use revert::Reverted;
pub use status::{Change, Known};

use crate::cancel::Cancel;
use crate::error::{Code, Error, Result, io_error};

/// A repository with a work tree.
#[derive(Clone, Debug)]
pub struct Repo {
    root: PathBuf,
    git_dir: PathBuf,
}

impl Repo {
    /// Finds the repository that `dir` lies in.
    pub async fn discover(dir: &Path, cancel: &Cancel) -> Result<Self> {
        let ask = ["rev-parse", "--path-format=absolute", "--show-toplevel", "--git-common-dir"];
        let output = Git::reads(dir, &ask).run(cancel).await.map_err(|error| error.context(dir.display()))?;
        let text = output.text();
        let mut lines = text.lines();
        match (lines.next(), lines.next()) {
            (Some(root), Some(git_dir)) => Ok(Self { root: root.into(), git_dir: git_dir.into() }),
            _ => Err(Error::new(Code::Git, format!("{}: git rev-parse gave no answer", dir.display()))
                .hint("dpb needs Git 2.31 or later")),
        }
    }

    /// The top folder of the work tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The Git folder that all worktrees share.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// Where journals, lock and backups lie: `dpb` in the Git folder, never committed.
    pub fn state_dir(&self) -> PathBuf {
        self.git_dir.join("dpb")
    }

    /// Makes the state folder when it isn't there yet, and gives its path.
    pub fn make_state_dir(&self) -> Result<PathBuf> {
        let dir = self.state_dir();
        std::fs::create_dir_all(&dir).map_err(|error| io_error("making", &dir, &error))?;
        Ok(dir)
    }

    fn reads(&self, args: &[&str]) -> Git<'_> {
        Git::reads(&self.root, args)
    }

    fn writes(&self, args: &[&str]) -> Git<'_> {
        Git::writes(&self.root, args)
    }
}

#[cfg(test)]
mod tests;
