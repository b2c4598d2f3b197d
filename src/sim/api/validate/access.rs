//! Roles and their bindings.

use serde_json::{Value, json};

use super::names;
use super::path::{Faults, Path, each, text};

/// A role; `cluster` if it is not one of a namespace.
pub(super) fn role(new: &Value, cluster: bool, faults: &mut Faults) {
    for (rule, path) in each(&new["rules"], &Path::new("rules")) {
        let empty = |field: &str| rule[field].as_array().is_none_or(Vec::is_empty);
        if empty("verbs") {
            faults.required(&path.child("verbs"), "verbs must contain at least one value");
        }
        if !empty("nonResourceURLs") {
            if !cluster {
                faults.invalid(
                    &path.child("nonResourceURLs"),
                    &rule["nonResourceURLs"],
                    "namespaced rules cannot apply to non-resource URLs",
                );
            }
            if !empty("apiGroups") || !empty("resources") || !empty("resourceNames") {
                faults.invalid(
                    &path.child("nonResourceURLs"),
                    &rule["nonResourceURLs"],
                    "rules cannot apply to both regular resources and non-resource URLs",
                );
            }
            continue;
        }
        if empty("apiGroups") {
            faults.required(&path.child("apiGroups"), "resource rules must supply at least one api group");
        }
        if empty("resources") {
            faults.required(&path.child("resources"), "resource rules must supply at least one resource");
        }
    }
    let selectors = &new["aggregationRule"]["clusterRoleSelectors"];
    let path = Path::new("aggregationRule").child("clusterRoleSelectors");
    if !new["aggregationRule"].is_null() && selectors.as_array().is_none_or(Vec::is_empty) {
        faults.required(&path, "at least one clusterRoleSelector required if aggregationRule is non-nil");
    }
    for (selector, path) in each(selectors, &path) {
        super::meta::selector(selector, &path, faults);
    }
}

/// A binding; `old` on update.
pub(super) fn binding(new: &Value, old: Option<&Value>, cluster: bool, faults: &mut Faults) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let (reference, path) = (&new["roleRef"], Path::new("roleRef"));
    if text(reference, "apiGroup") != GROUP {
        faults.unsupported(&path.child("apiGroup"), &reference["apiGroup"], &[GROUP]);
    }
    let kinds: &[&str] = if cluster { &["ClusterRole"] } else { &["Role", "ClusterRole"] };
    if !kinds.contains(&text(reference, "kind")) {
        faults.unsupported(&path.child("kind"), &reference["kind"], kinds);
    }
    let name = text(reference, "name");
    if name.is_empty() {
        faults.required(&path.child("name"), "");
    } else {
        faults.each(&path.child("name"), name, names::path_segment(name));
    }
    for (subject, path) in each(&new["subjects"], &Path::new("subjects")) {
        one_subject(subject, cluster, &path, faults);
    }
    if let Some(old) = old
        && new["roleRef"] != old["roleRef"]
    {
        let shown = json!({"APIGroup": reference["apiGroup"], "Kind": reference["kind"], "Name": reference["name"]});
        faults.invalid(&path, &shown, "cannot change roleRef");
    }
}

fn one_subject(subject: &Value, cluster: bool, path: &Path, faults: &mut Faults) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let (name, group) = (text(subject, "name"), text(subject, "apiGroup"));
    if name.is_empty() {
        faults.required(&path.child("name"), "");
    }
    match text(subject, "kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                faults.each(&path.child("name"), name, names::dns_subdomain(name));
            }
            if !group.is_empty() {
                faults.unsupported(&path.child("apiGroup"), &subject["apiGroup"], &[""]);
            }
            if cluster && text(subject, "namespace").is_empty() {
                faults.required(&path.child("namespace"), "");
            }
        }
        "User" | "Group" => {
            if group != GROUP {
                faults.unsupported(&path.child("apiGroup"), &subject["apiGroup"], &[GROUP]);
            }
        }
        _ => faults.unsupported(&path.child("kind"), &subject["kind"], &["ServiceAccount", "User", "Group"]),
    }
}
