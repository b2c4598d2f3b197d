//! A kind that the API server serves, and how a person's word is matched to it.

use serde_json::Value;

use crate::error::Result;

use super::path::segment;

/// A kind as the API server serves it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// API group; empty for the core group.
    pub group: String,
    /// Version within the group.
    pub version: String,
    /// The kind itself (`Deployment`).
    pub kind: String,
    /// Plural resource name, as in paths (`deployments`).
    pub plural: String,
    /// Singular resource name.
    pub singular: String,
    /// Short names (`deploy`).
    pub short_names: Vec<String>,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// Verbs that are served (`get`, `list`, `watch`, …).
    pub verbs: Vec<String>,
    /// Subresources that are served (`status`, `scale`, …).
    pub subresources: Vec<String>,
}

impl Kind {
    /// `apps/v1`, `v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `Deployment.apps`, `Pod`: a name that finds it again.
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// Path of the collection, or of one object.
    pub(super) fn path(&self, namespace: Option<&str>, name: Option<&str>) -> Result<String> {
        let mut path = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        if let (true, Some(ns)) = (self.namespaced, namespace) {
            path.push_str("/namespaces/");
            path.push_str(segment("namespace", ns)?);
        }
        path.push('/');
        path.push_str(&self.plural);
        if let Some(name) = name {
            path.push('/');
            path.push_str(segment("name", name)?);
        }
        Ok(path)
    }

    /// Whether `word` is its plural, singular or kind, whatever the case.
    pub(super) fn is_called(&self, word: &str) -> bool {
        [&self.plural, &self.singular, &self.kind].iter().any(|name| name.eq_ignore_ascii_case(word))
    }

    /// Whether `word` is one of its short names.
    pub(super) fn is_short(&self, word: &str) -> bool {
        self.short_names.iter().any(|short| short.eq_ignore_ascii_case(word))
    }
}

/// How a function of [`Cluster`](super::Cluster) is told which kind is meant: by any name, or as found before.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// Plural, singular, short name, kind, `Kind.group`, `Kind.version.group`.
    Name(&'a str),
    /// As [`Cluster::kind`](super::Cluster::kind) found it.
    Kind(&'a Kind),
}

impl<'a> From<&'a str> for Which<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name)
    }
}

impl<'a> From<&'a String> for Which<'a> {
    fn from(name: &'a String) -> Self {
        Self::Name(name)
    }
}

impl<'a> From<&'a std::sync::Arc<Kind>> for Which<'a> {
    fn from(kind: &'a std::sync::Arc<Kind>) -> Self {
        Self::Kind(kind)
    }
}

impl<'a> From<&'a Kind> for Which<'a> {
    fn from(kind: &'a Kind) -> Self {
        Self::Kind(kind)
    }
}

/// Group and version of an `apiVersion`.
pub(super) fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// `apiVersion` and `kind` of an object, empty where absent.
pub(super) fn type_of(object: &Value) -> (&str, &str) {
    (object["apiVersion"].as_str().unwrap_or_default(), object["kind"].as_str().unwrap_or_default())
}
