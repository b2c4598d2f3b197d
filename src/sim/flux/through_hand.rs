//! The simulated API server as Flux's controllers use it.

use std::sync::Arc;

use serde_json::Value;

use super::server::{Server, Target};
use crate::sim::api::hand::{Deletion, Hand};
use crate::sim::api::{CallOptions, Status, patch};

impl Server for Hand {
    fn get(&self, kind: &str, namespace: &str, name: &str) -> Result<Value, Status> {
        Hand::get(self, kind, namespace, name).map(Arc::unwrap_or_clone)
    }

    fn list(&self, kind: &str) -> Result<Vec<Value>, Status> {
        Ok(Hand::list(self, kind, "", "")?.into_iter().map(Arc::unwrap_or_clone).collect())
    }

    fn apply(&self, object: &Value, manager: &str, dry_run: bool) -> Result<Value, Status> {
        let options = CallOptions { dry_run, force: true, field_manager: manager.to_owned(), ..CallOptions::default() };
        self.apply_with(object.clone(), options).map(Arc::unwrap_or_clone)
    }

    fn create(&self, object: &Value) -> Result<Value, Status> {
        Hand::create(self, object.clone()).map(Arc::unwrap_or_clone)
    }

    fn patch(&self, of: Target<'_>, patch: &Value, manager: &str) -> Result<Value, Status> {
        let hand = self.clone().managing_as(manager);
        let patched = if of.status {
            hand.patch_status(of.kind, of.namespace, of.name, patch.clone())
        } else {
            Hand::patch(&hand, of.kind, of.namespace, of.name, patch.clone())
        };
        patched.map(Arc::unwrap_or_clone)
    }

    fn json_patch(&self, of: Target<'_>, changes: &Value, manager: &str) -> Result<Value, Status> {
        let patched = patch::json_patch(&Server::get(self, of.kind, of.namespace, of.name)?, changes)?;
        self.clone().managing_as(manager).update(patched).map(Arc::unwrap_or_clone)
    }

    fn delete(&self, kind: &str, namespace: &str, name: &str) -> Result<(), Status> {
        let how = Deletion { propagation: Some("Background".into()), ..Deletion::default() };
        Hand::delete(self, kind, namespace, name, &how)
    }

    fn is_namespaced(&self, api_version: &str, kind: &str) -> Option<bool> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.api().with_types(|types| types.by_kind(group, version, kind)).map(|resource| resource.namespaced)
    }
}
