//! Where others take part in a write: they change or refuse an object before it is stored.

use serde_json::Value;

use super::access::User;
use super::call::Verb;
use super::resource::Resource;
use super::status::Status;
use super::store::Store;

/// A write as admission sees it.
pub struct Attempt<'a> {
    /// Who writes.
    pub user: &'a User,
    /// `Create`, `Update` (patches too) or `Delete`.
    pub verb: Verb,
    /// What is written.
    pub resource: &'a Resource,
    /// The part that is written; empty for the object itself.
    pub subresource: &'a str,
    /// The namespace, empty for an object of the cluster.
    pub namespace: &'a str,
    /// The object's name, empty while it is still to be made from `generateName`.
    pub name: &'a str,
    /// The object as it is, unless it is created.
    pub old: Option<&'a Value>,
    /// Everything that is stored.
    pub store: &'a Store,
    /// Whether nothing will be stored.
    pub dry_run: bool,
    /// The time, as stamps are written.
    pub now: &'a str,
}

impl Attempt<'_> {
    /// Whether an object of this resource is created.
    pub fn creates(&self, plural: &str, group: &str) -> bool {
        self.verb == Verb::Create && self.subresource.is_empty() && self.is(plural, group)
    }

    /// Whether it is about this resource.
    pub fn is(&self, plural: &str, group: &str) -> bool {
        self.resource.gvr.plural == plural && self.resource.gvr.group == group
    }

    /// 403 in the words of admission.
    pub fn forbidden(&self, why: &str) -> Status {
        Status::forbidden(&self.resource.gvr, self.name, why)
    }
}

/// Takes part in writes. Called while the store is locked: it must be quick, and must not call the server.
pub trait Admission: Send + Sync {
    /// Changes the object before it is validated, or refuses it.
    fn mutate(&self, attempt: &Attempt, object: &mut Value) -> Result<(), Status> {
        let _ = (attempt, object);
        Ok(())
    }

    /// Refuses the object after it was found valid: quota, and what must see the final object. For a delete `object` is
    /// the one that is there.
    fn check(&self, attempt: &Attempt, object: &Value) -> Result<(), Status> {
        let _ = (attempt, object);
        Ok(())
    }

    /// What the client is warned of.
    fn warn(&self, attempt: &Attempt, object: &Value) -> Vec<String> {
        let _ = (attempt, object);
        Vec::new()
    }
}
