//! One request in hand: the locked state, what is asked for, and the steps that all verbs share.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::sim::clock::Clock;

use super::admission::{Admission, Attempt};
use super::call::{Answer, Call, Verb};
use super::convert;
use super::decode::FieldValidation;
use super::gvr::Gvr;
use super::object;
use super::resource::Resource;
use super::status::Status;
use super::store::Store;
use super::types::Types;

/// What one lock guards.
pub(super) struct State {
    pub(super) store: Store,
    pub(super) types: Types,
}

/// A request in hand.
pub(super) struct Work<'a> {
    pub(super) state: &'a mut State,
    pub(super) clock: &'a Clock,
    pub(super) admission: &'a [Arc<dyn Admission>],
    pub(super) resource: Arc<Resource>,
    pub(super) call: &'a Call,
    pub(super) warnings: Vec<String>,
}

impl Work<'_> {
    /// The resource as its objects are kept.
    pub(super) fn kept(&self) -> Gvr {
        convert::kept(&self.resource)
    }

    /// The namespace of the objects: none for a resource of the cluster.
    pub(super) fn namespace(&self) -> &str {
        if self.resource.namespaced { self.call.namespace() } else { "" }
    }

    /// The same request with other words, without its warnings: what a subresource does to the object itself.
    pub(super) fn with<'w>(&'w mut self, call: &'w Call) -> Work<'w> {
        Work {
            state: self.state,
            clock: self.clock,
            admission: self.admission,
            resource: self.resource.clone(),
            call,
            warnings: Vec::new(),
        }
    }

    /// Puts the object into the namespace of the request; 400 if it names another.
    pub(super) fn settle_namespace(&self, object: &mut Value) -> Result<(), Status> {
        if !self.resource.namespaced {
            object::remove_meta(object, "namespace");
            return Ok(());
        }
        let own = object::namespace(object);
        if !own.is_empty() && own != self.namespace() {
            return Err(Status::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        object::set_meta(object, "namespace", json!(self.namespace()));
        Ok(())
    }

    /// The namespace of an object of the resource.
    pub(super) fn namespace_of(&self, object: &Value) -> String {
        if self.resource.namespaced { object::namespace(object).to_owned() } else { String::new() }
    }

    /// The subresource, empty for the object itself.
    pub(super) fn subresource(&self) -> &str {
        self.call.subresource.as_deref().unwrap_or_default()
    }

    pub(super) fn dry_run(&self) -> bool {
        self.call.options.dry_run
    }

    /// The object that is asked for, as it is kept.
    pub(super) fn stored(&self) -> Result<Arc<Value>, Status> {
        let found = self.state.store.get(&self.kept(), self.namespace(), self.call.name());
        found.cloned().ok_or_else(|| Status::not_found(&self.resource.gvr, self.call.name()))
    }

    /// The object that is asked for, in the version that is asked for.
    pub(super) fn current(&self) -> Result<Arc<Value>, Status> {
        convert::to_served(&self.stored()?, &self.resource)
    }

    /// The body of the request.
    pub(super) fn body(&self) -> Result<Value, Status> {
        self.call.body.clone().ok_or_else(|| Status::bad_request("the request has no body"))
    }

    /// How unknown fields are treated.
    pub(super) fn validation(&self) -> FieldValidation {
        FieldValidation::parse(&self.call.options.field_validation).unwrap_or_default()
    }

    /// Reads an object: types, unknown fields.
    pub(super) fn decode(&mut self, body: &mut Value) -> Result<(), Status> {
        let resource = self.resource.clone();
        if let Some(why) = self.other_kind(body) {
            let text = |field: &str| body[field].as_str().unwrap_or_default();
            let version = text("apiVersion").rsplit('/').next().unwrap_or_default();
            if resource.is_custom() {
                return Err(Status::bad_request(why));
            }
            let (sent, kind) = (text("kind"), &resource.kind);
            return Err(Status::bad_request(format!(
                "{sent} in version \"{version}\" cannot be handled as a {kind}: {why}"
            )));
        }
        let duplicates = if self.call.verb == Verb::Patch { &[][..] } else { &self.call.duplicates };
        let warnings = resource.decode(body, duplicates, self.validation())?;
        self.warnings.extend(warnings);
        self.named(body);
        Ok(())
    }

    /// Writes the resource's own version and kind into an object that came without.
    pub(super) fn named(&self, object: &mut Value) {
        let Some(fields) = object.as_object_mut() else { return };
        for (field, own) in [("apiVersion", self.resource.api_version()), ("kind", self.resource.kind.clone())] {
            if fields.get(field).and_then(Value::as_str).unwrap_or_default().is_empty() {
                fields.insert(field.to_owned(), json!(own));
            }
        }
    }

    /// Why an object is none of the resource, going by its version and kind.
    pub(super) fn other_kind(&self, object: &Value) -> Option<String> {
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let own = self.resource.api_version();
        if self.resource.is_custom() {
            return (!version.is_empty() && version != own).then(|| {
                format!("the API version in the data ({version}) does not match the expected API version ({own})")
            });
        }
        if (version.is_empty() || version == own) && (kind.is_empty() || kind == self.resource.kind) {
            return None;
        }
        let (group, short) = version.split_once('/').unwrap_or(("", version));
        if self.state.types.by_kind(group, short, kind).is_none_or(|other| other.is_custom()) {
            return Some(format!(
                "no kind \"{kind}\" is registered for version \"{version}\" in scheme \"pkg/runtime/scheme.go:111\""
            ));
        }
        let package = self.resource.gvr.group.split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
        Some(format!("converting ({short}.{kind}) to ({package}.{}): unknown conversion", self.resource.kind))
    }

    fn attempt<'b>(&'b self, verb: Verb, name: &'b str, old: Option<&'b Value>, now: &'b str) -> Attempt<'b> {
        Attempt {
            user: &self.call.user,
            verb,
            resource: &self.resource,
            subresource: self.subresource(),
            namespace: self.namespace(),
            name,
            old,
            store: &self.state.store,
            dry_run: self.dry_run(),
            now,
        }
    }

    /// Lets the others change the object.
    pub(super) fn mutate(&self, verb: Verb, object: &mut Value, old: Option<&Value>) -> Result<(), Status> {
        let (name, now) = (self.name_of(object), self.clock.stamp());
        let attempt = self.attempt(verb, &name, old, &now);
        self.admission.iter().try_for_each(|one| one.mutate(&attempt, object))
    }

    /// Lets the others refuse the object.
    pub(super) fn admit(&mut self, verb: Verb, object: &Value, old: Option<&Value>) -> Result<(), Status> {
        let (name, now) = (self.name_of(object), self.clock.stamp());
        let attempt = self.attempt(verb, &name, old, &now);
        self.admission.iter().try_for_each(|one| one.check(&attempt, object))?;
        let warnings: Vec<String> = self.admission.iter().flat_map(|one| one.warn(&attempt, object)).collect();
        self.warnings.extend(warnings);
        Ok(())
    }

    fn name_of(&self, object: &Value) -> String {
        if self.call.name().is_empty() { object::name(object).to_owned() } else { self.call.name().to_owned() }
    }

    /// Stores an object of the served version, unless it is a dry run.
    pub(super) fn store(&mut self, value: Value) -> Result<Arc<Value>, Status> {
        let value = object::order(value);
        if self.dry_run() {
            return Ok(Arc::new(value));
        }
        let kept = convert::to_kept(value, &self.resource)?;
        let stored = self.state.store.put(&self.kept(), kept)?;
        convert::to_served(&stored, &self.resource)
    }

    /// An answer with the warnings so far.
    pub(super) fn answer(&mut self, value: impl Into<Arc<Value>>, created: bool) -> Answer {
        Answer { created, warnings: std::mem::take(&mut self.warnings), ..Answer::one(value) }
    }

    /// 422 for faulty fields of an object.
    pub(super) fn refuse_invalid(
        &self,
        object: &Value,
        errors: &[super::field_error::FieldError],
    ) -> Result<(), Status> {
        if errors.is_empty() {
            return Ok(());
        }
        Err(Status::invalid(&self.resource.gvr.group, &self.resource.kind, object::name(object), errors))
    }
}
