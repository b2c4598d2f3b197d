//! Discovery: which groups, versions and resources are served, each at a time and all at once.

use base64::Engine as _;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::resource::{Resource, Subresource};
use super::types::{Group, Types};

/// `/api`
pub(super) fn versions(address: &str) -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]})
}

/// `/apis`
pub(super) fn groups(types: &Types) -> Value {
    let all = types.groups();
    let named = all.iter().filter(|group| !group.name.is_empty());
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": named.map(group_value).collect::<Vec<_>>()})
}

/// `/apis/GROUP`
pub(super) fn group(types: &Types, name: &str) -> Option<Value> {
    let all = types.groups();
    let found = all.iter().find(|group| group.name == name && !name.is_empty())?;
    let mut value = json!({"kind": "APIGroup", "apiVersion": "v1"});
    if let (Some(into), Value::Object(from)) = (value.as_object_mut(), group_value(found)) {
        into.extend(from);
    }
    Some(value)
}

fn group_value(group: &Group) -> Value {
    let version = |version: &String| json!({"groupVersion": format!("{}/{version}", group.name), "version": version});
    let all: Vec<Value> = group.versions.iter().map(version).collect();
    json!({"name": group.name, "versions": all, "preferredVersion": all.first()})
}

/// `/api/v1`, `/apis/GROUP/VERSION`
pub(super) fn resources(types: &Types, group: &str, version: &str) -> Option<Value> {
    let all = types.of_version(group, version);
    if all.is_empty() {
        return None;
    }
    let mut list = Vec::new();
    for resource in &all {
        list.push(resource_value(resource));
        list.extend(resource.subresources.iter().map(|part| part_value(resource, part)));
    }
    let mut value =
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": all[0].api_version(), "resources": list});
    if group.is_empty()
        && let Some(fields) = value.as_object_mut()
    {
        fields.shift_remove("apiVersion");
    }
    Some(value)
}

fn names(into: &mut Map<String, Value>, resource: &Resource) {
    if !resource.short_names.is_empty() {
        into.insert("shortNames".into(), json!(resource.short_names));
    }
    if !resource.categories.is_empty() {
        into.insert("categories".into(), json!(resource.categories));
    }
}

fn resource_value(resource: &Resource) -> Value {
    let mut value = Map::new();
    value.insert("name".into(), json!(resource.gvr.plural));
    value.insert("singularName".into(), json!(resource.singular));
    value.insert("namespaced".into(), json!(resource.namespaced));
    value.insert("kind".into(), json!(resource.kind));
    value.insert("verbs".into(), json!(resource.verbs));
    names(&mut value, resource);
    if resource.can("create") && resource.can("get") {
        value.insert("storageVersionHash".into(), json!(storage_version_hash(resource)));
    }
    Value::Object(value)
}

/// `discovery.StorageVersionHash` of apiserver: tells clients that the kind is stored in another version now.
fn storage_version_hash(resource: &Resource) -> String {
    let (group, version) = match (resource.gvr.group.as_str(), resource.gvr.plural.as_str()) {
        ("events.k8s.io", _) => ("", "v1"),
        (group @ "apiextensions.k8s.io", _) => (group, "v1beta1"),
        (group @ "admissionregistration.k8s.io", plural) if plural.starts_with("mutatingadmissionpolic") => {
            (group, "v1beta1")
        }
        (group, _) => (group, resource.storage_version.as_str()),
    };
    let digest = Sha256::digest(format!("{group}/{version}/{}", resource.kind));
    base64::engine::general_purpose::STANDARD.encode(&digest[..8])
}

fn part_value(resource: &Resource, part: &Subresource) -> Value {
    let mut value = Map::new();
    value.insert("name".into(), json!(format!("{}/{}", resource.gvr.plural, part.name)));
    value.insert("singularName".into(), json!(""));
    value.insert("namespaced".into(), json!(resource.namespaced));
    if part.group != resource.gvr.group || part.version != resource.gvr.version {
        if !part.group.is_empty() {
            value.insert("group".into(), json!(part.group));
        }
        if !part.version.is_empty() {
            value.insert("version".into(), json!(part.version));
        }
    }
    value.insert("kind".into(), json!(part.kind));
    value.insert("verbs".into(), json!(part.verbs));
    Value::Object(value)
}

/// Everything at once, of the core or of all groups.
pub(super) fn aggregated(types: &Types, core: bool) -> Value {
    let all = types.groups();
    let items: Vec<Value> = all
        .iter()
        .filter(|group| group.name.is_empty() == core)
        .map(|group| {
            let versions = group.versions.iter().map(|version| {
                let resources = types.of_version(&group.name, version);
                let resources: Vec<Value> = resources.iter().map(|resource| aggregated_resource(resource)).collect();
                json!({"version": version, "resources": resources, "freshness": "Current"})
            });
            let metadata = if core { json!({}) } else { json!({"name": group.name}) };
            json!({"metadata": metadata, "versions": versions.collect::<Vec<_>>()})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn aggregated_resource(resource: &Resource) -> Value {
    let gvr = &resource.gvr;
    let kind = |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    let mut value = Map::new();
    value.insert("resource".into(), json!(gvr.plural));
    value.insert("responseKind".into(), kind(&gvr.group, &gvr.version, &resource.kind));
    value.insert("scope".into(), json!(if resource.namespaced { "Namespaced" } else { "Cluster" }));
    value.insert("singularResource".into(), json!(resource.singular));
    value.insert("verbs".into(), json!(resource.verbs));
    names(&mut value, resource);
    let parts: Vec<Value> = resource
        .subresources
        .iter()
        .map(|part| {
            json!({"subresource": part.name, "responseKind": kind(&part.group, &part.version, &part.kind), "verbs": part.verbs})
        })
        .collect();
    if !parts.is_empty() {
        value.insert("subresources".into(), json!(parts));
    }
    Value::Object(value)
}
