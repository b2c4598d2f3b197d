//! Endpoint slices of services with a selector (kubernetes `pkg/controller/endpointslice`), and the older Endpoints.

use serde_json::{Value, json};

use crate::sim::world::id::{Id, split};
use crate::sim::world::look::Look;
use crate::sim::world::owner::{controlled_by, controller_reference};
use crate::sim::world::plan::Plan;
use crate::sim::world::pods::{ended, phase, ready};
use crate::sim::world::read::{deleting, flag, int, label, labels, list, name, namespace, put, text, uid};
use crate::sim::world::reconcile::{Reconcile, Seen};
use crate::sim::world::selector::has_all;
use crate::sim::world::view::View;

const SERVICE: &str = "Service";
const SLICE: &str = "EndpointSlice.discovery.k8s.io";
const BY: &str = "endpointslice-controller.k8s.io";

/// The controller of endpoint slices and of Endpoints.
#[derive(Debug, Default)]
pub struct Endpoints;

impl Reconcile for Endpoints {
    fn name(&self) -> &'static str {
        "endpoint-slice-controller"
    }

    fn user(&self) -> String {
        "system:serviceaccount:kube-system:endpointslice-controller".into()
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        match seen.id.kind.as_str() {
            SERVICE => vec![seen.id.key()],
            "Pod" => {
                let space = &seen.id.namespace;
                let takes = |service: &Value| {
                    let selector = labels(service, "/spec/selector");
                    !selector.is_empty() && seen.sides().any(|pod| has_all(&selector, &labels(pod, "/metadata/labels")))
                };
                view.list(SERVICE, space).filter(|s| takes(s)).map(|s| Id::of(s).key()).collect()
            }
            SLICE | "Endpoints" => {
                let service = seen.last().and_then(|o| label(o, "kubernetes.io/service-name")).unwrap_or(&seen.id.name);
                vec![Id::new(SERVICE, &seen.id.namespace, service).key()]
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let (space, service_name) = split(key);
        let mut plan = Plan::default();
        let Some(service) = look.view.get(SERVICE, space, service_name).filter(|s| !deleting(s)) else {
            if let Some(old) = look.view.get("Endpoints", space, service_name).filter(|e| !managed_by_hand(e)) {
                plan.delete(old);
            }
            return plan;
        };
        let selector = labels(service, "/spec/selector");
        if selector.is_empty() || text(service, "/spec/type") == "ExternalName" {
            return plan;
        }
        let pods: Vec<&Value> = look
            .view
            .list("Pod", space)
            .filter(|pod| has_all(&selector, &labels(pod, "/metadata/labels")))
            .filter(|pod| !ended(pod) && !text(pod, "/status/podIP").is_empty())
            .collect();
        write_slice(look, service, &pods, &mut plan);
        write_endpoints(look, service, &pods, &mut plan);
        plan
    }
}

fn managed_by_hand(endpoints: &Value) -> bool {
    label(endpoints, "endpoints.kubernetes.io/managed-by") != Some("endpoint-controller")
}

fn write_slice(look: &Look<'_>, service: &Value, pods: &[&Value], plan: &mut Plan) {
    let space = namespace(service);
    let publish = flag(service, "/spec/publishNotReadyAddresses");
    let mut endpoints: Vec<Value> = Vec::new();
    for pod in pods {
        let serving = ready(pod);
        let terminating = deleting(pod);
        let mut endpoint = json!({
            "addresses": [text(pod, "/status/podIP")],
            "conditions": {"ready": publish || serving && !terminating, "serving": serving, "terminating": terminating},
            "nodeName": text(pod, "/spec/nodeName"),
            "targetRef": {"kind": "Pod", "namespace": space, "name": name(pod), "uid": uid(pod)},
        });
        let host = text(pod, "/spec/hostname");
        if !host.is_empty() && text(pod, "/spec/subdomain") == name(service) {
            endpoint["hostname"] = Value::from(host);
        }
        endpoints.push(endpoint);
    }
    let ports: Vec<Value> = ports(service, pods, true);
    let known = look.view.list(SLICE, space).find(|slice| controlled_by(slice, service));
    let mut own = labels(service, "/metadata/labels");
    own.insert("kubernetes.io/service-name".into(), name(service).into());
    own.insert("endpointslice.kubernetes.io/managed-by".into(), BY.into());
    if text(service, "/spec/clusterIP") == "None" {
        own.insert("service.kubernetes.io/headless".into(), String::new());
    }
    let wanted = |slice: &mut Value| {
        slice["addressType"] = Value::from("IPv4");
        slice["metadata"]["labels"] = json!(own);
        slice["endpoints"] = Value::Array(endpoints.clone());
        slice["ports"] = Value::Array(ports.clone());
    };
    if let Some(slice) = known {
        let mut fresh = slice.clone();
        wanted(&mut fresh);
        if !same_content(slice, &fresh) {
            plan.update(fresh);
        }
    } else {
        let generate = format!("{}-", name(service));
        let mut slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {
            "generateName": generate,
            "name": format!("{generate}{}", look.suffix(uid(service))),
            "namespace": space,
            "ownerReferences": [controller_reference(service)],
        }});
        wanted(&mut slice);
        plan.create(slice);
    }
}

/// Whether two slices say the same; absent and empty lists are alike.
fn same_content(a: &Value, b: &Value) -> bool {
    let same_list = |key: &str| list(a, key) == list(b, key);
    same_list("/endpoints") && same_list("/ports") && labels(a, "/metadata/labels") == labels(b, "/metadata/labels")
}

fn write_endpoints(look: &Look<'_>, service: &Value, pods: &[&Value], plan: &mut Plan) {
    let space = namespace(service);
    let publish = flag(service, "/spec/publishNotReadyAddresses");
    let (mut are_ready, mut not_ready) = (Vec::new(), Vec::new());
    for pod in pods.iter().filter(|pod| !deleting(pod)) {
        let mut address = json!({
            "ip": text(pod, "/status/podIP"),
            "nodeName": text(pod, "/spec/nodeName"),
            "targetRef": {"kind": "Pod", "namespace": space, "name": name(pod), "uid": uid(pod)},
        });
        let host = text(pod, "/spec/hostname");
        if !host.is_empty() && text(pod, "/spec/subdomain") == name(service) {
            address["hostname"] = Value::from(host);
        }
        let list = if publish || ready(pod) { &mut are_ready } else { &mut not_ready };
        list.push(address);
    }
    let mut subset = json!({});
    put(&mut subset, "addresses", (!are_ready.is_empty()).then_some(Value::Array(are_ready)));
    put(&mut subset, "notReadyAddresses", (!not_ready.is_empty()).then_some(Value::Array(not_ready)));
    let mut subsets = Vec::new();
    if subset.as_object().is_some_and(|s| !s.is_empty()) {
        let ports = ports(service, pods, false);
        put(&mut subset, "ports", (!ports.is_empty()).then_some(Value::Array(ports)));
        subsets.push(subset);
    }
    let mut own = labels(service, "/metadata/labels");
    own.insert("endpoints.kubernetes.io/managed-by".into(), "endpoint-controller".into());
    if text(service, "/spec/clusterIP") == "None" {
        own.insert("service.kubernetes.io/headless".into(), String::new());
    }
    let known = look.view.get("Endpoints", space, name(service));
    let mut fresh = known.cloned().unwrap_or_else(
        || json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name(service), "namespace": space}}),
    );
    fresh["metadata"]["labels"] = json!(own);
    put(&mut fresh, "subsets", (!subsets.is_empty()).then_some(Value::Array(subsets)));
    match known {
        Some(known) => {
            if list(known, "/subsets") != list(&fresh, "/subsets")
                || labels(known, "/metadata/labels") != labels(&fresh, "/metadata/labels")
            {
                plan.update(fresh);
            }
        }
        None => plan.create(fresh),
    }
}

/// The ports as pods serve them: a named target port is looked up in the first pod that has it.
fn ports(service: &Value, pods: &[&Value], slice: bool) -> Vec<Value> {
    let mut all = Vec::new();
    for port in list(service, "/spec/ports") {
        let protocol = match text(port, "/protocol") {
            "" => "TCP",
            protocol => protocol,
        };
        let number = match port.get("targetPort") {
            Some(Value::String(wanted)) => pods.iter().find_map(|pod| named_port(pod, wanted, protocol)),
            Some(number) => number.as_i64().filter(|n| *n != 0).or_else(|| int(port, "/port")),
            None => int(port, "/port"),
        };
        let Some(number) = number.filter(|_| slice || !pods.is_empty()) else { continue };
        let mut entry = json!({"port": number, "protocol": protocol});
        let port_name = text(port, "/name");
        if slice || !port_name.is_empty() {
            entry["name"] = Value::from(port_name);
        }
        let app = text(port, "/appProtocol");
        if !app.is_empty() {
            entry["appProtocol"] = Value::from(app);
        }
        all.push(entry);
    }
    all
}

fn named_port(pod: &Value, wanted: &str, protocol: &str) -> Option<i64> {
    let restartable = list(pod, "/spec/initContainers").iter().filter(|c| text(c, "/restartPolicy") == "Always");
    let containers = list(pod, "/spec/containers").iter().chain(restartable);
    let ports = containers.flat_map(|c| list(c, "/ports"));
    ports
        .filter(|port| text(port, "/name") == wanted)
        .find(|port| matches!((text(port, "/protocol"), protocol), ("", "TCP")) || text(port, "/protocol") == protocol)
        .and_then(|port| int(port, "/containerPort"))
        .filter(|_| phase(pod) != "Failed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::stage::Stage;

    fn service() -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "a", "uid": "u", "labels": {"x": "y"}},
            "spec": {"clusterIP": "10.96.0.10", "selector": {"app": "web"},
                "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]}})
    }

    fn pod(name: &str, is_ready: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a", "labels": {"app": "web"}},
            "spec": {"nodeName": "n", "containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]},
            "status": {"phase": "Running", "podIP": "10.244.0.5", "conditions": [{"type": "Ready", "status": is_ready}]}})
    }

    #[test]
    fn ready_and_other_pods_of_a_service() {
        let mut stage = Stage::new([service(), pod("p", "True"), pod("q", "False")]);
        stage.run(&mut Endpoints, "a/web");
        let slice = &stage.all(SLICE)[0];
        assert_eq!(list(slice, "/endpoints").len(), 2);
        assert_eq!(slice["endpoints"][0]["conditions"], json!({"ready": true, "serving": true, "terminating": false}));
        assert_eq!(slice["ports"], json!([{"name": "http", "port": 8080, "protocol": "TCP"}]));
        assert_eq!(label(slice, "endpointslice.kubernetes.io/managed-by"), Some(BY));
        let endpoints = stage.get("Endpoints", "a", "web");
        assert_eq!(list(&endpoints, "/subsets/0/addresses").len(), 1);
        assert_eq!(list(&endpoints, "/subsets/0/notReadyAddresses").len(), 1);
        let before = stage.all(SLICE);
        stage.run(&mut Endpoints, "a/web");
        assert_eq!(stage.all(SLICE), before);
        assert_eq!(stage.touched(&Endpoints, "Pod", "a", "p"), ["a/web"]);
    }

    #[test]
    fn without_a_selector_nothing_is_made() {
        let mut object = service();
        put(&mut object["spec"], "selector", None);
        let mut stage = Stage::new([object, pod("p", "True")]);
        stage.run(&mut Endpoints, "a/web");
        assert!(stage.all(SLICE).is_empty() && stage.all("Endpoints").is_empty());
    }
}
