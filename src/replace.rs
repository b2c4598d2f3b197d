//! Putting a text in the place of a file: whole or not at all, also when the machine stops meanwhile.

use std::fs::{File, Permissions};
use std::io::{Result, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Mode of a file that was not there: a temporary one is private.
const ORDINARY: u32 = 0o644;

/// Writes a file beside `path`, then renames it into place; the mode of the file that was there stays. What a killed
/// write of the same file left behind is removed: whoever calls holds the lock that keeps a second writer out.
pub fn replace(path: &Path, text: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let stem = format!(".{}.dpb-", path.file_name().unwrap_or_default().to_string_lossy());
    sweep(folder, &stem);
    let permissions = path.metadata().map_or_else(|_| Permissions::from_mode(ORDINARY), |m| m.permissions());
    let mut file = tempfile::Builder::new().prefix(&stem).tempfile_in(folder)?;
    file.as_file().set_permissions(permissions)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

fn sweep(folder: &Path, stem: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(stem) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_stays_and_leftovers_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.yaml");
        let mode = || path.metadata().unwrap().permissions().mode() & 0o777;
        std::fs::write(dir.path().join(".a.yaml.dpb-cut"), "half").unwrap();
        replace(&path, b"one").unwrap();
        assert_eq!(mode(), ORDINARY);
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!((mode(), std::fs::read_to_string(&path).unwrap().as_str()), (0o600, "two"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
