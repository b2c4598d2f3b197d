//! Flux Kustomizations: each built as Flux's own code builds it (golden files), and the walk from a root to its children.

use std::collections::BTreeMap;
use std::path::Path;

use dpb::kustomize::flux::{Outcome, build_kustomization, root, walk};
use dpb::kustomize::{Disk, Overlay, Tree};
use serde_json::{Value, json};

fn nothing(_: &str, _: &str, _: &str) -> Option<BTreeMap<String, String>> {
    None
}

/// The golden files were written by the packages of Flux itself (docs/testing.md).
#[test]
fn kustomizations_build_as_flux_builds_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kustomize_flux");
    let mut cases: Vec<_> = std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).collect();
    cases.sort();
    assert_eq!(cases.len(), 7, "a case is gone or was added");
    for case in cases {
        let read =
            |name: &str| -> Value { serde_json::from_str(&std::fs::read_to_string(case.join(name)).unwrap()).unwrap() };
        let disk = Disk::new(&case.join("repo")).unwrap();
        let ours = build_kustomization(&disk, &read("kustomization.json"), &nothing)
            .unwrap_or_else(|e| panic!("{}: {e}", case.display()));
        let theirs = read("expected.json");
        let theirs = theirs.as_array().unwrap();
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert_eq!(ours, theirs, "{}", case.display());
        }
        assert_eq!(ours.len(), theirs.len(), "{}", case.display());
    }
}

fn child(name: &str, spec: &Value) -> String {
    let mut object = root("flux-system", name, "");
    object["spec"] = spec.clone();
    object.to_string()
}

/// A tree of planned files over an empty folder.
fn with_tree(files: &[(&str, String)], test: impl FnOnce(&dyn Tree)) {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::new(dir.path()).unwrap();
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), Some(text.clone().into_bytes()))).collect();
    test(&Overlay::new(&disk, files).unwrap());
}

fn config_map(name: &str, value: &str) -> String {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "flux-system"}, "data": {"DOMAIN": value}})
        .to_string()
}

#[test]
fn a_parents_patches_change_the_children_before_they_are_built() {
    let mut parent = root("flux-system", "cluster", "./cluster");
    parent["spec"]["patches"] = json!([{
        "target": {"kind": "Kustomization", "group": "kustomize.toolkit.fluxcd.io"},
        "patch": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: any}\n\
                  spec: {targetNamespace: patched, postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}]}}\n",
    }]);
    let files = [
        ("cluster/apps.yaml", child("apps", &json!({"path": "./apps"}))),
        ("cluster/meta.yaml", child("meta", &json!({"path": "./meta"}))),
        ("apps/web.yaml", config_map("web", "${DOMAIN}")),
        ("meta/settings.yaml", config_map("settings", "example.org")),
    ];
    with_tree(&files, |tree| {
        // The children need variables that one of them makes; nobody else knows them.
        let known = |_: &str, _: &str, name: &str| {
            (name == "settings").then(|| BTreeMap::from([("DOMAIN".to_owned(), "example.com".to_owned())]))
        };
        let forest = walk(tree, &[parent], &known).unwrap();
        assert_eq!(forest.failures().count(), 0);
        let apps = forest.find("flux-system", "apps").unwrap();
        assert_eq!(apps.path, "apps");
        assert_eq!(apps.objects()[0]["metadata"]["namespace"], "patched");
        assert_eq!(apps.objects()[0]["data"]["DOMAIN"], "example.com");
        let names: Vec<&str> = forest.chain("flux-system", "apps").into_iter().map(|k| k.name.as_str()).collect();
        assert_eq!(names, ["cluster", "apps"]);
    });
}

#[test]
fn variables_come_from_what_the_walk_meets() {
    let from = json!({"path": "./apps", "postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "settings"}]}});
    let files = [
        ("cluster/a-apps.yaml", child("apps", &from)),
        ("cluster/b-meta.yaml", child("meta", &json!({"path": "./meta"}))),
        ("apps/web.yaml", config_map("web", "${DOMAIN}")),
        ("meta/settings.yaml", config_map("settings", "example.org")),
    ];
    with_tree(&files, |tree| {
        let forest = walk(tree, &[root("flux-system", "cluster", "cluster")], &nothing).unwrap();
        assert_eq!(forest.find("flux-system", "apps").unwrap().objects()[0]["data"]["DOMAIN"], "example.org");
    });
}

#[test]
fn what_cannot_be_built_is_said_in_its_place() {
    let source = |name: &str| json!({"kind": "GitRepository", "name": name});
    let files = [
        ("cluster/gone.yaml", child("gone", &json!({"path": "./gone", "sourceRef": source("flux-system")}))),
        ("cluster/other.yaml", child("other", &json!({"path": "./x", "sourceRef": source("other")}))),
        ("cluster/self.yaml", child("cluster", &json!({"path": "./cluster", "sourceRef": source("flux-system")}))),
        (
            "cluster/vars.yaml",
            child(
                "vars",
                &json!({"path": "./vars", "suspend": true, "sourceRef": source("flux-system"),
                    "postBuild": {"substituteFrom": [{"kind": "Secret", "name": "secret"}]}}),
            ),
        ),
        ("vars/a.yaml", config_map("a", "b")),
    ];
    with_tree(&files, |tree| {
        let mut parent = root("flux-system", "cluster", "cluster");
        parent["spec"]["sourceRef"] = source("flux-system");
        let forest = walk(tree, &[parent], &nothing).unwrap();
        assert_eq!(forest.kustomizations.len(), 4, "the root names itself and is built once");
        let failures: Vec<String> = forest.failures().map(|(k, e)| format!("{}: {e}", k.name)).collect();
        assert_eq!(
            failures,
            [
                "gone: spec.path gone does not exist",
                "vars: postBuild takes variables from Secret flux-system/secret, which is not known",
            ]
        );
        let other = forest.find("flux-system", "other").unwrap();
        assert!(matches!(&other.outcome, Outcome::Elsewhere(s) if s == "GitRepository flux-system/other"));
        assert!(forest.find("flux-system", "vars").unwrap().suspended);
    });
}

#[test]
fn a_path_cannot_leave_the_repository() {
    with_tree(&[("a/b.yaml", config_map("a", "b"))], |tree| {
        let error = build_kustomization(tree, &root("flux-system", "x", "../elsewhere"), &nothing).unwrap_err();
        assert_eq!(error.message(), "../elsewhere leads out of the repository");
        assert_eq!(error.object_ref().unwrap().to_string(), "Kustomization flux-system/x");
    });
}
