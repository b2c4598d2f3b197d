//! Errors of ledger, settings, scripts and templates, as a person reads them: each input beside the text that it gives.
//!
//! `SNAPSHOTS=overwrite cargo test --test golden_files` writes the texts anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dpb::cancel::Cancel;
use dpb::error::Error;
use dpb::goals::Ledger;
use dpb::script::api::{self, Host};
use dpb::script::bridge::Bridge;
use dpb::script::library::Library;
use dpb::settings::Settings;
use dpb::ui::plain_error;

/// Every input of a folder with the given ending, in order.
fn inputs(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Compares what each input gives with the text beside it.
fn judge(folder: &str, ending: &str, read: impl Fn(&str) -> Error) {
    for input in inputs(folder, ending) {
        let error = read(&std::fs::read_to_string(&input).unwrap());
        let golden = snapbox::Data::read_from(&input.with_extension("txt"), None);
        snapbox::Assert::new().action_env(snapbox::assert::DEFAULT_ACTION_ENV).eq(plain_error(&error), golden);
    }
}

#[test]
fn ledger() {
    judge("ledger", "json", |text| Ledger::parse(text.to_owned(), "docs/goals.json").unwrap_err());
}

#[test]
fn settings() {
    judge("settings", "yaml", |text| Settings::parse(text, "dpb.yaml").unwrap_err());
}

/// Runs `work` on a repository of its own with these files below `scripts/phases/9-try`, without a cluster.
fn in_repository(files: &[(&str, &str)], work: impl FnOnce(&Host) -> Error) -> Error {
    let repository = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = repository.path().join("scripts/phases/9-try").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let cancel = Cancel::new().within(Duration::from_mins(1));
    let bridge = Bridge::new(runtime.handle().clone(), cancel);
    work(&Host::new(Library::of_repository(repository.path()), bridge))
}

#[test]
fn scripts() {
    judge("scripts", "rhai", |text| {
        in_repository(&[("9.1-try.rhai", text)], |host| match api::review(host, "9.1") {
            Err(error) => error,
            Ok(outcome) => panic!("{:?}", outcome.checks),
        })
    });
}

#[test]
fn templates() {
    let script = "fn execute(o) {\n    gitops::app(\"try\").render(\"file.yaml.j2\");\n}\n";
    judge("templates", "j2", |text| {
        in_repository(&[("9.1-try.rhai", script), ("9.1-try/file.yaml.j2", text)], |host| {
            api::execute(host, "9.1").unwrap_err()
        })
    });
}
