//! What somebody changed and did not commit.

use super::Repo;
use crate::cancel::Cancel;
use crate::error::Result;

/// A path that is not as in the last commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Path from the repository's root.
    pub path: String,
    /// The index differs from the last commit.
    pub staged: bool,
    /// The work tree differs from the index.
    pub unstaged: bool,
    /// Git does not know the path.
    pub untracked: bool,
    /// Git does not know the path, and `.gitignore` says that it should not.
    pub ignored: bool,
}

impl Change {
    /// What it is, in words for a message: `staged`, `changed`, `untracked`, `ignored`.
    pub fn word(&self) -> &'static str {
        match (self.ignored, self.untracked, self.unstaged) {
            (true, _, _) => "ignored",
            (_, true, _) => "untracked",
            (_, _, true) => "changed",
            _ => "staged",
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
    let (untracked, ignored) = (letters == "??", letters == "!!");
    let mut letters = letters.chars();
    let known = |letter: Option<char>| !untracked && !ignored && letter.is_some_and(|c| c != ' ');
    let (staged, unstaged) = (known(letters.next()), known(letters.next()));
    Some(Change { path: path.to_owned(), staged, unstaged, untracked, ignored })
}
