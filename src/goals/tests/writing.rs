use std::os::unix::fs::PermissionsExt;

use super::{SHORT, now};
use crate::error::Code;
use crate::goals::{Ledger, Status};

struct Place {
    temp: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { temp: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.temp.path().join("docs")).unwrap();
        std::fs::write(place.ledger(), SHORT).unwrap();
        place
    }

    fn ledger(&self) -> std::path::PathBuf {
        self.temp.path().join("docs/goals.json")
    }

    fn backups(&self) -> std::path::PathBuf {
        self.temp.path().join("backups")
    }

    fn read(&self) -> Ledger {
        Ledger::load(&self.ledger(), "docs/goals.json").unwrap()
    }

    fn copies(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.backups()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != "lock").collect();
        names.sort();
        names
    }
}

#[test]
fn a_write_replaces_the_file_and_keeps_a_copy() {
    let place = Place::new();
    std::fs::set_permissions(place.ledger(), std::fs::Permissions::from_mode(0o640)).unwrap();
    let after = place.read().edit(&now()).complete("1.2").write(&place.ledger(), &place.backups()).unwrap();
    assert_eq!(std::fs::read_to_string(place.ledger()).unwrap(), after.text());
    assert_eq!(after.objective("1.2").unwrap().status, Status::Completed);
    assert_eq!(place.ledger().metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(place.copies(), ["docs_goals.json.20261124T081233Z-0001"]);
    assert_eq!(std::fs::read_to_string(place.backups().join(&place.copies()[0])).unwrap(), SHORT);
    assert_eq!(std::fs::read_dir(place.ledger().parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn somebody_else_s_change_is_never_overwritten() {
    let place = Place::new();
    let ledger = place.read();
    std::fs::write(place.ledger(), SHORT.replace("33", "34")).unwrap();
    let error = ledger.edit(&now()).complete("1.2").write(&place.ledger(), &place.backups()).unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (Code::Conflict, "docs/goals.json was changed by somebody else meanwhile")
    );
    assert!(std::fs::read_to_string(place.ledger()).unwrap().contains("34"));
    assert!(place.copies().is_empty());
}

#[test]
fn the_newest_copies_are_kept() {
    let place = Place::new();
    for round in 0..23 {
        let status = if round % 2 == 0 { Status::InProgress } else { Status::Pending };
        place.read().edit(&now()).set_status("1.2", status).write(&place.ledger(), &place.backups()).unwrap();
    }
    let copies = place.copies();
    assert_eq!(copies.len(), 20);
    assert!(copies[19].ends_with("-0023"), "{copies:?}");
}

#[test]
fn a_link_stays_a_link() {
    let place = Place::new();
    let link = place.temp.path().join("link.json");
    std::os::unix::fs::symlink(place.ledger(), &link).unwrap();
    place.read().edit(&now()).complete("1.2").write(&link, &place.backups()).unwrap();
    assert!(link.is_symlink());
    assert_eq!(place.read().objective("1.2").unwrap().status, Status::Completed);
}

#[test]
fn what_a_killed_write_left_is_swept() {
    let place = Place::new();
    let left = place.ledger().with_file_name(".goals.json.dpb-abc123");
    std::fs::write(&left, "half").unwrap();
    place.read().edit(&now()).complete("1.2").write(&place.ledger(), &place.backups()).unwrap();
    assert!(!left.exists());
}

#[test]
fn two_writers_take_turns() {
    let place = Place::new();
    let results: Vec<bool> = std::thread::scope(|scope| {
        let write = |id: &'static str| {
            let (ledger, place) = (place.read(), &place);
            scope.spawn(move || ledger.edit(&now()).complete(id).write(&place.ledger(), &place.backups()).is_ok())
        };
        let threads = [write("1.2"), write("2.1")];
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|ok| **ok).count(), 1, "the second finds the file changed");
}
