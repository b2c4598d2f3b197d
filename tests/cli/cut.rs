//! A run that was killed: the next command says what its journal holds.

use crate::environment::Environment;

const RUN: &str = "20261124-0912-1.1";

/// A repository with the journal of a run that has no end.
fn cut_after(lines: &[&str]) -> Environment {
    let env = Environment::small();
    journal(&env, lines);
    env
}

fn journal(env: &Environment, lines: &[&str]) {
    let runs = env.repo().join(".git/dpb/runs");
    std::fs::create_dir_all(&runs).unwrap();
    let begin = format!(
        r#"{{"at":"2026-11-24T09:12:00Z","kind":"begin","step":"{RUN}","data":{{"objective":"1.1","operator":"ann","delivery":"flux"}}}}"#
    );
    let after = lines.iter().map(|line| format!(r#"{{"at":"2026-11-24T09:13:00Z",{line}}}"#));
    let text = std::iter::once(begin).chain(after).map(|line| line + "\n").collect::<String>();
    std::fs::write(runs.join(format!("{RUN}.jsonl")), text).unwrap();
}

#[test]
fn before_its_first_effect() {
    let env = cut_after(&[r#""kind":"intent","step":"write","data":{"paths":["a"]}"#]);
    for command in [&["run", "execute", "1.1", "--yes"][..], &["run", "adopt", "1.1"]] {
        env.dpb(command)
            .exits(3)
            .says(RUN)
            .says("cut off")
            .says("operator ann")
            .says("about to write")
            .says("dpb run log");
    }
    assert_eq!(env.changed(), "");
}

#[test]
fn after_its_commit() {
    let env = Environment::small();
    env.git(&["commit", "-q", "--allow-empty", "-m", "the delivery"]);
    let head = env.git(&["rev-parse", "HEAD"]);
    let told = |place: &str| {
        env.dpb(&["run", "execute", "1.1", "--yes"])
            .exits(3)
            .says(&format!("committed {}", &head[..7]))
            .says("may have pushed it")
            .says(&format!("seen now: origin/main {place} {}", &head[..7]))
            .says(&format!("git revert {}", &head[..7]));
    };
    let effect = format!(r#""kind":"effect","step":"commit","data":{{"sha":"{head}"}}"#);
    journal(&env, &[r#""kind":"intent","step":"commit""#, &effect]);
    told("does not hold");
    env.git(&["push", "-q"]);
    told("holds");
}

#[test]
fn its_last_line_torn() {
    let env = cut_after(&[r#""kind":"intent","step":"write""#]);
    let path = env.repo().join(format!(".git/dpb/runs/{RUN}.jsonl"));
    let mut text = std::fs::read_to_string(&path).unwrap();
    text += r#"{"at":"2026-11-24T09:13:00Z","kind":"eff"#;
    std::fs::write(&path, text).unwrap();
    env.dpb(&["run", "execute", "1.1", "--yes"]).exits(3).says("cut off");
    env.dpb(&["run", "log"]).succeeds().prints(RUN);
    env.dpb(&["run", "list"]).succeeds().prints(RUN);
}

#[test]
fn a_reason_goes_on() {
    let env = cut_after(&[r#""kind":"intent","step":"write""#]);
    env.dpb(&["run", "execute", "1.1", "--yes", "--delivery", "files", "--override", "looked at it"])
        .exits(0)
        .says("looked at it");
    env.dpb(&["run", "execute", "1.1", "--dry-run"]).exits(0);
}
