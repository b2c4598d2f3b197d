//! Our build against the real one: golden fixtures, the real program when `DPB_KUBECTL` names it, and whole
//! repositories when `DPB_KUSTOMIZE_REPO` names one.

use std::path::{Path, PathBuf};
use std::process::Command;

use dpb::kustomize::{Disk, build, read};
use serde_json::Value;

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kustomize");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).collect();
    cases.retain(|case| case.is_dir());
    cases.sort();
    assert!(cases.len() > 20, "the fixtures are gone");
    cases
}

fn name(case: &Path) -> String {
    case.file_name().unwrap().to_string_lossy().into_owned()
}

/// The folder of a case that is built: `build` names it, else it is the case's own.
fn target(case: &Path) -> String {
    std::fs::read_to_string(case.join("build")).map_or_else(|_| "in".into(), |text| text.trim().to_owned())
}

/// Where two lists of objects differ, in words.
fn difference(ours: &[Value], theirs: &[Value]) -> Option<String> {
    for (index, (a, b)) in ours.iter().zip(theirs).enumerate() {
        if let Some(path) = first_difference(a, b) {
            let shown = |v: &Value| format!("{} {}", v["kind"].as_str().unwrap_or("?"), v["metadata"]["name"]);
            return Some(format!("object {index} (ours {}, theirs {}) at {path}", shown(a), shown(b)));
        }
    }
    (ours.len() != theirs.len()).then(|| format!("we have {} objects, they {}", ours.len(), theirs.len()))
}

fn first_difference(a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let keys = x.keys().chain(y.keys().filter(|k| !x.contains_key(*k)));
            keys.into_iter().find_map(|key| match (x.get(key), y.get(key)) {
                (Some(x), Some(y)) => first_difference(x, y).map(|rest| format!(".{key}{rest}")),
                (ours, theirs) => Some(format!(".{key}: ours {ours:?}, theirs {theirs:?}")),
            })
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            let mut pairs = x.iter().zip(y).enumerate();
            pairs.find_map(|(i, (x, y))| first_difference(x, y).map(|rest| format!("[{i}]{rest}")))
        }
        _ => (a != b).then(|| format!(": ours {a}, theirs {b}")),
    }
}

#[test]
fn fixtures_build_as_their_golden_files_say() {
    let mut wrong = Vec::new();
    for case in fixtures() {
        let disk = Disk::new(&case).unwrap();
        let result = build(&disk, &target(&case));
        let outcome = if let Ok(text) = std::fs::read_to_string(case.join("expected.yaml")) {
            match result {
                Ok(ours) => difference(&ours, &read(&text, "expected.yaml").unwrap()),
                Err(e) => Some(format!("{e} {:?}", e.places().first().map(|p| (p.file.clone(), p.line, p.column)))),
            }
        } else {
            let text = std::fs::read_to_string(case.join("error.txt")).expect("expected.yaml or error.txt");
            match result {
                Ok(_) => Some("built, though it should be refused".into()),
                Err(e) => {
                    let place = e.places().first().map(|p| format!("{}:{}:{}: ", p.file, p.line, p.column));
                    let shown = format!("{}{e}", place.unwrap_or_default());
                    (shown != text.trim()).then_some(shown)
                }
            }
        };
        wrong.extend(outcome.map(|o| format!("{}: {o}", name(&case))));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What the real program makes of a folder.
fn real(kubectl: &str, dir: &Path) -> Result<String, String> {
    let output = Command::new(kubectl)
        .args(["kustomize", "--load-restrictor", "LoadRestrictionsNone"])
        .arg(dir)
        .env("PATH", "/nonexistent")
        .output()
        .map_err(|e| format!("{kubectl}: {e}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

#[test]
fn golden_files_are_what_the_real_program_says() {
    let Ok(kubectl) = std::env::var("DPB_KUBECTL") else {
        println!("skipped: DPB_KUBECTL does not name a kubectl to compare with");
        return;
    };
    let write = std::env::var_os("DPB_KUSTOMIZE_GOLDEN").is_some();
    for case in fixtures() {
        let golden = case.join("expected.yaml");
        match real(&kubectl, &case.join(target(&case))) {
            Ok(text) if write && !case.join("error.txt").exists() => std::fs::write(&golden, text).unwrap(),
            Ok(text) if golden.exists() => {
                assert_eq!(std::fs::read_to_string(&golden).unwrap(), text, "{}", name(&case));
            }
            Ok(_) => println!("{}: we refuse what the real program builds", name(&case)),
            Err(e) => assert!(!golden.exists() && case.join("error.txt").exists(), "{}: {e}", name(&case)),
        }
    }
}

/// Every folder below `root` that has a kustomization file of its own.
fn kustomizations(root: &Path, dir: &Path, found: &mut Vec<String>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && !path.is_symlink() && path.file_name().is_none_or(|n| n != ".git") {
            kustomizations(root, &path, found);
        } else if matches!(
            path.file_name().and_then(|n| n.to_str()),
            Some("kustomization.yaml" | "kustomization.yml" | "Kustomization")
        ) {
            found.push(dir.strip_prefix(root).unwrap().to_string_lossy().into_owned());
        }
    }
}

#[test]
fn repositories_build_as_the_real_program_says() {
    let (Ok(kubectl), Ok(repo)) = (std::env::var("DPB_KUBECTL"), std::env::var("DPB_KUSTOMIZE_REPO")) else {
        println!("skipped: DPB_KUBECTL and DPB_KUSTOMIZE_REPO do not name a kubectl and a repository");
        return;
    };
    let root = PathBuf::from(repo).canonicalize().unwrap();
    let disk = Disk::new(&root).unwrap();
    let mut paths = Vec::new();
    kustomizations(&root, &root, &mut paths);
    let (mut equal, mut both_refuse, mut wrong) = (0, 0, Vec::new());
    let mut objects = 0;
    for path in &paths {
        let ours = build(&disk, path);
        let theirs = real(&kubectl, &root.join(path)).and_then(|text| read(&text, "theirs").map_err(|e| e.to_string()));
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => match difference(&ours, &theirs) {
                None => {
                    equal += 1;
                    objects += ours.len();
                }
                Some(text) => wrong.push(format!("{path}: {text}")),
            },
            (Err(ours), Err(theirs)) => {
                both_refuse += 1;
                println!("both refuse {path}\n  ours:   {ours}\n  theirs: {}", theirs.lines().last().unwrap_or(""));
            }
            (Ok(_), Err(theirs)) => wrong.push(format!("{path}: only they refuse: {theirs}")),
            (Err(ours), Ok(_)) => wrong.push(format!("{path}: only we refuse: {ours}")),
        }
    }
    println!(
        "{}: {} paths, {equal} equal ({objects} objects), {both_refuse} refused by both, {} different",
        root.display(),
        paths.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
