//! Roles and bindings give nobody more than who writes them holds.

use serde_json::Value;

use super::access::escalation::{Write, check_write};
use super::admission::{Admission, Attempt};
use super::call::Verb;
use super::status::Status;

/// Refuses roles and bindings that would give more than their writer has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grants;

impl Admission for Grants {
    fn check(&self, attempt: &Attempt, object: &Value) -> Result<(), Status> {
        if !attempt.subresource.is_empty() || !matches!(attempt.verb, Verb::Create | Verb::Update | Verb::Patch) {
            return Ok(());
        }
        let write = Write {
            resource: &attempt.resource.gvr,
            namespace: attempt.namespace,
            name: if attempt.verb == Verb::Create { "" } else { attempt.name },
            new: object,
            old: attempt.old,
        };
        check_write(attempt.store, attempt.user, &write)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::api::access::{User, bootstrap};
    use crate::sim::api::call::Call;
    use crate::sim::api::change::Forget;
    use crate::sim::api::server::Api;
    use crate::sim::api::types::Types;
    use crate::sim::api::{Gvr, object};
    use crate::sim::clock::{Clock, Mode};

    fn write(api: &Api, user: &User, object: Value) -> Result<(), Status> {
        let plural = format!("{}s", object["kind"].as_str().unwrap().to_lowercase());
        let version = object["apiVersion"].as_str().unwrap();
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let mut call = Call::new(user.clone(), Verb::Create, Gvr::new(group, version, &plural));
        call.namespace = Some(object::namespace(&object).to_owned()).filter(|n| !n.is_empty());
        call.body = Some(object);
        api.call(&call).map(|_| ())
    }

    #[test]
    fn a_binding_to_more_than_one_has_is_refused() {
        let api = Api::new(Types::shipped(), Clock::new(Mode::Virtual), Box::new(Forget));
        api.add_admission(Grants);
        let admin = User::admin();
        for name in ["kube-system", "kube-public"] {
            write(&api, &admin, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).unwrap();
        }
        for object in bootstrap::objects().unwrap() {
            write(&api, &admin, object).unwrap();
        }
        let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "me"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}]});
        let refused = write(&api, &User::named("jane"), binding.clone()).unwrap_err();
        assert_eq!(refused.code(), 403);
        assert!(refused.message().contains("is attempting to grant RBAC permissions not currently held"), "{refused}");
        write(&api, &admin, binding.clone()).unwrap();
        let mut again = binding;
        again["metadata"]["name"] = json!("other");
        write(&api, &User::named("jane"), again).unwrap();
    }
}
