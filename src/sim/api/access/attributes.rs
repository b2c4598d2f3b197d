//! What is asked for, as an authorizer sees it.

use crate::sim::api::{Gvr, Status};

use super::go_text::quoted;
use super::user::User;

/// One request, reduced to what decides whether it is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or a special one: `bind`.
    pub verb: String,
    /// The API group; empty for the core.
    pub group: String,
    /// The plural.
    pub resource: String,
    /// `status`, `log`, …; empty for the object itself.
    pub subresource: String,
    /// The object's name; empty for lists and creates.
    pub name: String,
    /// The namespace; empty at the cluster scope.
    pub namespace: String,
    /// Set for a request that is for no resource: `/version`.
    pub path: Option<String>,
}

impl Attributes {
    /// A request for a resource. A namespace itself counts as lying in itself, as on the true server.
    pub fn of(verb: &str, resource: &Gvr, subresource: &str, namespace: &str, name: &str) -> Self {
        let itself = resource.group.is_empty() && resource.plural == "namespaces" && namespace.is_empty();
        Self {
            verb: verb.into(),
            group: resource.group.clone(),
            resource: resource.plural.clone(),
            subresource: subresource.into(),
            name: name.into(),
            namespace: if itself { name } else { namespace }.into(),
            path: None,
        }
    }

    /// A request for a path that is no resource; the verb is the HTTP method in lower case.
    pub fn of_path(verb: &str, path: &str) -> Self {
        Self { verb: verb.into(), path: Some(path.into()), ..Self::default() }
    }

    /// `pods`, `pods/log`.
    pub(super) fn combined(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// The 403 for it; `reason` is what the authorizer has to say, often nothing.
    pub fn forbidden(&self, user: &User, reason: &str) -> Status {
        let (user, verb) = (quoted(&user.name), &self.verb);
        let mut why = if let Some(path) = &self.path {
            format!("User {user} cannot {verb} path {}", quoted(path))
        } else {
            let what = format!("{} in API group {}", quoted(&self.combined()), quoted(&self.group));
            let place = if self.namespace.is_empty() {
                "at the cluster scope".to_owned()
            } else {
                format!("in the namespace {}", quoted(&self.namespace))
            };
            format!("User {user} cannot {verb} resource {what} {place}")
        };
        why = why.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        if !reason.is_empty() {
            why = format!("{why}: {reason}");
        }
        if self.path.is_some() {
            return Status::forbidden_path(format!("forbidden: {why}"));
        }
        Status::forbidden(&Gvr::new(&self.group, "", &self.resource), &self.name, &why)
    }
}
