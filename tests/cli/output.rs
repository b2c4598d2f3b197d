//! What goes where: results on standard output, everything else on standard error.

use crate::environment::Environment;

/// Commands that take `--output`, and the exit code of each on a small initiative.
const COMMANDS: [(&[&str], i32); 8] = [
    (&["goals", "list"], 0),
    (&["goals", "show", "1.1"], 0),
    (&["goals", "next"], 0),
    (&["run", "review"], 0),
    (&["run", "execute", "1.1", "--dry-run"], 0),
    (&["run", "execute", "1.1", "--dry-run", "--diff"], 0),
    (&["run", "list"], 0),
    (&["eval", "#{ a: 1 }"], 0),
];

#[test]
fn json_alone_is_on_standard_output() {
    let env = Environment::small();
    for (command, code) in COMMANDS {
        let args: Vec<&str> = command.iter().chain(&["--output", "json"]).copied().collect();
        let outcome = env.dpb(&args).exits(code);
        let value: Result<serde_json::Value, _> = serde_json::from_str(&outcome.stdout);
        assert!(value.is_ok_and(|v| !v.is_null()), "{args:?}\n{}", outcome.stdout);
        assert!(!outcome.stderr.contains("\"objective\""), "{}", outcome.stderr);
    }
}

#[test]
fn yaml_alone_is_on_standard_output() {
    let env = Environment::small();
    for (command, code) in COMMANDS {
        let args: Vec<&str> = command.iter().chain(&["--output", "yaml"]).copied().collect();
        let outcome = env.dpb(&args).exits(code);
        let read = dpb::manifest::documents(&outcome.stdout, "output");
        assert!(read.is_ok_and(|d| d.len() == 1), "{args:?}\n{}", outcome.stdout);
    }
}

#[test]
fn progress_is_on_standard_error_and_quiet_leaves_it_out() {
    let env = Environment::small();
    let loud = env.dpb(&["run", "execute", "1.1", "--dry-run"]).succeeds().says("gate").says("plan");
    let quiet = env.dpb(&["-q", "run", "execute", "1.1", "--dry-run"]).succeeds();
    assert_eq!(quiet.stderr, "");
    assert_eq!(quiet.stdout, loud.stdout);
}

#[test]
fn no_escape_sequence_without_a_terminal() {
    let env = Environment::small();
    for (command, _) in COMMANDS {
        let outcome = env.dpb(command);
        assert!(!outcome.stdout.contains('\u{1b}') && !outcome.stderr.contains('\u{1b}'), "{command:?}");
    }
    assert!(env.dpb(&["--color", "always", "goals", "list"]).stdout.contains('\u{1b}'));
}

#[test]
fn verbose_says_requests_on_standard_error() {
    let env = Environment::small();
    let outcome = env.dpb(&["-vv", "eval", "cluster::list(\"node\").len()"]).succeeds();
    assert_eq!(outcome.stdout.trim(), "1");
    assert!(outcome.stderr.contains("/api/v1/nodes"), "{}", outcome.stderr);
}
