//! What one request asks for, in the words of an access review.

use std::fmt::Write as _;

use crate::error::Error;

use super::kind::Kind;

/// What a request wants: a verb on a resource. Errors are told in these words.
#[derive(Clone, Debug, Default)]
pub(super) struct Ask {
    pub(super) verb: &'static str,
    pub(super) kind: String,
    pub(super) group: String,
    pub(super) resource: String,
    pub(super) subresource: Option<&'static str>,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    /// Set for paths that are no resources (`/version`).
    pub(super) path: Option<String>,
}

impl Ask {
    pub(super) fn new(verb: &'static str, kind: &Kind, namespace: Option<&str>, name: Option<&str>) -> Self {
        Self {
            verb,
            kind: kind.kind.clone(),
            group: kind.group.clone(),
            resource: kind.plural.clone(),
            subresource: None,
            namespace: namespace.filter(|_| kind.namespaced).map(Into::into),
            name: name.map(Into::into),
            path: None,
        }
    }

    pub(super) fn path(path: &str) -> Self {
        Self { verb: "get", path: Some(path.into()), ..Self::default() }
    }

    pub(super) fn core(verb: &'static str, kind: &str, resource: &str, namespace: &str, name: &str) -> Self {
        Self {
            verb,
            kind: kind.into(),
            resource: resource.into(),
            namespace: Some(namespace.into()),
            name: Some(name.into()),
            ..Self::default()
        }
    }

    pub(super) fn sub(mut self, subresource: &'static str) -> Self {
        self.subresource = Some(subresource);
        self
    }

    /// `Deployment storage/web`, `pods in storage`, `/version`.
    pub(super) fn what(&self) -> String {
        if let Some(path) = &self.path {
            return path.clone();
        }
        match (&self.name, &self.namespace) {
            (Some(name), Some(ns)) => format!("{} {ns}/{name}", self.kind),
            (Some(name), None) => format!("{} {name}", self.kind),
            (None, Some(ns)) => format!("{} in {ns}", self.resource_group()),
            (None, None) => self.resource_group(),
        }
    }

    /// `deployments.apps`, `pods/log`.
    pub(super) fn resource_group(&self) -> String {
        let mut text = self.resource.clone();
        if !self.group.is_empty() {
            let _ = write!(text, ".{}", self.group);
        }
        if let Some(sub) = self.subresource {
            let _ = write!(text, "/{sub}");
        }
        text
    }

    /// The command that says whether this is allowed.
    pub(super) fn can_i(&self) -> String {
        if let Some(path) = &self.path {
            return format!("kubectl auth can-i {} {path}", self.verb);
        }
        let mut resource = self.resource.clone();
        if !self.group.is_empty() {
            let _ = write!(resource, ".{}", self.group);
        }
        if let Some(name) = &self.name {
            let _ = write!(resource, "/{name}");
        }
        let mut command = format!("kubectl auth can-i {} {resource}", self.verb);
        if let Some(sub) = self.subresource {
            let _ = write!(command, " --subresource={sub}");
        }
        if let Some(ns) = &self.namespace {
            let _ = write!(command, " -n {ns}");
        }
        command
    }

    /// Puts the object that is asked for into an error.
    pub(super) fn name_in(&self, error: Error) -> Error {
        match &self.name {
            Some(name) => error.object(&self.kind, self.namespace.as_deref(), name),
            None => error,
        }
    }
}
