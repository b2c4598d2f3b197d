//! Services. Which addresses and ports they get is somebody else's to say.

use serde_json::{Value, json};

use super::path::{Faults, Path, each, text};
use super::{meta, names, probe};

/// A service; `old` on update.
pub(super) fn service(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let (spec, path) = (&new["spec"], Path::new("spec"));
    let ty = text(spec, "type");
    let headless = spec["clusterIP"] == "None" || spec["clusterIPs"][0] == "None";
    let ports = spec["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    if ports.is_empty() && !headless && ty != "ExternalName" {
        faults.required(&path.child("ports"), "");
    }
    match ty {
        "LoadBalancer" | "NodePort" if headless => {
            let detail = format!("may not be set to 'None' for {ty} services");
            faults.invalid_text(&path.child("clusterIPs").index(0), "None", &detail);
        }
        "ExternalName" => external_name(spec, &path, faults),
        _ => {}
    }
    let mut seen = Vec::new();
    for (port, path) in each(&spec["ports"], &path.child("ports")) {
        one_port(port, ports.len() > 1, &mut seen, &path, faults);
    }
    meta::labels(&spec["selector"], &path.child("selector"), faults);
    faults.one_of(&path.child("sessionAffinity"), &spec["sessionAffinity"], &["ClientIP", "None"]);
    affinity(spec, &path, faults);
    if let Some(given) = spec["clusterIP"].as_str().filter(|ip| !ip.is_empty() && *ip != "None")
        && given.parse::<std::net::IpAddr>().is_err()
    {
        faults.invalid_text(
            &path.child("clusterIPs").index(0),
            given,
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        );
    }
    for (ip, path) in each(&spec["externalIPs"], &path.child("externalIPs")) {
        let ip = ip.as_str().unwrap_or_default();
        if ip.parse::<std::net::IpAddr>().is_err() {
            faults.invalid_text(&path, ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
        }
    }
    faults.one_of(&path.child("type"), &spec["type"], &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    port_pairs(spec, ty, &path, faults);
    only_for(spec, ty, &path, faults);
    if let Some(old) = old {
        update(spec, &old["spec"], &path, faults);
    }
}

fn external_name(spec: &Value, path: &Path, faults: &mut Faults) {
    if !text(spec, "clusterIP").is_empty() {
        faults.forbidden(&path.child("clusterIPs"), "may not be set for ExternalName services");
    }
    let given = text(spec, "externalName");
    let name = given.strip_suffix('.').unwrap_or(given);
    if name.is_empty() {
        faults.required(&path.child("externalName"), "");
    } else {
        faults.each(&path.child("externalName"), name, names::dns_subdomain(name));
    }
}

fn one_port<'a>(port: &'a Value, many: bool, seen: &mut Vec<&'a str>, path: &Path, faults: &mut Faults) {
    let name = text(port, "name");
    if name.is_empty() {
        if many {
            faults.required(&path.child("name"), "");
        }
    } else {
        faults.each(&path.child("name"), name, names::dns_label(name));
        if seen.contains(&name) {
            faults.duplicate(&path.child("name"), &port["name"]);
        } else {
            seen.push(name);
        }
    }
    for message in names::port_number(port["port"].as_i64().unwrap_or_default()) {
        faults.invalid(&path.child("port"), &port["port"], &message);
    }
    faults.one_of(&path.child("protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"]);
    probe::port(&port["targetPort"], &path.child("targetPort"), faults);
    if let Some(protocol) = port["appProtocol"].as_str() {
        faults.each(&path.child("appProtocol"), protocol, names::qualified(protocol));
    }
}

fn affinity(spec: &Value, path: &Path, faults: &mut Faults) {
    if spec["sessionAffinity"] == "ClientIP" {
        let (path, seconds) =
            (path.child("sessionAffinityConfig"), &spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"]);
        if !seconds.as_i64().is_some_and(|s| (1..=86400).contains(&s)) {
            faults.invalid(
                &path.child("clientIP").child("timeoutSeconds"),
                seconds,
                "must be greater than 0 and less than 86400",
            );
        }
    }
}

fn port_pairs(spec: &Value, ty: &str, path: &Path, faults: &mut Faults) {
    let (mut nodes, mut own) = (Vec::new(), Vec::new());
    for (port, path) in each(&spec["ports"], &path.child("ports")) {
        let node = port["nodePort"].as_i64().unwrap_or_default();
        let protocol = text(port, "protocol");
        if node != 0 {
            if ty == "ClusterIP" {
                faults.forbidden(&path.child("nodePort"), "may not be used when `type` is 'ClusterIP'");
            }
            if nodes.contains(&(protocol, node)) {
                faults.duplicate(&path.child("nodePort"), &port["nodePort"]);
            }
            nodes.push((protocol, node));
        }
        let number = port["port"].as_i64().unwrap_or_default();
        if own.contains(&(protocol, number)) {
            let shown = json!({"Name": "", "Protocol": protocol, "AppProtocol": null, "Port": number, "TargetPort": 0, "NodePort": 0});
            faults.duplicate(&path, &shown);
        }
        own.push((protocol, number));
    }
}

/// Fields that only some types of services may have.
fn only_for(spec: &Value, ty: &str, path: &Path, faults: &mut Faults) {
    let balanced = ty == "LoadBalancer";
    if spec["loadBalancerSourceRanges"].as_array().is_some_and(|list| !list.is_empty()) && !balanced {
        faults.forbidden(&path.child("LoadBalancerSourceRanges"), "may only be used when `type` is 'LoadBalancer'");
    }
    for (range, path) in each(&spec["loadBalancerSourceRanges"], &path.child("LoadBalancerSourceRanges")) {
        let range = range.as_str().unwrap_or_default().trim();
        if let Some(why) = super::format::cidr_fault(range) {
            faults.invalid_text(&path, range, why);
        }
    }
    if !spec["allocateLoadBalancerNodePorts"].is_null() && !balanced {
        faults
            .forbidden(&path.child("allocateLoadBalancerNodePorts"), "may only be used when `type` is 'LoadBalancer'");
    }
    if !spec["loadBalancerClass"].is_null() && !balanced {
        faults.forbidden(&path.child("loadBalancerClass"), "may only be used when `type` is 'LoadBalancer'");
    }
    let external = text(spec, "externalTrafficPolicy");
    let reachable = balanced
        || ty == "NodePort"
        || ty == "ClusterIP" && spec["externalIPs"].as_array().is_some_and(|ips| !ips.is_empty());
    if !external.is_empty() {
        if !reachable {
            faults.invalid_text(
                &path.child("externalTrafficPolicy"),
                external,
                "may only be set for externally-accessible services",
            );
        } else if !["Cluster", "Local"].contains(&external) {
            faults.unsupported(
                &path.child("externalTrafficPolicy"),
                &spec["externalTrafficPolicy"],
                &["Cluster", "Local"],
            );
        }
    }
    faults.one_of_if_set(&path.child("internalTrafficPolicy"), &spec["internalTrafficPolicy"], &["Cluster", "Local"]);
    faults.one_of_if_set(
        &path.child("trafficDistribution"),
        &spec["trafficDistribution"],
        &["PreferClose", "PreferSameZone", "PreferSameNode"],
    );
}

fn update(new: &Value, old: &Value, path: &Path, faults: &mut Faults) {
    let (before, now) = (text(old, "clusterIP"), text(new, "clusterIP"));
    let keeps = text(old, "type") != "ExternalName" && text(new, "type") != "ExternalName";
    if keeps && !before.is_empty() && now != before {
        let detail = if now.is_empty() { "primary clusterIP can not be unset" } else { "may not change once set" };
        let shown: Value = if now.is_empty() { Value::Null } else { json!([now]) };
        faults.invalid(&path.child("clusterIPs[0]"), &shown, detail);
    }
}
