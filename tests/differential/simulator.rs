//! A fresh simulated cluster, as the rig's is fresh: no pod runs in it.

use std::sync::Arc;

use dpb::sim::api::access::User;
use dpb::sim::api::bootstrap::bootstrap;
use dpb::sim::api::streams::{Backends, BoxedIo, ExecResult, LogLine};
use dpb::sim::api::{Api, Forget, Status, Types, shipped};
use dpb::sim::clock::{Clock, Mode};
use serde_json::json;

/// A client of a cluster of its own.
pub(crate) fn client() -> kube::Client {
    let api = Api::new(Types::shipped(), Clock::new(Mode::Real), Box::new(Forget));
    api.set_backends(Arc::new(NothingRuns));
    accounts(&api);
    bootstrap(&api).unwrap();
    let hand = api.as_user("admin");
    for name in ["k8s-1", "k8s-2", "k8s-3"] {
        hand.create(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})).unwrap();
    }
    for crd in shipped::crds() {
        hand.create(crd.clone()).unwrap();
    }
    api.client(User::admin())
}

/// Makes what the controller manager makes in every namespace.
fn accounts(api: &Api) {
    let mut changes = api.changes();
    let hand = api.as_user("system:kube-controller-manager").managing_as("kube-controller-manager");
    tokio::spawn(async move {
        while let Some(change) = changes.next().await {
            if change.is("namespaces", "") && change.is_created() {
                let metadata = |name: &str| json!({"name": name, "namespace": change.name});
                let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata("default")});
                hand.create(account).unwrap();
            }
        }
    });
}

struct NothingRuns;

impl Backends for NothingRuns {
    fn logs(&self, _: &str, pod: &str, _: &str, _: bool) -> Result<Vec<LogLine>, Status> {
        Err(Status::bad_request(format!("{pod} does not run")))
    }

    fn exec(&self, _: &str, pod: &str, _: &str, _: &[String]) -> Result<ExecResult, Status> {
        Err(Status::bad_request(format!("{pod} does not run")))
    }

    fn port(&self, _: &str, _: &str, _: u16) -> Option<BoxedIo> {
        None
    }
}
