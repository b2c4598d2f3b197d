//! On a file system with next to no room, in a mount namespace of its own.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::clock;
use crate::error::Code;
use crate::journal::{Journal, list};

/// Set by the outer half of a test for its inner half: where the small file system is mounted.
const PLACE: &str = "DPB_TEST_SMALL_DISK";

/// Runs the inner half of a test, by name, with `kib` of disk. False where the system does not let us mount.
fn on_small_disk(inner: &str, kib: usize) -> bool {
    let place = tempfile::tempdir().unwrap();
    let script =
        "mount -t tmpfs -o size=\"$1\" tmpfs \"$2\" || exit 77; exec \"$3\" --exact \"$4\" --ignored --nocapture";
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, "sh", &format!("{kib}k"), place.path().to_str().unwrap()])
        .arg(std::env::current_exe().unwrap())
        .arg(format!("journal::tests::full_disk::{inner}"))
        .env(PLACE, place.path())
        .output();
    match output {
        Ok(output) if output.status.code() == Some(77) || output.stdout.is_empty() => false,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
            true
        }
        Err(_) => false,
    }
}

/// Fills the disk to the last byte.
fn fill(place: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(place.join("filling")).unwrap();
    for size in [4096, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
}

#[test]
fn a_full_disk_stops_a_run_before_it_begins() {
    if !on_small_disk("inner_begin", 512) {
        eprintln!("not run: this system does not let us mount a file system");
    }
}

#[test]
#[ignore = "run by its outer half"]
fn inner_begin() {
    let place = std::env::var(PLACE).unwrap();
    let place = Path::new(&place);
    std::fs::create_dir(place.join("runs")).unwrap();
    fill(place);
    let error = Journal::create(place, "r1", &json!({"objective": "1.2"}), clock()).unwrap_err();
    assert_eq!(error.code(), Code::Io);
    assert!(error.message().contains("No space left on device"), "{error}");
    assert_eq!(error.hint_text(), Some("The disk is full: free some room, then run it again"));
    assert!(error.notes()[0].starts_with("nothing was done"));
    assert!(list(place).unwrap().is_empty());
}

#[test]
fn a_full_disk_refuses_an_intent_but_takes_the_effect_and_the_end() {
    if !on_small_disk("inner_effect", 512) {
        eprintln!("not run: this system does not let us mount a file system");
    }
}

#[test]
#[ignore = "run by its outer half"]
fn inner_effect() {
    let place = std::env::var(PLACE).unwrap();
    let place = Path::new(&place);
    let mut journal = Journal::create(place, "r1", &json!({}), clock()).unwrap();
    journal.intent("commit", &json!({"text": "x".repeat(2000)})).unwrap();
    fill(place);
    let error = journal.intent("push", &json!({"text": "x".repeat(5000)})).unwrap_err();
    assert!(error.message().starts_with("before push: writing"), "{error}");
    assert_eq!(error.hint_text(), Some("The disk is full: free some room, then run it again"));

    journal.effect("commit", &json!({"text": "x".repeat(5000)})).unwrap();
    journal.end("failed", &json!({"text": "x".repeat(5000)})).unwrap();
    let story = Journal::read(journal.path()).unwrap();
    assert_eq!(story.entries.len(), 2, "no half line is left");
    assert!(story.end.is_some());
}
