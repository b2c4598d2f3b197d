//! Volumes of a pod.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::path::{Faults, Path, each, text};
use super::{claim, names, resources};

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

/// All volumes; returns those that are right, by name.
pub(super) fn volumes(list: &Value, path: &Path, faults: &mut Faults) -> HashMap<String, Value> {
    let mut known = HashMap::new();
    for (volume, path) in each(list, path) {
        let before = faults.0.len();
        source(volume, &path, faults);
        let name = text(volume, "name");
        if name.is_empty() {
            faults.required(&path.child("name"), "");
        } else {
            faults.each(&path.child("name"), name, names::dns_label(name));
        }
        if known.contains_key(name) {
            faults.duplicate(&path.child("name"), &volume["name"]);
        }
        if faults.0.len() == before {
            known.insert(name.to_owned(), volume.clone());
        }
    }
    known
}

fn source(volume: &Value, path: &Path, faults: &mut Faults) {
    let sources: Vec<(&String, &Value)> =
        volume.as_object().into_iter().flatten().filter(|(name, value)| *name != "name" && !value.is_null()).collect();
    if sources.is_empty() {
        faults.required(path, "must specify a volume type");
    }
    for (index, (kind, source)) in sources.into_iter().enumerate() {
        let path = path.child(kind);
        if index > 0 {
            faults.forbidden(&path, "may not specify more than 1 volume type");
            continue;
        }
        one(kind, source, &path, faults);
    }
}

fn one(kind: &str, source: &Value, path: &Path, faults: &mut Faults) {
    let mut needs = |field: &str| {
        if text(source, field).is_empty() {
            faults.required(&path.child(field), "");
        }
    };
    match kind {
        "emptyDir" if resources::amount(&source["sizeLimit"]).is_some_and(|size| size.nanos() < 0) => {
            faults.forbidden(&path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity");
        }
        "hostPath" => {
            needs("path");
            let given = text(source, "path");
            if given.is_empty() {
                return;
            }
            if given.split('/').any(|part| part == "..") {
                faults.invalid_text(&path.child("path"), given, "must not contain '..'");
            }
            let ty = text(source, "type");
            let types =
                ["BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
            if !ty.is_empty() && !types.contains(&ty) {
                let all = [
                    "",
                    "BlockDevice",
                    "CharDevice",
                    "Directory",
                    "DirectoryOrCreate",
                    "File",
                    "FileOrCreate",
                    "Socket",
                ];
                faults.unsupported(&path.child("type"), &source["type"], &all);
            }
        }
        "secret" => {
            needs("secretName");
            items(source, path, faults);
        }
        "configMap" => {
            needs("name");
            items(source, path, faults);
        }
        "persistentVolumeClaim" => needs("claimName"),
        "nfs" => {
            needs("server");
            needs("path");
            if !text(source, "path").is_empty() && !text(source, "path").starts_with('/') {
                faults.invalid_text(&path.child("path"), text(source, "path"), "must be an absolute path");
            }
        }
        "csi" => needs("driver"),
        "downwardAPI" => downward(source, path, faults),
        "projected" => projected(source, path, faults),
        "ephemeral" => {
            let template = &source["volumeClaimTemplate"];
            if template.is_null() {
                faults.required(&path.child("volumeClaimTemplate"), "");
            } else {
                claim::spec(&template["spec"], &path.child("volumeClaimTemplate").child("spec"), faults);
            }
        }
        _ => {}
    }
}

fn mode(value: &Value, path: &Path, faults: &mut Faults) {
    if value.as_i64().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
        faults.invalid(path, value, MODE);
    }
}

fn items(source: &Value, path: &Path, faults: &mut Faults) {
    mode(&source["defaultMode"], &path.child("defaultMode"), faults);
    for (item, path) in each(&source["items"], &path.child("items")) {
        if text(item, "key").is_empty() {
            faults.required(&path.child("key"), "");
        }
        local_path(text(item, "path"), &path.child("path"), faults);
        mode(&item["mode"], &path.child("mode"), faults);
    }
}

/// A path within the volume.
fn local_path(given: &str, path: &Path, faults: &mut Faults) {
    if given.is_empty() {
        faults.required(path, "");
    }
    if given.starts_with('/') {
        faults.invalid_text(path, given, "must be a relative path");
    }
    if given.split('/').any(|part| part == "..") {
        faults.invalid_text(path, given, "must not contain '..'");
    } else if given.starts_with("..") {
        faults.invalid_text(path, given, "must not start with '..'");
    }
}

fn downward(source: &Value, path: &Path, faults: &mut Faults) {
    mode(&source["defaultMode"], &path.child("defaultMode"), faults);
    for (item, path) in each(&source["items"], &path.child("items")) {
        if text(item, "path").is_empty() {
            faults.required(&path.child("path"), "");
        }
        local_path_if_set(text(item, "path"), &path.child("path"), faults);
        let (field, resource) = (!item["fieldRef"].is_null(), !item["resourceFieldRef"].is_null());
        if field {
            let given = text(&item["fieldRef"], "fieldPath");
            let known =
                ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
            let subscript = given.starts_with("metadata.annotations['") || given.starts_with("metadata.labels['");
            if given.is_empty() {
                faults.required(&path.child("fieldRef").child("fieldPath"), "");
            } else if !known.contains(&given) && !subscript {
                faults.unsupported(&path.child("fieldRef").child("fieldPath"), &json!(given), &known);
            }
            if resource {
                faults.invalid_text(
                    &path,
                    "resource",
                    "fieldRef and resourceFieldRef can not be specified simultaneously",
                );
            }
        } else if !resource {
            faults.required(&path.child("fieldRef"), "one of fieldRef and resourceFieldRef is required");
        }
        mode(&item["mode"], &path.child("mode"), faults);
    }
}

fn local_path_if_set(given: &str, path: &Path, faults: &mut Faults) {
    if !given.is_empty() {
        local_path(given, path, faults);
    }
}

fn projected(source: &Value, whole: &Path, faults: &mut Faults) {
    mode(&source["defaultMode"], &whole.child("defaultMode"), faults);
    for (projection, path) in each(&source["sources"], &whole.child("sources")) {
        let set: Vec<&String> =
            projection.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null()).map(|(name, _)| name).collect();
        if set.len() > 1 {
            faults.forbidden(&path.child(set[1]), "may not specify more than 1 volume type per source");
        }
        let Some(kind) = set.first() else { continue };
        let (inner, path) = (&projection[kind.as_str()], path.child(kind));
        match kind.as_str() {
            "secret" | "configMap" => {
                if text(inner, "name").is_empty() {
                    faults.required(&path.child("name"), "");
                }
                items(inner, &path, faults);
            }
            "downwardAPI" => downward(inner, &path, faults),
            "serviceAccountToken" => {
                let seconds = inner["expirationSeconds"].as_i64().unwrap_or_default();
                if seconds < 600 {
                    faults.invalid(
                        &path.child("expirationSeconds"),
                        &inner["expirationSeconds"],
                        "may not specify a duration less than 10 minutes",
                    );
                }
                if text(inner, "path").is_empty() {
                    faults.required(&whole.child("path"), "");
                }
            }
            _ => {}
        }
    }
}
