//! One resource that is served: how it is named, what may be done with it, what its objects look like.

use serde_json::Value;

use super::gvr::Gvr;
use super::schema::NodeRef;

/// A resource in one version.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Group, version, plural.
    pub gvr: Gvr,
    /// `Deployment`
    pub kind: String,
    /// `DeploymentList`
    pub list_kind: String,
    /// `deployment`
    pub singular: String,
    /// `deploy`
    pub short_names: Vec<String>,
    /// `all`
    pub categories: Vec<String>,
    /// Whether its objects lie in namespaces.
    pub namespaced: bool,
    /// `get`, `list`, …
    pub verbs: Vec<String>,
    /// Whether it has a status of its own.
    pub status: bool,
    /// How a custom resource is scaled. The server's own kinds list `scale` in [`Self::subresources`].
    pub scale: Option<ScalePaths>,
    /// Everything below an object's path, `status` and `scale` included.
    pub subresources: Vec<Subresource>,
    /// The shape of its objects.
    pub schema: NodeRef,
    /// Columns of a custom resource's table, `Age` not included.
    pub printer_columns: Vec<Column>,
    /// What only custom resources have; `None` for the server's own kinds.
    pub crd: Option<CrdInfo>,
    /// The version in which objects are kept.
    pub storage_version: String,
}

/// Something below the path of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subresource {
    /// `scale`
    pub name: String,
    /// Of what is answered: group (empty for the core), version, kind.
    pub group: String,
    /// See [`Self::group`].
    pub version: String,
    /// See [`Self::group`].
    pub kind: String,
    /// `get`, `update`, …
    pub verbs: Vec<String>,
}

/// Where a custom resource keeps its replicas: JSON paths as `.spec.replicas`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalePaths {
    /// Of the number wanted.
    pub spec: String,
    /// Of the number there is.
    pub status: String,
    /// Of the selector of the pods; may be empty.
    pub selector: String,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its head.
    pub name: String,
    /// `string`, `integer`, `date`, …
    pub ty: String,
    /// May be empty.
    pub format: String,
    /// May be empty.
    pub description: String,
    /// 0 for what is shown always.
    pub priority: i64,
    /// Where its value is: `.status.phase`.
    pub json_path: String,
}

/// What only custom resources have.
#[derive(Clone, Debug)]
pub struct CrdInfo {
    /// The name of the CRD.
    pub name: String,
    /// The uid of the CRD.
    pub uid: String,
    /// All versions that are served.
    pub served: Vec<String>,
    /// Whether this version is deprecated, and the warning that comes with it.
    pub deprecation: Option<String>,
    /// JSON paths that field selectors may use: `.spec.host`.
    pub selectable_fields: Vec<String>,
    /// Unknown fields are kept everywhere (only in old CRDs).
    pub preserve_unknown: bool,
    /// The schema as it was written in the CRD.
    pub raw_schema: Value,
}

impl Resource {
    /// Whether a verb is served.
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }

    /// `group/version` or `version`.
    pub fn api_version(&self) -> String {
        self.gvr.api_version()
    }

    /// The subresource of this name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|s| s.name == name)
    }

    /// The warning that comes with every use of it, if it is deprecated.
    pub fn deprecation(&self) -> Option<&str> {
        match (&self.crd, self.gvr.plural.as_str()) {
            (Some(crd), _) => crd.deprecation.as_deref(),
            (None, "endpoints") => Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
            (None, "componentstatuses") => Some("v1 ComponentStatus is deprecated in v1.19+"),
            _ => None,
        }
    }

    /// Whether this is a custom resource.
    pub fn is_custom(&self) -> bool {
        self.crd.is_some()
    }
}
