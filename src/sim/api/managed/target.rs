//! What is written to: a kind, a subresource of it, and the fields that this endpoint puts back.

use super::super::resource::Resource;
use super::super::schema::Node;
use super::managers::{Manager, Operation};
use super::set::Set;

/// A write: where to, by whom, when.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// The kind that is written.
    pub resource: &'a Resource,
    /// `status`, …
    pub subresource: Option<&'a str>,
    /// Who writes; see [`super::manager_name`].
    pub manager: &'a str,
    /// The time, as `metav1.Time` is written.
    pub now: &'a str,
}

/// The same with what was worked out: the object may be a `Scale` that stands for one of the resource.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) schema: &'a Node,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) subresource: String,
    /// Whether it is a custom resource.
    pub(super) custom: bool,
    /// Fields that the endpoint puts back, whoever sends them.
    pub(super) put_back: Set,
    pub(super) manager: &'a str,
    pub(super) now: &'a str,
}

impl<'a> Target<'a> {
    /// Of a write to an object of the resource.
    pub(super) fn of(write: &Write<'a>) -> Self {
        Self {
            schema: &write.resource.schema,
            api_version: write.resource.api_version(),
            kind: write.resource.kind.clone(),
            subresource: write.subresource.unwrap_or_default().to_owned(),
            custom: write.resource.is_custom(),
            put_back: put_back(write.resource, write.subresource),
            manager: write.manager,
            now: write.now,
        }
    }

    /// The entry of the one who writes.
    pub(super) fn entry(&self, operation: Operation) -> Manager {
        let updates = operation == Operation::Update;
        Manager {
            name: if self.manager.is_empty() { "unknown".into() } else { self.manager.to_owned() },
            operation,
            api_version: if updates { self.api_version.clone() } else { String::new() },
            subresource: self.subresource.clone(),
        }
    }
}

/// `GetResetFields` of the kinds' strategies.
fn put_back(resource: &Resource, subresource: Option<&str>) -> Set {
    let status: &[&[&str]] = if resource.status { &[&["status"]] } else { &[] };
    let group = resource.gvr.group.as_str();
    match (group, resource.gvr.plural.as_str(), subresource) {
        ("certificates.k8s.io", "certificatesigningrequests", None) => Set::of(&[&["spec"], &["status"]]),
        ("certificates.k8s.io", "certificatesigningrequests", Some("status")) => {
            Set::of(&[&["spec"], &["status", "conditions"]])
        }
        ("certificates.k8s.io", "certificatesigningrequests", Some("approval")) => {
            Set::of(&[&["spec"], &["status", "certificate"]])
        }
        ("", "pods", Some("status")) => {
            Set::of(&[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]])
        }
        ("apps", "deployments", Some("status")) => Set::of(&[&["spec"], &["metadata", "labels"]]),
        (_, _, Some("status")) if resource.is_custom() || resets_metadata(group, &resource.gvr.plural) => {
            Set::of(&[&["metadata"], &["spec"]])
        }
        (_, _, Some("status")) => Set::of(&[&["spec"]]),
        _ => Set::of(status),
    }
}

fn resets_metadata(group: &str, plural: &str) -> bool {
    let groups = ["resource.k8s.io", "flowcontrol.apiserver.k8s.io", "internal.apiserver.k8s.io"];
    groups.contains(&group)
        || matches!(plural, "volumeattachments" | "servicecidrs" | "podgroups" | "storageversionmigrations")
}
