//! What a Kustomization's status tells of its reconciliations: how far one is, what it owns, what became of earlier ones.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::duration;
use super::id::Id;
use super::object::Object;
use super::runner::Env;

const HISTORY: usize = 5;

/// A reconciliation that is over.
pub(super) struct Done<'a> {
    pub(super) began: Timestamp,
    /// Of the objects that were built.
    pub(super) digest: &'a str,
    pub(super) revision: &'a str,
}

/// How long a health check may take.
pub(super) fn timeout(ks: &Object) -> Duration {
    const LEAST: Duration = Duration::from_secs(30);
    let by_interval = ks.duration("/interval").unwrap_or_default().saturating_sub(LEAST);
    ks.duration("/timeout").unwrap_or(by_interval).max(LEAST)
}

/// Says what is being done.
pub(super) fn progress(ks: &mut Object, env: &Env<'_>, what: &str, revision: &str) {
    let message = format!("{what} for revision {revision} with a timeout of {}", duration::text(timeout(ks)));
    ks.mark_reconciling("Progressing", &message, &env.stamp());
}

/// What it owns.
pub(super) fn inventory(ks: &Value) -> Vec<Id> {
    let entries = ks.pointer("/status/inventory/entries").and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(Id::of_entry).collect()
}

/// Notes the outcome in `status.history`: one entry for the same objects with the same outcome, the latest first.
pub(super) fn remember(ks: &mut Object, env: &Env<'_>, done: &Done<'_>, status: &str) {
    let now = env.stamp();
    let took = duration::text(env.now.duration_since(done.began).unsigned_abs().max(Duration::from_millis(1)));
    let mut entries = ks.value["status"]["history"].as_array().cloned().unwrap_or_default();
    let same = entries.iter().position(|e| e["digest"] == done.digest && e["lastReconciledStatus"] == status);
    let known = same.map(|at| entries.remove(at));
    let first = known.as_ref().map_or_else(|| json!(now), |e| e["firstReconciled"].clone());
    let total = known.as_ref().and_then(|e| e["totalReconciliations"].as_i64()).unwrap_or_default() + 1;
    entries.insert(
        0,
        json!({
            "digest": done.digest,
            "firstReconciled": first,
            "lastReconciled": now,
            "lastReconciledDuration": took,
            "lastReconciledStatus": status,
            "metadata": {"revision": done.revision},
            "totalReconciliations": total,
        }),
    );
    entries.truncate(HISTORY);
    ks.set_status("history", Value::Array(entries));
}
