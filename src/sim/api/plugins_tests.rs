//! The plugins in a server.

use serde_json::json;

use super::change::Forget;
use super::server::Api;
use super::types::Types;
use crate::sim::clock::{Clock, Mode};

#[test]
fn a_pod_gets_its_account_token_priority_and_tolerations() {
    let api = Api::new(Types::shipped(), Clock::new(Mode::Virtual), Box::new(Forget));
    let hand = api.as_user("tester");
    hand.create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})).unwrap();
    let pod = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a"},
        "spec": {"containers": [{"name": "c", "image": "i"}]}})
    };
    let refused = hand.create(pod("early")).unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (
            403,
            "pods \"early\" is forbidden: error looking up service account a/default: serviceaccount \"default\" not found"
        )
    );
    hand.create(
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "a"}}),
    )
    .unwrap();
    let made = hand.create(pod("x")).unwrap();
    let spec = &made["spec"];
    assert_eq!((&spec["serviceAccountName"], &spec["priority"]), (&json!("default"), &json!(0)));
    assert_eq!(spec["tolerations"].as_array().unwrap().len(), 2);
    assert_eq!(spec["containers"][0]["volumeMounts"][0]["mountPath"], "/var/run/secrets/kubernetes.io/serviceaccount");
    assert_eq!(spec["containers"][0]["volumeMounts"][0]["name"], spec["volumes"][0]["name"]);
}
