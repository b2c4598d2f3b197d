//! The server's verbs for controllers in the process: kinds by name, objects as values, nothing to await.

use std::sync::Arc;

use serde_json::Value;

use super::access::User;
use super::call::{Body, Call, CallOptions, PatchType, Verb};
use super::gvr::Gvr;
use super::object;
use super::resource::Resource;
use super::server::Api;
use super::status::Status;

/// Who works on the cluster from within. What it may do is not asked; whether it is right, is.
#[derive(Clone)]
pub struct Hand {
    api: Api,
    user: User,
    manager: String,
}

/// How something is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deletion {
    /// `Foreground`, `Background`, `Orphan`; the kind's default if absent.
    pub propagation: Option<String>,
    /// Seconds that a pod is given.
    pub grace_seconds: Option<i64>,
    /// The uid that it must have.
    pub uid: Option<String>,
    /// The version that it must have.
    pub version: Option<String>,
}

impl Hand {
    /// Where it works.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The same hand with another field manager.
    #[must_use]
    pub fn managing_as(mut self, manager: &str) -> Self {
        manager.clone_into(&mut self.manager);
        self
    }

    /// An object; 404 if it is not there. Kinds as `Pod`, `Deployment.apps`; the namespace is empty for what has none.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Result<Arc<Value>, Status> {
        let call = self.call(kind, Verb::Get, namespace, name)?;
        Ok(self.api.call(&call)?.value())
    }

    /// An object, or nothing if it is not there. A kind that is not served is an error.
    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Result<Option<Arc<Value>>, Status> {
        let call = self.call(kind, Verb::Get, namespace, name)?;
        match self.api.call(&call) {
            Ok(answer) => Ok(Some(answer.value())),
            Err(status) if status.code() == 404 => Ok(None),
            Err(status) => Err(status),
        }
    }

    /// The objects of a namespace, or of all (`""`), that a label selector means; an empty one means all.
    pub fn list(&self, kind: &str, namespace: &str, selector: &str) -> Result<Vec<Arc<Value>>, Status> {
        let mut call = self.call(kind, Verb::List, namespace, "")?;
        selector.clone_into(&mut call.options.label_selector);
        match self.api.call(&call)?.body {
            Body::List(list) => Ok(list.items),
            Body::One(value) => Ok(vec![value]),
        }
    }

    /// Makes an object, of the kind and in the namespace that it names.
    pub fn create(&self, value: Value) -> Result<Arc<Value>, Status> {
        self.write(Verb::Create, value, None)
    }

    /// Replaces an object; 409 if it was written since the version that `value` carries.
    pub fn update(&self, value: Value) -> Result<Arc<Value>, Status> {
        self.write(Verb::Update, value, None)
    }

    /// Replaces the status of an object.
    pub fn update_status(&self, value: Value) -> Result<Arc<Value>, Status> {
        self.write(Verb::Update, value, Some("status"))
    }

    /// Sends a whole object to a subresource: `finalize`, `binding`, `eviction`.
    pub fn send(&self, verb: Verb, value: Value, kind: &str, subresource: &str) -> Result<Arc<Value>, Status> {
        let mut call = self.call(kind, verb, object::namespace(&value), object::name(&value))?;
        call.subresource = Some(subresource.to_owned());
        call.body = Some(value);
        Ok(self.api.call(&call)?.value())
    }

    /// Merges a patch into an object.
    pub fn patch(&self, kind: &str, namespace: &str, name: &str, patch: Value) -> Result<Arc<Value>, Status> {
        self.merge(kind, namespace, name, patch, None)
    }

    /// Merges a patch into the status of an object.
    pub fn patch_status(&self, kind: &str, namespace: &str, name: &str, patch: Value) -> Result<Arc<Value>, Status> {
        self.merge(kind, namespace, name, patch, Some("status"))
    }

    /// Applies an object as a manager; 409 where somebody else owns a field, unless it is forced.
    pub fn apply(&self, value: Value, manager: &str, force: bool) -> Result<Arc<Value>, Status> {
        let options = CallOptions { force, field_manager: manager.to_owned(), ..CallOptions::default() };
        self.apply_with(value, options)
    }

    /// Applies an object with options of one's own: a dry run, strict validation.
    pub fn apply_with(&self, value: Value, options: CallOptions) -> Result<Arc<Value>, Status> {
        let mut call = self.call_of(Verb::Patch, &value)?;
        call.patch = Some(PatchType::Apply);
        call.options = options;
        call.body = Some(value);
        Ok(self.api.call(&call)?.value())
    }

    /// Deletes an object.
    pub fn delete(&self, kind: &str, namespace: &str, name: &str, how: &Deletion) -> Result<(), Status> {
        let mut call = self.call(kind, Verb::Delete, namespace, name)?;
        call.options.propagation.clone_from(&how.propagation);
        call.options.grace_seconds = how.grace_seconds;
        call.options.uid.clone_from(&how.uid);
        call.options.version.clone_from(&how.version);
        self.api.call(&call).map(|_| ())
    }

    /// The resource of a kind as `Deployment.apps`, in the version that is kept.
    pub fn resource(&self, kind: &str) -> Result<Arc<Resource>, Status> {
        let (name, group) = kind.split_once('.').unwrap_or((kind, ""));
        let unknown = || Status::not_simulated(format!("kind {kind}"));
        self.api.with_types(|types| {
            let all = types.all();
            let mut of_kind = all.iter().filter(|r| r.kind == name && r.gvr.group == group);
            let first = of_kind.next().cloned();
            let kept = first.iter().chain(of_kind).find(|r| r.gvr.version == r.storage_version).cloned();
            kept.or(first).ok_or_else(unknown)
        })
    }

    fn merge(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        patch: Value,
        subresource: Option<&str>,
    ) -> Result<Arc<Value>, Status> {
        let mut call = self.call(kind, Verb::Patch, namespace, name)?;
        call.patch = Some(PatchType::Merge);
        call.subresource = subresource.map(str::to_owned);
        call.body = Some(patch);
        Ok(self.api.call(&call)?.value())
    }

    fn write(&self, verb: Verb, value: Value, subresource: Option<&str>) -> Result<Arc<Value>, Status> {
        let mut call = self.call_of(verb, &value)?;
        call.subresource = subresource.map(str::to_owned);
        call.body = Some(value);
        Ok(self.api.call(&call)?.value())
    }

    fn call(&self, kind: &str, verb: Verb, namespace: &str, name: &str) -> Result<Call, Status> {
        let resource = self.resource(kind)?;
        Ok(self.call_for(&resource.gvr, resource.namespaced, verb, namespace, name))
    }

    fn call_of(&self, verb: Verb, value: &Value) -> Result<Call, Status> {
        let found = self.api.with_types(|types| types.of_object(value));
        let kind = value["kind"].as_str().unwrap_or_default();
        let version = value["apiVersion"].as_str().unwrap_or_default();
        let resource = found.ok_or_else(|| Status::not_simulated(format!("kind {kind} of {version}")))?;
        let name = if verb == Verb::Create { "" } else { object::name(value) };
        Ok(self.call_for(&resource.gvr, resource.namespaced, verb, object::namespace(value), name))
    }

    fn call_for(&self, gvr: &Gvr, namespaced: bool, verb: Verb, namespace: &str, name: &str) -> Call {
        let mut call = Call::new(self.user.clone(), verb, gvr.clone());
        call.namespace = (namespaced && !namespace.is_empty()).then(|| namespace.to_owned());
        call.name = (!name.is_empty()).then(|| name.to_owned());
        call.options.field_manager.clone_from(&self.manager);
        call
    }
}

impl Api {
    /// A hand that works as a user, `system:serviceaccount:kube-system:deployment-controller`; its field manager is the
    /// last part of the name.
    pub fn as_user(&self, name: &str) -> Hand {
        let manager = name.rsplit(':').next().unwrap_or_default().to_owned();
        Hand { api: self.clone(), user: User::named(name), manager }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::change::Forget;
    use super::super::types::Types;
    use super::*;
    use crate::sim::clock::{Clock, Mode};

    fn hand() -> Hand {
        let api = Api::new(Types::shipped(), Clock::new(Mode::Virtual), Box::new(Forget));
        let hand = api.as_user("system:serviceaccount:kube-system:tester");
        let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}});
        hand.create(space).unwrap();
        hand
    }

    fn cm(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a"}, "data": {"x": "1"}})
    }

    #[test]
    fn an_object_is_made_read_changed_and_removed() {
        let hand = hand();
        let made = hand.create(cm("one")).unwrap();
        assert!(!object::uid(&made).is_empty());
        assert_eq!(hand.create(cm("one")).unwrap_err().reason(), "AlreadyExists");
        let patched = hand.patch("ConfigMap", "a", "one", json!({"data": {"y": "2"}})).unwrap();
        assert_eq!(patched["data"], json!({"x": "1", "y": "2"}));
        let stale = hand.update((*made).clone()).unwrap_err();
        assert_eq!((stale.code(), stale.reason()), (409, "Conflict"));
        let same = hand.patch("ConfigMap", "a", "one", json!({"data": {"y": "2"}})).unwrap();
        assert_eq!(object::version(&same), object::version(&patched), "a write that changes nothing is none");
        hand.delete("ConfigMap", "a", "one", &Deletion::default()).unwrap();
        assert!(hand.find("ConfigMap", "a", "one").unwrap().is_none());
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        let status = hand().get("Rocket.example.org", "a", "x").unwrap_err();
        assert_eq!((status.code(), status.message()), (501, "unknown to the simulator: kind Rocket.example.org"));
        let nowhere = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "b"}});
        assert_eq!(hand().create(nowhere).unwrap_err().message(), "namespaces \"b\" not found");
    }

    #[test]
    fn an_object_with_finalizers_goes_when_the_last_one_does() {
        let hand = hand();
        let mut held = cm("held");
        held["metadata"]["finalizers"] = json!(["example.org/hold"]);
        hand.create(held).unwrap();
        hand.delete("ConfigMap", "a", "held", &Deletion::default()).unwrap();
        assert!(object::is_deleting(&hand.get("ConfigMap", "a", "held").unwrap()));
        assert!(hand.create(cm("held")).unwrap_err().message().starts_with("object is being deleted: "));
        hand.patch("ConfigMap", "a", "held", json!({"metadata": {"finalizers": null}})).unwrap();
        assert!(hand.find("ConfigMap", "a", "held").unwrap().is_none());
    }

    #[test]
    fn a_namespace_on_its_way_out_takes_nothing_new_and_goes_when_finalized() {
        let hand = hand();
        hand.delete("Namespace", "", "a", &Deletion::default()).unwrap();
        let status = hand.create(cm("late")).unwrap_err();
        assert_eq!(status.code(), 403);
        assert!(status.message().ends_with("in namespace a because it is being terminated"));
        let empty =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}, "spec": {"finalizers": []}});
        hand.send(Verb::Update, empty, "Namespace", "finalize").unwrap();
        assert!(hand.find("Namespace", "", "a").unwrap().is_none());
    }

    #[test]
    fn changes_come_in_order_and_name_what_was_before() {
        let hand = hand();
        let mut changes = hand.api().changes();
        hand.create(cm("one")).unwrap();
        hand.patch("ConfigMap", "a", "one", json!({"data": {"x": "2"}})).unwrap();
        hand.delete("ConfigMap", "a", "one", &Deletion::default()).unwrap();
        let seen: Vec<(bool, bool)> = std::iter::from_fn(|| changes.try_next())
            .map(|change| (change.old.is_some(), change.new.is_some()))
            .collect();
        assert_eq!(seen, [(false, true), (true, true), (true, false)]);
    }
}
