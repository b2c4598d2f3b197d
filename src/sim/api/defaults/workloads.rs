//! Defaults of the groups apps and batch.

use serde_json::{Value, json};

use super::fields::{Fields, entry, fill, fill_absent, text};

pub(super) fn deployment(object: &mut Fields) {
    let spec = entry(object, "spec");
    fill_absent(spec, "replicas", json!(1));
    let strategy = entry(spec, "strategy");
    fill(strategy, "type", json!("RollingUpdate"));
    if text(strategy, "type") == "RollingUpdate" {
        let update = entry(strategy, "rollingUpdate");
        fill_absent(update, "maxUnavailable", json!("25%"));
        fill_absent(update, "maxSurge", json!("25%"));
    }
    fill_absent(spec, "revisionHistoryLimit", json!(10));
    fill_absent(spec, "progressDeadlineSeconds", json!(600));
}

pub(super) fn daemon_set(object: &mut Fields) {
    let spec = entry(object, "spec");
    let strategy = entry(spec, "updateStrategy");
    fill(strategy, "type", json!("RollingUpdate"));
    if text(strategy, "type") == "RollingUpdate" {
        let update = entry(strategy, "rollingUpdate");
        fill_absent(update, "maxUnavailable", json!(1));
        fill_absent(update, "maxSurge", json!(0));
    }
    fill_absent(spec, "revisionHistoryLimit", json!(10));
}

pub(super) fn stateful_set(object: &mut Fields) {
    let spec = entry(object, "spec");
    fill(spec, "podManagementPolicy", json!("OrderedReady"));
    let strategy = entry(spec, "updateStrategy");
    if text(strategy, "type").is_empty() {
        strategy.insert("type".into(), json!("RollingUpdate"));
        entry(strategy, "rollingUpdate");
    }
    if text(strategy, "type") == "RollingUpdate" && strategy.get("rollingUpdate").is_some_and(Value::is_object) {
        let update = entry(strategy, "rollingUpdate");
        fill_absent(update, "partition", json!(0));
    }
    let retention = entry(spec, "persistentVolumeClaimRetentionPolicy");
    fill(retention, "whenDeleted", json!("Retain"));
    fill(retention, "whenScaled", json!("Retain"));
    fill_absent(spec, "replicas", json!(1));
    fill_absent(spec, "revisionHistoryLimit", json!(10));
    // The type of the claims in it is known to everybody.
    for claim in spec
        .get_mut("volumeClaimTemplates")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        fill(claim, "apiVersion", json!("v1"));
        fill(claim, "kind", json!("PersistentVolumeClaim"));
    }
}

pub(super) fn job(object: &mut Fields) {
    let spec = entry(object, "spec");
    let absent = |spec: &Fields, name: &str| spec.get(name).is_none_or(Value::is_null);
    if absent(spec, "completions") && absent(spec, "parallelism") {
        spec.insert("completions".into(), json!(1));
    }
    fill_absent(spec, "parallelism", json!(1));
    let limit = if absent(spec, "backoffLimitPerIndex") { 6 } else { i32::MAX };
    fill_absent(spec, "backoffLimit", json!(limit));
    fill_absent(spec, "completionMode", json!("NonIndexed"));
    fill_absent(spec, "suspend", json!(false));
    let replacement = if absent(spec, "podFailurePolicy") { "TerminatingOrFailed" } else { "Failed" };
    fill_absent(spec, "podReplacementPolicy", json!(replacement));
    fill_absent(spec, "manualSelector", json!(false));
    let labels = spec.get("template").map(|t| t["metadata"]["labels"].clone()).unwrap_or_default();
    let metadata = entry(object, "metadata");
    let bare = metadata.get("labels").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty);
    if bare && labels.is_object() {
        metadata.insert("labels".into(), labels);
    }
}

pub(super) fn cron_job(object: &mut Fields) {
    let spec = entry(object, "spec");
    fill(spec, "concurrencyPolicy", json!("Allow"));
    fill_absent(spec, "suspend", json!(false));
    fill_absent(spec, "successfulJobsHistoryLimit", json!(3));
    fill_absent(spec, "failedJobsHistoryLimit", json!(1));
}
