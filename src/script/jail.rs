//! The jail of paths: what a script imports or reads lies under `scripts/`, and nowhere else.

use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Result, io_error};

/// Checks a path below `scripts/`: relative, forward slashes, no `.` or `..`.
pub fn inside(path: &str) -> Result<()> {
    let refuse = |why: &str| Err(Error::new(Code::Denied, format!("path `{path}` {why}")));
    if path.is_empty() {
        return refuse("is empty");
    }
    if path.starts_with('/') || path.contains(':') || Path::new(path).is_absolute() {
        return refuse("is absolute; scripts read only what lies under scripts/");
    }
    if path.contains('\\') || path.contains('\0') {
        return refuse("has a character that paths of scripts don't have");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refuse("leaves its folder; scripts read only what lies under scripts/");
    }
    Ok(())
}

/// The file of an import: `lib/postgres` is `lib/postgres.rhai`; all else is refused.
pub fn import(path: &str) -> Result<String> {
    inside(path).map_err(|e| {
        e.context("import refused").hint("Import what lies in scripts/lib: import \"lib/name\" as name;")
    })?;
    if !path.starts_with("lib/") {
        return Err(Error::new(Code::Denied, format!("import refused: `{path}` is not below lib/"))
            .hint("Import what lies in scripts/lib: import \"lib/name\" as name;"));
    }
    let stem = path.strip_suffix(".rhai").unwrap_or(path);
    Ok(format!("{stem}.rhai"))
}

/// The file `path` below `root`, if it is there; a link that leads out of `root` is refused.
pub fn on_disk(root: &Path, path: &str) -> Result<Option<PathBuf>> {
    inside(path)?;
    let file = root.join(path);
    let real = match file.canonicalize() {
        Ok(real) => real,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(io_error("looking for", &file, &e)),
    };
    let root = root.canonicalize().map_err(|e| io_error("looking for", root, &e))?;
    if !real.starts_with(&root) {
        return Err(Error::new(Code::Denied, format!("scripts/{path} is a link that leads out of scripts/")));
    }
    Ok(Some(real))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_library_can_be_imported() {
        assert_eq!(import("lib/postgres").unwrap(), "lib/postgres.rhai");
        assert_eq!(import("lib/deep/er.rhai").unwrap(), "lib/deep/er.rhai");
        for (path, why) in [
            ("../secrets", "leaves its folder"),
            ("lib/../../etc/passwd", "leaves its folder"),
            ("/etc/passwd", "is absolute"),
            ("C:/windows", "is absolute"),
            ("lib\\x", "character"),
            ("phases/1-foundation/1.1", "not below lib/"),
            ("", "is empty"),
        ] {
            let error = import(path).unwrap_err();
            assert_eq!(error.code(), Code::Denied, "{path}");
            assert!(error.message().contains(why), "{path}: {error}");
        }
    }

    #[test]
    fn a_link_that_leads_out_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside.rhai");
        std::fs::write(&outside, "secret").unwrap();
        let root = dir.path().join("scripts");
        std::fs::create_dir_all(root.join("lib")).unwrap();
        std::os::unix::fs::symlink(&outside, root.join("lib/x.rhai")).unwrap();
        assert_eq!(on_disk(&root, "lib/x.rhai").unwrap_err().code(), Code::Denied);
        assert_eq!(on_disk(&root, "lib/absent.rhai").unwrap(), None);
    }
}
