//! Rows of the remaining groups.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::selectors::LabelSelector;
use super::cells::{NONE, number, object_age, some, text_or};

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn length(value: &Value) -> Value {
    json!(value.as_array().map_or(0, Vec::len))
}

fn flag(value: &Value) -> Value {
    json!(value == &Value::Bool(true))
}

/// The cells of an object; nothing for resources without a printer of their own.
pub(super) fn cells(resource: &str, object: &Value, now: Timestamp) -> Option<Vec<Value>> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let name = object["metadata"]["name"].clone();
    let old = object_age(object, now);
    let text = |value: &Value| json!(text_or(value, NONE));
    let plain = |value: &Value| json!(text_or(value, ""));
    Some(match resource {
        "poddisruptionbudgets.policy" => {
            let amount = |value: &Value| match value {
                Value::Null => json!("N/A"),
                Value::String(text) => json!(text),
                other => json!(other.to_string()),
            };
            vec![
                name,
                amount(&spec["minAvailable"]),
                amount(&spec["maxUnavailable"]),
                number(&status["disruptionsAllowed"]),
                old,
            ]
        }
        "storageclasses.storage.k8s.io" => {
            let class = "storageclass.kubernetes.io/is-default-class";
            let default = object["metadata"]["annotations"][class] == "true";
            let own = text_or(&name, "");
            let shown = if default { format!("{own} (default)") } else { own };
            let grows = object["allowVolumeExpansion"] == true;
            vec![
                json!(shown),
                plain(&object["provisioner"]),
                json!(text_or(&object["reclaimPolicy"], "Delete")),
                text(&object["volumeBindingMode"]),
                json!(grows.to_string()),
                old,
            ]
        }
        "leases.coordination.k8s.io" => vec![name, plain(&spec["holderIdentity"]), old],
        "networkpolicies.networking.k8s.io" => {
            let selector = LabelSelector::of_object(&spec["podSelector"]).map(|s| s.to_string()).unwrap_or_default();
            vec![name, json!(if selector.is_empty() { NONE.to_owned() } else { selector }), old]
        }
        "ingressclasses.networking.k8s.io" => {
            let parameters = &spec["parameters"];
            let shown = parameters["kind"].as_str().map_or_else(
                || NONE.to_owned(),
                |kind| {
                    let group = parameters["apiGroup"].as_str().map(|g| format!(".{g}")).unwrap_or_default();
                    format!("{kind}{group}/{}", text_or(&parameters["name"], ""))
                },
            );
            vec![name, plain(&spec["controller"]), json!(shown), old]
        }
        "ingresses.networking.k8s.io" => {
            let hosts: Vec<String> =
                list(&spec["rules"]).filter_map(|r| r["host"].as_str().map(str::to_owned)).collect();
            let hosts = if hosts.is_empty() { "*".to_owned() } else { some(&hosts, 3) };
            let addresses: Vec<&str> = list(&status["loadBalancer"]["ingress"])
                .filter_map(|i| i["ip"].as_str().or(i["hostname"].as_str()))
                .collect();
            let ports = if spec["tls"].as_array().is_some_and(|tls| !tls.is_empty()) { "80, 443" } else { "80" };
            vec![name, text(&spec["ingressClassName"]), json!(hosts), json!(addresses.join(",")), json!(ports), old]
        }
        "ipaddresses.networking.k8s.io" => {
            let parent = &spec["parentRef"];
            let part = |field: &str| text_or(&parent[field], "");
            let group = part("group");
            let head = if group.is_empty() { part("resource") } else { format!("{}.{group}", part("resource")) };
            let place = [head, part("namespace"), part("name")];
            vec![name, json!(place.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("/"))]
        }
        "servicecidrs.networking.k8s.io" => {
            let all: Vec<&str> = list(&spec["cidrs"]).filter_map(Value::as_str).collect();
            vec![name, json!(all.join(",")), old]
        }
        "endpointslices.discovery.k8s.io" => {
            let ports: Vec<String> =
                list(&object["ports"]).map(|p| p["port"].as_i64().map_or("*".to_owned(), |n| n.to_string())).collect();
            let all: Vec<String> = list(&object["endpoints"])
                .flat_map(|e| list(&e["addresses"]))
                .filter_map(|a| a.as_str().map(str::to_owned))
                .collect();
            let unset = |text: String| if text == NONE { "<unset>".to_owned() } else { text };
            vec![name, plain(&object["addressType"]), json!(unset(some(&ports, 3))), json!(unset(some(&all, 3))), old]
        }
        "horizontalpodautoscalers.autoscaling" => {
            let target = &spec["scaleTargetRef"];
            let shown = format!("{}/{}", text_or(&target["kind"], ""), text_or(&target["name"], ""));
            let least = spec["minReplicas"].as_i64().map_or("<unset>".to_owned(), |n| n.to_string());
            vec![
                name,
                json!(shown),
                json!("<unknown>"),
                json!(least),
                number(&spec["maxReplicas"]),
                number(&status["currentReplicas"]),
                old,
            ]
        }
        "roles.rbac.authorization.k8s.io" | "clusterroles.rbac.authorization.k8s.io" => {
            vec![name, object["metadata"]["creationTimestamp"].clone()]
        }
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            let role =
                format!("{}/{}", text_or(&object["roleRef"]["kind"], ""), text_or(&object["roleRef"]["name"], ""));
            let of = |kind: &str| {
                let all = list(&object["subjects"]).filter(|s| s["kind"] == kind);
                let shown: Vec<String> = all
                    .map(|s| match kind {
                        "ServiceAccount" => format!("{}/{}", text_or(&s["namespace"], ""), text_or(&s["name"], "")),
                        _ => text_or(&s["name"], ""),
                    })
                    .collect();
                json!(shown.join(", "))
            };
            vec![name, json!(role), old, of("User"), of("Group"), of("ServiceAccount")]
        }
        "priorityclasses.scheduling.k8s.io" => vec![
            name,
            number(&object["value"]),
            flag(&object["globalDefault"]),
            old,
            json!(text_or(&object["preemptionPolicy"], "PreemptLowerPriority")),
        ],
        "runtimeclasses.node.k8s.io" => vec![name, plain(&object["handler"]), old],
        "apiservices.apiregistration.k8s.io" => {
            let service = spec["service"]["name"].as_str();
            let shown =
                service.map_or("Local".to_owned(), |s| format!("{}/{s}", text_or(&spec["service"]["namespace"], "")));
            let available = list(&status["conditions"]).find(|c| c["type"] == "Available");
            vec![name, json!(shown), json!(available.and_then(|c| c["status"].as_str()).unwrap_or("Unknown")), old]
        }
        "certificatesigningrequests.certificates.k8s.io" => {
            let words: Vec<&str> = list(&status["conditions"]).filter_map(|c| c["type"].as_str()).collect();
            let state = if words.is_empty() { "Pending".to_owned() } else { words.join(",") };
            vec![name, old, plain(&spec["signerName"]), plain(&spec["username"]), json!(NONE), json!(state)]
        }
        "mutatingwebhookconfigurations.admissionregistration.k8s.io"
        | "validatingwebhookconfigurations.admissionregistration.k8s.io" => {
            vec![name, length(&object["webhooks"]), old]
        }
        "validatingadmissionpolicies.admissionregistration.k8s.io"
        | "mutatingadmissionpolicies.admissionregistration.k8s.io" => {
            let field = if resource.starts_with('v') { "validations" } else { "mutations" };
            let kind = spec["paramKind"]["kind"].as_str().map_or("<unset>".to_owned(), |kind| {
                format!("{}/{kind}", text_or(&spec["paramKind"]["apiVersion"], ""))
            });
            vec![name, length(&spec[field]), json!(kind), old]
        }
        "validatingadmissionpolicybindings.admissionregistration.k8s.io"
        | "mutatingadmissionpolicybindings.admissionregistration.k8s.io" => {
            vec![name, plain(&spec["policyName"]), json!(text_or(&spec["paramRef"]["name"], "<unset>")), old]
        }
        "csidrivers.storage.k8s.io" => {
            let modes: Vec<&str> = list(&spec["volumeLifecycleModes"]).filter_map(Value::as_str).collect();
            vec![
                name,
                flag(&spec["attachRequired"]),
                flag(&spec["podInfoOnMount"]),
                flag(&spec["storageCapacity"]),
                json!("<unset>"),
                flag(&spec["requiresRepublish"]),
                json!(if modes.is_empty() { NONE.to_owned() } else { modes.join(",") }),
                old,
            ]
        }
        "csinodes.storage.k8s.io" => vec![name, length(&spec["drivers"]), old],
        "volumeattachments.storage.k8s.io" => vec![
            name,
            plain(&spec["attacher"]),
            plain(&spec["source"]["persistentVolumeName"]),
            plain(&spec["nodeName"]),
            flag(&status["attached"]),
            old,
        ],
        "volumeattributesclasses.storage.k8s.io" => vec![name, plain(&object["driverName"]), old],
        "deviceclasses.resource.k8s.io" | "resourceclaimtemplates.resource.k8s.io" => vec![name, old],
        "resourceclaims.resource.k8s.io" => {
            let taken = if status["allocation"].is_null() { "pending" } else { "allocated" };
            vec![name, json!(taken), old]
        }
        "resourceslices.resource.k8s.io" => {
            vec![name, plain(&spec["nodeName"]), plain(&spec["driver"]), plain(&spec["pool"]["name"]), old]
        }
        "flowschemas.flowcontrol.apiserver.k8s.io" => vec![
            name,
            plain(&spec["priorityLevelConfiguration"]["name"]),
            number(&spec["matchingPrecedence"]),
            text(&spec["distinguisherMethod"]["type"]),
            old,
            json!("False"),
        ],
        "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io" => {
            let of = |value: &Value| value.as_i64().map_or(json!(NONE), |n| json!(n));
            let queuing = &spec["limited"]["limitResponse"]["queuing"];
            let shares =
                of(&spec[if spec["type"] == "Exempt" { "exempt" } else { "limited" }]["nominalConcurrencyShares"]);
            vec![
                name,
                plain(&spec["type"]),
                shares,
                of(&queuing["queues"]),
                of(&queuing["handSize"]),
                of(&queuing["queueLengthLimit"]),
                old,
            ]
        }
        _ => return None,
    })
}
