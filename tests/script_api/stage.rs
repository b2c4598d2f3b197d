//! The small cluster, ledger, repository and S3 server that scripts are tried on.

use std::sync::Arc;

use dpb::cancel::Cancel;
use dpb::cluster::Cluster;
use dpb::error::Result;
use dpb::goals::Ledger;
use dpb::script::api::Host;
use dpb::script::bridge::Bridge;
use dpb::script::library::Library;
use dpb::settings::Settings;
use dpb::sim::s3::{Server, Store};
use serde_json::json;

use crate::world::World;

/// The world in which examples are run.
pub(crate) fn world() -> World {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "hive-metastore", "namespace": "data-platform", "generation": 1, "uid": "d1"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app.kubernetes.io/name": "hive-metastore"}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
            "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": ""}]},
    });
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "hive-metastore-7c9f", "namespace": "data-platform", "labels": {"app.kubernetes.io/name": "hive-metastore"}},
        "spec": {"containers": [{"name": "metastore"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    });
    let revision = "main@sha1:3f2c1a9000000000000000000000000000000000";
    let ready = json!([{"type": "Ready", "status": "True", "observedGeneration": 1}]);
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "flux-system", "namespace": "flux-system", "generation": 1},
        "status": {"observedGeneration": 1, "artifact": {"revision": revision}, "conditions": ready},
    });
    let root = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "cluster-apps", "namespace": "flux-system", "generation": 1},
        "spec": {"sourceRef": {"kind": "GitRepository", "name": "flux-system"}},
        "status": {"observedGeneration": 1, "lastAppliedRevision": revision, "conditions": ready},
    });
    let node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "k8s-1"},
        "status": {"allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110"}, "conditions": [{"type": "Ready", "status": "True"}]},
    });
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "storage"}, "status": {"phase": "Active"}});
    let vector =
        json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1.0, "3"]}]}});
    World {
        objects: vec![deployment, pod, source, root, node, namespace, crate::world::job()],
        bodies: vec![
            ("/api/v1/namespaces/monitoring/services/kube-prometheus-stack-prometheus:9090/proxy/api/v1/query", vector),
            ("/api/v1/namespaces/data-platform/services/trino:8080/proxy/v1/info", json!({"starting": false})),
        ],
        ..World::default()
    }
}

/// A ledger with 1.1 completed and 1.2 pending.
pub(crate) fn ledger() -> Arc<Ledger> {
    let text = json!({
        "trigger_conditions": {"storage_usage_threshold": "200Gi", "s3_requirements": true},
        "phases": [{"id": "phase_1", "name": "Foundation", "status": "in_progress", "objectives": [
            {"id": "1.1", "name": "S3 Storage Validation", "status": "completed", "completion_timestamp": "2026-11-20T10:00:00Z"},
            {"id": "1.2", "name": "Hive Metastore Deployment", "status": "pending", "prerequisites": ["1.1"]},
        ]}],
        "current_status": {},
    });
    Arc::new(Ledger::parse(text.to_string(), "goals.json").unwrap())
}

/// A repository with one objective's script, and a host on it.
pub(crate) struct Stage {
    pub(crate) runtime: tokio::runtime::Runtime,
    _dir: tempfile::TempDir,
    pub(crate) host: Host,
}

impl Stage {
    pub(crate) fn new(files: &[(&str, &str)], world: World) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join("scripts").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let bridge = Bridge::new(runtime.handle().clone(), Cancel::new());
        let cluster: Result<Cluster> = Ok(world.cluster(&runtime));
        let host = Host::new(Library::of_repository(dir.path()), bridge)
            .with_settings(&Settings::default())
            .with_ledger(ledger())
            .with_cluster(cluster);
        Self { runtime, _dir: dir, host }
    }
}

/// An S3 server with the bucket `tables`, which holds one object.
pub(crate) fn s3(stage: &Stage) -> String {
    let store = Store::default();
    store.put_user("iceberg", "AK", "SK").unwrap();
    store.put_bucket("tables", "iceberg").unwrap();
    store.put_bucket("iceberg-tables", "iceberg").unwrap();
    let rules = json!({"Rules": [{"ID": "drop", "Status": "Enabled", "Filter": {"Prefix": "scratch/"},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Expiration": {"Days": 1}}]});
    store.put_lifecycle("tables", Some(&rules)).unwrap();
    store.put_lifecycle("iceberg-tables", Some(&rules)).unwrap();
    let server = stage.runtime.block_on(Server::bind("127.0.0.1:0".parse().unwrap(), &store)).unwrap();
    let address = format!("http://{}", server.address().unwrap());
    stage.runtime.spawn(server.run());
    let client = dpb::probe::s3::Client::new(
        dpb::probe::Connector::endpoint(&address).unwrap(),
        "tables",
        &dpb::probe::s3::Options::new("AK", "SK"),
    );
    stage.runtime.block_on(client.unwrap().put("seed", "seeded")).unwrap();
    address
}
