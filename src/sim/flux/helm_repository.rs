//! `HelmRepository` and `OCIRepository`: registries that hold the charts which scripts play, and no others.

use std::time::Duration;

use serde_json::json;

use super::charts::Charts;
use super::events::{Event, Events};
use super::object::Object;
use super::runner::{Again, Env, Reconciler, Seen, Step, is_due, key};
use super::source::{
    CONTROLLER, End, Failure, HELM_REPOSITORY, OCI_REPOSITORY, Summary, announce, artifact, begin, digest,
    fetch_failed, finish, missing_artifact, refuse, revision, write,
};

const SUMMARY: Summary = Summary {
    order: &[
        "StorageOperationFailed",
        "FetchFailed",
        "ArtifactOutdated",
        "ArtifactInStorage",
        "SourceVerified",
        "Stalled",
        "Reconciling",
    ],
    negative: &["StorageOperationFailed", "FetchFailed", "ArtifactOutdated", "Stalled", "Reconciling"],
};

/// The reconciler of registries of one kind.
pub(super) struct Registries {
    kind: &'static str,
    charts: Charts,
    events: Events,
}

impl Registries {
    /// Of `HelmRepositories`.
    pub(super) fn helm(charts: Charts) -> Self {
        Self { kind: HELM_REPOSITORY, charts, events: Events::new(CONTROLLER) }
    }

    /// Of `OCIRepositories`.
    pub(super) fn oci(charts: Charts) -> Self {
        Self { kind: OCI_REPOSITORY, charts, events: Events::new(CONTROLLER) }
    }

    fn reconcile(&self, env: &Env<'_>, object: &mut Object) -> End {
        if let Some(end) = begin(object) {
            return end;
        }
        announce(object, env);
        missing_artifact(object, env);
        let fields: &[&str] = if self.kind == OCI_REPOSITORY {
            &["verify", "layerSelector", "ignore", "proxySecretRef", "ref.digest"]
        } else {
            &["certSecretRef"]
        };
        if let Some(end) = refuse(object, env, fields) {
            return end;
        }
        let found = if self.kind == OCI_REPOSITORY { self.image(object) } else { self.index() };
        let (new, file) = match found {
            Ok(found) => found,
            Err(failure) => return fetch_failed(object, env, failure),
        };
        let now = env.stamp();
        object.unmark("FetchFailed");
        let stored = if self.kind == OCI_REPOSITORY {
            format!("stored artifact for digest '{new}'")
        } else {
            format!("stored artifact: revision '{new}'")
        };
        if revision(&object.value) != new {
            let message =
                format!("new {} revision '{new}'", if self.kind == OCI_REPOSITORY { "upstream" } else { "index" });
            if !revision(&object.value).is_empty() {
                object.mark("ArtifactOutdated", "True", "NewRevision", &message, &now);
            }
            object.progress(true, &format!("building artifact: {message}"), &now);
            write(object, env);
            let folder = self.kind.split('.').next().unwrap_or_default().to_lowercase();
            let made = artifact(object, &folder, &new, &file, &now);
            object.set_status("url", made["url"].clone());
            object.set_status("artifact", made);
            self.events.record(
                env.server,
                &object.value,
                &Event { reason: "NewArtifact", message: &stored, ..Event::default() },
                &now,
            );
        }
        object.unmark("ArtifactOutdated");
        object.mark("ArtifactInStorage", "True", "Succeeded", &stored, &now);
        End::Success
    }

    /// The index of all charts.
    fn index(&self) -> Result<(String, String), Failure> {
        let names = self.charts.names().map_err(|e| Failure::new("IndexationFailed", e.to_string()))?;
        let sum = digest(json!(names).to_string().as_bytes());
        Ok((sum.clone(), format!("index-{}.yaml", sum.trim_start_matches("sha256:"))))
    }

    /// The chart that an `OCIRepository` names.
    fn image(&self, object: &Object) -> Result<(String, String), Failure> {
        let url = object.spec("/url");
        let name = url.rsplit('/').next().unwrap_or_default();
        let failed =
            |why: String| Failure::new("OCIArtifactPullFailed", format!("failed to determine artifact digest: {why}"));
        let known = self.charts.find(name).map_err(|e| failed(e.to_string()))?;
        let wanted = match (object.spec("/ref/tag"), object.spec("/ref/semver")) {
            ("", semver) => semver,
            (tag, _) => tag,
        };
        let version = known.as_ref().and_then(|chart| chart.version(wanted)).filter(|v| *v != "*");
        let Some(version) = version else {
            let known =
                known.map_or_else(|| format!("there is no scripts/sim/charts/{name}.rhai"), |c| c.versions.join(", "));
            return Err(failed(format!(
                "{url}:{wanted}: MANIFEST_UNKNOWN: manifest unknown (unknown to the simulator: {known})"
            )));
        };
        let sum = digest(format!("{url}:{version}").as_bytes());
        Ok((format!("{version}@{sum}"), format!("{}.tar.gz", sum.trim_start_matches("sha256:"))))
    }
}

impl Reconciler for Registries {
    type Run = ();

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn concerns(&self, _: &Env<'_>, seen: &Seen<'_>) -> Vec<String> {
        let own = seen.kind == self.kind && is_due(seen);
        seen.new.filter(|_| own).map(key).into_iter().collect()
    }

    fn start(&mut self, env: &Env<'_>, namespace: &str, name: &str) -> Step<()> {
        let Ok(value) = env.server.get(self.kind, namespace, name) else { return Step::End(Again::Never) };
        let mut object = Object::new(self.kind, value);
        // A registry of OCI charts is only an address: it has neither artifact nor status.
        if self.kind == HELM_REPOSITORY && object.spec("/type") == "oci" {
            return Step::End(Again::Never);
        }
        let end = self.reconcile(env, &mut object);
        let interval = object.duration("/interval").unwrap_or(Duration::from_mins(1));
        Step::End(finish(&mut object, env, &self.events, &end, &SUMMARY, interval))
    }

    fn resume(&mut self, _: &Env<'_>, (): ()) -> Step<()> {
        Step::End(Again::Never)
    }
}
