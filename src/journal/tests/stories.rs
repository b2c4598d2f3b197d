use serde_json::json;

use super::{clock, time};
use crate::error::Code;
use crate::journal::{Clock, Journal, Kind, Lock, list, path, run_id, unfinished};

#[test]
fn a_run_is_written_line_by_line_and_read_back() {
    let temp = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(temp.path(), "r1", &json!({"objective": "1.2"}), clock()).unwrap();
    journal.intent("push", &json!({"commit": "8d1e0c4"})).unwrap();
    let text = std::fs::read_to_string(journal.path()).unwrap();
    assert_eq!(
        text,
        "{\"at\":\"2026-11-24T09:12:00Z\",\"kind\":\"begin\",\"step\":\"r1\",\"data\":{\"objective\":\"1.2\"}}\n\
         {\"at\":\"2026-11-24T09:12:00Z\",\"kind\":\"intent\",\"step\":\"push\",\"data\":{\"commit\":\"8d1e0c4\"}}\n"
    );
    journal.effect("push", &json!(null)).unwrap();
    journal.end("completed", &json!({"exit": 0})).unwrap();

    let story = Journal::read(journal.path()).unwrap();
    assert_eq!(story.run, "r1");
    assert_eq!(story.header_text("objective"), Some("1.2"));
    assert_eq!(story.entries.iter().map(|e| e.kind).collect::<Vec<_>>(), [Kind::Intent, Kind::Effect]);
    assert_eq!(story.end.unwrap().step, "completed");
    assert!(!temp.path().join("reserve").exists());
}

#[test]
fn a_run_that_was_cut_off_is_found_with_what_it_holds() {
    let temp = tempfile::tempdir().unwrap();
    {
        let mut journal = Journal::create(temp.path(), "r1", &json!({"operator": "ann"}), clock()).unwrap();
        journal.intent("commit", &json!({})).unwrap();
        journal.effect("commit", &json!({"sha": "8d1e0c4"})).unwrap();
        journal.intent("push", &json!({})).unwrap();
    }
    let story = unfinished(temp.path()).unwrap().unwrap();
    assert_eq!(story.header_text("operator"), Some("ann"));
    assert_eq!(story.last().unwrap().step, "push");
    assert_eq!(story.open().iter().map(|e| e.step.as_str()).collect::<Vec<_>>(), ["push"]);
    assert_eq!(story.effect("commit").unwrap().data["sha"], "8d1e0c4");
}

#[test]
fn a_run_under_way_is_not_taken_for_a_cut_one() {
    let temp = tempfile::tempdir().unwrap();
    let lock = Lock::acquire(temp.path(), "r1", time("2026-11-24T09:12:00Z")).unwrap();
    let _journal = Journal::create(temp.path(), "r1", &json!({}), clock()).unwrap();
    assert_eq!(unfinished(temp.path()).unwrap(), None);
    drop(lock);
    assert!(unfinished(temp.path()).unwrap().is_some());
}

#[test]
fn a_half_line_at_the_end_is_left_out_and_dropped_when_going_on() {
    let temp = tempfile::tempdir().unwrap();
    let file = {
        let mut journal = Journal::create(temp.path(), "r1", &json!({}), clock()).unwrap();
        journal.intent("commit", &json!({})).unwrap();
        journal.path().to_owned()
    };
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{whole}{{\"at\":\"2026-11-2")).unwrap();
    assert_eq!(Journal::read(&file).unwrap().entries.len(), 1);

    let mut journal = Journal::reopen(temp.path(), "r1", clock()).unwrap();
    journal.effect("commit", &json!({})).unwrap();
    assert_eq!(Journal::read(&file).unwrap().entries.len(), 2);
}

#[test]
fn every_cut_of_a_journal_can_be_read() {
    let temp = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(temp.path(), "r1", &json!({"name": "Hive-Métastore"}), clock()).unwrap();
    journal.intent("commit", &json!({})).unwrap();
    journal.end("completed", &json!({})).unwrap();
    let whole = std::fs::read(journal.path()).unwrap();
    let first = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
    for cut in 0..whole.len() {
        std::fs::write(journal.path(), &whole[..cut]).unwrap();
        assert_eq!(list(temp.path()).unwrap().len(), usize::from(cut >= first), "cut at {cut}");
        assert_eq!(unfinished(temp.path()).unwrap().is_some(), cut >= first, "cut at {cut}");
    }
}

#[test]
fn garbage_is_named_with_its_line() {
    let temp = tempfile::tempdir().unwrap();
    let journal = Journal::create(temp.path(), "r1", &json!({}), clock()).unwrap();
    let whole = std::fs::read_to_string(journal.path()).unwrap();
    std::fs::write(journal.path(), format!("{whole}garbage\n{whole}")).unwrap();
    let error = Journal::read(journal.path()).unwrap_err();
    assert_eq!(error.code(), Code::Invalid);
    assert_eq!(error.places()[0].line, 2);
}

#[test]
fn a_run_is_named_by_time_and_objective_and_never_twice() {
    let temp = tempfile::tempdir().unwrap();
    let now = "2026-11-24T09:12:33+01:00[Europe/Berlin]".parse().unwrap();
    let id = run_id(temp.path(), &now, "1.2");
    assert_eq!(id, "20261124-0912-1.2");
    Journal::create(temp.path(), &id, &json!({}), clock()).unwrap();
    assert_eq!(run_id(temp.path(), &now, "1.2"), "20261124-0912-1.2-2");
    assert_eq!(run_id(temp.path(), &now, "../x"), "20261124-0912-.._x");
    assert_eq!(Journal::create(temp.path(), &id, &json!({}), clock()).unwrap_err().code(), Code::Conflict);
}

#[test]
fn the_newest_run_comes_first() {
    let temp = tempfile::tempdir().unwrap();
    for (run, at) in [("b", "2026-11-24T09:00:00Z"), ("c", "2026-11-24T11:00:00Z"), ("a", "2026-11-24T10:00:00Z")] {
        Journal::create(temp.path(), run, &json!({}), Clock::fixed(time(at))).unwrap();
    }
    let runs: Vec<String> = list(temp.path()).unwrap().into_iter().map(|story| story.run).collect();
    assert_eq!(runs, ["c", "a", "b"]);
    assert!(path(temp.path(), "a").exists());
}
