//! From a CRD to the resources that it brings: one a version.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::gvr::Gvr;
use super::resource::{Column, CrdInfo, Resource, ScalePaths, Subresource};
use super::schema::{Node, NodeRef, Type};
use super::schema_read::Builder;
use super::shipped::object_meta;

const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/// The resources of all served versions.
pub(super) fn resources(crd: &Value) -> Vec<Resource> {
    let spec = &crd["spec"];
    let versions = || spec["versions"].as_array().into_iter().flatten();
    let served = versions().filter(|v| v["served"] == true);
    let mut names: Vec<String> = served.clone().map(|v| text(&v["name"])).collect();
    names.sort_by(|a, b| compare_versions(b, a));
    let storage = versions().find(|v| v["storage"] == true).map(|v| text(&v["name"])).unwrap_or_default();
    let mut resources: Vec<Resource> = served.map(|version| resource(crd, version, &names, &storage)).collect();
    resources.sort_by_key(|r| names.iter().position(|name| *name == r.gvr.version));
    resources
}

fn resource(crd: &Value, version: &Value, served: &[String], storage: &str) -> Resource {
    let spec = &crd["spec"];
    // The names that were accepted; they are the wanted ones once the CRD is established.
    let names = if crd["status"]["acceptedNames"]["plural"].as_str().is_some_and(|plural| !plural.is_empty()) {
        &crd["status"]["acceptedNames"]
    } else {
        &spec["names"]
    };
    let kind = text(&names["kind"]);
    let gvr = Gvr::new(&text(&spec["group"]), &text(&version["name"]), &text(&names["plural"]));
    let preserve_unknown = spec["preserveUnknownFields"] == true;
    let raw_schema = version["schema"]["openAPIV3Schema"].clone();
    let subresources = &version["subresources"];
    let scale = subresources["scale"].as_object().map(|scale| ScalePaths {
        spec: scale.get("specReplicasPath").map(text).unwrap_or_default(),
        status: scale.get("statusReplicasPath").map(text).unwrap_or_default(),
        selector: scale.get("labelSelectorPath").map(text).unwrap_or_default(),
    });
    let status = subresources["status"].is_object();
    let below = |name: &str, group: &str, version: &str, kind: &str| Subresource {
        name: name.into(),
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        verbs: ["get", "patch", "update"].map(str::to_owned).to_vec(),
    };
    let mut all = Vec::new();
    if status {
        all.push(below("status", &gvr.group, &gvr.version, &kind));
    }
    if scale.is_some() {
        all.push(below("scale", "autoscaling", "v1", "Scale"));
    }
    let deprecation = (version["deprecated"] == true).then(|| {
        version["deprecationWarning"]
            .as_str()
            .map_or_else(|| format!("{} {kind} is deprecated", gvr.api_version()), str::to_owned)
    });
    Resource {
        list_kind: names["listKind"].as_str().map_or_else(|| format!("{kind}List"), str::to_owned),
        singular: names["singular"].as_str().map_or_else(|| kind.to_lowercase(), str::to_owned),
        short_names: texts(&names["shortNames"]),
        categories: texts(&names["categories"]),
        namespaced: spec["scope"] == "Namespaced",
        verbs: VERBS.map(str::to_owned).to_vec(),
        status,
        scale,
        subresources: all,
        schema: NodeRef::new(root(&raw_schema, preserve_unknown)),
        printer_columns: version["additionalPrinterColumns"].as_array().into_iter().flatten().map(column).collect(),
        storage_version: storage.to_owned(),
        crd: Some(CrdInfo {
            name: text(&crd["metadata"]["name"]),
            uid: text(&crd["metadata"]["uid"]),
            served: served.to_vec(),
            deprecation,
            selectable_fields: version["selectableFields"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|f| text(&f["jsonPath"]))
                .collect(),
            preserve_unknown,
            raw_schema,
        }),
        gvr,
        kind,
    }
}

/// The schema of a whole object: that of the CRD, with the server's own of apiVersion, kind and metadata.
fn root(schema: &Value, preserve_unknown: bool) -> Node {
    let nothing = Map::new();
    let mut node = Builder::new(&nothing).node(schema);
    if node.ty == Type::Any && node.properties.is_empty() {
        node.ty = Type::Object;
    }
    node.preserve_unknown |= preserve_unknown;
    with_type_meta(&mut node);
    node
}

/// Gives an object's node the server's own apiVersion, kind and metadata, and so all embedded objects below it.
fn with_type_meta(node: &mut Node) {
    let text = || NodeRef::new(Node { ty: Type::String, ..Node::default() });
    node.properties.insert("apiVersion".into(), text());
    node.properties.insert("kind".into(), text());
    node.properties.insert("metadata".into(), object_meta());
}

fn column(column: &Value) -> Column {
    Column {
        name: text(&column["name"]),
        ty: text(&column["type"]),
        format: text(&column["format"]),
        description: text(&column["description"]),
        priority: column["priority"].as_i64().unwrap_or_default(),
        json_path: text(&column["jsonPath"]),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(text).collect()
}

/// Kubernetes' order of versions: `v10` over `v2` over `v1` over `v1beta2` over `v1alpha1` over `foo`.
pub(super) fn compare_versions(a: &str, b: &str) -> Ordering {
    match (parts(a), parts(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => b.cmp(a),
    }
}

/// Stage (2 for stable), major, minor.
fn parts(version: &str) -> Option<(u8, u64, u64)> {
    let rest = version.strip_prefix('v')?;
    for (name, stage) in [("alpha", 0), ("beta", 1)] {
        if let Some((major, minor)) = rest.split_once(name) {
            return Some((stage, major.parse().ok()?, minor.parse().ok()?));
        }
    }
    Some((2, rest.parse().ok()?, 0))
}
