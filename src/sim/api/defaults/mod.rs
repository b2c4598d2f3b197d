//! What the server fills in: for its own kinds type by type, as its generated code does; for custom resources by schema.

mod core;
mod custom;
mod fields;
mod others;
mod pod;
mod workloads;

use serde_json::{Value, json};

use super::decode_go::GoReader;
use super::resource::Resource;
use super::schema::{GoStruct, GoType, Node};
use fields::{Fields, entry, fill, fill_absent};

impl Resource {
    /// Fills in defaults, and what one version of a field says about another (`stringData` of a Secret).
    pub fn default(&self, object: &mut Value) {
        if self.is_custom() {
            custom::drop_nulls(object, &self.schema);
            custom::fill(object, &self.schema, true);
            return;
        }
        let Some(go) = self.schema.go.clone() else { return };
        // Fields that are said to be empty are not there.
        let mut clean = GoReader::default().object(&self.schema, object.take());
        if let Some(fields) = clean.as_object_mut() {
            convert(self, fields);
            strukt(&go, &self.schema, fields, &self.gvr.group);
        }
        *object = GoReader::default().object(&self.schema, clean);
    }
}

/// What happens while the server converts to the form that it works with.
fn convert(resource: &Resource, object: &mut Fields) {
    match (resource.gvr.group.as_str(), resource.kind.as_str()) {
        ("", "Secret") => core::string_data(object),
        _ => {
            if let Some(spec) = pod_spec_mut(resource.kind.as_str(), object) {
                pod::service_account(spec);
            }
        }
    }
}

/// The pod spec of a pod or in the template of a workload.
fn pod_spec_mut<'a>(kind: &str, object: &'a mut Fields) -> Option<&'a mut Fields> {
    let spec = object.get_mut("spec")?;
    match kind {
        "Pod" => spec.as_object_mut(),
        "CronJob" => {
            spec.get_mut("jobTemplate")?.get_mut("spec")?.get_mut("template")?.get_mut("spec")?.as_object_mut()
        }
        _ => spec.get_mut("template")?.get_mut("spec")?.as_object_mut(),
    }
}

fn walk(ty: &GoType, value: &mut Value, group: &str) {
    match (ty, value) {
        (GoType::Pointer(inner), value) if !value.is_null() => walk(inner, value, group),
        (GoType::Named(name, inner), value) => {
            if name == "v1.ResourceList" {
                core::resource_list(value);
            }
            walk(inner, value, group);
        }
        (GoType::Slice(inner), Value::Array(items)) => {
            for item in items {
                walk(inner, item, group);
            }
        }
        (GoType::Map(_, inner), Value::Object(fields)) => {
            for (_, item) in fields {
                walk(inner, item, group);
            }
        }
        (GoType::Struct(node), Value::Object(fields)) => {
            if let Some(go) = &node.go {
                strukt(go, node, fields, group);
            }
        }
        _ => {}
    }
}

fn strukt(go: &GoStruct, node: &Node, fields: &mut Fields, group: &str) {
    own(&go.full, fields, group);
    for field in &go.fields {
        declared(node, field.name.as_str(), &field.ty, fields);
        match fields.get_mut(&field.name) {
            Some(value) => walk(&field.ty, value, group),
            // A struct that is left out has defaults all the same.
            None if matches!(field.ty, GoType::Struct(_)) => {
                let mut value = json!({});
                walk(&field.ty, &mut value, group);
                fields.insert(field.name.clone(), value);
            }
            None => {}
        }
    }
}

/// `+default=` of a field.
fn declared(node: &Node, name: &str, ty: &GoType, fields: &mut Fields) {
    let Some(default) = node.properties.get(name).and_then(|property| property.default.as_ref()) else { return };
    let says_something = match default {
        Value::Object(_) | Value::Array(_) | Value::Null => false,
        other => {
            matches!(ty, GoType::Pointer(_)) || !(*other == json!("") || *other == json!(0) || *other == json!(false))
        }
    };
    if says_something {
        fill(fields, name, default.clone());
    }
}

/// The defaults of one type, by its Go name.
fn own(name: &str, fields: &mut Fields, group: &str) {
    match name {
        "v1.Pod" => pod::pod(fields),
        "v1.PodSpec" => pod::spec(fields),
        "v1.Container" | "v1.EphemeralContainer" => pod::container(fields),
        "v1.Volume" => pod::volume(fields),
        "v1.Probe" => {
            for (name, value) in
                [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
            {
                fill(fields, name, json!(value));
            }
        }
        "v1.HTTPGetAction" => {
            fill(fields, "path", json!("/"));
            fill(fields, "scheme", json!("HTTP"));
        }
        "v1.SecretVolumeSource"
        | "v1.ConfigMapVolumeSource"
        | "v1.DownwardAPIVolumeSource"
        | "v1.ProjectedVolumeSource" => {
            fill(fields, "defaultMode", json!(420));
        }
        "v1.ServiceAccountTokenProjection" => fill(fields, "expirationSeconds", json!(3600)),
        "v1.HostPathVolumeSource" => fill_absent(fields, "type", json!("")),
        "v1.ObjectFieldSelector" => fill(fields, "apiVersion", json!("v1")),
        "v1.Service" => core::service(fields),
        "v1.Secret" => fill(fields, "type", json!("Opaque")),
        "v1.Namespace" => core::namespace(fields),
        "v1.NamespaceStatus" => fill(fields, "phase", json!("Active")),
        "v1.NodeStatus" => core::node_status(fields),
        "v1.PersistentVolume" => core::persistent_volume(fields),
        "v1.PersistentVolumeClaim" => fill(entry(fields, "status"), "phase", json!("Pending")),
        "v1.PersistentVolumeClaimSpec" => fill(fields, "volumeMode", json!("Filesystem")),
        "v1.LimitRangeItem" => core::limit_range_item(fields),
        "v1.ReplicationController" => core::replication_controller(fields),
        "v1.EndpointPort" => {
            if group == "discovery.k8s.io" {
                fill_absent(fields, "name", json!(""));
            }
            fill(fields, "protocol", json!("TCP"));
        }
        "v1.Deployment" => workloads::deployment(fields),
        "v1.StatefulSet" => workloads::stateful_set(fields),
        "v1.DaemonSet" => workloads::daemon_set(fields),
        "v1.ReplicaSet" => fill(entry(fields, "spec"), "replicas", json!(1)),
        "v1.Job" => workloads::job(fields),
        "v1.CronJob" => workloads::cron_job(fields),
        "v1.PodFailurePolicyOnPodConditionsPattern" => fill(fields, "status", json!("True")),
        _ => others::own(name, fields),
    }
}
