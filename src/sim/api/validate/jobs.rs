//! Jobs and cron jobs.

use serde_json::{Value, json};

use super::path::{Faults, Path, each, text};
use super::{meta, pod};

/// A job; `old` on update.
pub(super) fn job(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let (spec, path) = (&new["spec"], Path::new("spec"));
    common(spec, &path, faults);
    if spec["selector"].is_null() {
        faults.required(&path.child("selector"), "");
    } else {
        meta::selector(&spec["selector"], &path.child("selector"), faults);
        if !meta::selects(&spec["selector"], &spec["template"]["metadata"]["labels"]) {
            let labels = &spec["template"]["metadata"]["labels"];
            faults.invalid(
                &path.child("template").child("metadata").child("labels"),
                labels,
                "`selector` does not match template `labels`",
            );
        }
    }
    let Some(old) = old else { return };
    let before = &old["spec"];
    if spec["completionMode"] != "Indexed" {
        faults.immutable(&path.child("completions"), &spec["completions"], &before["completions"]);
    }
    faults.immutable(&path.child("selector"), &spec["selector"], &before["selector"]);
    if before["suspend"] != true || old["status"]["startTime"].is_string() {
        faults.immutable(&path.child("template"), &spec["template"], &before["template"]);
    }
    for field in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
        faults.immutable(&path.child(field), &spec[field], &before[field]);
    }
}

fn common(spec: &Value, path: &Path, faults: &mut Faults) {
    for field in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        faults.nonnegative(&path.child(field), &spec[field]);
    }
    if !spec["maxFailedIndexes"].is_null() && spec["backoffLimitPerIndex"].is_null() {
        faults.required(&path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    }
    let mode = text(spec, "completionMode");
    if !mode.is_empty() && !["NonIndexed", "Indexed"].contains(&mode) {
        faults.unsupported(&path.child("completionMode"), &spec["completionMode"], &["NonIndexed", "Indexed"]);
    }
    if mode == "Indexed" && spec["completions"].is_null() {
        faults.required(&path.child("completions"), "when completion mode is Indexed");
    }
    if matches!(mode, "" | "NonIndexed") {
        for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if !spec[field].is_null() {
                faults.invalid(&path.child(field), &spec[field], "requires indexed completion mode");
            }
        }
    }
    let (policy, replacement) = (!spec["podFailurePolicy"].is_null(), text(spec, "podReplacementPolicy"));
    if policy {
        failure_policy(spec, &path.child("podFailurePolicy"), faults);
        if !replacement.is_empty() && replacement != "Failed" {
            faults.unsupported(&path.child("podReplacementPolicy"), &spec["podReplacementPolicy"], &["Failed"]);
        }
    } else if !replacement.is_empty() && !["Failed", "TerminatingOrFailed"].contains(&replacement) {
        faults.unsupported(
            &path.child("podReplacementPolicy"),
            &spec["podReplacementPolicy"],
            &["Failed", "TerminatingOrFailed"],
        );
    }
    pod::template(&spec["template"], &path.child("template"), faults);
    let at = path.child("template").child("spec").child("restartPolicy");
    let restart = text(&spec["template"]["spec"], "restartPolicy");
    match restart {
        "" | "Always" => faults.required(&at, "valid values: \"OnFailure\", \"Never\""),
        "OnFailure" if policy => {
            faults.invalid_text(&at, restart, "only \"Never\" is supported when podFailurePolicy is specified");
        }
        "OnFailure" | "Never" => {}
        _ => faults.unsupported(&at, &json!(restart), &["OnFailure", "Never"]),
    }
}

fn failure_policy(spec: &Value, path: &Path, faults: &mut Faults) {
    let rules = &spec["podFailurePolicy"]["rules"];
    for (rule, path) in each(rules, &path.child("rules")) {
        let action = text(rule, "action");
        if action.is_empty() {
            faults.required(&path.child("action"), "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]");
        } else if !["Count", "FailIndex", "FailJob", "Ignore"].contains(&action) {
            faults.unsupported(&path.child("action"), &rule["action"], &["Count", "FailIndex", "FailJob", "Ignore"]);
        }
        let (codes, conditions) = (&rule["onExitCodes"], rule["onPodConditions"].as_array().map_or(0, Vec::len));
        if codes.is_null() && conditions == 0 {
            faults.invalid(&path, rule, "specifying one of OnExitCodes and OnPodConditions is required");
        }
        if !codes.is_null() {
            let path = path.child("onExitCodes");
            faults.one_of(&path.child("operator"), &codes["operator"], &["In", "NotIn"]);
            if codes["values"].as_array().is_none_or(Vec::is_empty) {
                faults.invalid(&path.child("values"), &json!([]), "at least one value is required");
            }
            let container = text(codes, "containerName");
            let lists = ["containers", "initContainers"];
            let known = |list: &&str| {
                spec["template"]["spec"][*list]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|c| text(c, "name") == container))
            };
            if !container.is_empty() && !lists.iter().any(known) {
                faults.invalid_text(
                    &path.child("containerName"),
                    container,
                    "must be one of the container or initContainer names in the pod template",
                );
            }
        }
    }
}

/// A cron job; `old` on update.
pub(super) fn cron_job(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let (spec, path) = (&new["spec"], Path::new("spec"));
    let name = text(&new["metadata"], "name");
    if old.is_none() && name.len() > 52 {
        faults.invalid_text(&Path::new("metadata").child("name"), name, "must be no more than 52 characters");
    }
    let schedule = text(spec, "schedule");
    if schedule.is_empty() {
        faults.required(&path.child("schedule"), "");
    } else {
        if let Some(why) = super::cron::fault(schedule) {
            faults.invalid_text(&path.child("schedule"), schedule, &why);
        }
        if schedule.contains("TZ") {
            faults.invalid_text(
                &path.child("schedule"),
                schedule,
                "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
            );
        }
    }
    faults.nonnegative(&path.child("startingDeadlineSeconds"), &spec["startingDeadlineSeconds"]);
    if let Some(zone) = spec["timeZone"].as_str() {
        let at = path.child("timeZone");
        if zone.is_empty() {
            faults.invalid_text(&at, zone, "timeZone must be nil or non-empty string");
        } else if zone == "Local" {
            faults.invalid_text(
                &at,
                zone,
                "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
            );
        } else if jiff::tz::TimeZone::get(zone).is_err() {
            faults.invalid_text(&at, zone, &format!("unknown time zone {zone}"));
        }
    }
    faults.one_of(&path.child("concurrencyPolicy"), &spec["concurrencyPolicy"], &["Allow", "Forbid", "Replace"]);
    let template = path.child("jobTemplate").child("spec");
    common(&spec["jobTemplate"]["spec"], &template, faults);
    if !spec["jobTemplate"]["spec"]["selector"].is_null() {
        faults.invalid(
            &template.child("selector"),
            &spec["jobTemplate"]["spec"]["selector"],
            "`selector` will be auto-generated",
        );
    }
    for field in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        faults.nonnegative(&path.child(field), &spec[field]);
    }
}
