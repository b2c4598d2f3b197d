//! Rows of workloads.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::selectors::LabelSelector;
use super::cells::{NONE, age, containers, human, labels, number, object_age, seconds_since, text_or};

fn selector(value: &Value) -> Value {
    let text = LabelSelector::of_object(value).map(|selector| selector.to_string()).unwrap_or_default();
    json!(if text.is_empty() { NONE.to_owned() } else { text })
}

/// The cells of a workload; nothing for other resources.
pub(super) fn cells(resource: &str, object: &Value, now: Timestamp) -> Option<Vec<Value>> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let name = object["metadata"]["name"].clone();
    let old = object_age(object, now);
    let (names, images) = containers(&spec["template"]["spec"]);
    let count = |value: &Value| value.as_i64().unwrap_or(0);
    Some(match resource {
        "deployments.apps" => vec![
            name,
            json!(format!("{}/{}", count(&status["readyReplicas"]), count(&spec["replicas"]))),
            number(&status["updatedReplicas"]),
            number(&status["availableReplicas"]),
            old,
            names,
            images,
            selector(&spec["selector"]),
        ],
        "replicasets.apps" => vec![
            name,
            number(&spec["replicas"]),
            number(&status["replicas"]),
            number(&status["readyReplicas"]),
            old,
            names,
            images,
            selector(&spec["selector"]),
        ],
        "statefulsets.apps" => vec![
            name,
            json!(format!("{}/{}", count(&status["readyReplicas"]), count(&spec["replicas"]))),
            old,
            names,
            images,
        ],
        "daemonsets.apps" => vec![
            name,
            number(&status["desiredNumberScheduled"]),
            number(&status["currentNumberScheduled"]),
            number(&status["numberReady"]),
            number(&status["updatedNumberScheduled"]),
            number(&status["numberAvailable"]),
            json!(labels(&spec["template"]["spec"]["nodeSelector"])),
            old,
            names,
            images,
            selector(&spec["selector"]),
        ],
        "controllerrevisions.apps" => {
            let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
            let owner = owners.into_iter().find(|owner| owner["controller"] == true);
            let owner = owner.map_or_else(
                || NONE.to_owned(),
                |owner| {
                    let group = text_or(&owner["apiVersion"], "")
                        .split_once('/')
                        .map(|(g, _)| format!(".{g}"))
                        .unwrap_or_default();
                    format!("{}{group}/{}", text_or(&owner["kind"], "").to_lowercase(), text_or(&owner["name"], ""))
                },
            );
            vec![name, json!(owner), number(&object["revision"]), old]
        }
        "jobs.batch" => job(object, now, old),
        "cronjobs.batch" => {
            let template = &spec["jobTemplate"]["spec"];
            let (names, images) = containers(&template["template"]["spec"]);
            let last = &status["lastScheduleTime"];
            vec![
                name,
                json!(text_or(&spec["schedule"], "")),
                json!(text_or(&spec["timeZone"], NONE)),
                json!(if spec["suspend"] == true { "True" } else { "False" }),
                json!(status["active"].as_array().map_or(0, Vec::len)),
                json!(if last.is_null() { NONE.to_owned() } else { age(last, now) }),
                old,
                names,
                images,
                selector(&template["selector"]),
            ]
        }
        _ => return None,
    })
}

fn job(object: &Value, now: Timestamp, old: Value) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let (names, images) = containers(&spec["template"]["spec"]);
    let done = status["succeeded"].as_i64().unwrap_or(0);
    let completions = match (spec["completions"].as_i64(), spec["parallelism"].as_i64()) {
        (Some(wanted), _) => format!("{done}/{wanted}"),
        (None, Some(parallel)) if parallel > 1 => format!("{done}/1 of {parallel}"),
        _ => format!("{done}/1"),
    };
    let has = |kind: &str| {
        let all = status["conditions"].as_array().into_iter().flatten();
        all.into_iter().any(|c| c["type"] == kind && c["status"] == "True")
    };
    let word =
        [("Complete", "Complete"), ("Failed", "Failed")].into_iter().find(|(kind, _)| has(kind)).map(|(_, word)| word);
    let word = word.unwrap_or(if !object["metadata"]["deletionTimestamp"].is_null() {
        "Terminating"
    } else if has("Suspended") {
        "Suspended"
    } else if has("FailureTarget") {
        "FailureTarget"
    } else if has("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    });
    let start = seconds_since(&status["startTime"], now);
    let end = seconds_since(&status["completionTime"], now).unwrap_or(0);
    let took = start.map_or_else(String::new, |start| human(start - end));
    vec![
        object["metadata"]["name"].clone(),
        json!(word),
        json!(completions),
        json!(took),
        old,
        names,
        images,
        selector(&spec["selector"]),
    ]
}
