//! Objects as rows of a table, as `kubectl get` asks for them: columns and cells of the true server's printers.

mod apps;
mod cells;
mod core;
mod json_path;
mod others;
mod pod;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::resource::Resource;
use cells::age;

/// The columns of the server's own kinds: name, type, format, description, priority.
const COLUMNS: &str = include_str!("columns.json");

fn columns() -> &'static HashMap<String, Vec<Value>> {
    static ALL: OnceLock<HashMap<String, Vec<Value>>> = OnceLock::new();
    // The file is ours, and a test reads it.
    ALL.get_or_init(|| serde_json::from_str(COLUMNS).unwrap_or_default())
}

/// What a row carries beside its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Include {
    /// Nothing.
    None,
    /// The object's metadata.
    Metadata,
    /// The whole object.
    Object,
}

/// The definitions of a resource's columns.
pub(super) fn definitions(resource: &Resource) -> Vec<Value> {
    let known = columns();
    // Descriptions that several columns share are told once.
    let shared = known.get("@shared").and_then(|all| all.first());
    let described = |text: &Value| {
        let at = text.as_str().and_then(|text| text.strip_prefix('@')).and_then(|at| at.parse::<usize>().ok());
        at.and_then(|at| shared.map(|all| all[at].clone())).unwrap_or_else(|| text.clone())
    };
    let line = |c: &Value| json!({"name": c[0], "type": c[1], "format": c[2], "description": described(&c[3]), "priority": c[4]});
    if !resource.is_custom() {
        let own = known.get(&resource.gvr.resource());
        if let Some(own) = own {
            return own.iter().map(line).collect();
        }
    }
    let name = known.get("configmaps").and_then(|own| own.first()).map(line).unwrap_or_default();
    let mut all = vec![name];
    for column in &resource.printer_columns {
        let path = &column.json_path;
        let description = if column.description.is_empty() {
            format!("Custom resource definition column (in JSONPath format): {path}")
        } else {
            column.description.clone()
        };
        all.push(json!({"name": column.name, "type": column.ty, "format": column.format, "description": description, "priority": column.priority}));
    }
    if resource.printer_columns.is_empty() {
        let date = known.get("clusterroles.rbac.authorization.k8s.io").and_then(|own| own.get(1)).map(line);
        let mut date = date.unwrap_or_default();
        if resource.is_custom() {
            date["name"] = json!("Age");
            date["description"] =
                json!("Custom resource definition column (in JSONPath format): .metadata.creationTimestamp");
        }
        all.push(date);
    }
    all
}

/// One row.
pub(super) fn row(resource: &Resource, object: &Arc<Value>, include: Include, version: &str, now: Timestamp) -> Value {
    let cells = if resource.is_custom() { custom(resource, object, now) } else { own(resource, object, now) };
    let carried = match include {
        Include::None => return json!({"cells": cells}),
        Include::Object => (**object).clone(),
        Include::Metadata => metadata(object, version),
    };
    json!({"cells": cells, "object": carried})
}

/// The metadata of an object as an object of its own.
pub(super) fn metadata(object: &Value, version: &str) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": object["metadata"]})
}

fn own(resource: &Resource, object: &Value, now: Timestamp) -> Vec<Value> {
    let name = resource.gvr.resource();
    let cells = pod::cells(&name, object, now)
        .or_else(|| core::cells(&name, object, now))
        .or_else(|| apps::cells(&name, object, now))
        .or_else(|| others::cells(&name, object, now));
    cells.unwrap_or_else(|| vec![object["metadata"]["name"].clone(), object["metadata"]["creationTimestamp"].clone()])
}

fn custom(resource: &Resource, object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![object["metadata"]["name"].clone()];
    if resource.printer_columns.is_empty() {
        cells.push(json!(age(&object["metadata"]["creationTimestamp"], now)));
    }
    for column in &resource.printer_columns {
        let found = json_path::find(object, &column.json_path);
        cells.push(match (found, column.ty.as_str()) {
            (None, _) => Value::Null,
            (Some(value), "date") => json!(age(&value, now)),
            (Some(value), "integer") => value.as_i64().map_or(Value::Null, |n| json!(n)),
            (Some(value), "number") => value.as_f64().map_or(Value::Null, |n| json!(n)),
            (Some(value), "boolean") => value.as_bool().map_or(Value::Null, |b| json!(b)),
            (Some(Value::String(text)), _) => json!(text),
            (Some(value), _) => json!(value.to_string()),
        });
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::super::types::Types;
    use super::*;

    #[test]
    fn every_kind_has_as_many_cells_as_columns() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let object =
            Arc::new(json!({"metadata": {"name": "x", "namespace": "n", "creationTimestamp": "2026-11-24T09:00:00Z"}}));
        let all = Types::shipped().all();
        for resource in all.iter().filter(|r| r.can("list")) {
            let row = row(resource, &object, Include::None, "v1", now);
            let cells = row["cells"].as_array().unwrap().len();
            assert_eq!(cells, definitions(resource).len(), "{}", resource.gvr);
        }
    }

    #[test]
    fn a_running_pod_reads_as_kubectl_shows_it() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let pod = Arc::new(json!({"metadata": {"name": "x", "creationTimestamp": "2026-11-24T09:00:00Z"},
            "spec": {"nodeName": "k8s-1", "containers": [{"name": "c"}, {"name": "d"}]},
            "status": {"phase": "Running", "podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [
                {"name": "c", "ready": true, "restartCount": 0, "state": {"running": {}}},
                {"name": "d", "ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                 "lastState": {"terminated": {"finishedAt": "2026-11-24T09:58:00Z"}}}]}}));
        let pods = Types::shipped().resource(&crate::sim::api::Gvr::new("", "v1", "pods")).unwrap();
        let row = row(&pods, &pod, Include::None, "v1", now);
        assert_eq!(
            row["cells"],
            json!(["x", "1/2", "CrashLoopBackOff", "3 (2m ago)", "60m", "10.0.0.1", "k8s-1", "<none>", "<none>"])
        );
    }
}
