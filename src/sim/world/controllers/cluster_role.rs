//! Cluster roles that gather the rules of others by labels (kubernetes `pkg/controller/clusterroleaggregation`).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::sim::api::access::aggregated;
use crate::sim::world::id::Id;
use crate::sim::world::look::Look;
use crate::sim::world::plan::{Act, Plan};
use crate::sim::world::reconcile::{Reconcile, Seen};
use crate::sim::world::view::View;

const KIND: &str = "ClusterRole.rbac.authorization.k8s.io";

/// Keeps the rules of aggregated cluster roles.
#[derive(Debug, Default)]
pub struct ClusterRoles;

impl Reconcile for ClusterRoles {
    fn name(&self) -> &'static str {
        "clusterrole-aggregation-controller"
    }

    fn manager(&self) -> &'static str {
        "clusterrole-aggregation-controller"
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        if seen.id.kind != KIND {
            return vec![];
        }
        let gathers = |role: &&Value| role.get("aggregationRule").is_some_and(|rule| !rule.is_null());
        view.all(KIND).filter(gathers).map(|role| Id::of(role).key()).collect()
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let mut plan = Plan::default();
        let Some(role) = look.view.get(KIND, "", key) else { return plan };
        let all: Vec<Arc<Value>> = look.view.all(KIND).map(|role| Arc::new(role.clone())).collect();
        if let Some(rules) = aggregated(role, &all) {
            plan.acts.push(Act::Merge { id: Id::of(role), patch: json!({"rules": rules}) });
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::world::stage::Stage;

    #[test]
    fn gathers_what_its_selectors_choose() {
        let role = |name: &str, more: Value| {
            let mut role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}});
            json_patch::merge(&mut role, &more);
            role
        };
        let gathered = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]);
        let mut stage = Stage::new([
            role("all", json!({"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}})),
            role("part", json!({"metadata": {"labels": {"a": "b"}}, "rules": gathered})),
            role("other", json!({"rules": []})),
        ]);
        let mut roles = ClusterRoles;
        assert_eq!(stage.touched(&roles, KIND, "", "part"), ["all"]);
        stage.run(&mut roles, "all");
        assert_eq!(stage.get(KIND, "", "all")["rules"], gathered);
        stage.edit(KIND, "", "part", |part| part["metadata"]["labels"] = json!({}));
        stage.run(&mut roles, "all");
        assert_eq!(stage.get(KIND, "", "all")["rules"], json!([]));
    }
}
