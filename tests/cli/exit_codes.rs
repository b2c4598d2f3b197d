//! The contract of exit codes, and that `--help` tells it.

use crate::environment::Environment;

#[test]
fn help_tells_every_exit_code() {
    let help = Environment::empty().dpb(&["--help"]).succeeds().stdout;
    for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "7 ", "8 ", "130 "] {
        assert!(help.lines().any(|l| l.trim_start().starts_with(code)), "no line for exit code {code}in\n{help}");
    }
}

#[test]
fn a_wrong_flag_is_usage() {
    Environment::empty().dpb(&["run", "reveiw"]).exits(2).says("review");
    Environment::empty().dpb(&["run", "execute", "--exit-code"]).exits(2).says("--dry-run");
}

#[test]
fn explain_knows_every_code_and_names_the_nearest() {
    let env = Environment::empty();
    env.dpb(&["explain"]).succeeds().prints("not_ready").prints("unavailable");
    env.dpb(&["explain", "forbidden"]).succeeds().prints("403");
    env.dpb(&["explain", "forbiden"]).exits(2).says("Did you mean `forbidden`?");
}
