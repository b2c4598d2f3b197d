//! Clusters that are away, refuse, or fail.

use std::time::Duration;

use crate::api::{Request, status};
use crate::environment::Environment;
use crate::stand_in::with_fault;

const DRY: [&str; 4] = ["run", "execute", "1.1", "--dry-run"];

#[test]
fn no_cluster() {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let env = Environment::small_on(&address);
    for command in [&["run", "review"][..], &DRY, &["run", "execute", "1.1", "--yes"]] {
        let outcome = env.dpb(command);
        let told = format!("{}{}", outcome.stdout, outcome.stderr);
        let outcome = outcome.exits(3);
        assert!(told.contains(&format!("no answer from http://{address}")), "{told}");
        assert!(told.contains("context test"), "{told}");
        drop(outcome);
    }
    env.dpb(&["eval", "cluster::list(\"pod\")"]).exits(1).says("no answer from").says(&address);
    assert_eq!(env.changed(), "");
}

#[test]
fn no_kubeconfig() {
    let env = Environment::initiative();
    for command in [&["run", "review"][..], &DRY] {
        env.dpb(command).exits(1).says("kubeconfig").says("→");
    }
    // What needs no cluster goes on.
    env.dpb(&["goals", "list"]).succeeds();
    env.dpb(&["eval", "1 + 1"]).succeeds().prints("2");
}

#[test]
fn an_unknown_context_names_the_others() {
    Environment::small().dpb(&["run", "review", "--context", "tset"]).exits(1).says("tset").says("test");
}

#[test]
fn expired_credentials() {
    let env = Environment::small_on(&with_fault(|_| Some(status(401, "Unauthorized", "Unauthorized"))));
    env.dpb(&["run", "review"]).exits(1).says("does not accept our credentials: expired or wrong (401)");
    env.dpb(&DRY).exits(1).says("does not accept our credentials: expired or wrong (401)").says("nothing was written");
    env.dpb(&["eval", "cluster::list(\"pod\")"])
        .exits(1)
        .says("does not accept our credentials: expired or wrong (401)");
}

#[test]
fn a_missing_permission() {
    let refuse = |request: &Request| {
        (request.method == "GET" && request.path.ends_with("/nodes")).then(|| {
            status(403, "Forbidden", "nodes is forbidden: User \"ann\" cannot list resource \"nodes\" in API group \"\" at the cluster scope")
        })
    };
    let env = Environment::small_on(&with_fault(refuse));
    env.dpb(&["run", "review"]).exits(3).prints("could not be seen").prints("list nodes");
    env.dpb(&DRY).exits(3).says("list nodes");
    env.dpb(&["eval", "cluster::list(\"node\")"]).exits(1).says("kubectl auth can-i list nodes");
}

#[test]
fn a_server_that_fails() {
    let fail = |request: &Request| {
        request.path.contains("/kustomizations").then(|| status(500, "InternalError", "etcdserver: leader changed"))
    };
    let env = Environment::small_on(&with_fault(fail));
    let outcome = env.dpb(&DRY).exits(3);
    assert!(outcome.stderr.contains("etcdserver: leader changed"), "{}", outcome.stderr);
    env.dpb(&["eval", "cluster::list(\"Kustomization.kustomize.toolkit.fluxcd.io\")"])
        .exits(1)
        .says("etcdserver: leader changed");
    assert_eq!(env.changed(), "");
}

#[test]
fn an_absent_definition() {
    let env = Environment::small();
    env.write(
        "scripts/lib/platform.rhai",
        "fn store(o) { check::ready(\"store\", cluster::find(\"CephObjectStore.ceph.rook.io\", \"s\", #{ namespace: \"n\" })); }\n",
    );
    env.dpb(&["run", "review"])
        .exits(3)
        .prints("? store")
        .prints("does not serve a kind `CephObjectStore.ceph.rook.io`");
    env.dpb(&["eval", "cluster::list(\"CephObjectStore.ceph.rook.io\")"])
        .exits(1)
        .says("does not serve a kind `CephObjectStore.ceph.rook.io`")
        .says("CustomResourceDefinition");
    env.dpb(&["eval", "cluster::list(\"deploymnet\")"]).exits(1).says("Did you mean `deployment");
}

#[test]
fn no_flux_in_the_cluster() {
    let without = |request: &Request| {
        let flux = request.path.contains("toolkit.fluxcd.io");
        if request.path == "/apis" {
            return Some((
                200,
                r#"{"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": []}"#.to_owned(),
            ));
        }
        flux.then(|| (404, "404 page not found".to_owned()))
    };
    let env = Environment::small_on(&with_fault(without));
    env.dpb(&DRY).exits(3).says("has no Flux").says("Install Flux").says("nothing was written");
}

/// The root Kustomization with a field of its spec or status changed.
fn root(change: fn(&mut serde_json::Value)) -> String {
    with_fault(move |request| {
        let (code, text) = crate::stand_in::answer(request);
        let mut object: serde_json::Value = serde_json::from_str(&text).ok()?;
        (request.method == "GET" && request.path.ends_with("/kustomizations/cluster-apps")).then(|| {
            change(&mut object);
            (code, object.to_string())
        })
    })
}

#[test]
fn a_suspended_parent() {
    let env = Environment::small_on(&root(|ks| ks["spec"]["suspend"] = true.into()));
    env.dpb(&DRY)
        .exits(3)
        .says("cluster-apps is suspended")
        .says("flux resume kustomization cluster-apps -n flux-system");
    // Whoever only writes files leaves Flux to others.
    env.dpb(&["run", "execute", "1.1", "--yes", "--delivery", "files"]).exits(0).prints("not delivered");
    assert!(env.read("kubernetes/apps/data-platform/small/app/map.yaml").contains("colour: green"));
}

#[test]
fn what_was_delivered_and_is_broken_may_be_delivered_again() {
    let broken = |request: &Request| {
        let object = serde_json::json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": { "name": "small", "namespace": "flux-system", "generation": 1 },
            "status": { "conditions": [{ "type": "Ready", "status": "False", "message": "health check failed" }] },
        });
        (request.method == "GET" && request.path.ends_with("/kustomizations/small")).then(|| (200, object.to_string()))
    };
    let env = Environment::small_on(&with_fault(broken));
    env.dpb(&["run", "execute", "1.1", "--yes", "--delivery", "files"]).exits(0);
    env.commit("delivered by hand");
    env.dpb(&["run", "execute", "1.1", "--dry-run", "-o", "json"]).exits(0).prints("health check failed");
}

#[test]
fn a_server_without_aggregated_discovery_serves_as_well() {
    let legacy = |request: &Request| {
        let plain = Request { accept: "application/json".to_owned(), ..request.clone() };
        Some(crate::stand_in::answer(&plain))
    };
    Environment::small_on(&with_fault(legacy)).dpb(&DRY).exits(0);
}

#[test]
fn an_object_that_the_server_refuses() {
    let refuse = |request: &Request| {
        (request.method == "PATCH" && request.path.contains("/configmaps/"))
            .then(|| status(422, "Invalid", "ConfigMap \"small\" is invalid: data.colour: Forbidden: not this colour"))
    };
    let env = Environment::small_on(&with_fault(refuse));
    env.dpb(&["run", "execute", "1.1", "--yes", "--override", "I insist"])
        .exits(3)
        .says("not this colour")
        .says("nothing was written");
    assert_eq!(env.changed(), "");
}

/// A server that answers for the nodes only after a while.
fn slow() -> String {
    with_fault(|request| {
        if request.path.ends_with("/nodes") {
            std::thread::sleep(Duration::from_secs(30));
        }
        None
    })
}

#[test]
fn a_request_that_takes_too_long() {
    let env = Environment::small_on(&slow());
    let outcome = env.dpb(&["eval", "cluster::list(\"node\")", "--request-timeout", "1s"]).exits(1);
    outcome.says("no answer from").says("within 1 s").says("--request-timeout");
}

#[test]
fn a_time_out_before_any_effect() {
    let env = Environment::small_on(&slow());
    let began = std::time::Instant::now();
    let outcome = env.dpb(&["run", "execute", "1.1", "--yes", "--timeout", "1s"]).exits(8);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    outcome.says("within 1 s").says("nothing was written").says("--timeout");
    assert_eq!(env.changed(), "");
    assert!(!env.repo().join(".git/dpb/runs").exists());
}
