//! Carrying out what a plan wants written.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::sim::api::access::User;
use crate::sim::api::call::{Call, CallOptions, PatchType, Verb};
use crate::sim::api::gvr::Gvr;
use crate::sim::api::server::Api;
use crate::sim::api::status::Status;

use super::id::{Id, kind_of};
use super::plan::{Act, Propagation};
use super::read::{name, namespace, text};
use super::view::View;

/// One plan's writes, as one user.
pub struct Writes<'a> {
    api: &'a Api,
    view: &'a View,
    user: User,
    manager: &'a str,
    /// The versions that this plan's own writes made: a later write of the plan goes on from them.
    versions: HashMap<Id, String>,
}

impl<'a> Writes<'a> {
    /// Nothing written yet.
    pub fn new(api: &'a Api, view: &'a View, user: &str, manager: &'a str) -> Self {
        let user = controller_user(user);
        Self { api, view, user, manager, versions: HashMap::new() }
    }

    /// Carries one act out; events are not for here.
    pub fn carry_out(&mut self, act: &Act) -> Result<(), Box<Status>> {
        match act {
            Act::Create(object) => {
                let mut call = self.call(Verb::Create, object)?;
                call.body = Some(object.clone());
                self.send(&call, Some(Id::of(object)))
            }
            Act::Update(object) => self.put(object, None),
            Act::Status(object) => self.put(object, Some("status")),
            Act::Finalize(object) => self.put(object, Some("finalize")),
            Act::Merge { id, patch } => {
                let Some(mut call) = self.of_id(Verb::Patch, id) else { return Ok(()) };
                call.patch = Some(PatchType::Merge);
                call.body = Some(patch.clone());
                self.send(&call, Some(id.clone()))
            }
            Act::Bind { id, uid, node } => {
                let Some(mut call) = self.of_id(Verb::Create, id) else { return Ok(()) };
                call.subresource = Some("binding".into());
                call.body = Some(json!({"apiVersion": "v1", "kind": "Binding",
                    "metadata": {"name": id.name, "namespace": id.namespace, "uid": uid},
                    "target": {"apiVersion": "v1", "kind": "Node", "name": node}}));
                self.send(&call, None)
            }
            Act::Delete { id, uid, propagation, grace } => {
                let Some(mut call) = self.of_id(Verb::Delete, id) else { return Ok(()) };
                let word = |propagation| match propagation {
                    Propagation::Background => "Background",
                    Propagation::Foreground => "Foreground",
                    Propagation::Orphan => "Orphan",
                };
                call.options.propagation = propagation.map(|p| word(p).to_owned());
                call.options.grace_seconds = *grace;
                call.options.uid = (!uid.is_empty()).then(|| uid.clone());
                self.send(&call, None)
            }
            Act::Event(_) => Ok(()),
        }
    }

    fn put(&mut self, object: &Value, part: Option<&str>) -> Result<(), Box<Status>> {
        let id = Id::of(object);
        let mut call = self.call(Verb::Update, object)?;
        call.name = Some(name(object).to_owned());
        call.subresource = part.map(str::to_owned);
        let mut body = object.clone();
        if let Some(version) = self.versions.get(&id) {
            body["metadata"]["resourceVersion"] = Value::from(version.clone());
        }
        call.body = Some(body);
        self.send(&call, Some(id))
    }

    fn call(&self, verb: Verb, object: &Value) -> Result<Call, Box<Status>> {
        let kind = kind_of(object);
        let Some(served) = self.view.served(&kind) else {
            return Err(Box::new(Status::internal(format!("no kind {kind} is served"))));
        };
        let api_version = text(object, "/apiVersion");
        let version = api_version.split_once('/').map_or(api_version, |(_, version)| version);
        let mut call = Call::new(self.user.clone(), verb, Gvr::new(&served.group, version, &served.plural));
        call.namespace = served.namespaced.then(|| namespace(object).to_owned());
        call.options = CallOptions { field_manager: self.manager.to_owned(), ..CallOptions::default() };
        Ok(call)
    }

    /// A call about an object that is there; nothing if it is gone.
    fn of_id(&self, verb: Verb, id: &Id) -> Option<Call> {
        let mut call = self.call(verb, self.view.find(id)?).ok()?;
        call.name = Some(id.name.clone());
        Some(call)
    }

    fn send(&mut self, call: &Call, id: Option<Id>) -> Result<(), Box<Status>> {
        let answer = self.api.call(call)?;
        if let Some(id) = id {
            self.versions.insert(id, text(&answer.value(), "/metadata/resourceVersion").to_owned());
        }
        Ok(())
    }
}

/// A controller as a user: it may do anything, as it is part of the cluster.
pub fn controller_user(name: &str) -> User {
    let mut user = User::named(name);
    user.groups.push("system:masters".to_owned());
    user
}
