//! An object on its way through a build, with what kustomize remembers of it: former names, prefixes, the hash to come.

use std::fmt;

use serde_json::{Map, Value};

use super::schema::{Schema, is_cluster_scoped};
use super::yaml::{Data, Node, Source, manifests};
use crate::error::{Code, Error, Result};

/// The annotation that says where an object came from.
pub(super) const ORIGIN: &str = "config.kubernetes.io/origin";

/// Stands for the namespace of an object that has none.
pub(super) const NO_NAMESPACE: &str = "_non_namespaceable_";

/// Group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Gvk {
    /// Group; empty for core kinds.
    pub(super) group: String,
    /// Version.
    pub(super) version: String,
    /// Kind.
    pub(super) kind: String,
}

impl Gvk {
    /// From an object's `apiVersion` and `kind`.
    pub(super) fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// `group/version`, or the version alone.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether every part that `selector` sets is the same here.
    pub(super) fn is_selected(&self, selector: &Self) -> bool {
        let fits = |ours: &str, wanted: &str| wanted.is_empty() || ours == wanted;
        fits(&self.group, &selector.group) && fits(&self.version, &selector.version) && fits(&self.kind, &selector.kind)
    }
}

/// What an object is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Id {
    /// Group, version, kind.
    pub(super) gvk: Gvk,
    /// Name.
    pub(super) name: String,
    /// Namespace as written; empty when there is none.
    pub(super) namespace: String,
    /// Namespace for comparing: `default` when none is written, [`NO_NAMESPACE`] for cluster-scoped kinds.
    pub(super) effective: String,
}

impl Id {
    /// An id whose scope is looked up.
    pub(super) fn new(gvk: Gvk, name: &str, namespace: &str) -> Self {
        let effective = if is_cluster_scoped(&gvk.api_version(), &gvk.kind) {
            NO_NAMESPACE
        } else if namespace.is_empty() {
            "default"
        } else {
            namespace
        };
        Self { effective: effective.into(), gvk, name: name.into(), namespace: namespace.into() }
    }

    /// Same kind, name and effective namespace.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.effective == other.effective && self.name == other.name && self.gvk == other.gvk
    }

    /// Whether it is of a cluster-scoped kind.
    pub(super) fn is_cluster_scoped(&self) -> bool {
        self.effective == NO_NAMESPACE
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.effective.as_str() {
            NO_NAMESPACE => write!(f, "{} {}", self.gvk.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.gvk.kind, self.name),
        }
    }
}

/// What a generator does when its object exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Behavior {
    /// It must not exist.
    #[default]
    Create,
    /// Its data are replaced.
    Replace,
    /// Its data are merged.
    Merge,
}

#[derive(Clone, Debug)]
struct Former {
    kind: String,
    name: String,
    namespace: String,
}

/// An object and its history within the build.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    /// The object; null once a patch deleted it.
    pub(super) value: Value,
    former: Vec<Former>,
    /// Prefixes that were put before the name, innermost first.
    pub(super) prefixes: Vec<String>,
    /// Suffixes that were put after the name, innermost first.
    pub(super) suffixes: Vec<String>,
    /// Whether the name gets a hash of the content.
    pub(super) hashed: bool,
    /// What to do when it exists already.
    pub(super) behavior: Behavior,
    /// Whether, as a patch, it may change the name.
    pub(super) renames: bool,
    /// Whether, as a patch, it may change the kind.
    pub(super) rekinds: bool,
    /// JSON pointers of keys that were written without a value: a merge takes them out, while a written `null` stays.
    pub(super) blanks: Vec<String>,
}

impl Resource {
    /// Wraps an object.
    pub(super) fn new(value: Value) -> Self {
        Self {
            value,
            former: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            hashed: false,
            behavior: Behavior::Create,
            renames: false,
            rekinds: false,
            blanks: Vec::new(),
        }
    }

    /// Whether nothing is left of it.
    pub(super) fn is_empty(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Object(map) => map.is_empty(),
            _ => false,
        }
    }

    fn text(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// `metadata.name`.
    pub(super) fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// `metadata.namespace`, empty when there is none.
    pub(super) fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// `kind`.
    pub(super) fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// Group, version, kind.
    pub(super) fn gvk(&self) -> Gvk {
        Gvk::new(self.text("/apiVersion"), self.kind())
    }

    /// What it is known by now.
    pub(super) fn id(&self) -> Id {
        Id::new(self.gvk(), self.name(), self.namespace())
    }

    /// What it was known by before, oldest first.
    pub(super) fn former_ids(&self) -> Vec<Id> {
        let gvk = self.gvk();
        let id = |f: &Former| Id {
            gvk: Gvk { kind: f.kind.clone(), ..gvk.clone() },
            name: f.name.clone(),
            namespace: f.namespace.clone(),
            effective: if f.namespace.is_empty() { "default".into() } else { f.namespace.clone() },
        };
        self.former.iter().map(id).collect()
    }

    /// What it was known by at first.
    pub(super) fn original_id(&self) -> Id {
        self.former_ids().into_iter().next().unwrap_or_else(|| self.id())
    }

    /// Whether `id` is, or was, its own.
    pub(super) fn is_known_as(&self, id: &Id) -> bool {
        self.former_ids().iter().any(|f| f.is_same(id)) || self.id().is_same(id)
    }

    /// Remembers what it is known by now, before a change of that.
    pub(super) fn remember_id(&mut self) {
        let id = self.id();
        self.former.push(Former { kind: id.gvk.kind, name: id.name, namespace: id.effective });
    }

    /// Takes over the history of `other`, which this one replaces.
    pub(super) fn inherit(&mut self, other: &Self) {
        self.former.clone_from(&other.former);
        self.prefixes.clone_from(&other.prefixes);
        self.suffixes.clone_from(&other.suffixes);
        self.behavior = other.behavior;
        self.hashed = self.hashed && other.hashed;
    }

    /// `metadata` as a map, created where it is missing.
    pub(super) fn metadata(&mut self) -> Option<&mut Map<String, Value>> {
        let object = self.value.as_object_mut()?;
        let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if metadata.is_null() {
            *metadata = Value::Object(Map::new());
        }
        metadata.as_object_mut()
    }

    /// Sets `metadata.name`.
    pub(super) fn set_name(&mut self, name: &str) {
        if let Some(metadata) = self.metadata() {
            metadata.insert("name".into(), name.into());
        }
    }

    /// Sets `metadata.namespace`; an empty one takes it away.
    pub(super) fn set_namespace(&mut self, namespace: &str) {
        if namespace.is_empty() {
            if let Some(metadata) = self.value.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.remove("namespace");
            }
        } else if let Some(metadata) = self.metadata() {
            metadata.insert("namespace".into(), namespace.into());
        }
    }

    /// A map of texts in the metadata (`labels`, `annotations`).
    pub(super) fn texts(&self, field: &str) -> Vec<(String, String)> {
        let map = self.value.pointer(&format!("/metadata/{field}")).and_then(Value::as_object);
        map.into_iter().flatten().map(|(k, v)| (k.clone(), plain_text(v))).collect()
    }

    /// Sets an entry of a map of the metadata.
    pub(super) fn set_text(&mut self, field: &str, key: &str, text: &str) {
        let Some(metadata) = self.metadata() else { return };
        let map = metadata.entry(field).or_insert_with(|| Value::Object(Map::new()));
        if !map.is_object() {
            *map = Value::Object(Map::new());
        }
        if let Some(map) = map.as_object_mut() {
            map.insert(key.into(), text.into());
        }
    }

    /// Takes out the keys that were written without a value, where a merge would come by: in maps, and in lists that
    /// merge by keys.
    pub(super) fn drop_blanks(&mut self) {
        for pointer in std::mem::take(&mut self.blanks) {
            let Some((parent, key)) = pointer.rsplit_once('/') else { continue };
            let mut schema = Schema::of(&self.value);
            let mut passes = true;
            for part in parent.split('/').skip(1) {
                let is_index = matches!(schema, Schema::Merge { .. });
                passes &= is_index || part.parse::<usize>().is_err();
                schema = if is_index { schema.item() } else { schema.field(part) };
            }
            let key = key.replace("~1", "/").replace("~0", "~");
            if let Some(map) = self.value.pointer_mut(parent).filter(|_| passes).and_then(Value::as_object_mut)
                && map.get(&key).is_some_and(Value::is_null)
            {
                map.shift_remove(&key);
            }
        }
    }

    /// Leaves annotations as kustomize does at the end of a build: texts only, and no empty map.
    pub(super) fn tidy_annotations(&mut self) {
        let annotations = self.texts("annotations");
        let Some(metadata) = self.value.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        if annotations.is_empty() {
            metadata.remove("annotations");
        } else if let Some(slot) = metadata.get_mut("annotations") {
            *slot = annotations.into_iter().map(|(k, v)| (k, Value::String(v))).collect::<Map<_, _>>().into();
        }
    }
}

/// A scalar as YAML writes it without quotes.
pub(super) fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Every object of a YAML text: lists taken apart, empty documents left out, each with a kind and a name.
pub(super) fn objects(source: Source<'_>) -> Result<Vec<Resource>> {
    let mut found = Vec::new();
    for node in manifests(source)? {
        if matches!(&node.data, Data::Map(entries) if entries.is_empty()) {
            continue;
        }
        if !matches!(node.data, Data::Map(_)) {
            return Err(source.error(&node, "this document is not an object (a map)"));
        }
        let before = found.len();
        unfold(source, &node, node.value(), &mut found)?;
        if let [resource] = &mut found[before..]
            && !resource.kind().ends_with("List")
        {
            blanks(&node, "", &mut resource.blanks);
        }
    }
    Ok(found)
}

/// Where maps have a key without any value (not even `null`), by way of maps and lists.
fn blanks(node: &Node, pointer: &str, found: &mut Vec<String>) {
    match &node.data {
        Data::Scalar(_) if node.blank => found.push(pointer.to_owned()),
        Data::Scalar(_) => {}
        Data::List(items) => {
            for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.blank) {
                blanks(item, &format!("{pointer}/{index}"), found);
            }
        }
        Data::Map(entries) => {
            for (key, value) in entries {
                let key = key.text.replace('~', "~0").replace('/', "~1");
                blanks(value, &format!("{pointer}/{key}"), found);
            }
        }
    }
}

fn unfold(source: Source<'_>, node: &Node, value: Value, found: &mut Vec<Resource>) -> Result<()> {
    let resource = Resource::new(value);
    if resource.kind().is_empty() {
        return Err(source.error(node, "this object has no kind"));
    }
    if resource.kind().ends_with("List") {
        match resource.value.get("items") {
            Some(Value::Array(items)) => {
                for item in items {
                    if item.as_object().is_some_and(|map| !map.is_empty()) {
                        unfold(source, node, item.clone(), found)?;
                    }
                }
                return Ok(());
            }
            Some(Value::Null) => return Ok(()),
            Some(_) => return Err(source.error(node, format!("items of {} is not a list", resource.kind()))),
            None => {}
        }
    } else if resource.name().is_empty() {
        return Err(source.error(node, format!("this {} has no metadata.name", resource.kind())));
    }
    found.push(resource);
    Ok(())
}

/// An error about an object.
pub(super) fn error_about(id: &Id, message: impl Into<String>) -> Error {
    let namespace = (!id.is_cluster_scoped()).then_some(id.effective.as_str());
    Error::new(Code::Kustomize, message).object(&id.gvk.kind, namespace, &id.name)
}
