//! Network policies, ingresses, autoscalers.

use serde_json::Value;

use super::path::{Faults, Path, each, text};
use super::{meta, names, probe};

/// A network policy.
pub(super) fn policy(new: &Value, faults: &mut Faults) {
    let (spec, path) = (&new["spec"], Path::new("spec"));
    meta::selector(&spec["podSelector"], &path.child("podSelector"), faults);
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (rule, path) in each(&spec[direction], &path.child(direction)) {
            for (port, path) in each(&rule["ports"], &path.child("ports")) {
                policy_port(port, &path, faults);
            }
            for (peer, path) in each(&rule[peers], &path.child(peers)) {
                policy_peer(peer, &path, faults);
            }
        }
    }
    let types = spec["policyTypes"].as_array().map(Vec::as_slice).unwrap_or_default();
    if types.len() > 2 {
        faults.invalid(&path.child("policyTypes"), &spec["policyTypes"], "may not specify more than two policyTypes");
        return;
    }
    for (ty, path) in each(&spec["policyTypes"], &path.child("policyTypes")) {
        if !matches!(ty.as_str(), Some("Ingress" | "Egress")) {
            faults.unsupported(&path, ty, &["Ingress", "Egress"]);
        }
    }
}

fn policy_port(port: &Value, path: &Path, faults: &mut Faults) {
    faults.one_of_if_set(&path.child("protocol"), &port["protocol"], &["TCP", "UDP", "SCTP"]);
    if !port["port"].is_null() {
        probe::port(&port["port"], &path.child("port"), faults);
    }
    let end = &port["endPort"];
    if end.is_null() {
        return;
    }
    if port["port"].is_null() {
        faults.invalid(&path.child("endPort"), end, "may not be specified when `port` is not specified");
    } else if port["port"].is_string() {
        faults.invalid(&path.child("endPort"), end, "may not be specified when `port` is non-numeric");
    } else if end.as_i64() < port["port"].as_i64() {
        faults.invalid(&path.child("endPort"), &port["port"], "must be greater than or equal to `port`");
    }
}

fn policy_peer(peer: &Value, path: &Path, faults: &mut Faults) {
    let (pods, namespaces, block) =
        (!peer["podSelector"].is_null(), !peer["namespaceSelector"].is_null(), &peer["ipBlock"]);
    meta::selector(&peer["podSelector"], &path.child("podSelector"), faults);
    meta::selector(&peer["namespaceSelector"], &path.child("namespaceSelector"), faults);
    if !block.is_null() {
        let (path, cidr) = (path.child("ipBlock").child("cidr"), text(block, "cidr"));
        if cidr.is_empty() {
            faults.required(&path, "");
        } else if let Some(why) = super::format::cidr_fault(cidr) {
            faults.invalid_text(&path, cidr, why);
        }
    }
    if !block.is_null() && (pods || namespaces) {
        faults.forbidden(path, "may not specify both ipBlock and another peer");
    } else if block.is_null() && !pods && !namespaces {
        faults.required(path, "must specify a peer");
    }
}

/// An ingress.
pub(super) fn ingress(new: &Value, faults: &mut Faults) {
    let (spec, path) = (&new["spec"], Path::new("spec"));
    let default = &spec["defaultBackend"];
    if spec["rules"].as_array().is_none_or(Vec::is_empty) && default.is_null() {
        faults.invalid(&path, &Value::Null, "either `defaultBackend` or `rules` must be specified");
    }
    if !default.is_null() {
        backend(default, &path.child("defaultBackend"), faults);
    }
    for (rule, path) in each(&spec["rules"], &path.child("rules")) {
        let host = text(rule, "host");
        if host.parse::<std::net::IpAddr>().is_ok() {
            faults.invalid_text(&path.child("host"), host, "must be a DNS name, not an IP address");
        }
        if let Some(rest) = host.strip_prefix("*.") {
            if !names::dns_subdomain(rest).is_empty() {
                faults.each(&path.child("host"), host, names::dns_subdomain(rest));
            }
        } else if !host.is_empty() {
            faults.each(&path.child("host"), host, names::dns_subdomain(host));
        }
        if !rule["http"].is_null() {
            http(&rule["http"], &path.child("http"), faults);
        }
    }
    for (tls, path) in each(&spec["tls"], &path.child("tls")) {
        for (host, path) in each(&tls["hosts"], &path.child("hosts")) {
            let host = host.as_str().unwrap_or_default();
            faults.each(&path, host, names::dns_subdomain(host.strip_prefix("*.").unwrap_or(host)));
        }
    }
    let class = text(spec, "ingressClassName");
    if !class.is_empty() {
        faults.each(&path.child("ingressClassName"), class, names::dns_subdomain(class));
    }
}

fn http(http: &Value, path: &Path, faults: &mut Faults) {
    if http["paths"].as_array().is_none_or(Vec::is_empty) {
        faults.required(&path.child("paths"), "");
    }
    for (rule, path) in each(&http["paths"], &path.child("paths")) {
        let given = text(rule, "path");
        match text(rule, "pathType") {
            "Exact" | "Prefix" => {
                if !given.starts_with('/') {
                    faults.invalid_text(&path.child("path"), given, "must be an absolute path");
                }
                for bad in ["//", "/./", "/../", "%2f", "%2F"] {
                    if given.contains(bad) {
                        faults.invalid_text(&path.child("path"), given, &format!("must not contain '{bad}'"));
                    }
                }
                for bad in ["/..", "/."].into_iter().filter(|bad| given.ends_with(bad)) {
                    faults.invalid_text(&path.child("path"), given, &format!("cannot end with '{bad}'"));
                }
            }
            "ImplementationSpecific" => {
                if !given.is_empty() && !given.starts_with('/') {
                    faults.invalid_text(&path.child("path"), given, "must be an absolute path");
                }
            }
            "" => {
                faults.required(&path.child("pathType"), "pathType must be specified");
                continue;
            }
            _ => faults.unsupported(
                &path.child("pathType"),
                &rule["pathType"],
                &["Exact", "ImplementationSpecific", "Prefix"],
            ),
        }
        backend(&rule["backend"], &path.child("backend"), faults);
    }
}

fn backend(backend: &Value, path: &Path, faults: &mut Faults) {
    let (service, resource) = (&backend["service"], !backend["resource"].is_null());
    match (service.is_null(), resource) {
        (true, false) => faults.invalid_text(path, "", "resource or service backend is required"),
        (false, true) => faults.invalid_text(path, "", "cannot set both resource and service backends"),
        (true, true) => {}
        (false, false) => {
            let (name, whole, path) = (text(service, "name"), path, path.child("service"));
            if name.is_empty() {
                faults.required(&path.child("name"), "");
            } else {
                faults.each(&path.child("name"), name, names::dns_label(name));
            }
            let (port, named) = (&service["port"]["number"], text(&service["port"], "name"));
            let numbered = port.as_i64().unwrap_or_default();
            if named.is_empty() && numbered == 0 {
                faults.required(whole, "port name or number is required");
            } else if !named.is_empty() && numbered != 0 {
                faults.invalid_text(whole, "", "cannot set both port name & port number");
            } else if !named.is_empty() {
                faults.each(&path.child("port").child("name"), named, names::port_name(named));
            } else {
                for message in names::port_number(numbered) {
                    faults.invalid(&path.child("port").child("number"), port, &message);
                }
            }
        }
    }
}

/// A pod autoscaler.
pub(super) fn autoscaler(new: &Value, faults: &mut Faults) {
    let (spec, path) = (&new["spec"], Path::new("spec"));
    let (least, most) = (&spec["minReplicas"], &spec["maxReplicas"]);
    if least.as_i64().is_some_and(|n| n < 1) {
        faults.invalid(&path.child("minReplicas"), least, "must be greater than or equal to 1");
    }
    let maximum = most.as_i64().unwrap_or_default();
    if maximum == 0 {
        faults.required(&path.child("maxReplicas"), "must be set and greater than 0");
    } else if maximum < 0 {
        faults.invalid(&path.child("maxReplicas"), most, "must be greater than or equal to 1");
    }
    if least.as_i64().is_some_and(|least| maximum < least) {
        faults.invalid(&path.child("maxReplicas"), most, "must be greater than or equal to `minReplicas`");
    }
    let (target, path_of) = (&spec["scaleTargetRef"], path.child("scaleTargetRef"));
    for field in ["kind", "name"] {
        let value = text(target, field);
        if value.is_empty() {
            faults.required(&path_of.child(field), "");
        } else {
            faults.each(&path_of.child(field), value, names::path_segment(value));
        }
    }
    let controller = text(target, "apiVersion") == "v1" && text(target, "kind") == "ReplicationController";
    if !(controller || text(target, "apiVersion").contains('/')) {
        faults.invalid_text(
            &path_of.child("apiVersion"),
            text(target, "apiVersion"),
            "apiVersion must specify API group",
        );
    }
    let scalable = |metric: &Value| matches!(text(metric, "type"), "Object" | "External");
    if least == 0 && !spec["metrics"].as_array().is_some_and(|all| all.iter().any(scalable)) {
        let detail = "must specify at least one Object or External metric to support scaling to zero replicas";
        faults.forbidden(&path.child("metrics"), detail);
    }
    for (metric, path) in each(&spec["metrics"], &path.child("metrics")) {
        let ty = text(metric, "type");
        let kinds = ["ContainerResource", "External", "Object", "Pods", "Resource"];
        if ty.is_empty() {
            faults.required(&path.child("type"), "must specify a metric source type");
        } else if !kinds.contains(&ty) {
            faults.unsupported(&path.child("type"), &metric["type"], &kinds);
        } else {
            let field = format!("{}{}", ty[..1].to_lowercase(), &ty[1..]);
            if metric[&field].is_null() {
                faults.required(&path.child(&field), "must populate information for the given metric source");
            }
        }
    }
}
