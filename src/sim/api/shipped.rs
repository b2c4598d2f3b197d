//! What was extracted from a true API server (`rig/schemas`): its kinds, their schemas, the CRDs of the operators in use.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

use super::gvr::Gvr;
use super::resource::{Resource, Subresource};
use super::schema::NodeRef;
use super::schema_read::Builder;

static PACKED: &[u8] = include_bytes!("schemas.json.gz");

/// The embedded data, read once.
#[derive(Debug, Default)]
pub(super) struct Shipped {
    /// Schemas as `OpenAPI` v3 has them, by name.
    pub(super) schemas: Map<String, Value>,
    /// The same as nodes.
    pub(super) nodes: HashMap<String, NodeRef>,
    /// The server's own kinds, in the order of discovery.
    pub(super) resources: Vec<Arc<Resource>>,
    crds: Vec<Value>,
    server: String,
}

static SHIPPED: LazyLock<Shipped> = LazyLock::new(|| {
    let mut text = Vec::new();
    // The data is part of the program: a test holds that it can be read.
    let read = flate2::read::GzDecoder::new(PACKED).read_to_end(&mut text);
    read.ok().and_then(|_| serde_json::from_slice(&text).ok()).map(Shipped::of).unwrap_or_default()
});

/// The embedded data.
pub(super) fn shipped() -> &'static Shipped {
    &SHIPPED
}

/// The CRDs of Flux and of the operators in use (Rook, `CloudNativePG`, External Secrets, prometheus-operator) and of
/// metrics.k8s.io, ready to be created.
pub fn crds() -> &'static [Value] {
    &SHIPPED.crds
}

/// The version that the true server reported: `v1.36.2`.
pub fn server_version() -> &'static str {
    &SHIPPED.server
}

/// The schema of `metadata`.
pub fn object_meta() -> NodeRef {
    SHIPPED.nodes.get("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").cloned().unwrap_or_default()
}

impl Shipped {
    fn of(mut data: Value) -> Self {
        let Value::Object(mut schemas) = data["schemas"].take() else { return Self::default() };
        let names: Vec<String> = schemas.keys().cloned().collect();
        let mut builder = Builder::new(&schemas);
        for name in &names {
            builder.named(name);
        }
        let nodes = builder.made();
        let mut kinds = HashMap::new();
        for (name, schema) in &schemas {
            let gvk = &schema["x-kubernetes-group-version-kind"][0];
            if let (Some(group), Some(version), Some(kind)) =
                (gvk["group"].as_str(), gvk["version"].as_str(), gvk["kind"].as_str())
            {
                kinds.insert((group, version, kind), name.as_str());
            }
        }
        let mut resources = Vec::new();
        for group in data["discovery"].as_array().into_iter().flatten() {
            let name = text(&group["group"]);
            for version in group["versions"].as_array().into_iter().flatten() {
                for resource in version["resources"].as_array().into_iter().flatten() {
                    let gvr = Gvr::new(&name, &text(&version["version"]), &text(&resource["resource"]));
                    let kind = text(&resource["responseKind"]["kind"]);
                    let schema = kinds.get(&(&name, &gvr.version, &kind)).and_then(|n| nodes.get(*n));
                    resources.push(Arc::new(builtin(gvr, kind, resource, schema.cloned().unwrap_or_default())));
                }
            }
        }
        for schema in schemas.values_mut().filter_map(Value::as_object_mut) {
            schema.remove("go");
        }
        let crds = match data["crds"].take() {
            Value::Array(crds) => crds,
            _ => Vec::new(),
        };
        Self { nodes, resources, crds, server: text(&data["server"]), schemas }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(text).collect()
}

fn builtin(gvr: Gvr, kind: String, found: &Value, schema: NodeRef) -> Resource {
    let subresources = found["subresources"].as_array().into_iter().flatten().map(|s| Subresource {
        name: text(&s["subresource"]),
        group: text(&s["responseKind"]["group"]),
        version: text(&s["responseKind"]["version"]),
        kind: text(&s["responseKind"]["kind"]),
        verbs: texts(&s["verbs"]),
    });
    let subresources: Vec<Subresource> = subresources.collect();
    Resource {
        list_kind: format!("{kind}List"),
        singular: text(&found["singularResource"]),
        short_names: texts(&found["shortNames"]),
        categories: texts(&found["categories"]),
        namespaced: found["scope"] == "Namespaced",
        verbs: texts(&found["verbs"]),
        status: subresources.iter().any(|s| s.name == "status"),
        scale: None,
        storage_version: gvr.version.clone(),
        subresources,
        gvr,
        kind,
        schema,
        printer_columns: Vec::new(),
        crd: None,
    }
}
