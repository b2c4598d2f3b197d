//! The state of Flux for reviews and scripts: sources, Kustomizations and their revisions, roots.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::cluster::{Cluster, Query, object_ref};
use crate::error::{Code, Result};

use super::board::{GIT_REPOSITORY, HELM_RELEASE, KUSTOMIZATION, OCI_REPOSITORY};
use super::delivery::Named;
use super::judgement::{condition, full_name, is_current, is_observed, is_suspended, one_line, text};
use super::kustomization::dependency;

/// Whether an object of Flux is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectStatus {
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `Ready=True` for its present generation.
    pub ready: bool,
    /// `spec.suspend`: a suspended object's `ready` is frozen.
    pub suspended: bool,
    /// The condition's reason.
    pub reason: String,
    /// The condition's message, on one line.
    pub message: String,
    /// The revision that it holds, applied or deployed; empty when none.
    pub revision: String,
    /// When its `Ready` condition last changed (RFC 3339); empty when never.
    pub since: String,
}

/// A source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceStatus {
    /// The same for every object of Flux.
    #[serde(flatten)]
    pub object: ObjectStatus,
    /// Where it fetches from.
    pub url: String,
    /// The branch, tag or version that it follows.
    pub follows: String,
}

/// A Kustomization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KustomizationStatus {
    /// The same for every object of Flux.
    #[serde(flatten)]
    pub object: ObjectStatus,
    /// Its source, as `Kind namespace/name`.
    pub source: String,
    /// The revision that its source holds now; empty when that is unknown.
    pub source_revision: String,
    /// Whether it has applied that revision.
    pub up_to_date: bool,
    /// `spec.path`.
    pub path: String,
    /// The Kustomization that made it, as `namespace/name`; none for a root.
    pub parent: Option<String>,
    /// The dependency that it waits for now, as `namespace/name`.
    pub waits_for: Option<String>,
}

impl KustomizationStatus {
    /// Whether nothing made it but a person or the bootstrap.
    pub fn is_root(&self) -> bool {
        self.parent.is_none()
    }

    /// Whether it is ready, not suspended, and at its source's revision.
    pub fn is_healthy(&self) -> bool {
        self.object.ready && !self.object.suspended && self.up_to_date
    }
}

/// The status of one object of Flux (`Kustomization`, `HelmRelease`, `GitRepository`, any kind with a `Ready`
/// condition), by any name of its kind.
pub async fn status(cluster: &Cluster, kind: &str, name: &Named) -> Result<ObjectStatus> {
    Ok(object_status(&cluster.get(kind, Some(&name.namespace), &name.name).await?))
}

/// All Git and OCI sources. Where a kind is not served, it has none.
pub async fn sources(cluster: &Cluster) -> Result<Vec<SourceStatus>> {
    let mut found = Vec::new();
    for kind in
        [GIT_REPOSITORY, OCI_REPOSITORY, "Bucket.source.toolkit.fluxcd.io", "HelmRepository.source.toolkit.fluxcd.io"]
    {
        found.extend(list(cluster, kind).await?.iter().map(source_status));
    }
    Ok(found)
}

/// All Kustomizations, each with the revision of its source.
pub async fn kustomizations(cluster: &Cluster) -> Result<Vec<KustomizationStatus>> {
    let (sources, all) = futures::try_join!(sources(cluster), list(cluster, KUSTOMIZATION))?;
    let revisions: BTreeMap<String, String> = sources
        .into_iter()
        .map(|s| (format!("{} {}/{}", s.object.kind, s.object.namespace, s.object.name), s.object.revision))
        .collect();
    Ok(all.iter().map(|ks| kustomization_status(ks, &revisions)).collect())
}

/// All `HelmRelease`s.
pub async fn releases(cluster: &Cluster) -> Result<Vec<ObjectStatus>> {
    Ok(list(cluster, HELM_RELEASE).await?.iter().map(object_status).collect())
}

async fn list(cluster: &Cluster, kind: &str) -> Result<Vec<Value>> {
    match cluster.list(kind, &Query::default()).await {
        Err(error) if error.code() == Code::UnknownKind && kind != KUSTOMIZATION => Ok(Vec::new()),
        other => other,
    }
}

fn object_status(object: &Value) -> ObjectStatus {
    let named = object_ref(object);
    let ready = condition(object, "Ready");
    let revision = ["/status/lastAppliedRevision", "/status/artifact/revision", "/status/history/0/chartVersion"]
        .iter()
        .map(|at| text(object, at))
        .find(|revision| !revision.is_empty());
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let since = conditions.into_iter().flatten().find(|c| text(c, "/type") == "Ready");
    ObjectStatus {
        kind: named.kind,
        namespace: named.namespace.unwrap_or_default(),
        name: named.name,
        ready: ready.is_some_and(|c| c.status == "True" && is_current(object, &c)) && is_observed(object),
        suspended: is_suspended(object),
        reason: ready.map(|c| c.reason.to_string()).unwrap_or_default(),
        message: ready.map(|c| one_line(c.message)).unwrap_or_default(),
        revision: revision.unwrap_or_default().to_string(),
        since: since.map(|c| text(c, "/lastTransitionTime").to_string()).unwrap_or_default(),
    }
}

fn source_status(source: &Value) -> SourceStatus {
    let follows = ["/spec/ref/commit", "/spec/ref/name", "/spec/ref/semver", "/spec/ref/tag", "/spec/ref/branch"]
        .iter()
        .map(|at| text(source, at))
        .find(|follows| !follows.is_empty());
    SourceStatus {
        object: object_status(source),
        url: text(source, "/spec/url").into(),
        follows: follows.unwrap_or_default().into(),
    }
}

fn kustomization_status(ks: &Value, revisions: &BTreeMap<String, String>) -> KustomizationStatus {
    let object = object_status(ks);
    let namespace = match text(ks, "/spec/sourceRef/namespace") {
        "" => object.namespace.as_str(),
        named => named,
    };
    let source = format!("{} {namespace}/{}", text(ks, "/spec/sourceRef/kind"), text(ks, "/spec/sourceRef/name"));
    let source_revision = revisions.get(&source).cloned().unwrap_or_default();
    let label = |key: &str| {
        let labels = ks.pointer("/metadata/labels")?;
        labels.get(format!("kustomize.toolkit.fluxcd.io/{key}"))?.as_str()
    };
    // A bootstrapped root applies itself.
    let parent = label("namespace").zip(label("name")).map(|(ns, name)| format!("{ns}/{name}"));
    let parent = parent.filter(|parent| *parent != full_name(ks));
    KustomizationStatus {
        up_to_date: !source_revision.is_empty() && object.revision == source_revision,
        source,
        source_revision,
        path: text(ks, "/spec/path").into(),
        parent,
        waits_for: dependency(ks).map(Into::into),
        object,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_kustomization_is_compared_with_its_source() {
        let ks = json!({
            "kind": "Kustomization",
            "metadata": {"name": "app", "namespace": "data", "generation": 1, "labels": {
                "kustomize.toolkit.fluxcd.io/name": "cluster-apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}},
            "spec": {"path": "./x", "sourceRef": {"kind": "GitRepository", "name": "flux-system", "namespace": "flux-system"}},
            "status": {"observedGeneration": 1, "lastAppliedRevision": "main@sha1:a", "conditions": [
                {"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "observedGeneration": 1}]},
        });
        let revisions =
            BTreeMap::from([("GitRepository flux-system/flux-system".to_string(), "main@sha1:b".to_string())]);
        let late = kustomization_status(&ks, &revisions);
        assert!(late.object.ready && !late.up_to_date && !late.is_healthy() && !late.is_root());
        assert_eq!(late.parent.as_deref(), Some("flux-system/cluster-apps"));
        let revisions =
            BTreeMap::from([("GitRepository flux-system/flux-system".to_string(), "main@sha1:a".to_string())]);
        assert!(kustomization_status(&ks, &revisions).is_healthy());
        assert!(!kustomization_status(&ks, &BTreeMap::new()).up_to_date, "an unknown source proves nothing");
    }

    #[test]
    fn a_root_that_applies_itself_is_a_root() {
        let ks = json!({"metadata": {"name": "flux-system", "namespace": "flux-system", "labels": {
            "kustomize.toolkit.fluxcd.io/name": "flux-system", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}});
        assert!(kustomization_status(&ks, &BTreeMap::new()).is_root());
    }
}
