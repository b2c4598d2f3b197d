//! Reading objects from outside the server: for streams, engines and whoever else knows `Objects` only.

use std::sync::Arc;

use serde_json::Value;

use super::access::Objects;
use super::server::Api;

/// Takes the server's lock for each call: not for use by whoever holds it, as admission does.
impl Objects for Api {
    fn find(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.with_store(|store| Objects::find(store, group, plural, namespace, name))
    }

    fn list(&self, group: &str, plural: &str, namespace: &str) -> Vec<Arc<Value>> {
        self.with_store(|store| Objects::list(store, group, plural, namespace))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sim::api::Gvr;
    use crate::sim::api::access::User;
    use crate::sim::api::call::{Call, Verb};
    use crate::sim::api::change::Forget;
    use crate::sim::api::types::Types;
    use crate::sim::clock::{Clock, Mode};

    #[test]
    fn finds_by_group_and_plural() {
        let api = Api::new(Types::shipped(), Clock::new(Mode::Virtual), Box::new(Forget));
        let gvr = Gvr::new("rbac.authorization.k8s.io", "v1", "clusterroles");
        let mut call = Call::new(User::admin(), Verb::Create, gvr.clone());
        call.body = Some(
            json!({"apiVersion": gvr.api_version(), "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": []}),
        );
        api.call(&call).unwrap();
        let objects: &dyn Objects = &api;
        assert_eq!(objects.find(&gvr.group, &gvr.plural, "", "r").unwrap()["metadata"]["name"], "r");
        assert!(objects.find("", &gvr.plural, "", "r").is_none());
        assert_eq!(objects.list(&gvr.group, &gvr.plural, "").len(), 1);
    }
}
