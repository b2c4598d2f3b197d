//! Judging a `GitRepository`: has it fetched our commit?

use serde_json::Value;

use super::judgement::{Judgement, condition, full_name, generation, is_current, is_observed, is_suspended, text};
use super::revision::{commit_of, short};

/// Whether a `GitRepository` has handled our reconcile request (`token`) and holds `commit` or a descendant.
///
/// A failed fetch is a reason to wait, never to fail: source-controller recovers by itself about five seconds after
/// the server is back. `Stalled` and `spec.suspend` are final.
pub fn judge_source(source: &Value, token: &str, commit: &str, is_descendant: &dyn Fn(&str) -> bool) -> Judgement {
    let name = full_name(source);
    if is_suspended(source) {
        return Judgement::failed(format!("GitRepository {name} is suspended: it fetches nothing"));
    }
    if let Some(stalled) = condition(source, "Stalled").filter(|c| c.status == "True" && is_current(source, c)) {
        return Judgement::failed(format!("GitRepository {name} is stalled: {}", stalled.text()));
    }
    let ready = condition(source, "Ready");
    if let Some(ready) = ready.filter(|c| c.status == "False") {
        return Judgement::waiting(format!("GitRepository {name}: {}", ready.text()));
    }
    if text(source, "/status/lastHandledReconcileAt") != token {
        return Judgement::waiting(format!("GitRepository {name} to take up the request"));
    }
    if !is_observed(source) {
        return Judgement::waiting(format!("GitRepository {name} to observe generation {}", generation(source)));
    }
    let revision = text(source, "/status/artifact/revision");
    let held = commit_of(revision);
    if held.is_empty() {
        return Judgement::waiting(format!("GitRepository {name} has no artifact yet"));
    }
    if held != commit && !is_descendant(revision) {
        return Judgement::waiting(format!("GitRepository {name} holds {}, not yet our commit", short(revision)));
    }
    match ready {
        Some(c) if c.status == "True" && is_current(source, &c) => Judgement::Ready,
        Some(c) => Judgement::waiting(format!("GitRepository {name}: {}", c.text())),
        None => Judgement::waiting(format!("GitRepository {name} has no status yet")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn source(patch: Value) -> Value {
        let mut object = json!({
            "metadata": {"name": "flux-system", "namespace": "flux-system", "generation": 2},
            "spec": {"suspend": false},
            "status": {
                "observedGeneration": 2, "lastHandledReconcileAt": "t1",
                "artifact": {"revision": "main@sha1:new"},
                "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "observedGeneration": 2}],
            },
        });
        merge(&mut object, patch);
        object
    }

    fn merge(into: &mut Value, patch: Value) {
        match (into, patch) {
            (Value::Object(into), Value::Object(patch)) => {
                for (key, value) in patch {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
            (into, patch) => *into = patch,
        }
    }

    fn judge(patch: Value) -> Judgement {
        judge_source(&source(patch), "t1", "new", &|r| r == "main@sha1:newer")
    }

    #[test]
    fn only_our_commit_or_a_descendant_after_our_request_is_ready() {
        assert_eq!(judge(json!({})), Judgement::Ready);
        assert_eq!(judge(json!({"status": {"artifact": {"revision": "main@sha1:newer"}}})), Judgement::Ready);
        for (patch, part) in [
            (json!({"status": {"artifact": {"revision": "main@sha1:old"}}}), "holds main@old"),
            (json!({"status": {"lastHandledReconcileAt": "t0"}}), "take up the request"),
            (json!({"status": {"artifact": null}}), "no artifact"),
            (json!({"status": {"observedGeneration": -1}}), "observe generation 2"),
        ] {
            assert!(judge(patch.clone()).reason().unwrap().contains(part), "{patch}");
            assert!(matches!(judge(patch), Judgement::Waiting(_)));
        }
    }

    #[test]
    fn a_server_that_is_away_is_waited_for() {
        let away = json!({"status": {"conditions": [
            {"type": "Ready", "status": "False", "reason": "GitOperationFailed", "message": "connection refused"},
        ]}});
        assert_eq!(
            judge(away),
            Judgement::waiting("GitRepository flux-system/flux-system: GitOperationFailed: connection refused")
        );
    }

    #[test]
    fn suspended_and_stalled_are_final() {
        assert!(matches!(judge(json!({"spec": {"suspend": true}})), Judgement::Failed(r) if r.contains("suspended")));
        let stalled = json!({"status": {"conditions": [
            {"type": "Stalled", "status": "True", "reason": "URLInvalid", "observedGeneration": 2},
            {"type": "Ready", "status": "False", "reason": "URLInvalid"},
        ]}});
        assert!(matches!(judge(stalled), Judgement::Failed(r) if r.contains("URLInvalid")));
        let of_before = json!({"status": {"conditions": [
            {"type": "Stalled", "status": "True", "reason": "URLInvalid", "observedGeneration": 1},
        ]}});
        assert!(matches!(judge(of_before), Judgement::Waiting(_)));
    }
}
