//! What comes of a failure of Helm: retries, remediation, and what the history still holds.

use std::time::Duration;

use serde_json::{Value, json};

use super::helm_run::Action;
use super::helm_storage::Stored;
use super::object::Object;

/// How failures of installs or upgrades are mended.
pub(super) struct Remediation {
    pub(super) upgrade: bool,
    pub(super) retries: i64,
    pub(super) last_too: bool,
    pub(super) uninstalls: bool,
}

impl Remediation {
    pub(super) fn of(hr: &Object, upgrade: bool) -> Self {
        let spec = &hr.value["spec"][if upgrade { "upgrade" } else { "install" }]["remediation"];
        let retries = spec["retries"].as_i64().unwrap_or_default();
        let last_too = spec["remediateLastFailure"].as_bool().unwrap_or(upgrade && retries > 0);
        Self { upgrade, retries, last_too, uninstalls: !upgrade || spec["strategy"] == "uninstall" }
    }

    /// Of the action that was tried last.
    pub(super) fn active(hr: &Object) -> Option<Self> {
        match hr.status("/lastAttemptedReleaseAction") {
            "install" => Some(Self::of(hr, false)),
            "upgrade" => Some(Self::of(hr, true)),
            _ => None,
        }
    }

    pub(super) fn failures(&self, hr: &Object) -> i64 {
        let field = if self.upgrade { "upgradeFailures" } else { "installFailures" };
        hr.value["status"][field].as_i64().unwrap_or_default()
    }

    pub(super) fn exhausted(&self, hr: &Object) -> bool {
        self.retries >= 0 && self.failures(hr) > self.retries
    }
}

/// After how long the last action is tried again, where its strategy is to retry.
pub(super) fn retry(hr: &Object) -> Option<Duration> {
    let action = hr.status("/lastAttemptedReleaseAction");
    if hr.spec(&format!("/{action}/strategy/name")) != "RetryOnFailure" {
        return None;
    }
    Some(hr.duration(&format!("/{action}/strategy/retryInterval")).unwrap_or(Duration::from_mins(5)))
}

pub(super) fn exhausted(hr: &Object) -> String {
    let failures = Remediation::active(hr).map_or(0, |rules| rules.failures(hr));
    format!("Failed to {} after {failures} attempt(s)", hr.status("/lastAttemptedReleaseAction"))
}

pub(super) fn timeout(hr: &Object, action: Action) -> Duration {
    let own = hr.duration(&format!("/{}/timeout", action.name()));
    own.or_else(|| hr.duration("/timeout")).unwrap_or(Duration::from_mins(5))
}

pub(super) fn most(hr: &Object) -> usize {
    match hr.value["spec"]["maxHistory"].as_u64() {
        Some(0) => usize::MAX,
        Some(most) => usize::try_from(most).unwrap_or(usize::MAX),
        None => 5,
    }
}

pub(super) fn history(hr: &Object) -> Vec<Value> {
    hr.value["status"]["history"].as_array().cloned().unwrap_or_default()
}

/// The newest revision before the latest that was deployed.
pub(super) fn previous(hr: &Object) -> Option<Value> {
    history(hr).into_iter().skip(1).find(|e| e["status"] == "deployed" || e["status"] == "superseded")
}

/// The revision that was rolled back to, as `namespace/name.v1`.
pub(super) fn previous_of(hr: &Object, stored: &Stored) -> String {
    let mut candidates = history(hr).into_iter().skip(2);
    let target = candidates.find(|e| e["status"] == "deployed" || e["status"] == "superseded");
    let version = target.and_then(|t| t["version"].as_i64()).unwrap_or_default();
    format!("{}/{}.v{version}", stored.namespace, stored.name)
}

/// Forgets what lies before the previous deployed revision.
pub(super) fn truncate(hr: &mut Object) {
    let mut list = history(hr);
    let at = list.iter().skip(1).position(|e| e["status"] == "deployed" || e["status"] == "superseded");
    list.truncate(at.map_or(5, |at| at + 2));
    hr.set_status("history", Value::Array(list));
}

pub(super) fn add(hr: &mut Object, field: &str) {
    let count = hr.value["status"][field].as_i64().unwrap_or_default() + 1;
    hr.set_status(field, json!(count));
}

/// `Ready` from what was released and remediated: the newer generation wins, then the remediation.
pub(super) fn summarize(hr: &mut Object, now: &str) {
    let (released, remediated) = (hr.condition("Released"), hr.condition("Remediated"));
    let top = match (released, remediated) {
        (Some(released), Some(remediated)) if remediated.generation >= released.generation => remediated,
        (Some(released), _) => released,
        (None, Some(remediated)) => remediated,
        (None, None) => return,
    };
    let status = if top.kind == "Remediated" { "False" } else { &top.status };
    if status == "True" {
        hr.unmark("Stalled");
    }
    hr.mark("Ready", status, &top.reason, &top.message, now);
}
