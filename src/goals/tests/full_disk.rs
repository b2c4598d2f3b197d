//! On a file system with next to no room, in a mount namespace of its own.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::now;
use crate::error::Code;
use crate::goals::{Ledger, Status};

/// Set by the outer half of the test for its inner half: where the small file system is mounted.
const PLACE: &str = "DPB_TEST_SMALL_DISK";

#[test]
fn a_full_disk_leaves_the_ledger_as_it_was() {
    let place = tempfile::tempdir().unwrap();
    let script =
        "mount -t tmpfs -o size=256k tmpfs \"$1\" || exit 77; exec \"$2\" --exact \"$3\" --ignored --nocapture";
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, "sh", place.path().to_str().unwrap()])
        .arg(std::env::current_exe().unwrap())
        .arg("goals::tests::full_disk::inner")
        .env(PLACE, place.path())
        .output();
    match output {
        Ok(output) if output.status.code() != Some(77) && !output.stdout.is_empty() => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
        }
        _ => eprintln!("not run: this system does not let us mount a file system"),
    }
}

#[test]
#[ignore = "run by its outer half"]
fn inner() {
    let place = std::env::var(PLACE).unwrap();
    let (path, backups) = (Path::new(&place).join("goals.json"), Path::new(&place).join("backups"));
    let text = crate::goals::shipped("2026-11-20".parse().unwrap());
    std::fs::write(&path, &text).unwrap();
    let ledger = Ledger::load(&path, "goals.json").unwrap();
    let write = || ledger.edit(&now()).set_status("1.1", Status::InProgress).write(&path, &backups);

    // No room for a copy; then room for the copy, and none for the ledger.
    for spare in [4 * 1024, 32 * 1024] {
        let filling = Path::new(&place).join("filling");
        let mut file = std::fs::File::create(&filling).unwrap();
        while file.write_all(&[b'x'; 4096]).is_ok() {}
        let full = file.metadata().unwrap().len();
        file.set_len(full - spare).unwrap();

        let error = write().unwrap_err();
        assert_eq!(error.code(), Code::Io);
        assert!(error.message().contains("No space left on device"), "{error}");
        assert_eq!(error.hint_text(), Some("The disk is full: free some room, then run it again"));
        assert_eq!(error.notes(), ["the ledger is as it was"]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert!(!std::fs::read_dir(&place).unwrap().any(|e| e.unwrap().file_name().to_string_lossy().contains("dpb-")));
        std::fs::remove_file(filling).unwrap();
    }
    write().unwrap();
}
