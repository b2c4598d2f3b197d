//! A disk without room, in a mount namespace of its own; where that is forbidden, the reason is printed.

use std::process::Command;

use crate::environment::Environment;

/// Runs `script` with the repository on a file system of 2 MiB, of which `spare` KiB are free. The script finds the
/// binary as `$DPB`.
fn on_a_full_disk(env: &Environment, spare: u32) -> Option<std::process::Output> {
    let script = r#"
        mount -t tmpfs -o size=3m tmpfs "$SMALL" || exit 77
        cp -a . "$SMALL/repo" && cd "$SMALL/repo" || exit 77
        dd if=/dev/zero of="$SMALL/filling" bs=4k 2>/dev/null
        truncate -s "-${SPARE}K" "$SMALL/filling"
        "$DPB" run execute 1.1 --yes
        code=$?
        rm "$SMALL/filling"
        echo "code $code"
        echo "changed: $(git status --porcelain)"
        echo "ahead: $(git rev-list --count origin/main..HEAD)"
    "#;
    let small = env.beside("small");
    std::fs::create_dir(&small).unwrap();
    let mut command = env.command("unshare", &["-rm", "sh", "-c", script]);
    command.env("SMALL", &small).env("SPARE", spare.to_string()).env("DPB", env!("CARGO_BIN_EXE_dpb"));
    let output = command.output().ok()?;
    (output.status.code() != Some(77) && !output.stdout.is_empty()).then_some(output)
}

#[test]
fn leaves_nothing_half_written() {
    for spare in [0, 8, 64] {
        let env = Environment::small();
        // The remote is beside: seen from the small disk it lies one folder up.
        env.git(&["remote", "set-url", "origin", env.beside("origin.git").to_str().unwrap()]);
        let Some(output) = on_a_full_disk(&env, spare) else {
            eprintln!("not run: this system does not let us mount a file system");
            return;
        };
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(err.contains("No space left on device"), "{spare} KiB\n{out}\n{err}");
        assert!(out.contains("code 1\n") || out.contains("code 5\n"), "{spare} KiB\n{out}\n{err}");
        assert!(out.contains("changed: \n") && out.contains("ahead: 0\n"), "{spare} KiB\n{out}\n{err}");
        assert!(!err.contains("panicked"), "{err}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let env = Environment::small();
    let mut command: Command = env.command(env!("CARGO_BIN_EXE_dpb"), &["goals", "list"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("standard output") && err.contains("No space left on device"), "{err}");
}
