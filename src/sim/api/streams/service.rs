//! Where a proxied request goes: the pod and port behind `pods/[SCHEME:]NAME[:PORT]` or `services/…`.

use serde_json::Value;

use crate::sim::api::access::Objects;
use crate::sim::api::{Gvr, Status, object};

/// The place that a request is sent to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pod: String,
    pub(super) ip: String,
    pub(super) port: u16,
}

/// `[SCHEME:]NAME[:PORT]`; nothing if it is none. The scheme is empty, `http` or `https`.
fn parts(id: &str) -> Option<(&str, &str, &str)> {
    let parts: Vec<&str> = id.split(':').collect();
    match parts[..] {
        [name] if !name.is_empty() => Some(("", name, "")),
        [name, port] if !name.is_empty() => Some(("", name, port)),
        [scheme @ ("http" | "https" | ""), name, port] if !name.is_empty() => Some((scheme, name, port)),
        _ => None,
    }
}

fn split<'a>(what: &str, id: &'a str) -> Result<(&'a str, &'a str), Status> {
    let (scheme, name, port) =
        parts(id).ok_or_else(|| Status::bad_request(format!("invalid {what} request \"{id}\"")))?;
    if scheme == "https" {
        return Err(Status::not_simulated("https behind the proxy of services and pods"));
    }
    Ok((name, port))
}

/// The place of a pod.
pub(super) fn of_pod(objects: &dyn Objects, namespace: &str, id: &str) -> Result<Place, Status> {
    let (name, port) = split("pod", id)?;
    let pod = objects.find("", "pods", namespace, name);
    let pod = pod.ok_or_else(|| Status::not_found(&Gvr::new("", "v1", "pods"), name))?;
    let ip = pod["status"]["podIP"].as_str().filter(|ip| !ip.is_empty());
    let ip = ip.ok_or_else(|| Status::bad_request("address not allowed"))?.to_owned();
    let first = || {
        let containers = pod["spec"]["containers"].as_array()?;
        containers.iter().find_map(|c| c["ports"].as_array()?.first()?["containerPort"].as_u64())
    };
    let number = if port.is_empty() { first().unwrap_or(80).to_string() } else { port.to_owned() };
    let port = number.parse().map_err(|_| {
        Status::unavailable(format!("error trying to reach service: dial tcp: lookup tcp/{number}: unknown port"))
    })?;
    Ok(Place { pod: name.into(), ip, port })
}

/// A pod and port behind a service, by its endpoint slices.
pub(super) fn of_service(objects: &dyn Objects, namespace: &str, id: &str) -> Result<Place, Status> {
    let (name, asked) = split("service", id)?;
    let missing = || Status::not_found(&Gvr::new("", "v1", "services"), name);
    let service = objects.find("", "services", namespace, name).ok_or_else(missing)?;
    let mut port = asked.to_owned();
    if let Ok(number) = asked.parse::<i64>() {
        let ports = service["spec"]["ports"].as_array().into_iter().flatten();
        let found = ports.into_iter().find(|port| port["port"] == number);
        let why = || Status::unavailable(format!("no service port {number} found for service \"{name}\""));
        found.ok_or_else(why)?["name"].as_str().unwrap_or_default().clone_into(&mut port);
    }
    let slices = objects.list("discovery.k8s.io", "endpointslices", namespace);
    let slices: Vec<_> =
        slices.into_iter().filter(|s| object::label(s, "kubernetes.io/service-name") == Some(name)).collect();
    let selects = service["spec"]["selector"].as_object().is_some_and(|selector| !selector.is_empty());
    if slices.is_empty() && (!selects || service["spec"]["type"] == "ExternalName") {
        return Err(missing());
    }
    let none = |what: &str| Status::unavailable(format!("no endpoints available for service \"{what}\""));
    if !slices.iter().any(|slice| ready(slice).next().is_some()) {
        return Err(none(name));
    }
    for slice in &slices {
        let ports = slice["ports"].as_array().into_iter().flatten();
        let number = ports.into_iter().find(|p| p["name"].as_str().unwrap_or_default() == port);
        let number = number.and_then(|p| p["port"].as_u64()).and_then(|p| u16::try_from(p).ok());
        let (Some(number), Some((pod, ip))) = (number, ready(slice).next()) else { continue };
        return Ok(Place { pod: pod.into(), ip: ip.into(), port: number });
    }
    Err(none(id))
}

/// Pods of a slice that take requests, with their addresses.
fn ready(slice: &Value) -> impl Iterator<Item = (&str, &str)> {
    let all = slice["endpoints"].as_array().into_iter().flatten();
    all.filter(|e| e["conditions"]["ready"] != false && e["targetRef"]["kind"] == "Pod")
        .filter_map(|e| Some((e["targetRef"]["name"].as_str()?, e["addresses"].as_array()?.first()?.as_str()?)))
}
