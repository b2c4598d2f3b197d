//! Errors of the ledger and of the settings, as a person reads them: each input beside the text that it gives.
//!
//! `SNAPSHOTS=overwrite cargo test --test golden_files` writes the texts anew.

use std::path::{Path, PathBuf};

use dpb::error::Error;
use dpb::goals::Ledger;
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
