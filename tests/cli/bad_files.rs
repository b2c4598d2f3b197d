//! Ledger, settings, scripts and templates that are wrong. `tests/golden` fixes many more
//! texts; here it is what a command does with them: message, exit code, and that nothing was written.

use std::path::{Path, PathBuf};

use crate::environment::{Environment, SCRIPT, TEMPLATE};

const LEDGER: &str = "docs/data-platform/bootstrap/goals.json";

/// Inputs below `tests/cli/golden`, in order.
fn inputs(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden").join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Puts each input at `place`, plans, and compares the error with the text beside the input. Nothing may be written.
fn judge(folder: &str, ending: &str, place: &str) {
    let env = Environment::small();
    for input in inputs(folder, ending) {
        env.write(place, &std::fs::read_to_string(&input).unwrap());
        let before = env.changed();
        let outcome = env.dpb(&["run", "execute", "1.1", "--yes", "--delivery", "files"]).exits(1);
        let golden = snapbox::Data::read_from(&input.with_extension("txt"), None);
        snapbox::Assert::new().action_env(snapbox::assert::DEFAULT_ACTION_ENV).eq(env.neutral(outcome.error()), golden);
        assert_eq!(env.changed(), before, "{}", input.display());
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn scripts() {
    judge("scripts", "rhai", SCRIPT);
}

#[test]
fn templates() {
    judge("templates", "j2", TEMPLATE);
}

#[test]
fn a_template_that_gives_broken_yaml_is_refused() {
    let env = Environment::small();
    env.write(TEMPLATE, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ colour }}\n");
    let before = env.changed();
    env.dpb(&["run", "execute", "1.1", "--yes", "--override", "no matter"])
        .exits(3)
        .says("broken YAML")
        .says("small/app/map.yaml:4:")
        .says("nothing was written");
    assert_eq!(env.changed(), before);
}

#[test]
fn libraries() {
    judge("libraries", "rhai", "scripts/lib/triggers.rhai");
}

#[test]
fn a_script_that_is_wrong_stops_a_review_too() {
    let env = Environment::small();
    env.write(SCRIPT, "fn review(o) { check::pas(\"a\", \"b\"); }\nfn execute(o) {}\nfn validate(o) {}\n");
    env.dpb(&["run", "review"]).exits(1).says("check::pas").says("1.1-s3-storage.rhai:1:");
}

#[test]
fn a_ledger_cut_in_half_is_kept_as_it_is() {
    let env = Environment::small();
    let whole = env.read(LEDGER);
    let half = &whole[..whole.len() / 2];
    env.write(LEDGER, half);
    for command in [
        &["goals", "list"][..],
        &["run", "review"],
        &["run", "execute", "--yes"],
        &["goals", "set", "1.1", "completed"],
    ] {
        let outcome = env.dpb(command).exits(1).says(LEDGER).says("git restore");
        assert!(outcome.stderr.starts_with("error: "), "{}", outcome.stderr);
        assert_eq!(outcome.stdout, "");
        assert_eq!(env.read(LEDGER), half);
    }
}

#[test]
fn a_ledger_with_an_id_twice_is_refused() {
    let env = Environment::small();
    let twice = env.read(LEDGER).replacen("\"id\": \"1.2\"", "\"id\": \"1.1\"", 1);
    env.write(LEDGER, &twice);
    env.dpb(&["run", "execute", "--yes"]).exits(1).says("two objectives have the id `1.1`").says("first in line");
    assert_eq!(env.read(LEDGER), twice);
}

#[test]
fn an_unknown_status_is_a_warning() {
    let env = Environment::small();
    env.write(LEDGER, &env.read(LEDGER).replacen("\"status\": \"pending\"", "\"status\": \"almost\"", 1));
    env.dpb(&["goals", "check"]).exits(0).says("warning: ").says("`almost`");
    env.dpb(&["goals", "list"]).exits(0);
    env.dpb(&["run", "review"]).exits(0).prints("`almost`");
    env.dpb(&["run", "review", "--fail-on", "warn"]).exits(4);
}

#[test]
fn no_ledger_names_init() {
    let env = Environment::flux_repository();
    env.dpb(&["goals", "list"]).exits(1).says("no ledger").says("dpb init");
}

#[test]
fn broken_settings_stop_every_command_that_reads_them() {
    let env = Environment::small();
    env.write("dpb.yaml", "metastore:\n  replica: 2\n");
    for command in [&["goals", "list"][..], &["run", "review"], &["run", "execute", "--yes"], &["eval", "1"]] {
        env.dpb(command).exits(1).says("dpb.yaml:2:3").says("^^^^^^^").says("replicas");
    }
}

#[test]
fn an_unknown_objective_names_the_nearest() {
    let env = Environment::small();
    env.dpb(&["goals", "show", "1.9"]).exits(1).says("1.9").says("1.");
    env.dpb(&["run", "review", "--phase", "9"]).exits(1);
}

#[test]
fn an_objective_without_a_script_is_not_ready() {
    let env = Environment::small();
    env.dpb(&["run", "review", "2.1"]).exits(3).prints("has no script");
    env.dpb(&["run", "execute", "2.1", "--yes"]).exits(3).says("has no script").says("nothing was written");
}
