//! A request as the verbs see it, and its answer.

use std::sync::Arc;

use serde_json::Value;

use super::access::User;
use super::gvr::Gvr;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    /// As roles name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// The kind of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes' own, by the schema's patch strategies.
    Strategic,
    /// Server-side apply.
    Apply,
}

impl PatchType {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
            Self::Apply => "application/apply-patch+yaml",
        }
    }

    /// From the media type.
    pub fn of_media_type(text: &str) -> Option<Self> {
        [Self::Json, Self::Merge, Self::Strategic, Self::Apply].into_iter().find(|p| p.media_type() == text)
    }
}

/// Everything that comes as a query parameter, or as `DeleteOptions` in the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallOptions {
    /// `dryRun=All`.
    pub dry_run: bool,
    /// The field manager; empty if not given.
    pub field_manager: String,
    /// Takes fields over from other managers.
    pub force: bool,
    /// `Ignore`, `Warn` or `Strict`; the server's default if empty.
    pub field_validation: String,
    /// As it was written.
    pub label_selector: String,
    /// As it was written.
    pub field_selector: String,
    /// Objects a page; 0: all.
    pub limit: usize,
    /// The token of the next page.
    pub cont: String,
    /// As it was written; empty if not given.
    pub resource_version: String,
    /// `Exact`, `NotOlderThan` or empty.
    pub rv_match: String,
    /// `Foreground`, `Background`, `Orphan`; the kind's default if absent.
    pub propagation: Option<String>,
    /// The older form of `propagation`.
    pub orphan_dependents: Option<bool>,
    /// Seconds until a pod is killed.
    pub grace_seconds: Option<i64>,
    /// The uid that the object must have to be deleted.
    pub uid: Option<String>,
    /// The version that the object must have to be deleted.
    pub version: Option<String>,
    /// A watch starts with the objects that are there, and says where they end.
    pub send_initial_events: Option<bool>,
    /// A watch may be sent bookmarks.
    pub bookmarks: bool,
    /// A watch ends after so many seconds.
    pub timeout_seconds: Option<u64>,
}

/// One request, authenticated and authorized.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who asks.
    pub user: User,
    /// What is to be done.
    pub verb: Verb,
    /// With which resource.
    pub gvr: Gvr,
    /// In which namespace.
    pub namespace: Option<String>,
    /// With which object.
    pub name: Option<String>,
    /// With which part of it.
    pub subresource: Option<String>,
    /// The body, decoded.
    pub body: Option<Value>,
    /// Fields that occur twice in the body, as strict validation names them.
    pub duplicates: Vec<String>,
    /// The kind of a patch.
    pub patch: Option<PatchType>,
    /// The rest.
    pub options: CallOptions,
}

impl Call {
    /// A request without a body.
    pub fn new(user: User, verb: Verb, gvr: Gvr) -> Self {
        Self {
            user,
            verb,
            gvr,
            namespace: None,
            name: None,
            subresource: None,
            body: None,
            duplicates: Vec::new(),
            patch: None,
            options: CallOptions::default(),
        }
    }

    /// The namespace, empty for none.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// The name, empty for none.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// The field manager: the one given, or the default for clients that give none.
    pub fn manager(&self) -> &str {
        if self.options.field_manager.is_empty() { "unknown" } else { &self.options.field_manager }
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The object, list or status.
    pub body: Body,
    /// For `Warning` headers.
    pub warnings: Vec<String>,
    /// Whether something was made: HTTP 201.
    pub created: bool,
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub enum Body {
    /// One value as it is sent.
    One(Arc<Value>),
    /// A list.
    List(List),
}

/// A list whose items are shared with the store.
#[derive(Clone, Debug)]
pub struct List {
    /// `PodList`
    pub kind: String,
    /// `v1`
    pub api_version: String,
    /// The version of the list.
    pub version: u64,
    /// The token of the next page; empty if this is the last.
    pub cont: String,
    /// Objects after this page, where that is known.
    pub remaining: Option<u64>,
    /// The objects.
    pub items: Vec<Arc<Value>>,
    /// Whether items carry their `kind`: those of custom resources do.
    pub typed_items: bool,
}

impl Answer {
    /// An object.
    pub fn one(value: impl Into<Arc<Value>>) -> Self {
        Self { body: Body::One(value.into()), warnings: Vec::new(), created: false }
    }

    /// The answer as one value; a list is put together for it.
    pub fn value(&self) -> Arc<Value> {
        match &self.body {
            Body::One(value) => value.clone(),
            Body::List(list) => Arc::new(list.to_value()),
        }
    }
}

impl List {
    /// `metadata` of the list.
    pub fn metadata(&self) -> Value {
        let mut metadata = serde_json::json!({"resourceVersion": self.version.to_string()});
        if !self.cont.is_empty() {
            metadata["continue"] = self.cont.clone().into();
        }
        if let Some(remaining) = self.remaining {
            metadata["remainingItemCount"] = remaining.into();
        }
        metadata
    }

    /// The whole list as it is sent.
    pub fn to_value(&self) -> Value {
        let items = self.items.iter().map(|item| self.item(item));
        serde_json::json!({"kind": self.kind, "apiVersion": self.api_version, "metadata": self.metadata(), "items": items.collect::<Vec<_>>()})
    }

    /// One item as it is sent: without `kind` and `apiVersion` unless it is a custom resource.
    fn item(&self, item: &Value) -> Value {
        match item {
            Value::Object(map) if !self.typed_items => {
                let fields = map.iter().filter(|(key, _)| *key != "kind" && *key != "apiVersion");
                Value::Object(fields.map(|(key, value)| (key.clone(), value.clone())).collect())
            }
            _ => item.clone(),
        }
    }
}
