//! Repositories that something is wrong with: each gets one message, an exit code, and is left as it was.

use std::os::unix::fs::PermissionsExt as _;

use crate::environment::{Environment, Outcome};

const EXECUTE: [&str; 4] = ["run", "execute", "1.1", "--yes"];
const MAP: &str = "kubernetes/apps/data-platform/small/app/map.yaml";

/// A hook of the remote that refuses.
fn refusing_remote(env: &Environment) {
    let hook = env.beside("origin.git").join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho 'this branch is protected' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Head, remote and work tree are as `before`.
#[track_caller]
fn untouched(env: &Environment, before: &(String, String, String)) {
    assert_eq!(&state(env), before);
}

fn state(env: &Environment) -> (String, String, String) {
    (env.git(&["rev-parse", "HEAD"]), env.git(&["ls-remote", "origin", "main"]), env.changed())
}

#[test]
fn no_repository() {
    let env = Environment::empty();
    for command in [&["run", "review"][..], &["goals", "list"], &["run", "list"]] {
        env.dpb(command).exits(1).says("error: ").says("--repo DIR");
    }
    env.dpb(&["init"]).exits(1).says("git init");
    env.dpb(&["run", "review", "--repo", "nowhere"]).exits(1).says("nowhere");
    assert_eq!(std::fs::read_dir(env.repo()).unwrap().count(), 0);
}

#[test]
fn no_flux_in_it() {
    let env = Environment::empty();
    env.git(&["init", "-q", "-b", "main", "."]);
    env.write("src/main.c", "int main() {}\n");
    env.dpb(&["init"]).exits(1).says("no Flux Kustomization").says("git init && dpb init");
    assert_eq!(env.changed(), "?? src/");
}

#[test]
fn init_lays_out_an_empty_repository_once() {
    let env = Environment::empty();
    env.git(&["init", "-q", "-b", "main", "."]);
    env.dpb(&["init"]).succeeds().says("added  kubernetes/flux/cluster/ks.yaml").says("added  dpb.yaml");
    env.write("dpb.yaml", "namespace: other\n");
    env.dpb(&["init"]).succeeds().says("nothing was written");
    assert_eq!(env.read("dpb.yaml"), "namespace: other\n");
}

#[test]
fn no_remote() {
    let env = Environment::small();
    env.git(&["remote", "remove", "origin"]);
    let head = env.git(&["rev-parse", "HEAD"]);
    env.dpb(&EXECUTE).exits(1).says("remote").says("origin").says("→");
    assert_eq!((env.git(&["rev-parse", "HEAD"]), env.changed()), (head, String::new()));
}

#[test]
fn a_push_that_a_hook_refuses_is_taken_back() {
    let env = Environment::small();
    refusing_remote(&env);
    let before = state(&env);
    env.dpb(&EXECUTE)
        .exits(5)
        .says("refused the push to main")
        .says("protected")
        .says("files and branch are as before");
    untouched(&env, &before);
    // The journal has its end: the next run is not told of a cut.
    env.dpb(&["run", "execute", "1.1", "--dry-run"]).exits(0);
}

#[test]
fn a_push_that_is_not_fast_forward_is_taken_back() {
    let env = Environment::small();
    let other = env.beside("other");
    let to = other.to_str().unwrap();
    env.git(&["clone", "-q", "../origin.git", to]);
    env.git(&["-C", to, "commit", "-q", "--allow-empty", "-m", "somebody else's"]);
    env.git(&["-C", to, "push", "-q"]);
    let before = state(&env);
    env.dpb(&EXECUTE).exits(5).says("holds commits that this clone lacks").says("git pull --rebase origin main");
    untouched(&env, &before);
}

#[test]
fn a_changed_file_in_our_way() {
    let env = Environment::small();
    env.write(MAP, "mine: true\n");
    let before = state(&env);
    env.dpb(&EXECUTE).exits(1).says(MAP).says("not committed").says("git stash").says("nothing was written");
    env.dpb(&["run", "execute", "1.1", "--yes", "--delivery", "files"]).exits(1).says(MAP).says("not committed");
    untouched(&env, &before);
    assert_eq!(env.read(MAP), "mine: true\n");
}

#[test]
fn a_changed_ledger_in_our_way() {
    let env = Environment::small();
    let ledger = "docs/data-platform/bootstrap/goals.json";
    env.write(ledger, &format!("{}\n", env.read(ledger)));
    let before = state(&env);
    env.dpb(&EXECUTE).exits(1).says(ledger).says("not committed");
    untouched(&env, &before);
}

#[test]
fn other_peoples_changes_are_not_in_our_way() {
    let env = Environment::small();
    env.write("kubernetes/apps/README.md", "Ours.\n");
    env.git(&["add", "kubernetes/apps/README.md"]);
    refusing_remote(&env);
    let before = state(&env);
    env.dpb(&EXECUTE).exits(5);
    untouched(&env, &before);
}

#[test]
fn a_question_without_a_terminal_is_usage() {
    let env = Environment::small();
    let before = state(&env);
    for extra in [&[][..], &["--no-input"]] {
        let command: Vec<&str> = ["run", "execute", "1.1"].iter().chain(extra).copied().collect();
        env.dpb(&command).exits(2).says("no terminal").says("--yes").says("--dry-run");
    }
    untouched(&env, &before);
}

#[test]
fn a_lock_that_another_process_holds() {
    let env = Environment::small();
    let state = env.repo().join(".git/dpb");
    let _held = dpb::journal::Lock::acquire(&state, "20261124-0912-1.2", jiff::Timestamp::now()).unwrap();
    let said = |outcome: Outcome| {
        outcome.exits(7).says("20261124-0912-1.2").says(&std::process::id().to_string());
    };
    said(env.dpb(&EXECUTE));
    said(env.dpb(&["goals", "set", "1.1", "completed"]));
    // Who only looks is not kept out.
    env.dpb(&["run", "review"]).exits(0);
    env.dpb(&["run", "execute", "1.1", "--dry-run"]).exits(0);
    assert_eq!(env.changed(), "");
}
