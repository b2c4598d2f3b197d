//! Judging a Flux Kustomization. It lies in several ways while revisions move; each rule says which lie it sees
//! through. Status fields as in kustomize-controller 1.9.

use serde_json::Value;

use super::judgement::{
    Condition, Judgement, condition, full_name, generation, is_current, is_observed, is_suspended, one_line, text,
};
use super::revision::{mentioned, short, shortened};

/// Reasons of `Ready=False` that come and go by themselves: on every push, or while a source is not there yet.
const TRANSIENT: [&str; 4] = ["DependencyNotReady", "ArtifactFailed", "HealthCheckCanceled", "DirectoryCreationFailed"];

/// Whether a Kustomization is ready at our revision.
///
/// `token` is the reconcile request that it has to have handled, when one was made. `is_ours` tells whether a revision
/// is our commit or a descendant. A child must not be judged before [`has_applied`] holds for its parent: until then it
/// may be ready, or fail, at our revision with its old spec.
pub fn judge_kustomization(ks: &Value, token: Option<&str>, is_ours: &dyn Fn(&str) -> bool) -> Judgement {
    let name = full_name(ks);
    if !text(ks, "/metadata/deletionTimestamp").is_empty() {
        return Judgement::waiting(format!("Kustomization {name} is being deleted"));
    }
    // A suspended one takes the token, observes its generation and keeps a frozen Ready=True.
    if is_suspended(ks) {
        return Judgement::failed(format!("Kustomization {name} is suspended: it applies nothing"));
    }
    let Some(ready) = condition(ks, "Ready") else {
        return Judgement::waiting(format!("Kustomization {name} to be looked at for the first time"));
    };
    if let Some(stalled) = condition(ks, "Stalled").filter(|c| c.status == "True" && is_current(ks, c)) {
        return Judgement::failed(format!("Kustomization {name} is stalled: {}", stalled.text()));
    }
    let reconciling = condition(ks, "Reconciling").filter(|c| c.status == "True");
    // Anything written for an older generation says nothing about the spec that holds now.
    if !is_current(ks, &ready) {
        return blocked(&name, reconciling.as_ref(), is_ours).unwrap_or_else(|| {
            Judgement::waiting(format!("Kustomization {name} to take up generation {}", generation(ks)))
        });
    }
    if ready.status == "False" {
        return judge_not_ready(ks, &name, &ready, reconciling.as_ref(), is_ours);
    }
    if let Some(reconciling) = &reconciling {
        return blocked(&name, Some(reconciling), is_ours).unwrap_or_else(|| {
            Judgement::waiting(format!("Kustomization {name}: {}", shortened(reconciling.message)))
        });
    }
    if ready.status != "True" {
        return Judgement::waiting(format!("Kustomization {name}: {}", one_line(ready.message)));
    }
    let applied = text(ks, "/status/lastAppliedRevision");
    if applied.is_empty() || !is_ours(applied) {
        let still = if applied.is_empty() {
            "has applied nothing yet".into()
        } else {
            format!("is still at {}", short(applied))
        };
        return Judgement::waiting(format!("Kustomization {name} {still}"));
    }
    if !is_observed(ks) {
        return Judgement::waiting(format!("Kustomization {name} to observe generation {}", generation(ks)));
    }
    if token.is_some_and(|token| text(ks, "/status/lastHandledReconcileAt") != token) {
        return Judgement::waiting(format!("Kustomization {name} to take up the request"));
    }
    Judgement::Ready
}

fn judge_not_ready(
    ks: &Value,
    name: &str,
    ready: &Condition<'_>,
    reconciling: Option<&Condition<'_>>,
    is_ours: &dyn Fn(&str) -> bool,
) -> Judgement {
    let said = format!("Kustomization {name}: {}", ready.text());
    // A missing path doesn't move lastAttemptedRevision; only the progress message tells which revision lacks it.
    if ready.message.contains("path not found") {
        let tried = reconciling.and_then(|c| mentioned(c.message));
        return if tried.is_some_and(is_ours) { Judgement::Failed(said) } else { Judgement::Waiting(said) };
    }
    if TRANSIENT.contains(&ready.reason) {
        return Judgement::Waiting(said);
    }
    let attempted = text(ks, "/status/lastAttemptedRevision");
    if !attempted.is_empty() && is_ours(attempted) {
        return Judgement::Failed(said);
    }
    Judgement::waiting(format!("Kustomization {name} still shows the failure of an older revision ({})", ready.reason))
}

/// A running health check of another revision holds everything up until it ends.
fn blocked(name: &str, reconciling: Option<&Condition<'_>>, is_ours: &dyn Fn(&str) -> bool) -> Option<Judgement> {
    let message = one_line(reconciling?.message);
    let revision = mentioned(&message)?;
    if is_ours(revision) || !message.starts_with("Running health checks") {
        return None;
    }
    let timeout = message.rsplit(' ').next().unwrap_or_default();
    Some(Judgement::waiting(format!(
        "Kustomization {name} is held by the health check of {} (its timeout: {timeout})",
        short(revision)
    )))
}

/// Whether a Kustomization has applied our revision with its present spec, even if its health check still runs or
/// failed: only then do its children carry the spec that belongs to that revision.
pub fn has_applied(ks: &Value, is_ours: &dyn Fn(&str) -> bool) -> bool {
    if is_suspended(ks) {
        return false;
    }
    if is_checking_health(ks, is_ours) {
        return true;
    }
    let checked = condition(ks, "Ready").filter(|c| c.reason == "HealthCheckFailed" && is_current(ks, c));
    if checked.is_some() && is_ours(text(ks, "/status/lastAttemptedRevision")) {
        return true;
    }
    is_ours(text(ks, "/status/lastAppliedRevision")) && is_observed(ks)
}

/// Whether it has applied our revision and looks at its objects' health now.
pub(crate) fn is_checking_health(ks: &Value, is_ours: &dyn Fn(&str) -> bool) -> bool {
    condition(ks, "Reconciling").is_some_and(|c| {
        c.status == "True"
            && c.message.starts_with("Running health checks")
            && is_current(ks, &c)
            && mentioned(c.message).is_some_and(is_ours)
    })
}

/// The dependency that a `DependencyNotReady` names, as `namespace/name`.
pub(crate) fn dependency(object: &Value) -> Option<&str> {
    let ready = condition(object, "Ready").filter(|c| c.reason == "DependencyNotReady")?;
    let (_, rest) = ready.message.split_once("dependency '")?;
    rest.split_once('\'').map(|(name, _)| name)
}

#[cfg(test)]
#[path = "kustomization_tests.rs"]
mod tests;
