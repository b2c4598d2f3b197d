//! What somebody changed and did not commit.

use super::Repo;
use crate::cancel::Cancel;
use crate::error::Result;

/// What Git knows of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is in the index or in the last commit.
    Tracked,
    /// Git does not know it.
    Untracked,
    /// Git does not know it, and `.gitignore` says that it should not.
    Ignored,
}

/// A path that is not as in the last commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Path from the repository's root.
    pub path: String,
    /// Whether Git knows it.
    pub known: Known,
    /// The index differs from the last commit.
    pub staged: bool,
    /// The work tree differs from the index.
    pub unstaged: bool,
}

impl Change {
    /// What it is, in a word for a message: `staged`, `changed`, `untracked`, `ignored`.
    pub fn word(&self) -> &'static str {
        match (self.known, self.unstaged) {
            (Known::Ignored, _) => "ignored",
            (Known::Untracked, _) => "untracked",
            (Known::Tracked, true) => "changed",
            (Known::Tracked, false) => "staged",
        }
    }
}

impl Repo {
    /// Those of `paths` (files or folders) that are not as in the last commit; all of the work tree when none is given.
    pub async fn status(&self, paths: &[String], cancel: &Cancel) -> Result<Vec<Change>> {
        let mut args = vec!["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames"];
        if !paths.is_empty() {
            args.push("--ignored=matching");
        }
        let command = self.reads(&args);
        let command = if paths.is_empty() { command } else { command.paths(paths) };
        Ok(command.run(cancel).await?.entries().iter().filter_map(|entry| read_entry(entry)).collect())
    }
}

/// `XY path`: X the index, Y the work tree.
fn read_entry(entry: &str) -> Option<Change> {
    let (letters, path) = (entry.get(..2)?, entry.get(3..)?);
    let known = match letters {
        "??" => Known::Untracked,
        "!!" => Known::Ignored,
        _ => Known::Tracked,
    };
    let differs = |at: usize| known == Known::Tracked && letters.as_bytes().get(at) != Some(&b' ');
    let (staged, unstaged) = (differs(0), differs(1));
    Some(Change { path: path.to_owned(), known, staged, unstaged })
}
