//! What the reconcilers of all sources share: how a reconciliation begins, and what its end makes of the conditions.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::condition;
use super::events::{Event, Events};
use super::object::Object;
use super::runner::{Again, Env, Seen};

/// Finalizer of all Flux objects.
pub(super) const FINALIZER: &str = "finalizers.fluxcd.io";
/// The source controller's name.
pub(super) const CONTROLLER: &str = "source-controller";

/// Kinds of sources, by name.
pub(super) const GIT_REPOSITORY: &str = "GitRepository.source.toolkit.fluxcd.io";
pub(super) const HELM_REPOSITORY: &str = "HelmRepository.source.toolkit.fluxcd.io";
pub(super) const OCI_REPOSITORY: &str = "OCIRepository.source.toolkit.fluxcd.io";
pub(super) const HELM_CHART: &str = "HelmChart.source.toolkit.fluxcd.io";

/// How a reconciliation of a source ends.
#[derive(Debug)]
pub(super) enum End {
    /// All is as it should be.
    Success,
    /// All was so already.
    Unchanged(String),
    /// Once more, at once.
    Requeue,
    /// Suspended, or being deleted.
    Nothing,
    /// An error that may pass.
    Failed(Failure),
    /// An error that only a change of the spec mends.
    Stalled(Failure),
}

/// Why it failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// Which conditions make `Ready`, in their order; and which of them are bad when true.
pub(super) struct Summary {
    pub(super) order: &'static [&'static str],
    pub(super) negative: &'static [&'static str],
}

/// Begins: deletion, finalizer, suspension. `None`: there is something to do.
pub(super) fn begin(object: &mut Object) -> Option<End> {
    if crate::sim::api::object::is_deleting(&object.value) {
        object.remove_finalizer(FINALIZER);
        object.set_status("artifact", Value::Null);
        return Some(End::Nothing);
    }
    if object.add_finalizer(FINALIZER) {
        return Some(End::Requeue);
    }
    object.is("/suspend").then_some(End::Nothing)
}

/// Says that it is being worked on, and writes that where the spec is new or a token asks for it.
pub(super) fn announce(object: &mut Object, env: &Env<'_>) {
    let now = env.stamp();
    object.progress(false, "reconciliation in progress", &now);
    if object.generation() != object.observed() {
        let message = format!("processing object: new generation {} -> {}", object.observed(), object.generation());
        object.progress(false, &message, &now);
        write(object, env);
    } else if object.token().unwrap_or_default() != object.status("/lastHandledReconcileAt") {
        write(object, env);
    }
}

/// Says that there is no artifact yet.
pub(super) fn missing_artifact(object: &mut Object, env: &Env<'_>) {
    if object.value.pointer("/status/artifact").is_none_or(Value::is_null) {
        object.progress(true, "building artifact", &env.stamp());
        object.unmark("ArtifactInStorage");
        write(object, env);
    }
}

/// Writes a source; whether it can't be written is known to whoever reads it next.
pub(super) fn write(object: &mut Object, env: &Env<'_>) {
    let _ = object.write(env.server, CONTROLLER);
}

/// Ends: the conditions follow from the result, `Ready` from the conditions.
pub(super) fn finish(
    object: &mut Object,
    env: &Env<'_>,
    events: &Events,
    end: &End,
    summary: &Summary,
    interval: Duration,
) -> Again {
    let now = env.stamp();
    match end {
        End::Failed(failure) | End::Stalled(failure) => {
            let event = Event { warning: true, reason: failure.reason, message: &failure.message, ..Event::default() };
            events.record(env.server, &object.value, &event, &now);
        }
        End::Unchanged(message) => {
            let event = Event { reason: "GitOperationSucceeded", message, ..Event::default() };
            events.record(env.server, &object.value, &event, &now);
        }
        _ => {}
    }
    if let Some(token) = object.token() {
        object.set_status("lastHandledReconcileAt", json!(token));
    }
    if matches!(end, End::Success) {
        object.unmark("Reconciling");
    }
    if let Some(reconciling) = object.condition("Reconciling") {
        object.mark("Reconciling", &reconciling.status, "ProgressingWithRetry", &reconciling.message, &now);
    }
    let mut observed = false;
    match end {
        End::Stalled(failure) => {
            object.mark_stalled(failure.reason, &failure.message, &now);
            observed = true;
        }
        End::Failed(_) | End::Requeue => object.unmark("Stalled"),
        End::Unchanged(_) => {
            object.unmark("Stalled");
            object.unmark("Reconciling");
            observed = true;
        }
        End::Success | End::Nothing => {
            object.unmark("Stalled");
            observed = true;
        }
    }
    if let Some(ready) = condition::summary(&object.conditions(), summary.order, summary.negative) {
        object.mark("Ready", &ready.status, &ready.reason, &ready.message, &now);
    }
    if observed {
        object.set_status("observedGeneration", json!(object.generation()));
    }
    write(object, env);
    match end {
        End::Success | End::Unchanged(_) => Again::Interval(interval),
        End::Requeue => Again::Now,
        End::Nothing | End::Stalled(_) => Again::Never,
        End::Failed(_) => Again::Backoff,
    }
}

/// Marks that fetching failed, and ends so.
pub(super) fn fetch_failed(object: &mut Object, env: &Env<'_>, failure: Failure) -> End {
    object.mark("FetchFailed", "True", failure.reason, &failure.message, &env.stamp());
    End::Failed(failure)
}

/// An artifact's entry in the status.
pub(super) fn artifact(object: &Object, kind: &str, revision: &str, file: &str, now: &str) -> Value {
    let path = format!("{kind}/{}/{}/{file}", object.namespace(), object.name());
    json!({
        "digest": digest(format!("{path} {revision}").as_bytes()),
        "lastUpdateTime": now,
        "path": path,
        "revision": revision,
        "size": 4096 + i64::try_from(revision.len()).unwrap_or_default(),
        "url": format!("http://source-controller.flux-system.svc.cluster.local./{path}"),
    })
}

/// `sha256:…`.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// The revision of an object's artifact; empty while it has none.
pub(super) fn revision(object: &Value) -> &str {
    object.pointer("/status/artifact/revision").and_then(Value::as_str).unwrap_or_default()
}

/// Whether a change of a source brought a new artifact.
pub(super) fn brought_artifact(seen: &Seen<'_>) -> bool {
    let (Some(old), Some(new)) = (seen.old, seen.new) else { return false };
    !revision(new).is_empty() && revision(old) != revision(new)
}

/// The fields of a spec that the simulator doesn't play, as `spec.verify, spec.include`; `None` when there are none.
pub(super) fn unsupported(object: &Object, fields: &[&str]) -> Option<String> {
    let found: Vec<String> = fields
        .iter()
        .filter(|field| {
            let value = object.value["spec"].pointer(&format!("/{}", field.replace('.', "/")));
            value.is_some_and(|v| {
                !v.is_null() && v != &Value::Bool(false) && v.as_array().is_none_or(|list| !list.is_empty())
            })
        })
        .map(|field| format!("spec.{field}"))
        .collect();
    (!found.is_empty()).then(|| found.join(", "))
}

/// What a source that asks for more than is played ends with.
pub(super) fn refuse(object: &mut Object, env: &Env<'_>, fields: &[&str]) -> Option<End> {
    let found = unsupported(object, fields)?;
    let failure = Failure::new("NotSimulated", format!("unknown to the simulator: {found}"));
    object.mark("FetchFailed", "True", failure.reason, &failure.message, &env.stamp());
    Some(End::Stalled(failure))
}
