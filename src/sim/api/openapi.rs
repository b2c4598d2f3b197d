//! The `OpenAPI` v3 documents, built anew from what is embedded and from CRDs: schemas without descriptions, and the
//! paths that clients look at.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::resource::Resource;
use super::shipped::shipped;
use super::types::Types;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

impl Types {
    /// The index under `/openapi/v3`.
    pub fn openapi_v3_index(&self) -> Value {
        let mut paths = Map::new();
        for group in self.groups() {
            for version in &group.versions {
                let key = key(&group.name, version);
                let hash = self.document_hash(&group.name, version);
                paths.insert(key.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{key}?hash={hash}")}));
            }
        }
        json!({"paths": paths})
    }

    /// Changes with what is served: kinds by name, and CRDs by version.
    fn document_hash(&self, group: &str, version: &str) -> String {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        for resource in self.of_version(group, version) {
            hash.update(format!("{}{}", resource.gvr, resource.kind));
            if let Some(crd) = &resource.crd {
                hash.update(crd.raw_schema.to_string());
            }
        }
        hex::encode_upper(hash.finalize())
    }

    /// The document of a group version, named as in the index: `api/v1`, `apis/apps/v1`.
    pub fn openapi_v3(&self, group_version: &str) -> Option<Value> {
        let (group, version) = match group_version.split('/').collect::<Vec<_>>().as_slice() {
            ["api", version] => (String::new(), (*version).to_owned()),
            ["apis", group, version] => ((*group).to_owned(), (*version).to_owned()),
            _ => return None,
        };
        let resources = self.of_version(&group, &version);
        if resources.is_empty() {
            return None;
        }
        let (mut schemas, mut paths) = (Map::new(), Map::new());
        let mut wanted = BTreeSet::from([OBJECT_META.to_owned(), LIST_META.to_owned()]);
        for resource in &resources {
            if resource.is_custom() {
                custom(resource, &mut schemas);
            } else {
                for (name, schema) in &shipped().schemas {
                    let gvk = &schema["x-kubernetes-group-version-kind"][0];
                    let same = |kind: &str| gvk["group"] == group && gvk["version"] == version && gvk["kind"] == kind;
                    if same(&resource.kind) || same(&resource.list_kind) {
                        wanted.insert(name.clone());
                    }
                }
            }
            add_paths(resource, &mut paths);
        }
        for name in ["Status", "DeleteOptions", "Patch", "WatchEvent"] {
            wanted.insert(format!("io.k8s.apimachinery.pkg.apis.meta.v1.{name}"));
        }
        closure(wanted, &mut schemas);
        schemas.sort_keys();
        Some(json!({
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": super::shipped::server_version()},
            "paths": paths,
            "components": {"schemas": schemas},
        }))
    }
}

fn key(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

/// All of these schemas and whatever they refer to.
fn closure(mut wanted: BTreeSet<String>, schemas: &mut Map<String, Value>) {
    while let Some(name) = wanted.pop_first() {
        if schemas.contains_key(&name) {
            continue;
        }
        let Some(schema) = shipped().schemas.get(&name) else { continue };
        references(schema, &mut wanted);
        schemas.insert(name, schema.clone());
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str().filter(|_| key == "$ref").and_then(|r| r.strip_prefix("#/components/schemas/")) {
                    Some(name) => {
                        found.insert(name.to_owned());
                    }
                    None => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// `io.cnpg.postgresql.v1.Cluster`
fn schema_name(resource: &Resource, kind: &str) -> String {
    let group: Vec<&str> = resource.gvr.group.split('.').rev().collect();
    format!("{}.{}.{kind}", group.join("."), resource.gvr.version)
}

fn custom(resource: &Resource, schemas: &mut Map<String, Value>) {
    let mut schema =
        resource.crd.as_ref().map(|crd| crd.raw_schema.clone()).filter(Value::is_object).unwrap_or_else(|| json!({}));
    schema["type"] = json!("object");
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    schema["properties"]["apiVersion"] = json!({"type": "string"});
    schema["properties"]["kind"] = json!({"type": "string"});
    schema["properties"]["metadata"] = json!({"allOf": [reference(OBJECT_META)]});
    let gvk = |kind: &str| json!([{"group": resource.gvr.group, "version": resource.gvr.version, "kind": kind}]);
    schema["x-kubernetes-group-version-kind"] = gvk(&resource.kind);
    let name = schema_name(resource, &resource.kind);
    let list = json!({
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "items": {"type": "array", "items": reference(&name)},
            "kind": {"type": "string"},
            "metadata": {"allOf": [reference(LIST_META)]},
        },
        "x-kubernetes-group-version-kind": gvk(&resource.list_kind),
    });
    schemas.insert(schema_name(resource, &resource.list_kind), list);
    schemas.insert(name, schema);
}

/// Paths as far as clients look at them: which kind lies where, which verbs it has, that fields are validated.
fn add_paths(resource: &Resource, paths: &mut Map<String, Value>) {
    let root = key(&resource.gvr.group, &resource.gvr.version);
    let plural = &resource.gvr.plural;
    let gvk = json!({"group": resource.gvr.group, "version": resource.gvr.version, "kind": resource.kind});
    let collection = if resource.namespaced {
        format!("/{root}/namespaces/{{namespace}}/{plural}")
    } else {
        format!("/{root}/{plural}")
    };
    let operations = |verbs: &[(&str, &str, &str)]| {
        let mut item = Map::new();
        for (verb, method, action) in verbs {
            if resource.can(verb) {
                item.insert((*method).to_owned(), operation(action, &gvk, &schema_of(resource)));
            }
        }
        Value::Object(item)
    };
    paths.insert(
        collection.clone(),
        operations(&[
            ("list", "get", "list"),
            ("create", "post", "post"),
            ("deletecollection", "delete", "deletecollection"),
        ]),
    );
    let object =
        [("get", "get", "get"), ("update", "put", "put"), ("patch", "patch", "patch"), ("delete", "delete", "delete")];
    paths.insert(format!("{collection}/{{name}}"), operations(&object));
    for below in &resource.subresources {
        let mut item = Map::new();
        let gvk = json!({"group": below.group, "version": below.version, "kind": below.kind});
        for (verb, method, action) in
            [("get", "get", "get"), ("create", "post", "post"), ("update", "put", "put"), ("patch", "patch", "patch")]
        {
            if below.verbs.iter().any(|v| v == verb) {
                item.insert(method.to_owned(), operation(action, &gvk, ""));
            }
        }
        paths.insert(format!("{collection}/{{name}}/{}", below.name), Value::Object(item));
    }
    if resource.namespaced && resource.can("list") {
        paths.insert(format!("/{root}/{plural}"), operations(&[("list", "get", "list")]));
    }
}

/// The name of an object's schema; empty if there is none.
fn schema_of(resource: &Resource) -> String {
    if resource.is_custom() {
        return schema_name(resource, &resource.kind);
    }
    let gvk = json!({"group": resource.gvr.group, "version": resource.gvr.version, "kind": resource.kind});
    let found = shipped().schemas.iter().find(|(_, schema)| schema["x-kubernetes-group-version-kind"][0] == gvk);
    found.map(|(name, _)| name.clone()).unwrap_or_default()
}

fn operation(action: &str, gvk: &Value, schema: &str) -> Value {
    let names: &[&str] = match action {
        "post" | "put" => &["dryRun", "fieldManager", "fieldValidation"],
        "patch" => &["dryRun", "fieldManager", "fieldValidation", "force"],
        _ => &[],
    };
    let ty = |name: &str| if name == "force" { "boolean" } else { "string" };
    let parameters: Vec<Value> = names
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": ty(name), "uniqueItems": true}}))
        .collect();
    let mut answer = json!({"description": "OK"});
    if !schema.is_empty() && matches!(action, "get" | "post" | "put" | "patch") {
        answer["content"] = json!({"application/json": {"schema": reference(schema)}});
    }
    let mut operation = json!({
        "responses": {"200": answer, "401": {"description": "Unauthorized"}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": gvk,
    });
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_holds_what_it_refers_to() {
        let mut types = Types::shipped();
        for crd in super::super::shipped::crds() {
            types.set_crd(crd);
        }
        let index = types.openapi_v3_index();
        let keys: Vec<&String> = index["paths"].as_object().unwrap().keys().collect();
        assert!(keys.contains(&&"api/v1".to_owned()) && keys.contains(&&"apis/postgresql.cnpg.io/v1".to_owned()));
        for key in keys {
            let document = types.openapi_v3(key).unwrap();
            let mut wanted = BTreeSet::new();
            references(&document, &mut wanted);
            let missing: Vec<_> =
                wanted.iter().filter(|name| document["components"]["schemas"][name.as_str()].is_null()).collect();
            assert!(missing.is_empty(), "{key}: {missing:?}");
        }
        assert!(types.openapi_v3("apis/apps/v1beta1").is_none());
    }

    #[test]
    fn clients_find_that_fields_are_validated() {
        let document = Types::shipped().openapi_v3("apis/apps/v1").unwrap();
        let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
        assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
        assert!(patch["parameters"].as_array().unwrap().iter().any(|p| p["name"] == "fieldValidation"));
        assert!(document["components"]["schemas"]["io.k8s.api.apps.v1.DeploymentSpec"]["go"].is_null());
    }
}
