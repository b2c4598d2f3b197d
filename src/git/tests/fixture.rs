//! A repository of its own for each test, with a bare one as its remote.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cancel::Cancel;
use crate::git::Repo;

pub(super) struct Fixture {
    _temp: tempfile::TempDir,
    pub(super) root: PathBuf,
    pub(super) bare: PathBuf,
    pub(super) cancel: Cancel,
}

impl Fixture {
    /// A repository without a commit and without a remote.
    pub(super) fn empty() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let base = temp.path().canonicalize().unwrap();
        let fixture = Self { root: base.join("work"), bare: base.join("bare.git"), _temp: temp, cancel: Cancel::new() };
        std::fs::create_dir(&fixture.root).unwrap();
        fixture.git(&["init", "-q", "-b", "main"]);
        identify(&fixture.root);
        fixture
    }

    /// One commit (`a.txt`, `dir/b.txt`), and a remote `origin` that has it.
    pub(super) fn new() -> Self {
        let fixture = Self::empty();
        fixture.write("a.txt", "a\n");
        fixture.write("dir/b.txt", "b\n");
        fixture.git(&["add", "-A"]);
        fixture.git(&["commit", "-q", "-m", "Begin"]);
        run(&fixture.root, &["init", "-q", "--bare", "-b", "main", fixture.bare.to_str().unwrap()]);
        fixture.git(&["remote", "add", "origin", fixture.bare.to_str().unwrap()]);
        fixture.git(&["push", "-q", "-u", "origin", "main"]);
        fixture
    }

    pub(super) async fn repo(&self) -> Repo {
        Repo::discover(&self.root, &self.cancel).await.unwrap()
    }

    pub(super) fn git(&self, args: &[&str]) -> String {
        run(&self.root, args)
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let file = self.root.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub(super) fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.root.join(path)).ok()
    }

    pub(super) fn remove(&self, path: &str) {
        std::fs::remove_file(self.root.join(path)).unwrap();
    }

    /// What `git status` says, one entry a line.
    pub(super) fn status(&self) -> String {
        self.git(&["status", "--porcelain=v1", "-uall"])
    }

    pub(super) fn hook(&self, name: &str, script: &str) {
        install(&self.root.join(".git/hooks"), name, script);
    }

    pub(super) fn remote_hook(&self, name: &str, script: &str) {
        install(&self.bare.join("hooks"), name, script);
    }

    /// Somebody else's commit on the remote.
    pub(super) fn others_push(&self, path: &str, text: &str) {
        let clone = self.bare.with_file_name("other");
        run(&self.root, &["clone", "-q", self.bare.to_str().unwrap(), clone.to_str().unwrap()]);
        identify(&clone);
        std::fs::write(clone.join(path), text).unwrap();
        run(&clone, &["add", "-A"]);
        run(&clone, &["commit", "-q", "-m", "Theirs"]);
        run(&clone, &["push", "-q"]);
    }
}

pub(super) fn paths(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

fn identify(root: &Path) {
    for (key, value) in [
        ("user.name", "Ann"),
        ("user.email", "ann@example.org"),
        ("commit.gpgsign", "false"),
        ("core.hooksPath", ".git/hooks"),
    ] {
        run(root, &["config", key, value]);
    }
}

fn install(folder: &Path, name: &str, script: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let file = folder.join(name);
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn run(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git").args(args).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
