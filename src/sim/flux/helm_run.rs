//! A reconciliation of a `HelmRelease`: what it is about, how far it is, and what it writes.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::events::{Event, Events};
use super::health::Wait;
use super::helm_action::Loaded;
use super::helm_storage::Stored;
use super::object::Object;
use super::options::Options;
use super::runner::Env;
use super::server::is_absent;
use super::source::{HELM_CHART, digest};

/// The kind, by name.
pub(super) const HELM_RELEASE: &str = "HelmRelease.helm.toolkit.fluxcd.io";
pub(super) const CONTROLLER: &str = "helm-controller";

/// The reconciler of `HelmReleases`.
pub(super) struct HelmReleases {
    pub(super) options: Arc<Options>,
    pub(super) events: Events,
}

/// A reconciliation that has begun.
pub(super) struct Run {
    pub(super) hr: Object,
    pub(super) chart: Loaded,
    pub(super) values: Value,
    /// Types of the actions that were run already.
    pub(super) previous: Vec<Kind>,
    pub(super) forced: bool,
    pub(super) doing: Option<Doing>,
}

/// What an action is: it makes the release, or mends what another one has broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Release,
    Remediate,
    Drift,
}

/// An action of Helm, or near it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Install,
    Upgrade,
    Rollback,
    Uninstall,
    CorrectDrift,
}

impl Action {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
            Self::Uninstall => "uninstall",
            Self::CorrectDrift => "correct cluster drift",
        }
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Install | Self::Upgrade => Kind::Release,
            Self::Rollback | Self::Uninstall => Kind::Remediate,
            Self::CorrectDrift => Kind::Drift,
        }
    }
}

/// An action that waits for the release's objects.
pub(super) struct Doing {
    pub(super) action: Action,
    pub(super) stored: Stored,
    pub(super) wait: Wait,
    pub(super) began: Timestamp,
}

impl HelmReleases {
    /// With these options.
    pub(super) fn new(options: Arc<Options>) -> Self {
        Self { options, events: Events::new(CONTROLLER) }
    }

    pub(super) fn delete_chart(&self, env: &Env<'_>, hr: &mut Object) -> Result<(), String> {
        let known = hr.status("/helmChart").to_owned();
        let Some((namespace, name)) = known.split_once('/') else { return Ok(()) };
        match env.server.delete(HELM_CHART, namespace, name) {
            Ok(()) => self.tell(env, hr, false, "HelmChartDeleted", &format!("deleted HelmChart '{known}'")),
            Err(status) if is_absent(&status) => {}
            Err(status) => return Err(format!("failed to delete HelmChart '{known}': {}", status.message())),
        }
        hr.set_status("helmChart", Value::Null);
        Ok(())
    }

    pub(super) fn write(&self, env: &Env<'_>, hr: &mut Object) {
        let _ = hr.write(env.server, CONTROLLER);
    }

    /// The last write of a reconciliation.
    pub(super) fn end(&self, env: &Env<'_>, hr: &mut Object, observed: bool) {
        if let Some(token) = hr.token() {
            hr.set_status("lastHandledReconcileAt", json!(token));
        }
        if observed {
            hr.set_status("observedGeneration", json!(hr.generation()));
        }
        self.write(env, hr);
    }

    pub(super) fn tell(&self, env: &Env<'_>, hr: &Object, warning: bool, reason: &str, message: &str) {
        let event = Event { warning, reason, message, ..Event::default() };
        self.events.record(env.server, &hr.value, &event, &env.stamp());
    }
}

pub(super) fn clear_failures(hr: &mut Object) {
    for field in ["failures", "installFailures", "upgradeFailures"] {
        hr.set_status(field, Value::Null);
    }
}

pub(super) fn storage_namespace(hr: &Object) -> String {
    let named = hr.spec("/storageNamespace");
    if named.is_empty() { hr.namespace() } else { named }.to_owned()
}

/// The name of the release, shortened as Helm needs it.
pub(super) fn release_name(hr: &Object) -> String {
    const LONGEST: usize = 53;
    let name = match (hr.spec("/releaseName"), hr.spec("/targetNamespace")) {
        ("", "") => hr.name().to_owned(),
        ("", target) => format!("{target}-{}", hr.name()),
        (name, _) => name.to_owned(),
    };
    if name.len() <= LONGEST {
        return name;
    }
    let hash = digest(name.as_bytes());
    let hash = hash.trim_start_matches("sha256:");
    format!("{}-{}", name.get(..LONGEST - 13).unwrap_or(&name), hash.get(..12).unwrap_or(hash))
}

/// The namespace of the release.
pub(super) fn release_namespace(hr: &Object) -> String {
    let target = hr.spec("/targetNamespace");
    if target.is_empty() { hr.namespace() } else { target }.to_owned()
}
