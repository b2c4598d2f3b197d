//! The shape of the sources: short files, layers whose arrows point down only, and no files that use each other in a ring.

mod layers;
mod modules;
mod source;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use layers::Layers;
use modules::{File, Modules};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let modules = Modules::read(&root().join("src"));
    let long: Vec<String> = modules
        .all_files()
        .map(|path| (path, fs::read_to_string(path).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > 500)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "cut these by what they are about:\n{}", long.join("\n"));
}

#[test]
fn arrows_point_down_only() {
    let modules = Modules::read(&root().join("src"));
    let layers = Layers::read(&fs::read_to_string(root().join("docs/architecture.md")).unwrap());
    let mut wrong = Vec::new();
    for file in modules.files() {
        for target in modules.uses(file) {
            if let Some(why) = layers.refuse(&file.path, &target.path) {
                wrong.push(format!("{} uses {}: {why}", file.display(), target.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "see docs/architecture.md, Layers:\n{}", wrong.join("\n"));
}

#[test]
fn every_top_module_has_a_layer() {
    let modules = Modules::read(&root().join("src"));
    let layers = Layers::read(&fs::read_to_string(root().join("docs/architecture.md")).unwrap());
    let missing: Vec<_> = modules.files().filter(|f| f.path.len() == 1 && layers.of(&f.path).is_none()).collect();
    assert!(missing.is_empty(), "give them a row in docs/architecture.md: {missing:?}");
}

#[test]
fn no_files_use_each_other_in_a_ring() {
    let modules = Modules::read(&root().join("src"));
    let uses: BTreeMap<&File, Vec<&File>> = modules.files().map(|f| (f, modules.uses(f))).collect();
    let rings: Vec<String> =
        rings(&uses).iter().map(|ring| ring.iter().map(|f| f.display()).collect::<Vec<_>>().join(" <-> ")).collect();
    assert!(rings.is_empty(), "move what is shared into a file of its own:\n{}", rings.join("\n"));
}

/// Groups of files each of which reaches all others of its group.
fn rings<'a>(uses: &BTreeMap<&'a File, Vec<&'a File>>) -> Vec<Vec<&'a File>> {
    let reach: BTreeMap<&File, Vec<&File>> = uses.keys().map(|file| (*file, reached(uses, file))).collect();
    let mut rings: Vec<Vec<&File>> = Vec::new();
    for (file, far) in &reach {
        if far.contains(file) && !rings.iter().any(|ring| ring.contains(file)) {
            rings.push(far.iter().copied().filter(|other| reach[other].contains(file)).collect());
        }
    }
    rings
}

fn reached<'a>(uses: &BTreeMap<&'a File, Vec<&'a File>>, from: &File) -> Vec<&'a File> {
    let mut found: Vec<&File> = Vec::new();
    let mut next = uses[from].clone();
    while let Some(file) = next.pop() {
        if !found.contains(&file) {
            found.push(file);
            next.extend(uses.get(file).into_iter().flatten());
        }
    }
    found
}

#[test]
fn a_ring_and_an_arrow_up_are_seen() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        ("lib.rs", "pub mod low;\npub mod high;"),
        ("low/mod.rs", "mod one;\nmod two;\npub use one::One;\n#[cfg(test)]\nmod tests;"),
        ("low/one.rs", "use super::two::{self, Two};\npub struct One(Two);"),
        (
            "low/two.rs",
            "/// Not `crate::high`.\npub struct Two;\nfn up(one: &super::One) { crate::high::call(\"crate::low\") }",
        ),
        ("low/tests.rs", "use crate::high;"),
        ("high.rs", "use crate::low::One;\n#[cfg(test)]\nmod tests { use crate::nowhere; }\npub fn call() {}"),
    ];
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let modules = Modules::read(dir.path());
    let uses: BTreeMap<&File, Vec<&File>> = modules.files().map(|f| (f, modules.uses(f))).collect();
    let seen: Vec<String> = uses
        .iter()
        .flat_map(|(file, to)| to.iter().map(|to| format!("{} -> {}", file.display(), to.display())))
        .collect();
    assert_eq!(
        seen,
        ["high -> low::one", "low::one -> low::two", "low::two -> high", "low::two -> low::one"],
        "tests, comments, texts and re-exports are no arrows"
    );
    assert_eq!(rings(&uses).len(), 1);
    let layers = Layers::read("| layer | owns | never |\n|---|---|---|\n| `high` | a | b |\n| `low/` | a | b |\n");
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(layers.refuse(&path("high"), &path("low::one")), None);
    assert!(layers.refuse(&path("low::two"), &path("high")).is_some());
}
