//! Written, killed, torn, damaged, compacted, and read again.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::super::api::Gvr;
use super::*;
use crate::error::Code;

fn change(version: u64, name: &str, new: Option<Value>) -> Change {
    let gvr = Gvr::new("", "v1", "configmaps");
    Change { version, gvr, namespace: "default".into(), name: name.into(), old: None, new: new.map(Arc::new) }
}

fn object(name: &str, data: &str) -> Value {
    json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, "namespace": "default"}, "data": {"a": data}})
}

fn names(kept: &Kept) -> Vec<String> {
    let mut names: Vec<String> =
        kept.objects.iter().map(|(_, o)| format!("{}={}", o["metadata"]["name"], o["data"]["a"])).collect();
    names.sort();
    names.iter().map(|name| name.replace('"', "")).collect()
}

#[test]
fn what_was_kept_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(dir.path());
    assert_eq!(read(&folder).unwrap(), Kept::default());
    let (state, kept) = State::open(&folder).unwrap();
    assert_eq!(kept, Kept::default());
    let mut keeper = state.keeper();
    for (version, name, new) in
        [(2, "a", Some("1")), (3, "b", Some("1")), (4, "a", Some("2")), (5, "b", None), (6, "c", Some("3"))]
    {
        keeper.keep(&change(version, name, new.map(|data| object(name, data)))).unwrap();
    }
    state.put("clock", &json!("2026-01-01T00:00:00Z")).unwrap();
    state.put("s3", &json!({"buckets": {}})).unwrap();
    state.remove("s3").unwrap();
    state.sync().unwrap();
    // Readers need no lock.
    let seen = read(&folder).unwrap();
    assert_eq!(names(&seen), ["a=2", "c=3"]);
    assert_eq!(seen.version, 6);
    assert_eq!(seen.parts, [("clock".to_owned(), json!("2026-01-01T00:00:00Z"))].into());
    let locked = State::open(&folder).unwrap_err();
    assert_eq!(locked.code(), Code::Locked);
    assert!(locked.message().contains(&format!("process {}", std::process::id())), "{}", locked.message());
    assert_eq!(reset(&folder).unwrap_err().code(), Code::Locked);
    drop((keeper, state));
    let (_, again) = State::open(&folder).unwrap();
    assert_eq!(again, seen);
    assert_eq!((reset(&folder).unwrap(), reset(&folder).unwrap()), (true, false));
    assert_eq!(read(&folder).unwrap(), Kept::default());
}

#[test]
fn only_the_last_record_may_be_torn() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let (state, _) = State::open(folder).unwrap();
    let mut keeper = state.keeper();
    keeper.keep(&change(2, "a", Some(object("a", "1")))).unwrap();
    let whole = std::fs::read(folder.join("state")).unwrap().len();
    keeper.keep(&change(3, "b", Some(object("b", "1")))).unwrap();
    drop((keeper, state));
    let bytes = std::fs::read(folder.join("state")).unwrap();
    for cut in whole..bytes.len() {
        std::fs::write(folder.join("state"), &bytes[..cut]).unwrap();
        assert_eq!(names(&read(folder).unwrap()), ["a=1"], "{cut}");
    }
    // What is written after a torn record stands in its place.
    let (state, kept) = State::open(folder).unwrap();
    assert_eq!((names(&kept), kept.version), (vec!["a=1".to_owned()], 2));
    state.keeper().keep(&change(3, "c", Some(object("c", "1")))).unwrap();
    drop(state);
    assert_eq!(names(&read(folder).unwrap()), ["a=1", "c=1"]);

    let mut damaged = bytes.clone();
    damaged[whole - 3] ^= 1;
    std::fs::write(folder.join("state"), damaged).unwrap();
    let error = State::open(folder).unwrap_err();
    assert_eq!(error.code(), Code::Invalid);
    assert!(error.message().contains("is damaged at byte 24"), "{}", error.message());
    assert_eq!(error.hint_text(), Some("Start over with an empty one: dpb sim reset"));
}

#[test]
fn another_version_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    for (text, said) in [
        ("dpb simulated cluster 2\nwhatever", "is of version 2, and this dpb knows version 1"),
        ("something else", "is no such state"),
    ] {
        std::fs::write(dir.path().join("state"), text).unwrap();
        for error in [State::open(dir.path()).unwrap_err(), read(dir.path()).unwrap_err()] {
            assert!(error.message().ends_with(said), "{}", error.message());
        }
        assert_eq!(std::fs::read_to_string(dir.path().join("state")).unwrap(), text);
    }
}

#[test]
fn a_file_that_is_mostly_out_of_date_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (state, _) = State::open(dir.path()).unwrap();
    state.0.lock().unwrap().log.set_slack(10_000);
    state.put("timers", &json!([1, 2])).unwrap();
    let mut keeper = state.keeper();
    let mut largest = 0;
    for version in 2..500 {
        let name = format!("o{}", version % 5);
        keeper.keep(&change(version, &name, Some(object(&name, &version.to_string())))).unwrap();
        largest = largest.max(dir.path().join("state").metadata().unwrap().len());
    }
    keeper.keep(&change(500, "o4", None)).unwrap();
    assert!(largest < 14_000, "{largest}");
    let seen = read(dir.path()).unwrap();
    assert_eq!(names(&seen), ["o0=495", "o1=496", "o2=497", "o3=498"]);
    assert_eq!((seen.version, &seen.parts["timers"]), (500, &json!([1, 2])));
    drop((keeper, state));
    assert_eq!(State::open(dir.path()).unwrap().1, seen);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "state and lock, nothing left over");
}

const CHILD: &str = "DPB_TEST_STATE";

/// Writes until it is killed, and says after each change that it is kept. Does nothing by itself.
#[test]
#[ignore = "started by the test below, which kills it"]
fn a_writer_to_be_killed() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let (state, kept) = State::open(Path::new(&folder)).unwrap();
    state.0.lock().unwrap().log.set_slack(3_000);
    let mut keeper = state.keeper();
    for version in kept.version + 1.. {
        let name = format!("o{}", version % 7);
        let new = (version % 11 != 0).then(|| object(&name, &version.to_string()));
        keeper.keep(&change(version, &name, new)).unwrap();
        state.put("clock", &json!(version)).unwrap();
        println!("kept {version}");
    }
}

/// What the writer has written when it has come to a version.
fn expected(version: u64) -> Vec<String> {
    let mut all = BTreeMap::new();
    for version in 1..=version {
        let name = format!("o{}", version % 7);
        if version % 11 == 0 {
            all.remove(&name)
        } else {
            all.insert(name, version)
        };
    }
    all.into_iter().map(|(name, version)| format!("{name}={version}")).collect()
}

#[test]
fn a_killed_writer_loses_nothing_that_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..50_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["sim::state::tests::a_writer_to_be_killed", "--exact", "--ignored", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut note = |line: &str| {
            if let Some(version) = line.strip_prefix("kept ").and_then(|version| version.parse().ok()) {
                acknowledged = version;
            }
        };
        // The first line says that it has begun to write.
        let first = lines.by_ref().find(|line| line.starts_with("kept "));
        note(&first.unwrap());
        std::thread::sleep(Duration::from_micros(round * 7919 % 12_000));
        child.kill().unwrap();
        lines.for_each(|line| note(&line));
        child.wait().unwrap();
        let kept = read(dir.path()).unwrap();
        assert!((acknowledged..=acknowledged + 1).contains(&kept.version), "{acknowledged} {}", kept.version);
        assert_eq!(names(&kept), expected(kept.version), "round {round}");
        let clock = kept.parts["clock"].as_u64().unwrap();
        assert!((acknowledged..=kept.version).contains(&clock), "{acknowledged} {clock}");
    }
    assert!(acknowledged > 500, "{acknowledged}");
}
