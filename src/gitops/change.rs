//! A file that changes: its text before and after, and how it is written.

use std::path::Path;

use crate::error::{Code, Error, Result, io_error};
use crate::replace::replace;

use super::diff::Diff;

/// A file that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Path in the repository.
    pub path: String,
    /// Its text now; `None` for a new file.
    pub before: Option<String>,
    /// Its text after the change.
    pub after: String,
}

impl Change {
    /// Whether the file comes with the change.
    pub fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Line by line.
    pub fn diff(&self) -> Diff {
        Diff::of(&self.path, self.before.as_deref(), &self.after)
    }

    /// Writes the file below `root`, whole or not at all. If it no longer reads as when the plan was made, nothing is
    /// written and the error is a conflict.
    pub fn write(&self, root: &Path) -> Result<()> {
        let path = root.join(&self.path);
        let now = match std::fs::read(&path) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(io_error("reading", &path, &e)),
        };
        if now != self.before {
            return Err(Error::new(Code::Conflict, format!("{} changed since the plan was made", self.path))
                .hint("Somebody else wrote it: run this again for a new plan"));
        }
        let dir = path.parent().unwrap_or(root);
        std::fs::create_dir_all(dir).map_err(|e| io_error("creating", dir, &e))?;
        replace(&path, self.after.as_bytes()).map_err(|e| io_error("writing", &path, &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_and_only_over_what_was_planned() {
        let dir = tempfile::tempdir().unwrap();
        let change = Change { path: "a/b/c.yaml".into(), before: None, after: "x: 1\n".into() };
        change.write(dir.path()).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("a/b/c.yaml")).unwrap(), "x: 1\n");
        assert_eq!(change.write(dir.path()).unwrap_err().code(), Code::Conflict);
        let next = Change { before: Some("x: 1\n".into()), after: "x: 2\n".into(), ..change };
        next.write(dir.path()).unwrap();
        assert_eq!(std::fs::read_dir(dir.path().join("a/b")).unwrap().count(), 1);
    }
}
