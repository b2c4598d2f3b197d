//! Claims, volumes, storage classes.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::path::{Faults, Path, text};
use super::{meta, names, placement, resources};

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// A claim; `old` on update.
pub(super) fn claim(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let path = Path::new("spec");
    spec(&new["spec"], &path, faults);
    let Some(old) = old else { return };
    let (mut now, mut before) = (new["spec"].clone(), old["spec"].clone());
    if text(&before, "volumeName").is_empty() {
        strip(&mut now, "volumeName");
        strip(&mut before, "volumeName");
    }
    if before["storageClassName"].is_null() && !now["storageClassName"].is_null() {
        strip(&mut now, "storageClassName");
    }
    if new["status"]["phase"] == "Bound" {
        now["resources"]["requests"]["storage"] = before["resources"]["requests"]["storage"].clone();
        strip(&mut now, "volumeAttributesClassName");
        strip(&mut before, "volumeAttributesClassName");
    }
    if now != before {
        faults.forbidden(
            &path,
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        );
    }
    let size = |claim: &Value| claim["spec"]["resources"]["requests"]["storage"].clone();
    let capacity = &old["status"]["capacity"]["storage"];
    let (smaller, zero) = (resources::compare(&size(new), &size(old)) == Some(Ordering::Less), json!("0"));
    let floor = if capacity.is_null() { &zero } else { capacity };
    if smaller && resources::compare(&size(new), floor) != Some(Ordering::Greater) {
        faults.forbidden(
            &path.child("resources").child("requests").child("storage"),
            "field can not be less than status.capacity",
        );
    }
    faults.immutable(&Path::new("volumeMode"), &new["spec"]["volumeMode"], &old["spec"]["volumeMode"]);
}

fn strip(value: &mut Value, field: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove(field);
    }
}

fn access_modes(list: &Value, path: &Path, detail: &str, faults: &mut Faults) {
    let path = path.child("accessModes");
    let modes = list.as_array().map(Vec::as_slice).unwrap_or_default();
    if modes.is_empty() {
        faults.required(&path, detail);
    }
    for mode in modes.iter().filter(|mode| !MODES.contains(&mode.as_str().unwrap_or_default())) {
        faults.unsupported(&path, mode, &MODES);
    }
    let once = |mode: &Value| mode == "ReadWriteOncePod";
    if modes.iter().any(once) && modes.iter().any(|mode| !once(mode)) {
        faults.forbidden(&path, "may not use ReadWriteOncePod with other access modes");
    }
}

/// What a claim asks for; also in templates.
pub(super) fn spec(spec: &Value, path: &Path, faults: &mut Faults) {
    access_modes(&spec["accessModes"], path, "at least 1 access mode is required", faults);
    if !spec["selector"].is_null() {
        meta::selector(&spec["selector"], &path.child("selector"), faults);
    }
    let size = &spec["resources"]["requests"]["storage"];
    let at = path.child("resources").key("storage");
    match resources::amount(size) {
        None => faults.required(&at, ""),
        Some(amount) if amount.nanos() <= 0 => faults.invalid(&at, size, "must be greater than zero"),
        Some(_) => {}
    }
    let class = text(spec, "storageClassName");
    if !class.is_empty() {
        faults.each(&path.child("storageClassName"), class, names::dns_subdomain(class));
    }
    faults.one_of_if_set(&path.child("volumeMode"), &spec["volumeMode"], &["Block", "Filesystem"]);
}

/// A volume; `old` on update.
pub(super) fn volume(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let (spec, path) = (&new["spec"], Path::new("spec"));
    access_modes(&spec["accessModes"], &path, "", faults);
    let capacity = spec["capacity"].as_object();
    if capacity.is_none_or(serde_json::Map::is_empty) {
        faults.required(&path.child("capacity"), "");
    }
    if spec["capacity"]["storage"].is_null() || capacity.is_some_and(|c| c.len() > 1) {
        faults.unsupported(&path.child("capacity"), &spec["capacity"], &["storage"]);
    }
    for (name, amount) in capacity.into_iter().flatten() {
        if resources::amount(amount).is_some_and(|a| a.nanos() <= 0) {
            faults.invalid(&path.child("capacity").key(name), amount, "must be greater than zero");
        }
    }
    faults.one_of_if_set(
        &path.child("persistentVolumeReclaimPolicy"),
        &spec["persistentVolumeReclaimPolicy"],
        &["Delete", "Recycle", "Retain"],
    );
    if !spec["nodeAffinity"]["required"].is_null() {
        placement::node_selector(
            &spec["nodeAffinity"]["required"],
            &path.child("nodeAffinity").child("required"),
            faults,
        );
    }
    let sources = sources(spec);
    if sources.is_empty() {
        faults.required(&path, "must specify a volume type");
    }
    for extra in sources.iter().skip(1) {
        faults.forbidden(&path.child(extra), "may not specify more than 1 volume type");
    }
    if spec["local"].is_object() && spec["nodeAffinity"].is_null() {
        faults.required(&Path::new("metadata").child("annotations"), "Local volume requires node affinity");
    }
    let class = text(spec, "storageClassName");
    if !class.is_empty() {
        faults.each(&path.child("storageClassName"), class, names::dns_subdomain(class));
    }
    faults.one_of_if_set(&path.child("volumeMode"), &spec["volumeMode"], &["Block", "Filesystem"]);
    if let Some(old) = old {
        let source = sources_of;
        if source(&new["spec"]) != source(&old["spec"]) {
            faults.forbidden(
                &Path::new("spec").child("persistentvolumesource"),
                "spec.persistentvolumesource is immutable after creation",
            );
        }
        faults.immutable(&Path::new("volumeMode"), &spec["volumeMode"], &old["spec"]["volumeMode"]);
    }
}

const BESIDE_SOURCES: [&str; 10] = [
    "accessModes",
    "capacity",
    "claimRef",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "mountOptions",
    "volumeMode",
    "nodeAffinity",
    "volumeAttributesClassName",
    "",
];

fn sources(spec: &Value) -> Vec<&str> {
    let fields = spec.as_object().into_iter().flatten();
    fields
        .filter(|(name, value)| !value.is_null() && !BESIDE_SOURCES.contains(&name.as_str()))
        .map(|(name, _)| name.as_str())
        .collect()
}

fn sources_of(spec: &Value) -> Vec<(&str, &Value)> {
    sources(spec).into_iter().map(|name| (name, &spec[name])).collect()
}

/// A storage class; `old` on update.
pub(super) fn storage_class(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let provisioner = text(new, "provisioner");
    if provisioner.is_empty() {
        faults.required(&Path::new("provisioner"), "");
    } else {
        faults.each(&Path::new("provisioner"), provisioner, names::qualified(&provisioner.to_lowercase()));
    }
    faults.one_of(&Path::new("reclaimPolicy"), &new["reclaimPolicy"], &["Delete", "Retain"]);
    faults.one_of(&Path::new("volumeBindingMode"), &new["volumeBindingMode"], &["Immediate", "WaitForFirstConsumer"]);
    let Some(old) = old else { return };
    for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
        faults.immutable(&Path::new(field), &new[field], &old[field]);
    }
}
