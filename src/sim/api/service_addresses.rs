//! Cluster addresses and node ports of services, given out as the true server's allocators do, but in order.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::field_error::FieldError;
use super::object;
use super::status::Status;
use super::store::Store;

/// 10.96.0.0/16; the first address is the API server's own, and the first 256 are left to those who ask for one.
const NETWORK: [u8; 2] = [10, 96];
const FIRST_PORT: u16 = 30_000;
const LAST_PORT: u16 = 32_767;

/// Gives a service its addresses and ports, or refuses those it asks for.
pub(super) fn allocate(store: &Store, old: Option<&Value>, service: &mut Value) -> Result<(), Status> {
    let kind = service["spec"]["type"].as_str().unwrap_or("ClusterIP").to_owned();
    let own = (object::namespace(service).to_owned(), object::name(service).to_owned());
    let others: Vec<&Arc<Value>> = store
        .list("services", "", "")
        .filter(|other| (object::namespace(other), object::name(other)) != (own.0.as_str(), own.1.as_str()))
        .collect();
    if kind != "ExternalName" {
        let kept = old.map(|old| old["spec"]["clusterIP"].clone()).unwrap_or_default();
        let asked = service["spec"]["clusterIP"].as_str().unwrap_or_default().to_owned();
        if asked.is_empty() {
            let address = match kept.as_str() {
                Some(kept) if !kept.is_empty() => kept.to_owned(),
                _ => free_address(&others)
                    .ok_or_else(|| Status::internal("failed to allocate a serviceIP: range is full"))?,
            };
            service["spec"]["clusterIP"] = json!(address);
            service["spec"]["clusterIPs"] = json!([address]);
        } else if asked != "None" && kept != asked.as_str() {
            check_address(service, &asked, &others)?;
        }
        if service["spec"]["clusterIPs"].is_null() {
            service["spec"]["clusterIPs"] = json!([service["spec"]["clusterIP"]]);
        }
    }
    if kind == "NodePort" || (kind == "LoadBalancer" && service["spec"]["allocateLoadBalancerNodePorts"] != false) {
        let mut taken: HashSet<u64> = others.iter().flat_map(|other| ports(other)).collect();
        taken.extend(ports(service));
        let before = old.map(|old| old["spec"]["ports"].clone()).unwrap_or_default();
        for port in service["spec"]["ports"].as_array_mut().into_iter().flatten() {
            if port["nodePort"].as_u64().unwrap_or(0) != 0 {
                continue;
            }
            let same = before
                .as_array()
                .into_iter()
                .flatten()
                .find(|old| old["port"] == port["port"] && old["protocol"] == port["protocol"]);
            let kept = same.and_then(|old| old["nodePort"].as_u64());
            let free = kept.or_else(|| (FIRST_PORT..=LAST_PORT).map(u64::from).find(|number| !taken.contains(number)));
            let number = free.ok_or_else(|| Status::internal("failed to allocate a nodePort: range is full"))?;
            taken.insert(number);
            port["nodePort"] = json!(number);
        }
    }
    Ok(())
}

fn ports(service: &Value) -> Vec<u64> {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    ports.filter_map(|port| port["nodePort"].as_u64()).filter(|port| *port != 0).collect()
}

fn free_address(others: &[&Arc<Value>]) -> Option<String> {
    let taken: HashSet<String> =
        others.iter().filter_map(|o| o["spec"]["clusterIP"].as_str().map(str::to_owned)).collect();
    let all =
        (1..=255u8).flat_map(|third| (0..=255u8).map(move |last| Ipv4Addr::new(NETWORK[0], NETWORK[1], third, last)));
    all.map(|address| address.to_string()).find(|address| !taken.contains(address) && address != "10.96.255.255")
}

fn check_address(service: &Value, asked: &str, others: &[&Arc<Value>]) -> Result<(), Status> {
    let refused = |detail: &str| {
        let error = FieldError::invalid("spec.clusterIPs", &format!("[\"{asked}\"]"), detail);
        Err(Status::invalid("", "Service", object::name(service), &[error]))
    };
    let Ok(address) = asked.parse::<Ipv4Addr>() else { return Ok(()) };
    if address.octets()[..2] != NETWORK {
        return refused(&format!(
            "failed to allocate IP {asked}: the provided IP ({asked}) is not in the valid range. The range of valid IPs is 10.96.0.0/16"
        ));
    }
    if others.iter().any(|other| other["spec"]["clusterIP"] == asked) {
        return refused(&format!("failed to allocate IP {asked}: provided IP is already allocated"));
    }
    Ok(())
}
