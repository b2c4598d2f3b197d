//! `CustomResourceDefinition`s: whether they are valid, which names they get, what they say of their own state.

mod names;
mod schema;

use serde_json::{Map, Value, json};

use super::field_error::FieldError;
use super::validate::{Faults, Path, dns_1035_label, dns_subdomain, each, text};
pub use names::accept;

/// Before a CRD is made: nothing of its status is the client's.
pub(super) fn prepare_create(crd: &mut Map<String, Value>) {
    let stored = crd.get("spec").and_then(|spec| spec["versions"].as_array()).into_iter().flatten();
    let stored: Vec<Value> = stored.filter(|v| v["storage"] == true).map(|v| v["name"].clone()).take(1).collect();
    crd.insert(
        "status".into(),
        json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored}),
    );
}

/// Before a CRD is changed: its storage version is remembered.
pub(super) fn remember_storage(crd: &mut Value) {
    let stored = crd["spec"]["versions"].as_array().into_iter().flatten().find(|v| v["storage"] == true);
    let Some(name) = stored.map(|v| v["name"].clone()) else { return };
    if let Some(list) = crd["status"]["storedVersions"].as_array_mut()
        && !list.contains(&name)
    {
        list.push(name);
    }
}

/// Why the simulator would not do what a valid CRD asks for, if so.
pub fn refusal(crd: &Value) -> Option<String> {
    (crd["spec"]["conversion"]["strategy"] == "Webhook")
        .then(|| format!("conversion by webhook of the CRD {}", text(&crd["metadata"], "name")))
}

/// The faults of a CRD, its metadata apart.
pub fn validate(crd: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut faults = Faults::default();
    let (path, spec) = (Path::new("spec"), &crd["spec"]);
    if old.is_none() {
        let wanted = format!("{}.{}", text(&spec["names"], "plural"), text(spec, "group"));
        let name = text(&crd["metadata"], "name");
        if name != wanted {
            faults.invalid_text(
                &Path::new("metadata").child("name"),
                name,
                "must be spec.names.plural+\".\"+spec.group",
            );
        }
    }
    group(spec, &path, &mut faults);
    faults.one_of(&path.child("scope"), &spec["scope"], &["Cluster", "Namespaced"]);
    versions(spec, &path, &mut faults);
    spec_names(spec, &path.child("names"), &mut faults);
    if old.is_none_or(|old| old["spec"]["preserveUnknownFields"] != true) && spec["preserveUnknownFields"] == true {
        faults.invalid(
            &path.child("preserveUnknownFields"),
            &json!(true),
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        );
    }
    conversion(&spec["conversion"], &path.child("conversion"), &mut faults);
    if let Some(old) = old {
        let before = &old["spec"];
        if condition(old, "Established") == Some("True") {
            faults.immutable(&path.child("scope"), &spec["scope"], &before["scope"]);
            faults.immutable(&path.child("names").child("kind"), &spec["names"]["kind"], &before["names"]["kind"]);
        }
        faults.immutable(&path.child("group"), &spec["group"], &before["group"]);
        faults.immutable(&path.child("names").child("plural"), &spec["names"]["plural"], &before["names"]["plural"]);
    }
    stored_versions(crd, &mut faults);
    approval(crd, &mut faults);
    faults.0
}

fn group(spec: &Value, path: &Path, faults: &mut Faults) {
    let (group, path) = (text(spec, "group"), path.child("group"));
    if group.is_empty() {
        faults.required(&path, "");
    } else if !dns_subdomain(group).is_empty() {
        faults.invalid_text(&path, group, &dns_subdomain(group).join(","));
    } else if !group.contains('.') {
        faults.invalid_text(&path, group, "should be a domain with at least one dot");
    }
}

fn versions(spec: &Value, path: &Path, faults: &mut Faults) {
    let list = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    // What all versions have in common the server speaks of as of one.
    let shared = |key: &str| list.iter().all(|v| v[key] == list[0][key] && !v[key].is_null()) && !list.is_empty();
    let (one_schema, one_columns) = (shared("schema"), shared("additionalPrinterColumns"));
    let one_scale = shared("subresources");
    for (version, path) in each(&spec["versions"], &path.child("versions")) {
        let name = text(version, "name");
        let wrong = dns_1035_label(name);
        if !wrong.is_empty() {
            faults.invalid_text(&path.child("name"), name, &wrong.join(","));
        }
        if version["schema"]["openAPIV3Schema"].is_null() {
            faults.required(&path.child("schema").child("openAPIV3Schema"), "");
        }
        let status = version["subresources"]["status"].is_object();
        if !one_schema {
            schema::check(&version["schema"], &path.child("schema"), status, faults);
        }
        if !one_columns {
            columns(version, &path, faults);
        }
        if !one_scale {
            scale(&version["subresources"], &path.child("subresources"), faults);
        }
        if version["deprecated"] != true && !version["deprecationWarning"].is_null() {
            let detail = "can only be set for deprecated versions";
            faults.invalid(&path.child("deprecationWarning"), &version["deprecationWarning"], detail);
        }
    }
    if let Some(first) = list.first() {
        if one_schema {
            let status = list.iter().any(|v| v["subresources"]["status"].is_object());
            schema::check(&first["schema"], &path.child("validation"), status, faults);
        }
        if one_columns {
            columns(first, path, faults);
        }
        if one_scale {
            scale(&first["subresources"], &path.child("subresources"), faults);
        }
    }
    let names: Vec<&str> = list.iter().map(|v| text(v, "name")).collect();
    let path = path.child("versions");
    let shown = internal_versions(list);
    if names.iter().enumerate().any(|(at, name)| names[..at].contains(name)) {
        faults.invalid(&path, &shown, "must contain unique version names");
    }
    if list.iter().filter(|v| v["storage"] == true).count() != 1 {
        faults.invalid(&path, &shown, "must have exactly one version marked as storage version");
    }
}

/// Versions as the server shows them in a fault: its internal form.
fn internal_versions(list: &[Value]) -> Value {
    let one = |version: &Value| {
        json!({
            "Name": version["name"], "Served": version["served"], "Storage": version["storage"], "Deprecated": version["deprecated"] == true,
            "DeprecationWarning": version["deprecationWarning"], "Schema": null, "Subresources": null,
            "AdditionalPrinterColumns": null, "SelectableFields": null,
        })
    };
    list.iter().map(one).collect()
}

fn columns(of: &Value, path: &Path, faults: &mut Faults) {
    for (column, path) in each(&of["additionalPrinterColumns"], &path.child("additionalPrinterColumns")) {
        if text(column, "name").is_empty() {
            faults.required(&path.child("name"), "");
        }
        let types = ["boolean", "date", "integer", "number", "string"];
        let ty = text(column, "type");
        if ty.is_empty() {
            faults.required(&path.child("type"), &format!("must be one of {}", types.join(",")));
        } else if !types.contains(&ty) {
            faults.invalid_text(&path.child("type"), ty, &format!("must be one of {}", types.join(",")));
        }
        let json_path = text(column, "jsonPath");
        if json_path.is_empty() {
            faults.required(&path.child("JSONPath"), "");
        } else if !json_path.starts_with('.') {
            faults.invalid_text(&path.child("JSONPath"), json_path, "must be a simple json path starting with .");
        }
    }
}

fn scale(subresources: &Value, path: &Path, faults: &mut Faults) {
    let Some(scale) = subresources["scale"].as_object() else { return };
    let path = path.child("scale");
    for (field, under, must) in
        [("specReplicasPath", ".spec", true), ("statusReplicasPath", ".status", true), ("labelSelectorPath", "", false)]
    {
        let given = scale.get(field).and_then(Value::as_str).unwrap_or_default();
        let path = path.child(field);
        if given.is_empty() {
            if must {
                faults.required(&path, "");
            }
        } else if !given.starts_with('.') {
            faults.invalid_text(&path, given, "must be a simple json path starting with .");
        } else if under.is_empty() && !(given.starts_with(".spec.") || given.starts_with(".status.")) {
            faults.invalid_text(&path, given, "should be a json path under either .spec or .status");
        } else if !under.is_empty() && !given.starts_with(&format!("{under}.")) {
            faults.invalid_text(&path, given, &format!("should be a json path under {under}"));
        }
    }
}

fn spec_names(spec: &Value, path: &Path, faults: &mut Faults) {
    let names = &spec["names"];
    for field in ["plural", "singular", "kind", "listKind"] {
        let (name, path) = (text(names, field), path.child(field));
        if name.is_empty() {
            faults.required(&path, "");
            continue;
        }
        let mixed = field.to_lowercase().contains("kind");
        let wrong = if mixed { dns_1035_label(&name.to_lowercase()) } else { dns_1035_label(name) };
        if !wrong.is_empty() {
            let prefix = if mixed { "may have mixed case, but should otherwise match: " } else { "" };
            faults.invalid_text(&path, name, &format!("{prefix}{}", wrong.join(",")));
        }
    }
    for list in ["shortNames", "categories"] {
        for (name, path) in each(&names[list], &path.child(list)) {
            let name = name.as_str().unwrap_or_default();
            let wrong = dns_1035_label(name);
            if !wrong.is_empty() {
                faults.invalid_text(&path, name, &wrong.join(","));
            }
        }
    }
    if !text(names, "kind").is_empty() && text(names, "kind") == text(names, "listKind") {
        faults.invalid_text(&path.child("listKind"), text(names, "listKind"), "kind and listKind may not be the same");
    }
}

fn conversion(conversion: &Value, path: &Path, faults: &mut Faults) {
    if conversion.is_null() {
        return;
    }
    faults.one_of(&path.child("strategy"), &conversion["strategy"], &["None", "Webhook"]);
    let webhook = &conversion["webhook"];
    if conversion["strategy"] == "Webhook" {
        let client = &webhook["clientConfig"];
        if client.is_null() {
            faults.required(&path.child("webhookClientConfig"), "required when strategy is set to Webhook");
        } else if client["url"].is_null() == client["service"].is_null() {
            faults.required(&path.child("webhookClientConfig"), "exactly one of url or service is required");
        }
        if webhook["conversionReviewVersions"].as_array().is_none_or(Vec::is_empty) {
            faults.required(&path.child("conversionReviewVersions"), "");
        }
    } else if !webhook["clientConfig"].is_null() {
        faults.forbidden(&path.child("webhookClientConfig"), "should not be set when strategy is not set to Webhook");
    }
}

fn stored_versions(crd: &Value, faults: &mut Faults) {
    let path = Path::new("status").child("storedVersions");
    let stored = &crd["status"]["storedVersions"];
    let list = stored.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        faults.invalid(&path, &Value::Null, "must have at least one stored version");
        return;
    }
    let versions = crd["spec"]["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    for version in versions.iter().filter(|v| v["storage"] == true && !list.contains(&v["name"])) {
        faults.invalid(&path, stored, &format!("must have the storage version {}", text(version, "name")));
    }
    for (index, name) in list.iter().enumerate().filter(|(_, name)| !versions.iter().any(|v| v["name"] == **name)) {
        let v = name.as_str().unwrap_or_default();
        let detail = format!(
            "missing from spec.versions; {v} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {v} and removes {v} from status.storedVersions"
        );
        faults.invalid(&path.index(index), name, &detail);
    }
}

/// Groups of Kubernetes' own need a link that says who approved it.
fn approval(crd: &Value, faults: &mut Faults) {
    const KEY: &str = "api-approved.kubernetes.io";
    let group = text(&crd["spec"], "group");
    let protected = ["k8s.io", "kubernetes.io"].iter().any(|own| group == *own || group.ends_with(&format!(".{own}")));
    let given = text(&crd["metadata"]["annotations"], KEY);
    if protected {
        let path = Path::new("metadata").child("annotations").key(KEY);
        if given.is_empty() {
            faults.required(&path, "protected groups must have approval annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111");
        } else if !given.starts_with("unapproved") && !given.starts_with("https://") {
            let detail = format!(
                "protected groups must have approval annotation {KEY:?} with either a URL or a reason starting with \"unapproved\", see https://github.com/kubernetes/enhancements/pull/1111"
            );
            faults.invalid_text(&path, given, &detail);
        }
    }
}

/// The status of a condition.
fn condition<'a>(crd: &'a Value, ty: &str) -> Option<&'a str> {
    crd["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == ty)?["status"].as_str()
}
