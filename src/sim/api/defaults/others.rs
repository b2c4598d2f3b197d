//! Defaults of the smaller groups.

use serde_json::{Value, json};

use super::fields::{Fields, entry, fill, fill_absent, items, text};

pub(super) fn own(name: &str, fields: &mut Fields) {
    match name {
        "v2.HorizontalPodAutoscaler" => autoscaler(fields),
        "v1.HorizontalPodAutoscaler" => {
            let spec = entry(fields, "spec");
            fill_absent(spec, "minReplicas", json!(1));
            fill_absent(spec, "targetCPUUtilizationPercentage", json!(80));
        }
        "v1.NetworkPolicy" => network_policy(fields),
        "v1.NetworkPolicyPort" => fill_absent(fields, "protocol", json!("TCP")),
        "v1.IngressClass" => {
            let parameters = entry(fields, "spec").get_mut("parameters").and_then(Value::as_object_mut);
            if let Some(parameters) = parameters {
                fill_absent(parameters, "scope", json!("Cluster"));
            }
        }
        "v1.RoleBinding" | "v1.ClusterRoleBinding" => role_binding(fields),
        "v1.StorageClass" => {
            fill_absent(fields, "reclaimPolicy", json!("Delete"));
            fill_absent(fields, "volumeBindingMode", json!("Immediate"));
        }
        "v1.CSIDriverSpec" => csi_driver(fields),
        "v1.PriorityClass" => fill_absent(fields, "preemptionPolicy", json!("PreemptLowerPriority")),
        "v1.CustomResourceDefinition" => custom_resource_definition(fields),
        "v1.ServiceReference" => fill_absent(fields, "port", json!(443)),
        "v1.ValidatingWebhook" => webhook(fields),
        "v1.MutatingWebhook" => {
            webhook(fields);
            fill_absent(fields, "reinvocationPolicy", json!("Never"));
        }
        "v1.RuleWithOperations" | "v1.NamedRuleWithOperations" => fill_absent(fields, "scope", json!("*")),
        "v1.ValidatingAdmissionPolicySpec" | "v1.MutatingAdmissionPolicySpec" => {
            fill_absent(fields, "failurePolicy", json!("Fail"));
        }
        "v1.MatchResources" => {
            fill_absent(fields, "matchPolicy", json!("Equivalent"));
            fill_absent(fields, "namespaceSelector", json!({}));
            fill_absent(fields, "objectSelector", json!({}));
        }
        "v1.FlowSchemaSpec" => {
            if fields.get("matchingPrecedence") == Some(&json!(0)) {
                fields.shift_remove("matchingPrecedence");
            }
            fill(fields, "matchingPrecedence", json!(1000));
        }
        "v1.LimitedPriorityLevelConfiguration" => {
            fill_absent(fields, "nominalConcurrencyShares", json!(30));
            fill_absent(fields, "lendablePercent", json!(0));
        }
        "v1.ExemptPriorityLevelConfiguration" => {
            fill_absent(fields, "nominalConcurrencyShares", json!(0));
            fill_absent(fields, "lendablePercent", json!(0));
        }
        _ => {}
    }
}

fn webhook(hook: &mut Fields) {
    fill_absent(hook, "failurePolicy", json!("Fail"));
    fill_absent(hook, "matchPolicy", json!("Equivalent"));
    fill_absent(hook, "namespaceSelector", json!({}));
    fill_absent(hook, "objectSelector", json!({}));
    fill_absent(hook, "timeoutSeconds", json!(10));
}

fn autoscaler(object: &mut Fields) {
    let spec = entry(object, "spec");
    fill_absent(spec, "minReplicas", json!(1));
    if spec.get("metrics").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        let target = json!({"type": "Utilization", "averageUtilization": 80});
        spec.insert("metrics".into(), json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]));
    }
    let Some(behavior) = spec.get_mut("behavior").and_then(Value::as_object_mut) else { return };
    let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
    let up = entry(behavior, "scaleUp");
    fill_absent(up, "stabilizationWindowSeconds", json!(0));
    fill_absent(up, "selectPolicy", json!("Max"));
    fill_absent(up, "policies", json!([pods, percent]));
    let down = entry(behavior, "scaleDown");
    fill_absent(down, "selectPolicy", json!("Max"));
    fill_absent(down, "policies", json!([percent]));
}

fn network_policy(object: &mut Fields) {
    let spec = entry(object, "spec");
    let some =
        |spec: &Fields, name: &str| spec.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if !some(spec, "policyTypes") {
        let types = if some(spec, "egress") { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
        spec.insert("policyTypes".into(), types);
    }
}

fn role_binding(object: &mut Fields) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    fill(entry(object, "roleRef"), "apiGroup", json!(GROUP));
    for subject in items(object, "subjects") {
        if matches!(text(subject, "kind"), "User" | "Group") {
            fill(subject, "apiGroup", json!(GROUP));
        }
    }
}

fn csi_driver(spec: &mut Fields) {
    fill_absent(spec, "attachRequired", json!(true));
    fill_absent(spec, "podInfoOnMount", json!(false));
    fill_absent(spec, "storageCapacity", json!(false));
    fill_absent(spec, "fsGroupPolicy", json!("ReadWriteOnceWithFSType"));
    if spec.get("volumeLifecycleModes").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        spec.insert("volumeLifecycleModes".into(), json!(["Persistent"]));
    }
    fill_absent(spec, "requiresRepublish", json!(false));
    fill_absent(spec, "seLinuxMount", json!(false));
}

fn custom_resource_definition(object: &mut Fields) {
    let spec = entry(object, "spec");
    let names = entry(spec, "names");
    let kind = text(names, "kind").to_owned();
    fill(names, "singular", json!(kind.to_lowercase()));
    if !kind.is_empty() {
        fill(names, "listKind", json!(format!("{kind}List")));
    }
    fill_absent(spec, "conversion", json!({"strategy": "None"}));
    let stored =
        items(spec, "versions").find(|v| v.get("storage") == Some(&json!(true))).map(|v| text(v, "name").to_owned());
    let status = entry(object, "status");
    if status.get("storedVersions").and_then(Value::as_array).is_none_or(Vec::is_empty)
        && let Some(stored) = stored
    {
        status.insert("storedVersions".into(), json!([stored]));
    }
}
