use super::time;
use crate::error::Code;
use crate::journal::Lock;

#[test]
fn a_second_run_is_told_who_holds_the_lock() {
    let temp = tempfile::tempdir().unwrap();
    let lock = Lock::acquire(temp.path(), "20261124-0912-1.2", time("2026-11-24T09:12:00Z")).unwrap();
    let error = Lock::acquire(temp.path(), "20261124-0930-1.2", time("2026-11-24T09:30:30Z")).unwrap_err();
    assert_eq!(error.code(), Code::Locked);
    assert_eq!(
        error.message(),
        format!(
            "run 20261124-0912-1.2 is under way (process {}, since 2026-11-24 09:12 UTC, 18 min)",
            std::process::id()
        )
    );
    assert_eq!(Lock::holder(temp.path()).unwrap().unwrap().run, "20261124-0912-1.2");
    drop(lock);
    assert_eq!(Lock::holder(temp.path()).unwrap(), None);
    Lock::acquire(temp.path(), "20261124-0930-1.2", time("2026-11-24T09:30:30Z")).unwrap();
}

#[test]
fn a_lock_file_left_by_a_killed_run_does_not_lock() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("lock"), r#"{"pid":1,"run":"x","since":"2026-11-24T09:12:00Z"}"#).unwrap();
    assert_eq!(Lock::holder(temp.path()).unwrap(), None);
    Lock::acquire(temp.path(), "y", time("2026-11-24T09:30:30Z")).unwrap();
}

#[test]
fn nobody_holds_a_lock_that_was_never_taken() {
    let temp = tempfile::tempdir().unwrap();
    assert_eq!(Lock::holder(temp.path()).unwrap(), None);
}
