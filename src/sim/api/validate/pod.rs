//! Pods and templates of pods.

use serde_json::{Value, json};

use super::container::{self, Around};
use super::path::{Faults, Path, each, text};
use super::{meta, names, placement, resources, volume};

/// A pod on its own; `old` on update.
pub(super) fn pod(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let path = Path::new("spec");
    spec(&new["spec"], &path, faults);
    if let Some(old) = old {
        unchanged(&new["spec"], &old["spec"], &path, faults);
    } else if new["spec"]["ephemeralContainers"].as_array().is_some_and(|list| !list.is_empty()) {
        faults.forbidden(&path.child("ephemeralContainers"), "cannot be set on create");
    }
}

/// A template in a workload.
pub(super) fn template(template: &Value, path: &Path, faults: &mut Faults) {
    meta::labels(&template["metadata"]["labels"], &path.child("labels"), faults);
    for key in template["metadata"]["annotations"].as_object().into_iter().flatten().map(|(key, _)| key) {
        faults.each(&path.child("annotations"), key, names::qualified(&key.to_lowercase()));
    }
    spec(&template["spec"], &path.child("spec"), faults);
    if template["spec"]["ephemeralContainers"].as_array().is_some_and(|list| !list.is_empty()) {
        faults.forbidden(
            &path.child("spec").child("ephemeralContainers"),
            "ephemeral containers not allowed in pod template",
        );
    }
}

fn spec(spec: &Value, path: &Path, faults: &mut Faults) {
    let volumes = volume::volumes(&spec["volumes"], &path.child("volumes"), faults);
    let around = Around { volumes: &volumes, grace: &spec["terminationGracePeriodSeconds"] };
    container::regular(spec, &around, &path.child("containers"), faults);
    container::init(spec, &around, &path.child("initContainers"), faults);
    if !spec["resources"].is_null() {
        resources::requirements(&spec["resources"], &path.child("resources"), true, faults);
    }
    if spec["hostNetwork"] == true {
        host_network(spec, path, faults);
    }
    faults.one_of(&path.child("restartPolicy"), &spec["restartPolicy"], &["Always", "OnFailure", "Never"]);
    faults.one_of(
        &path.child("dnsPolicy"),
        &spec["dnsPolicy"],
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
    );
    meta::labels(&spec["nodeSelector"], &path.child("nodeSelector"), faults);
    security(spec, path, faults);
    if !spec["affinity"].is_null() {
        placement::affinity(&spec["affinity"], &path.child("affinity"), faults);
    }
    if spec["dnsPolicy"] == "None" && spec["dnsConfig"]["nameservers"].as_array().is_none_or(Vec::is_empty) {
        let path = if spec["dnsConfig"].is_null() {
            path.child("dnsConfig")
        } else {
            path.child("dnsConfig").child("nameservers")
        };
        let detail = if spec["dnsConfig"].is_null() {
            "must provide `dnsConfig` when `dnsPolicy` is None"
        } else {
            "must provide at least one DNS nameserver when `dnsPolicy` is None"
        };
        faults.required(&path, detail);
    }
    for (gate, path) in each(&spec["readinessGates"], &path.child("readinessGates")) {
        let ty = text(gate, "conditionType");
        faults.each(&path.child("conditionType"), ty, names::qualified(ty));
    }
    placement::spread(&spec["topologySpreadConstraints"], &path.child("topologySpreadConstraints"), faults);
    let account = text(spec, "serviceAccountName");
    if !account.is_empty() {
        faults.each(&path.child("serviceAccountName"), account, names::dns_subdomain(account));
    }
    let node = text(spec, "nodeName");
    if !node.is_empty() {
        faults.each(&path.child("nodeName"), node, names::dns_subdomain(node));
    }
    let deadline = &spec["activeDeadlineSeconds"];
    if deadline.as_i64().is_some_and(|seconds| !(1..=2_147_483_647).contains(&seconds)) {
        faults.invalid(&path.child("activeDeadlineSeconds"), deadline, "must be between 1 and 2147483647, inclusive");
    }
    for field in ["hostname", "subdomain"] {
        let name = text(spec, field);
        if !name.is_empty() {
            faults.each(&path.child(field), name, names::dns_label(name));
        }
    }
    placement::tolerations(&spec["tolerations"], &path.child("tolerations"), faults);
    for (alias, path) in each(&spec["hostAliases"], &path.child("hostAliases")) {
        if text(alias, "ip").parse::<std::net::IpAddr>().is_err() {
            faults.invalid_text(
                &path.child("ip"),
                text(alias, "ip"),
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            );
        }
        for name in alias["hostnames"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            faults.each(&path.child("hostnames"), name, names::dns_subdomain(name));
        }
    }
    let class = text(spec, "priorityClassName");
    if !class.is_empty() {
        faults.each(&path.child("priorityClassName"), class, names::dns_subdomain(class));
    }
    faults.one_of_if_set(
        &path.child("preemptionPolicy"),
        &spec["preemptionPolicy"],
        &["Never", "PreemptLowerPriority"],
    );
    let runtime = text(spec, "runtimeClassName");
    if !runtime.is_empty() {
        faults.each(&path.child("runtimeClassName"), runtime, names::dns_subdomain(runtime));
    }
}

fn host_network(spec: &Value, path: &Path, faults: &mut Faults) {
    for list in ["containers", "initContainers"] {
        for (container, path) in each(&spec[list], &path.child(list)) {
            for (port, path) in each(&container["ports"], &path.child("ports")) {
                let (host, own) =
                    (port["hostPort"].as_i64().unwrap_or_default(), port["containerPort"].as_i64().unwrap_or_default());
                if host != 0 && host != own {
                    faults.invalid(
                        &path.child("hostPort"),
                        &json!(host),
                        "must match `containerPort` when `hostNetwork` is true",
                    );
                }
            }
        }
    }
}

fn security(spec: &Value, path: &Path, faults: &mut Faults) {
    let (context, path) = (&spec["securityContext"], path.child("securityContext"));
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        if context[field].as_i64().is_some_and(|id| !(0..=2_147_483_647).contains(&id)) {
            faults.invalid(&path.child(field), &context[field], "must be between 0 and 2147483647, inclusive");
        }
    }
    faults.one_of_if_set(
        &path.child("fsGroupChangePolicy"),
        &context["fsGroupChangePolicy"],
        &["Always", "OnRootMismatch"],
    );
    container::seccomp(&context["seccompProfile"], &path.child("seccompProfile"), faults);
    if spec["shareProcessNamespace"] == true && spec["hostPID"] == true {
        faults.invalid(
            &path.child("shareProcessNamespace"),
            &json!(true),
            "ShareProcessNamespace and HostPID cannot both be enabled",
        );
    }
}

/// Of a pod that runs only few fields may change.
fn unchanged(new: &Value, old: &Value, path: &Path, faults: &mut Faults) {
    for list in ["containers", "initContainers"] {
        let count = |spec: &Value| spec[list].as_array().map_or(0, Vec::len);
        if count(new) != count(old) {
            faults.forbidden(&path.child(list), "pod updates may not add or remove containers");
            return;
        }
        for (container, path) in each(&new[list], &path.child(list)) {
            if text(container, "image").trim().is_empty()
                && !faults.0.iter().any(|f| f.field == path.child("image").to_string())
            {
                faults.required(&path.child("image"), "");
            }
        }
    }
    let before: Vec<&Value> = old["tolerations"].as_array().into_iter().flatten().collect();
    let now: Vec<&Value> = new["tolerations"].as_array().into_iter().flatten().collect();
    if before.iter().any(|toleration| !now.contains(toleration)) {
        faults.forbidden(
            &path.child("tolerations"),
            "existing toleration can not be modified except its tolerationSeconds",
        );
    }
    let mut munged = new.clone();
    for list in ["containers", "initContainers"] {
        let containers = munged.get_mut(list).and_then(Value::as_array_mut);
        for (index, container) in containers.into_iter().flatten().enumerate() {
            container["image"] = old[list][index]["image"].clone();
        }
    }
    if let Some(fields) = munged.as_object_mut() {
        for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
            match old.get(field) {
                Some(value) => fields.insert(field.into(), value.clone()),
                None => fields.shift_remove(field),
            };
        }
    }
    if munged != *old {
        faults.forbidden(path, "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)");
    }
}
