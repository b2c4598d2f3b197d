//! Metadata of every object, and label selectors.

use serde_json::{Map, Value};

use super::super::resource::Resource;
use super::names;
use super::path::{Faults, Path, each, text};

/// Limit of all annotations of an object together.
const ANNOTATIONS: usize = 256 * 1024;

/// Metadata of a new or changed object.
pub(super) fn check(resource: &Resource, new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let (path, meta) = (Path::new("metadata"), &new["metadata"]);
    match old {
        None => create(resource, meta, &path, faults),
        Some(old) => update(meta, &old["metadata"], &path, faults),
    }
    if !resource.is_custom() {
        for (finalizer, path) in each(&meta["finalizers"], &path.child("finalizers")) {
            let name = finalizer.as_str().unwrap_or_default();
            if !name.contains('/') && !["kubernetes", "orphan", "foregroundDeletion"].contains(&name) {
                faults.invalid_text(&path, name, "name is neither a standard finalizer name nor is it fully qualified");
            }
        }
    }
}

fn create(resource: &Resource, meta: &Value, path: &Path, faults: &mut Faults) {
    let rule = name_rule(resource);
    let generate = text(meta, "generateName");
    if !generate.is_empty() {
        // A dash at the end is followed by more.
        let masked = if generate.len() > 1 && generate.ends_with('-') {
            format!("{}a", &generate[..generate.len() - 2])
        } else {
            generate.to_owned()
        };
        faults.each(&path.child("generateName"), generate, rule(&masked));
    }
    let name = text(meta, "name");
    if name.is_empty() {
        faults.required(&path.child("name"), "name or generateName is required");
    } else {
        faults.each(&path.child("name"), name, rule(name));
    }
    let namespace = text(meta, "namespace");
    if resource.namespaced {
        if namespace.is_empty() {
            faults.required(&path.child("namespace"), "");
        } else {
            faults.each(&path.child("namespace"), namespace, names::dns_label(namespace));
        }
    } else if !namespace.is_empty() {
        faults.forbidden(&path.child("namespace"), "not allowed on this type");
    }
    faults.nonnegative(&path.child("generation"), &meta["generation"]);
    always(meta, path, faults);
    let finalizers = path.child("finalizers");
    for finalizer in meta["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        faults.each(&finalizers, finalizer, names::qualified(finalizer));
    }
}

fn always(meta: &Value, path: &Path, faults: &mut Faults) {
    labels(&meta["labels"], &path.child("labels"), faults);
    let annotations = path.child("annotations");
    let mut size = 0;
    for (key, value) in meta["annotations"].as_object().into_iter().flatten() {
        size += key.len() + value.as_str().unwrap_or_default().len();
        faults.each(&annotations, key, names::qualified(&key.to_lowercase()));
    }
    if size > ANNOTATIONS {
        faults.too_long(&annotations, ANNOTATIONS);
    }
    owners(&meta["ownerReferences"], &path.child("ownerReferences"), faults);
}

fn owners(owners: &Value, path: &Path, faults: &mut Faults) {
    let mut controller: Option<String> = None;
    for owner in owners.as_array().into_iter().flatten() {
        let api_version = text(owner, "apiVersion");
        if api_version.rsplit('/').next().unwrap_or_default().is_empty() {
            faults.invalid_text(&path.child("apiVersion"), api_version, "version must not be empty");
        }
        for field in ["kind", "name", "uid"] {
            if text(owner, field).is_empty() {
                faults.invalid_text(&path.child(field), "", "must not be empty");
            }
        }
        if api_version == "v1" && text(owner, "kind") == "Event" {
            faults.invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner");
        }
        if owner["controller"] == true {
            let this = format!("{}/{}", text(owner, "kind"), text(owner, "name"));
            match &controller {
                Some(first) => faults.invalid(path, owners, &format!("Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}")),
                None => controller = Some(this),
            }
        }
    }
}

fn update(meta: &Value, old: &Value, path: &Path, faults: &mut Faults) {
    if !old["deletionTimestamp"].is_null() {
        let before: Vec<&str> = old["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let now = meta["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let extra: Vec<String> = now.filter(|f| !before.contains(f)).map(|f| format!("{f:?}")).collect();
        if !extra.is_empty() {
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                extra.join(", ")
            );
            faults.forbidden(&path.child("finalizers"), &detail);
        }
    }
    let version = text(meta, "resourceVersion");
    if version.is_empty() {
        faults.invalid_text(&path.child("resourceVersion"), version, "must be specified for an update");
    }
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        // Whoever writes an object may leave out what the server knows anyway.
        let (new, before) = (&meta[field], &old[field]);
        if new != before
            && !(new.is_null()
                && matches!(field, "uid" | "creationTimestamp" | "deletionTimestamp" | "deletionGracePeriodSeconds"))
        {
            faults.immutable(&path.child(field), new, before);
        }
    }
    always(meta, path, faults);
}

/// Labels, also of templates and selectors.
pub(super) fn labels(labels: &Value, path: &Path, faults: &mut Faults) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        faults.each(path, key, names::qualified(key));
        let value = value.as_str().unwrap_or_default();
        faults.each(path, value, names::label_value(value));
    }
}

/// A label selector.
pub(super) fn selector(selector: &Value, path: &Path, faults: &mut Faults) {
    labels(&selector["matchLabels"], &path.child("matchLabels"), faults);
    expressions(&selector["matchExpressions"], &path.child("matchExpressions"), false, faults);
}

/// Requirements of labels; `compares` where numbers may be compared too, as with nodes.
pub(super) fn expressions(list: &Value, path: &Path, compares: bool, faults: &mut Faults) {
    for (requirement, path) in each(list, path) {
        let values = requirement["values"].as_array().map_or(0, Vec::len);
        let operator = text(requirement, "operator");
        match operator {
            "In" | "NotIn" if values == 0 => {
                faults.required(&path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if values > 0 => {
                faults.forbidden(
                    &path.child("values"),
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                );
            }
            "Gt" | "Lt" if compares && values != 1 => {
                faults
                    .required(&path.child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            "Gt" | "Lt" if compares => {}
            _ => faults.invalid_text(&path.child("operator"), operator, "not a valid selector operator"),
        }
        let key = text(requirement, "key");
        faults.each(&path.child("key"), key, names::qualified(key));
        for (value, path) in each(&requirement["values"], &path.child("values")) {
            let value = value.as_str().unwrap_or_default();
            faults.each(&path, value, names::label_value(value));
        }
    }
}

/// Whether nothing is selected by.
pub(super) fn is_empty_selector(selector: &Value) -> bool {
    let empty_map = selector["matchLabels"].as_object().is_none_or(Map::is_empty);
    let empty_list = selector["matchExpressions"].as_array().is_none_or(Vec::is_empty);
    empty_map && empty_list
}

/// Whether a label selector can be told apart from nonsense.
pub(super) fn is_selector(selector: &Value) -> bool {
    let mut faults = Faults::default();
    self::selector(selector, &Path::new(""), &mut faults);
    faults.0.is_empty()
}

/// Whether a selector selects these labels.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    let has = |key: &str| labels[key].as_str();
    let equal =
        selector["matchLabels"].as_object().into_iter().flatten().all(|(key, value)| has(key) == value.as_str());
    let meets = |requirement: &Value| {
        let value = has(text(requirement, "key"));
        let listed = value
            .is_some_and(|value| requirement["values"].as_array().is_some_and(|all| all.iter().any(|v| v == value)));
        match text(requirement, "operator") {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    };
    equal && selector["matchExpressions"].as_array().into_iter().flatten().all(meets)
}

/// How names of a kind look.
fn name_rule(resource: &Resource) -> names::Rule {
    if resource.is_custom() {
        return names::dns_subdomain;
    }
    match (resource.gvr.group.as_str(), resource.gvr.plural.as_str()) {
        ("", "namespaces" | "services") | ("apps", "statefulsets") => names::dns_label,
        ("rbac.authorization.k8s.io", _) => names::path_segment,
        ("authorization.k8s.io" | "authentication.k8s.io", _) => names::anything,
        _ => names::dns_subdomain,
    }
}
