//! The status of resource quotas: what is used of each (kubernetes `pkg/controller/resourcequota`).

use serde_json::{Value, json};

use crate::sim::world::id::{Id, split};
use crate::sim::world::look::Look;
use crate::sim::world::plan::Plan;
use crate::sim::world::reconcile::{Reconcile, Seen};
use crate::sim::world::usage::{objects_of, used_of};
use crate::sim::world::view::View;

const KIND: &str = "ResourceQuota";

/// The controller that counts what quotas limit.
#[derive(Debug, Default)]
pub struct QuotaStatus;

impl Reconcile for QuotaStatus {
    fn name(&self) -> &'static str {
        "resourcequota-controller"
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        if seen.id.kind == KIND {
            return vec![seen.id.key()];
        }
        if seen.id.namespace.is_empty() {
            return vec![];
        }
        view.list(KIND, &seen.id.namespace).map(|quota| Id::of(quota).key()).collect()
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let (space, name) = split(key);
        let mut plan = Plan::default();
        let Some(quota) = look.view.get(KIND, space, name) else { return plan };
        let used = used_of(quota, objects_of(look.view, space));
        let used: Value = used.into_iter().map(|(name, amount)| (name, amount.to_string())).collect();
        let hard = quota.pointer("/spec/hard").cloned().unwrap_or(json!({}));
        plan.status_if_new(quota, json!({"hard": hard, "used": used}));
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::stage::Stage;
    use crate::sim::world::view::Served;
    use std::collections::BTreeMap;

    #[test]
    fn what_is_used_is_counted() {
        let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "a"},
            "spec": {"hard": {"pods": "5", "requests.memory": "4Gi"}}});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a"},
            "spec": {"containers": [{"resources": {"requests": {"memory": "1Gi"}}}]}});
        let mut stage = Stage::new([quota, pod]);
        let served = Served { plural: "pods".into(), group: String::new(), namespaced: true };
        stage.view.serve(BTreeMap::from([("Pod".to_owned(), served)]));
        stage.run(&mut QuotaStatus, "a/q");
        let status = stage.get(KIND, "a", "q")["status"].clone();
        assert_eq!(status["used"], json!({"pods": "1", "requests.memory": "1Gi"}));
        assert_eq!(status["hard"]["pods"], "5");
        assert_eq!(stage.touched(&QuotaStatus, "Pod", "a", "p"), ["a/q"]);
    }
}
