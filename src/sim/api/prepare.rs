//! What a write may not touch: the status on create and update, everything else on an update of the status; and when the
//! generation goes up.

use serde_json::{Map, Value, json};

use super::decode_go::GoReader;
use super::resource::Resource;

/// Kinds that keep no generation.
const WITHOUT_GENERATION: [&str; 27] = [
    "bindings",
    "componentstatuses",
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "resourcequotas",
    "secrets",
    "serviceaccounts",
    "services",
    "controllerrevisions",
    "horizontalpodautoscalers",
    "certificatesigningrequests",
    "ipaddresses",
    "servicecidrs",
    "clusterrolebindings",
    "clusterroles",
    "rolebindings",
    "roles",
    "leases",
    "runtimeclasses",
    "storageclasses",
    "csinodes",
];

impl Resource {
    fn keeps_generation(&self) -> bool {
        const OTHERS: [&str; 6] = [
            "csidrivers",
            "csistoragecapacities",
            "volumeattachments",
            "volumeattributesclasses",
            "apiservices",
            "resourceclaims",
        ];
        let plural = self.gvr.plural.as_str();
        self.is_custom()
            || !(WITHOUT_GENERATION.contains(&plural) || OTHERS.contains(&plural) || plural == "resourceclaimtemplates")
    }

    /// Before an object is made: its status is not for the client to say, its generation is 1. Metadata that the server
    /// gives (uid, creation time, name) is there already.
    pub fn prepare_create(&self, object: &mut Value) {
        if self.keeps_generation() {
            set_generation(object, 1);
        }
        let Some(fields) = object.as_object_mut() else { return };
        if self.is_custom() {
            if self.status {
                fields.shift_remove("status");
            }
            return;
        }
        match self.gvr.plural.as_str() {
            // A node reports itself; an API service and an event have no status of their own.
            "nodes" | "csinodes" | "componentstatuses" => {}
            "pods" => {
                fields.insert("status".into(), json!({"phase": "Pending", "qosClass": qos_class(&fields["spec"])}));
            }
            "namespaces" => {
                fields.insert("status".into(), json!({"phase": "Active"}));
                fields.insert("spec".into(), json!({"finalizers": ["kubernetes"]}));
            }
            "persistentvolumeclaims" => {
                fields.insert("status".into(), json!({"phase": "Pending"}));
            }
            "persistentvolumes" => {
                let since = fields.get("metadata").map(|metadata| metadata["creationTimestamp"].clone());
                fields.insert("status".into(), json!({"phase": "Pending", "lastPhaseTransitionTime": since}));
            }
            "customresourcedefinitions" => super::crd::prepare_create(fields),
            _ => {
                if self.status {
                    fields.shift_remove("status");
                }
            }
        }
        match self.gvr.plural.as_str() {
            "jobs" => job_selector(object),
            "daemonsets" => template_generation(object, None),
            _ => {}
        }
        self.write_anew(object);
    }

    /// Before an object is changed. `subresource` is `status` for a write of the status.
    pub fn prepare_update(&self, object: &mut Value, old: &Value, subresource: Option<&str>) {
        if subresource == Some("status") {
            self.keep_all_but_status(object, old);
            self.write_anew(object);
            return;
        }
        let Some(fields) = object.as_object_mut() else { return };
        if self.status || matches!(self.gvr.plural.as_str(), "nodes") {
            match old.get("status") {
                Some(status) => fields.insert("status".into(), status.clone()),
                None => fields.shift_remove("status"),
            };
        }
        if self.gvr.plural == "namespaces" {
            fields.insert("spec".into(), old["spec"].clone());
        }
        if self.gvr.plural == "customresourcedefinitions" {
            super::crd::remember_storage(object);
        }
        if self.gvr.plural == "daemonsets" {
            template_generation(object, Some(old));
        }
        self.write_anew(object);
        let generation = old["metadata"]["generation"].as_i64();
        let changed = match self.gvr.plural.as_str() {
            _ if self.is_custom() => changed_beside_metadata(object, old),
            "deployments" => {
                object.get("spec") != old.get("spec")
                    || object["metadata"]["annotations"] != old["metadata"]["annotations"]
            }
            "endpointslices" => {
                changed_beside_metadata(object, old) || object["metadata"]["labels"] != old["metadata"]["labels"]
            }
            "priorityclasses" => false,
            "mutatingwebhookconfigurations" | "validatingwebhookconfigurations" => {
                object["webhooks"] != old["webhooks"]
            }
            _ => object.get("spec") != old.get("spec"),
        };
        if !self.keeps_generation() {
            if let (Some(metadata), None) = (object["metadata"].as_object_mut(), generation) {
                metadata.shift_remove("generation");
            }
            return;
        }
        let generation = generation.unwrap_or_default();
        set_generation(object, if changed { generation + 1 } else { generation });
    }

    fn keep_all_but_status(&self, object: &mut Value, old: &Value) {
        let status = object.get("status").cloned();
        let metadata = object["metadata"].clone();
        *object = old.clone();
        let Some(fields) = object.as_object_mut() else { return };
        match status {
            Some(status) => fields.insert("status".into(), status),
            None => fields.shift_remove("status"),
        };
        let Some(kept) = fields.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        let mut take = |name: &str| match metadata.get(name).filter(|value| !value.is_null()) {
            Some(value) => {
                kept.insert(name.into(), value.clone());
            }
            None => {
                kept.shift_remove(name);
            }
        };
        take("managedFields");
        take("resourceVersion");
        if !self.is_custom() {
            // Some kinds keep their labels too, the others' metadata follow the client.
            let keeps_labels = matches!(self.gvr.plural.as_str(), "deployments" | "customresourcedefinitions");
            if !keeps_labels {
                take("labels");
            }
            if self.gvr.plural != "customresourcedefinitions" {
                take("annotations");
                take("finalizers");
            }
        }
    }

    /// Brings fields into the server's order and drops what is empty, for its own kinds.
    fn write_anew(&self, object: &mut Value) {
        if !self.is_custom() {
            *object = GoReader::default().object(&self.schema, object.take());
        }
    }
}

/// A daemon set counts the changes of its template in an annotation.
fn template_generation(object: &mut Value, old: Option<&Value>) {
    const KEY: &str = "deprecated.daemonset.template.generation";
    let count = old.map_or(1, |old| {
        let before: i64 = old["metadata"]["annotations"][KEY].as_str().and_then(|n| n.parse().ok()).unwrap_or_default();
        if old["spec"]["template"] == object["spec"]["template"] { before } else { before + 1 }
    });
    if count > 0
        && let Some(metadata) = entry(object, "metadata")
    {
        metadata.entry("annotations").or_insert_with(|| json!({}))[KEY] = json!(count.to_string());
    }
}

fn set_generation(object: &mut Value, generation: i64) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("generation".into(), json!(generation));
    }
}

fn changed_beside_metadata(new: &Value, old: &Value) -> bool {
    let rest = |value: &Value| {
        let mut fields: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
        fields.shift_remove("metadata");
        fields
    };
    rest(new) != rest(old)
}

/// `Guaranteed`, `Burstable` or `BestEffort`.
pub fn qos_class(spec: &Value) -> &'static str {
    let set = |list: &Value, name: &str| list[name].as_str().is_some_and(|amount| amount != "0");
    let mut sources: Vec<&Value> = Vec::new();
    if spec["resources"].is_object() {
        sources.push(&spec["resources"]);
    } else {
        for list in ["containers", "initContainers"] {
            sources.extend(spec[list].as_array().into_iter().flatten().map(|container| &container["resources"]));
        }
    }
    let names = ["cpu", "memory"];
    if !sources.iter().any(|r| names.iter().any(|n| set(&r["requests"], n) || set(&r["limits"], n))) {
        return "BestEffort";
    }
    let guaranteed = sources.iter().all(|r| {
        names.iter().all(|n| set(&r["limits"], n) && (r["requests"][n].is_null() || r["requests"][n] == r["limits"][n]))
    });
    if guaranteed { "Guaranteed" } else { "Burstable" }
}

/// A job selects its pods by its own uid, unless it says how.
fn job_selector(job: &mut Value) {
    let (uid, name) = (job["metadata"]["uid"].clone(), job["metadata"]["name"].clone());
    if job["spec"]["manualSelector"] == true || uid.is_null() {
        return;
    }
    if let Some(labels) = entry(&mut job["spec"]["template"], "metadata")
        .map(|metadata| metadata.entry("labels").or_insert_with(|| json!({})))
    {
        for prefix in ["", "batch.kubernetes.io/"] {
            labels[format!("{prefix}controller-uid")] = uid.clone();
            labels[format!("{prefix}job-name")] = name.clone();
        }
        if let Some(labels) = labels.as_object_mut() {
            labels.sort_keys();
        }
    }
    if let Some(spec) = job["spec"].as_object_mut() {
        let selector = spec.entry("selector").or_insert_with(|| json!({}));
        if selector["matchLabels"].is_null() {
            selector["matchLabels"] = json!({});
        }
        selector["matchLabels"]["batch.kubernetes.io/controller-uid"] = uid;
    }
}

fn entry<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Map<String, Value>> {
    value.as_object_mut()?.entry(name).or_insert_with(|| json!({})).as_object_mut()
}
