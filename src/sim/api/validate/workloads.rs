//! Deployments, stateful sets, daemon sets, replica sets.

use serde_json::{Value, json};

use super::path::{Faults, Path, each, text};
use super::{claim, meta, names, pod};

/// A workload of the group apps; `old` on update.
pub(super) fn workload(kind: &str, new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let (spec, path) = (&new["spec"], Path::new("spec"));
    match kind {
        "Deployment" => deployment(spec, &path, faults),
        "ReplicaSet" => {
            replicas(spec, &path, faults);
            selector(spec, "replicaset", &path, faults);
            own_template(spec, &path, faults);
            restart(spec, &path, "ReplicaSet", faults);
        }
        "DaemonSet" => daemon_set(spec, &path, faults),
        _ => stateful_set(spec, old.is_some(), &path, faults),
    }
    let Some(old) = old else { return };
    if kind == "StatefulSet" {
        frozen(spec, &old["spec"], &path, faults);
    } else {
        faults.immutable(&path.child("selector"), &spec["selector"], &old["spec"]["selector"]);
    }
}

fn replicas(spec: &Value, path: &Path, faults: &mut Faults) {
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit"] {
        faults.nonnegative(&path.child(field), &spec[field]);
    }
}

fn selector(spec: &Value, kind: &str, path: &Path, faults: &mut Faults) {
    let (selector, at) = (&spec["selector"], path.child("selector"));
    if selector.is_null() {
        faults.required(&at, "");
    } else {
        meta::selector(selector, &at, faults);
    }
    if !selector.is_null() && meta::is_empty_selector(selector) {
        faults.invalid(&at, selector, &format!("empty selector is invalid for {kind}"));
    } else if !meta::is_selector(selector) {
        match kind {
            "daemonset" => {}
            "statefulset" => faults.invalid(&at, selector, ""),
            _ => faults.invalid(&at, selector, "invalid label selector"),
        }
    } else if selector.is_null() || !meta::selects(selector, &spec["template"]["metadata"]["labels"]) {
        let path = path.child("template").child("metadata").child("labels");
        let labels = &spec["template"]["metadata"]["labels"];
        faults.invalid(&path, labels, "`selector` does not match template `labels`");
    }
}

/// Not looked at under a selector that is none.
fn own_template(spec: &Value, path: &Path, faults: &mut Faults) {
    if !meta::is_selector(&spec["selector"]) {
        return;
    }
    pod::template(&spec["template"], &path.child("template"), faults);
}

/// Pods of these run for ever.
fn restart(spec: &Value, path: &Path, kind: &str, faults: &mut Faults) {
    let (of, path) = (&spec["template"]["spec"], path.child("template").child("spec"));
    if of["restartPolicy"] != "Always" {
        faults.unsupported(&path.child("restartPolicy"), &of["restartPolicy"], &["Always"]);
    }
    if !of["activeDeadlineSeconds"].is_null() {
        faults.forbidden(
            &path.child("activeDeadlineSeconds"),
            &format!("activeDeadlineSeconds in {kind} is not Supported"),
        );
    }
}

/// A number or percentage; `None` if it is neither.
fn share(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.strip_suffix('%')?.parse().ok())
}

/// A number that is not negative, or a percentage.
pub(super) fn int_or_percent(value: &Value, path: &Path, faults: &mut Faults) {
    match value {
        Value::String(text) if share(value).is_none() => {
            let detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
            faults.invalid_text(path, text, detail);
        }
        _ => faults.nonnegative(path, value),
    }
}

/// A percentage that is at most all.
pub(super) fn at_most_all(value: &Value, path: &Path, faults: &mut Faults) {
    if value.is_string() && share(value).is_some_and(|percent| percent > 100) {
        faults.invalid(path, value, "must not be greater than 100%");
    }
}

fn deployment(spec: &Value, path: &Path, faults: &mut Faults) {
    faults.nonnegative(&path.child("replicas"), &spec["replicas"]);
    selector(spec, "deployment", path, faults);
    own_template(spec, path, faults);
    restart(spec, path, "ReplicaSet", faults);
    let (strategy, at) = (&spec["strategy"], path.child("strategy"));
    let update = &strategy["rollingUpdate"];
    match text(strategy, "type") {
        "Recreate" => {
            if !update.is_null() {
                faults.forbidden(&at.child("rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'");
            }
        }
        "RollingUpdate" => {
            let at = at.child("rollingUpdate");
            for field in ["maxUnavailable", "maxSurge"] {
                int_or_percent(&update[field], &at.child(field), faults);
            }
            if share(&update["maxUnavailable"]) == Some(0) && share(&update["maxSurge"]) == Some(0) {
                faults.invalid(
                    &at.child("maxUnavailable"),
                    &update["maxUnavailable"],
                    "may not be 0 when `maxSurge` is 0",
                );
            }
            at_most_all(&update["maxUnavailable"], &at.child("maxUnavailable"), faults);
        }
        other => {
            let shown = json!({"Type": other, "RollingUpdate": update});
            faults.unsupported(&at, &shown, &["Recreate", "RollingUpdate"]);
        }
    }
    faults.nonnegative(&path.child("minReadySeconds"), &spec["minReadySeconds"]);
    faults.nonnegative(&path.child("revisionHistoryLimit"), &spec["revisionHistoryLimit"]);
    let deadline = &spec["progressDeadlineSeconds"];
    faults.nonnegative(&path.child("progressDeadlineSeconds"), deadline);
    if deadline.as_i64().is_some_and(|deadline| deadline <= spec["minReadySeconds"].as_i64().unwrap_or_default()) {
        faults.invalid(&path.child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds");
    }
}

fn daemon_set(spec: &Value, path: &Path, faults: &mut Faults) {
    selector(spec, "daemonset", path, faults);
    own_template(spec, path, faults);
    restart(spec, path, "DaemonSet", faults);
    faults.nonnegative(&path.child("minReadySeconds"), &spec["minReadySeconds"]);
    let (strategy, at) = (&spec["updateStrategy"], path.child("updateStrategy"));
    match text(strategy, "type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            let (update, at) = (&strategy["rollingUpdate"], at.child("rollingUpdate"));
            for field in ["maxUnavailable", "maxSurge"] {
                int_or_percent(&update[field], &at.child(field), faults);
                at_most_all(&update[field], &at.child(field), faults);
            }
            match (share(&update["maxUnavailable"]) != Some(0), share(&update["maxSurge"]) != Some(0)) {
                (true, true) => faults.invalid(
                    &at.child("maxSurge"),
                    &update["maxSurge"],
                    "may not be set when maxUnavailable is non-zero",
                ),
                (false, false) => faults.required(&at.child("maxUnavailable"), "cannot be 0 when maxSurge is 0"),
                _ => {}
            }
        }
        _ => faults.unsupported(
            &at,
            &json!({"Type": strategy["type"], "RollingUpdate": null}),
            &["RollingUpdate", "OnDelete"],
        ),
    }
    faults.nonnegative(&path.child("revisionHistoryLimit"), &spec["revisionHistoryLimit"]);
}

fn stateful_set(spec: &Value, update: bool, path: &Path, faults: &mut Faults) {
    if !["OrderedReady", "Parallel"].contains(&text(spec, "podManagementPolicy")) {
        faults.invalid(
            &path.child("podManagementPolicy"),
            &spec["podManagementPolicy"],
            "must be 'OrderedReady' or 'Parallel'",
        );
    }
    let (strategy, at) = (&spec["updateStrategy"], path.child("updateStrategy"));
    match text(strategy, "type") {
        "OnDelete" => {
            if !strategy["rollingUpdate"].is_null() {
                let shown = json!({"Partition": strategy["rollingUpdate"]["partition"].as_i64().unwrap_or_default(), "MaxUnavailable": strategy["rollingUpdate"]["maxUnavailable"]});
                faults.invalid(&at.child("rollingUpdate"), &shown, "only allowed for updateStrategy 'RollingUpdate'");
            }
        }
        "RollingUpdate" => {
            let (rolling, at) = (&strategy["rollingUpdate"], at.child("rollingUpdate"));
            faults.nonnegative(&at.child("partition"), &rolling["partition"]);
            if !rolling["maxUnavailable"].is_null() {
                int_or_percent(&rolling["maxUnavailable"], &at.child("maxUnavailable"), faults);
                if share(&rolling["maxUnavailable"]) == Some(0) {
                    faults.invalid(&at.child("maxUnavailable"), &rolling["maxUnavailable"], "cannot be 0");
                }
                at_most_all(&rolling["maxUnavailable"], &at.child("maxUnavailable"), faults);
            }
        }
        other => {
            faults.invalid(
                &at,
                &json!({"Type": other, "RollingUpdate": null}),
                "must be 'RollingUpdate' or 'OnDelete'",
            );
        }
    }
    let retention = path.child("persistentVolumeClaimRetentionPolicy");
    for field in ["whenDeleted", "whenScaled"] {
        let value = &spec["persistentVolumeClaimRetentionPolicy"][field];
        if !["Retain", "Delete"].contains(&value.as_str().unwrap_or_default()) {
            faults.unsupported(&retention.child(field), value, &["Retain", "Delete"]);
        }
    }
    if !update {
        for (template, path) in each(&spec["volumeClaimTemplates"], &path.child("volumeClaimTemplates")) {
            claim::spec(&template["spec"], &path.child("spec"), faults);
        }
        let service = text(spec, "serviceName");
        if !service.is_empty() {
            faults.each(&path.child("serviceName"), service, names::dns_label(service));
        }
    }
    replicas(spec, path, faults);
    selector(spec, "statefulset", path, faults);
    // Claims of its templates are volumes of its pods.
    let mut with_claims = spec.clone();
    let claims: Vec<Value> = spec["volumeClaimTemplates"].as_array().into_iter().flatten()
        .map(|claim| json!({"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}})).collect();
    if !claims.is_empty() {
        let others = spec["template"]["spec"]["volumes"].as_array().into_iter().flatten();
        let others: Vec<Value> = others.filter(|v| !claims.iter().any(|c| c["name"] == v["name"])).cloned().collect();
        with_claims["template"]["spec"]["volumes"] = claims.into_iter().chain(others).collect();
    }
    own_template(&with_claims, path, faults);
    restart(spec, path, "StatefulSet", faults);
}

fn frozen(new: &Value, old: &Value, path: &Path, faults: &mut Faults) {
    const FREE: [&str; 7] = [
        "replicas",
        "template",
        "updateStrategy",
        "minReadySeconds",
        "ordinals",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
    ];
    let rest = |spec: &Value| {
        let mut fields = spec.as_object().cloned().unwrap_or_default();
        fields.retain(|name, _| !FREE.contains(&name.as_str()));
        fields
    };
    if rest(new) != rest(old) {
        faults.forbidden(path, "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
    }
}

/// A replication controller.
pub(super) fn replication_controller(new: &Value, faults: &mut Faults) {
    let (spec, path) = (&new["spec"], Path::new("spec"));
    replicas(spec, &path, faults);
    let selector = &spec["selector"];
    if selector.as_object().is_none_or(serde_json::Map::is_empty) {
        faults.required(&path.child("selector"), "");
    } else if !meta::selects(&json!({"matchLabels": selector}), &spec["template"]["metadata"]["labels"]) {
        let labels = &spec["template"]["metadata"]["labels"];
        faults.invalid(
            &path.child("template").child("metadata").child("labels"),
            labels,
            "`selector` does not match template `labels`",
        );
    }
    if spec["template"].is_null() {
        faults.required(&path.child("template"), "");
        return;
    }
    own_template(spec, &path, faults);
    restart(spec, &path, "ReplicationController", faults);
}
