//! Writing objects: apply, create, patch, delete.

use http::Method;
use serde_json::{Value, json};

use crate::error::{Code, Error, Result};

use super::answer::Failure;
use super::ask::Ask;
use super::connect::Cluster;
use super::kind::{Kind, Which};
use super::transport::{APPLY, Call, JSON, MERGE};

/// The field manager of everything that we write.
const MANAGER: &str = "dpb";

/// How to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apply {
    /// Field manager.
    pub manager: String,
    /// Take over fields that other managers own.
    pub force: bool,
    /// Have the server check and default it without storing it.
    pub dry_run: bool,
    /// Refuse unknown and repeated fields instead of dropping them.
    pub strict: bool,
}

impl Default for Apply {
    fn default() -> Self {
        Self { manager: MANAGER.into(), force: false, dry_run: false, strict: true }
    }
}

/// How to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delete {
    /// Wait with the object until all that it owns is gone (`Foreground`); else what it owns goes in the background.
    pub foreground: bool,
    /// Only the object with this uid, so that a later one of the same name stays.
    pub uid: Option<String>,
    /// Have the server check it without doing it.
    pub dry_run: bool,
}

impl Cluster {
    /// Server-side apply of one object; gives back what the server made of it.
    pub async fn apply(&self, object: &Value, how: &Apply) -> Result<Value> {
        let kind = self.resolve_type(object).await?;
        Ok(self.apply_as(&kind, object, how).await?)
    }

    pub(super) async fn apply_as(&self, kind: &Kind, object: &Value, how: &Apply) -> Result<Value, Failure> {
        let (namespace, name) = self.place_of(kind, object).map_err(plain)?;
        let path = kind.path(namespace.as_deref(), Some(&name)).map_err(plain)?;
        let mut call = Call::send(Method::PATCH, path, APPLY, object).query("fieldManager", &how.manager);
        if how.force {
            call = call.query("force", "true");
        }
        call = call.query("fieldValidation", if how.strict { "Strict" } else { "Warn" });
        let ask = Ask::new("patch", kind, namespace.as_deref(), Some(&name));
        self.write(&ask, call, how.dry_run).await
    }

    /// Creates an object; `conflict` when it exists. A `generateName` works.
    pub async fn create(&self, object: &Value) -> Result<Value> {
        let kind = self.resolve_type(object).await?;
        let given = object["metadata"]["namespace"].as_str();
        let namespace = self.namespace_for(&kind, given);
        let call = Call::send(Method::POST, kind.path(namespace, None)?, JSON, object)
            .query("fieldManager", MANAGER)
            .query("fieldValidation", "Strict");
        let ask = Ask::new("create", &kind, namespace, object["metadata"]["name"].as_str());
        Ok(self.write(&ask, call, false).await?)
    }

    /// Deletes an object. `false`: it was not there.
    pub async fn delete(
        &self,
        kind: impl Into<Which<'_>>,
        namespace: Option<&str>,
        name: &str,
        how: &Delete,
    ) -> Result<bool> {
        let kind = self.resolve(kind.into()).await?;
        let namespace = self.namespace_for(&kind, namespace);
        let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": if how.foreground { "Foreground" } else { "Background" }});
        if let Some(uid) = &how.uid {
            options["preconditions"] = json!({"uid": uid});
        }
        let call = Call::send(Method::DELETE, kind.path(namespace, Some(name))?, JSON, &options);
        let ask = Ask::new("delete", &kind, namespace, Some(name));
        match self.write(&ask, call, how.dry_run).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.status == 404 && failure.error.code() == Code::NotFound => Ok(false),
            // The one that was meant is gone already, another has its name.
            Err(failure) if failure.status == 409 && how.uid.is_some() => Ok(false),
            Err(failure) => Err(failure.error),
        }
    }

    /// JSON merge patch of an object, or of one of its subresources (`status`).
    pub async fn merge_patch(
        &self,
        kind: impl Into<Which<'_>>,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
        subresource: Option<&str>,
    ) -> Result<Value> {
        let kind = self.resolve(kind.into()).await?;
        let namespace = self.namespace_for(&kind, namespace);
        let mut target = kind.path(namespace, Some(name))?;
        let mut ask = Ask::new("patch", &kind, namespace, Some(name));
        if let Some(subresource) = subresource {
            target = format!("{target}/{}", super::path::segment("subresource", subresource)?);
            ask = ask.sub(match subresource {
                "status" => "status",
                "scale" => "scale",
                _ => "*",
            });
        }
        let call = Call::send(Method::PATCH, target, MERGE, patch).query("fieldManager", MANAGER);
        Ok(self.write(&ask, call, false).await?)
    }

    /// Sets annotations; `None` takes one away.
    pub async fn annotate(
        &self,
        kind: impl Into<Which<'_>>,
        namespace: Option<&str>,
        name: &str,
        annotations: &[(&str, Option<&str>)],
    ) -> Result<Value> {
        let map: serde_json::Map<String, Value> =
            annotations.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
        self.merge_patch(kind, namespace, name, &json!({"metadata": {"annotations": map}}), None).await
    }

    async fn write(&self, ask: &Ask, mut call: Call, dry_run: bool) -> Result<Value, Failure> {
        if dry_run {
            call = call.query("dryRun", "All");
        }
        let result = self.inner.transport.json(ask, &call).await;
        if !dry_run {
            if let Some(memo) = &self.memo {
                memo.clear();
            }
            if matches!(ask.resource.as_str(), "customresourcedefinitions" | "apiservices") {
                self.inner.discovery.forget().await;
                self.inner.openapi.forget();
            }
        }
        result
    }

    /// Namespace and name under which an object would be stored.
    pub(super) fn place_of(&self, kind: &Kind, object: &Value) -> Result<(Option<String>, String)> {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            return Err(Error::new(Code::Invalid, format!("a {} without metadata.name", kind.kind)));
        }
        let namespace = self.namespace_for(kind, metadata["namespace"].as_str());
        Ok((namespace.map(Into::into), name.to_owned()))
    }
}

fn plain(error: Error) -> Failure {
    Failure { status: 400, retry_after: None, error }
}
