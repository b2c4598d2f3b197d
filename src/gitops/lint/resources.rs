//! Every container asks for CPU and memory and has a memory limit; so has a database.
//!
//! A CPU limit is not asked for: it throttles, where a request already shares fairly.

use serde_json::Value;

use crate::check::Check;
use crate::manifest::object::Id;

use super::pods::{containers, pod_spec};
use super::subject::{Subject, in_manifest};
use super::verdict::{count, fault, verdict};

const NAME: &str = "requests and limits";
const WANTED: [[&str; 2]; 3] = [["requests", "cpu"], ["requests", "memory"], ["limits", "memory"]];

pub(super) fn check(subject: &Subject<'_>) -> Vec<Check> {
    let mut faults = Vec::new();
    let mut seen = 0;
    for (app, object) in subject.objects() {
        let id = Id::of(object);
        if id.group == "postgresql.cnpg.io" && id.kind == "Cluster" {
            seen += 1;
            if let Some(missing) = missing(&object["spec"]["resources"]) {
                let place = in_manifest(app, object, &["spec", "resources"]);
                faults.push(fault(NAME, &place, &format!("{id} lacks {missing}")).remedy(REMEDY));
            }
        }
        let Some((pod, path)) = pod_spec(object) else { continue };
        for (list, index, container) in containers(pod) {
            seen += 1;
            let Some(missing) = missing(&container["resources"]) else { continue };
            let index = index.to_string();
            let path: Vec<&str> = path.iter().copied().chain([list, index.as_str(), "resources"]).collect();
            let place = in_manifest(app, object, &path);
            let container = container["name"].as_str().unwrap_or_default();
            faults.push(fault(NAME, &place, &format!("container {container} of {id} lacks {missing}")).remedy(REMEDY));
        }
    }
    verdict(
        NAME,
        faults,
        (seen > 0).then(|| format!("on {}", count(seen, "container or database", "containers and databases"))),
    )
}

const REMEDY: &str = "Without them it runs with the lowest priority, or takes a whole node";

fn missing(resources: &Value) -> Option<String> {
    let absent: Vec<String> = WANTED
        .iter()
        // A request that is left out is its limit.
        .filter(|[section, what]| {
            resources[*section][*what].is_null() && (*section == "limits" || resources["limits"][*what].is_null())
        })
        .map(|path| path.join("."))
        .collect();
    (!absent.is_empty()).then(|| absent.join(", "))
}
