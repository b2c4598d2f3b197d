//! What every namespace gets: the service account `default`, and the config map with the cluster's root certificate.

use serde_json::{Value, json};

use crate::sim::world::look::Look;
use crate::sim::world::plan::{Act, Plan, seconds_later};
use crate::sim::world::read::{deleting, text};
use crate::sim::world::reconcile::{Reconcile, Refusal, Seen};
use crate::sim::world::view::View;

const ACCOUNT: &str = "ServiceAccount";
const MAP: &str = "ConfigMap";
const MAP_NAME: &str = "kube-root-ca.crt";

/// Keeps a service account `default` in every namespace.
#[derive(Debug, Default)]
pub struct ServiceAccounts;

/// Keeps the config map `kube-root-ca.crt` in every namespace.
#[derive(Debug)]
pub struct RootCertificates {
    certificate: String,
}

impl RootCertificates {
    /// With the certificate (PEM) that the API server is known by.
    pub fn new(certificate: String) -> Self {
        Self { certificate }
    }
}

/// The namespace of a changed namespace, or of a changed object of one kind and name.
fn spaces(seen: &Seen, kind: &str, name: &str) -> Vec<String> {
    if seen.id.kind == "Namespace" {
        return vec![seen.id.name.clone()];
    }
    if seen.id.kind == kind && seen.id.name == name { vec![seen.id.namespace.clone()] } else { vec![] }
}

fn is_open(look: &Look<'_>, space: &str) -> bool {
    look.view.get("Namespace", "", space).is_some_and(|namespace| !deleting(namespace))
}

fn later(look: &Look<'_>) -> Plan {
    Plan { wake: Some(seconds_later(look.now, 5)), ..Plan::default() }
}

impl Reconcile for ServiceAccounts {
    fn name(&self) -> &'static str {
        "service-account-controller"
    }

    fn touched(&self, seen: &Seen, _: &View) -> Vec<String> {
        spaces(seen, ACCOUNT, "default")
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let mut plan = Plan::default();
        if is_open(look, key) && look.view.get(ACCOUNT, key, "default").is_none() {
            let metadata = json!({"name": "default", "namespace": key});
            plan.create(json!({"apiVersion": "v1", "kind": ACCOUNT, "metadata": metadata}));
        }
        plan
    }

    fn refused(&mut self, look: &Look<'_>, _: &str, _: &Act, _: &Refusal) -> Plan {
        later(look)
    }
}

impl Reconcile for RootCertificates {
    fn name(&self) -> &'static str {
        "root-ca-cert-publisher"
    }

    fn touched(&self, seen: &Seen, _: &View) -> Vec<String> {
        spaces(seen, MAP, MAP_NAME)
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let mut plan = Plan::default();
        if !is_open(look, key) {
            return plan;
        }
        match look.view.get(MAP, key, MAP_NAME) {
            None => {
                let words = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal \
                             endpoints such as the internal service IP or kubernetes.default.svc. No other usage is \
                             guaranteed across distributions of Kubernetes clusters.";
                plan.create(json!({"apiVersion": "v1", "kind": MAP, "data": {"ca.crt": self.certificate},
                    "metadata": {"name": MAP_NAME, "namespace": key, "annotations": {"kubernetes.io/description": words}}}));
            }
            Some(map)
                if map
                    .get("data")
                    .is_none_or(|d| d.get("ca.crt").and_then(Value::as_str) != Some(&self.certificate)) =>
            {
                let mut mended = map.clone();
                mended["data"] = json!({"ca.crt": self.certificate});
                plan.update(mended);
            }
            Some(map) => debug_assert_eq!(text(map, "/metadata/name"), MAP_NAME),
        }
        plan
    }

    fn refused(&mut self, look: &Look<'_>, _: &str, _: &Act, _: &Refusal) -> Plan {
        later(look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::stage::Stage;

    #[test]
    fn every_namespace_has_both_and_gets_them_back() {
        let mut stage = Stage::new([json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})]);
        let mut roots = RootCertificates::new("PEM".into());
        stage.run(&mut ServiceAccounts, "a");
        stage.run(&mut roots, "a");
        stage.edit(MAP, "a", MAP_NAME, |map| map["data"] = json!({}));
        stage.run(&mut roots, "a");
        stage.run(&mut ServiceAccounts, "a");
        assert_eq!(stage.names(ACCOUNT), ["default"]);
        assert_eq!(stage.get(MAP, "a", MAP_NAME)["data"], json!({"ca.crt": "PEM"}));
        assert_eq!(stage.touched(&roots, MAP, "a", MAP_NAME), ["a"]);
    }

    #[test]
    fn none_in_a_namespace_on_its_way_out() {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "deletionTimestamp": "2026-11-24T10:00:00Z"}});
        let mut stage = Stage::new([namespace]);
        stage.run(&mut ServiceAccounts, "a");
        assert!(stage.names(ACCOUNT).is_empty());
    }
}
