//! Containers of a pod.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::path::{Faults, Path, each, text};
use super::{names, probe, resources};

/// What containers need to know of their pod.
pub(super) struct Around<'a> {
    /// Volumes by name.
    pub(super) volumes: &'a HashMap<String, Value>,
    /// `terminationGracePeriodSeconds` of the pod.
    pub(super) grace: &'a Value,
}

/// The containers that make the pod.
pub(super) fn regular(spec: &Value, around: &Around<'_>, path: &Path, faults: &mut Faults) {
    let list = &spec["containers"];
    if list.as_array().is_none_or(Vec::is_empty) {
        faults.required(path, "");
        return;
    }
    let mut seen = Vec::new();
    for (container, path) in each(list, path) {
        shared(container, around, &path, faults);
        unique_name(container, &mut seen, &path, faults);
        lifecycle(container, around, &path, faults);
    }
    host_ports(list.as_array().map(Vec::as_slice).unwrap_or_default(), path, faults);
}

/// Those that run before, among them sidecars.
pub(super) fn init(spec: &Value, around: &Around<'_>, path: &Path, faults: &mut Faults) {
    let mut seen: Vec<&str> = spec["containers"].as_array().into_iter().flatten().map(|c| text(c, "name")).collect();
    for (container, own) in each(&spec["initContainers"], path) {
        shared(container, around, &own, faults);
        let policy = &container["restartPolicy"];
        faults.one_of_if_set(&own.child("restartPolicy"), policy, &["Always", "Never", "OnFailure"]);
        unique_name(container, &mut seen, &own, faults);
        host_ports(std::slice::from_ref(container), path, faults);
        if policy == "Always" {
            lifecycle(container, around, &own, faults);
        } else {
            for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if !container[field].is_null() {
                    faults.forbidden(
                        &own.child(field),
                        "may not be set for init containers without restartPolicy=Always",
                    );
                }
            }
        }
    }
}

fn unique_name<'a>(container: &'a Value, seen: &mut Vec<&'a str>, path: &Path, faults: &mut Faults) {
    let name = text(container, "name");
    if seen.contains(&name) {
        faults.duplicate(&path.child("name"), &container["name"]);
    } else {
        seen.push(name);
    }
}

fn lifecycle(container: &Value, around: &Around<'_>, path: &Path, faults: &mut Faults) {
    for hook in ["postStart", "preStop"] {
        let handler = &container["lifecycle"][hook];
        if !handler.is_null() {
            probe::handler(handler, around.grace, &path.child("lifecycle").child(hook), faults);
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        probe::probe(&container[name], name, around.grace, &path.child(name), faults);
    }
}

fn shared(container: &Value, around: &Around<'_>, path: &Path, faults: &mut Faults) {
    let name = text(container, "name");
    if name.is_empty() {
        faults.required(&path.child("name"), "");
    } else {
        faults.each(&path.child("name"), name, names::dns_label(name));
    }
    if text(container, "image").is_empty() {
        faults.required(&path.child("image"), "");
    }
    faults.one_of(
        &path.child("terminationMessagePolicy"),
        &container["terminationMessagePolicy"],
        &["File", "FallbackToLogsOnError"],
    );
    ports(&container["ports"], &path.child("ports"), faults);
    env(&container["env"], &path.child("env"), faults);
    env_from(&container["envFrom"], &path.child("envFrom"), faults);
    mounts(container, around, &path.child("volumeMounts"), faults);
    devices(container, around, &path.child("volumeDevices"), faults);
    faults.one_of(&path.child("imagePullPolicy"), &container["imagePullPolicy"], &["Always", "IfNotPresent", "Never"]);
    resources::requirements(&container["resources"], &path.child("resources"), false, faults);
    security(&container["securityContext"], &path.child("securityContext"), faults);
}

fn security(context: &Value, path: &Path, faults: &mut Faults) {
    for field in ["runAsUser", "runAsGroup"] {
        if context[field].as_i64().is_some_and(|id| !(0..=2_147_483_647).contains(&id)) {
            faults.invalid(&path.child(field), &context[field], "must be between 0 and 2147483647, inclusive");
        }
    }
    if context["allowPrivilegeEscalation"] == false && context["privileged"] == true {
        faults.invalid(
            path,
            &internal(context),
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
        );
    }
    seccomp(&context["seccompProfile"], &path.child("seccompProfile"), faults);
}

/// As the server shows it: its internal form.
fn internal(context: &Value) -> Value {
    const FIELDS: [&str; 12] = [
        "Capabilities",
        "Privileged",
        "SELinuxOptions",
        "WindowsOptions",
        "RunAsUser",
        "RunAsGroup",
        "RunAsNonRoot",
        "ReadOnlyRootFilesystem",
        "AllowPrivilegeEscalation",
        "ProcMount",
        "SeccompProfile",
        "AppArmorProfile",
    ];
    let given = |name: &str| {
        let lower = if name == "SELinuxOptions" {
            "seLinuxOptions".to_owned()
        } else {
            format!("{}{}", name[..1].to_lowercase(), &name[1..])
        };
        context[lower].clone()
    };
    Value::Object(FIELDS.iter().map(|name| ((*name).to_owned(), given(name))).collect())
}

/// A seccomp profile.
pub(super) fn seccomp(profile: &Value, path: &Path, faults: &mut Faults) {
    if profile.is_null() {
        return;
    }
    let ty = text(profile, "type");
    match ty {
        "Localhost" if profile["localhostProfile"].is_null() => {
            faults.required(&path.child("localhostProfile"), "must be set when seccomp type is Localhost");
        }
        "RuntimeDefault" | "Unconfined" if !profile["localhostProfile"].is_null() => {
            faults.invalid(
                &path.child("localhostProfile"),
                &profile["localhostProfile"],
                "can only be set when seccomp type is Localhost",
            );
        }
        "Localhost" | "RuntimeDefault" | "Unconfined" => {}
        "" => faults.required(&path.child("type"), "type is required when seccompProfile is set"),
        _ => faults.unsupported(&path.child("type"), &profile["type"], &["Localhost", "RuntimeDefault", "Unconfined"]),
    }
}

fn ports(list: &Value, path: &Path, faults: &mut Faults) {
    let mut seen = Vec::new();
    for (port, path) in each(list, path) {
        let name = text(port, "name");
        if !name.is_empty() {
            let wrong = names::port_name(name);
            if !wrong.is_empty() {
                faults.each(&path.child("name"), name, wrong);
            } else if seen.contains(&name) {
                faults.duplicate(&path.child("name"), &port["name"]);
            } else {
                seen.push(name);
            }
        }
        let number = |field: &str| port[field].as_i64().unwrap_or_default();
        if number("containerPort") == 0 {
            faults.required(&path.child("containerPort"), "");
        }
        for field in ["containerPort", "hostPort"] {
            if number(field) != 0 {
                for message in names::port_number(number(field)) {
                    faults.invalid(&path.child(field), &port[field], &message);
                }
            }
        }
        faults.one_of(&path.child("protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"]);
    }
}

fn host_ports(containers: &[Value], path: &Path, faults: &mut Faults) {
    let mut seen = Vec::new();
    for (index, container) in containers.iter().enumerate() {
        for (port, path) in each(&container["ports"], &path.index(index).child("ports")) {
            let number = port["hostPort"].as_i64().unwrap_or_default();
            if number == 0 {
                continue;
            }
            let key = format!("{}/{}/{number}", text(port, "protocol"), text(port, "hostIP"));
            if seen.contains(&key) {
                faults.duplicate(&path.child("hostPort"), &Value::String(key));
            } else {
                seen.push(key);
            }
        }
    }
}

fn env(list: &Value, path: &Path, faults: &mut Faults) {
    for (variable, path) in each(list, path) {
        let name = text(variable, "name");
        if name.is_empty() {
            faults.required(&path.child("name"), "");
        } else {
            faults.each(&path.child("name"), name, names::env_name(name));
        }
        let (from, path) = (&variable["valueFrom"], path.child("valueFrom"));
        if from.is_null() {
            continue;
        }
        let mut sources = 0;
        for source in ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] {
            let (reference, path) = (&from[source], path.child(source));
            if reference.is_null() {
                continue;
            }
            sources += 1;
            match source {
                "fieldRef" => field_ref(reference, &path, faults),
                "resourceFieldRef" => {
                    if text(reference, "resource").is_empty() {
                        faults.required(&path.child("resource"), "");
                    }
                }
                _ => key_ref(reference, &path, faults),
            }
        }
        if sources == 0 {
            faults.invalid_text(&path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
        } else if !text(variable, "value").is_empty() {
            faults.invalid_text(&path, "", "may not be specified when `value` is not empty");
        } else if sources > 1 {
            faults.invalid_text(&path, "", "may not have more than one field specified at a time");
        }
    }
}

fn key_ref(reference: &Value, path: &Path, faults: &mut Faults) {
    let name = text(reference, "name");
    faults.each(&path.child("name"), name, names::dns_subdomain(name));
    let key = text(reference, "key");
    if key.is_empty() {
        faults.required(&path.child("key"), "");
    } else {
        faults.each(&path.child("key"), key, names::config_key(key));
    }
}

fn field_ref(reference: &Value, path: &Path, faults: &mut Faults) {
    const PATHS: [&str; 9] = [
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    ];
    let given = text(reference, "fieldPath");
    let subscript =
        ["metadata.annotations['", "metadata.labels['"].iter().any(|p| given.starts_with(p) && given.ends_with("']"));
    let convertible =
        ["metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName", "status.phase"];
    if given.is_empty() {
        faults.required(&path.child("fieldPath"), "");
    } else if convertible.contains(&given) {
        faults.unsupported(&path.child("fieldPath"), &reference["fieldPath"], &PATHS);
    } else if !subscript && !PATHS.contains(&given) {
        let detail = format!("error converting fieldPath: field label not supported: {given}");
        faults.invalid_text(&path.child("fieldPath"), given, &detail);
    }
}

fn env_from(list: &Value, all: &Path, faults: &mut Faults) {
    for (source, path) in each(list, all) {
        let prefix = text(source, "prefix");
        if !prefix.is_empty() {
            faults.each(&path.child("prefix"), prefix, names::env_name(prefix));
        }
        let mut sources = 0;
        for kind in ["configMapRef", "secretRef"] {
            if !source[kind].is_null() {
                sources += 1;
                if text(&source[kind], "name").is_empty() {
                    faults.required(&path.child(kind).child("name"), "");
                }
            }
        }
        match sources {
            0 => faults.invalid_text(all, "", "must specify one of: `configMapRef` or `secretRef`"),
            1 => {}
            _ => faults.invalid_text(all, "", "may not have more than one field specified at a time"),
        }
    }
}

fn mounts(container: &Value, around: &Around<'_>, path: &Path, faults: &mut Faults) {
    let devices = container["volumeDevices"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut seen = Vec::new();
    for (mount, own) in each(&container["volumeMounts"], path) {
        let (name, at) = (text(mount, "name"), text(mount, "mountPath"));
        if name.is_empty() {
            faults.required(&own.child("name"), "");
        }
        if !around.volumes.contains_key(name) {
            faults.not_found(&own.child("name"), &json!(name));
        }
        if at.is_empty() {
            faults.required(&own.child("mountPath"), "");
        }
        if seen.contains(&at) {
            faults.invalid_text(&own.child("mountPath"), at, "must be unique");
        }
        seen.push(at);
        if devices.iter().any(|d| text(d, "name") == name) {
            faults.invalid_text(&own.child("name"), name, "must not already exist in volumeDevices");
        }
        if devices.iter().any(|d| text(d, "devicePath") == at) {
            faults.invalid_text(&own.child("mountPath"), at, "must not already exist as a path in volumeDevices");
        }
        for field in ["subPath", "subPathExpr"] {
            descending(text(mount, field), &path.child(field), faults);
        }
        if !text(mount, "subPathExpr").is_empty() && !text(mount, "subPath").is_empty() {
            faults.invalid_text(
                &own.child("subPathExpr"),
                text(mount, "subPathExpr"),
                "subPathExpr and subPath are mutually exclusive",
            );
        }
        faults.one_of_if_set(
            &path.child("mountPropagation"),
            &mount["mountPropagation"],
            &["Bidirectional", "HostToContainer", "None"],
        );
        if mount["mountPropagation"] == "Bidirectional" && container["securityContext"]["privileged"] != true {
            faults.forbidden(
                &path.child("mountPropagation"),
                "Bidirectional mount propagation is available only to privileged containers",
            );
        }
    }
}

fn descending(given: &str, path: &Path, faults: &mut Faults) {
    if given.starts_with('/') {
        faults.invalid_text(path, given, "must be a relative path");
    }
    if given.split('/').any(|part| part == "..") {
        faults.invalid_text(path, given, "must not contain '..'");
    }
}

fn devices(container: &Value, around: &Around<'_>, path: &Path, faults: &mut Faults) {
    for (device, path) in each(&container["volumeDevices"], path) {
        let name = text(device, "name");
        if name.is_empty() {
            faults.required(&path.child("name"), "");
        }
        match around.volumes.get(name) {
            None => faults.not_found(&path.child("name"), &json!(name)),
            Some(volume) if volume["persistentVolumeClaim"].is_null() && volume["ephemeral"].is_null() => {
                faults.invalid_text(
                    &path.child("name"),
                    name,
                    "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
                );
            }
            Some(_) => {}
        }
        if text(device, "devicePath").is_empty() {
            faults.required(&path.child("devicePath"), "");
        }
    }
}
