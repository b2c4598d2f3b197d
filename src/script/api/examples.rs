//! Every example of the registry is run, and gives what it says.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;

use rhai::Dynamic;
use serde_json::json;

use super::fake::World;
use super::{Host, REGISTRY, Session};
use crate::cancel::Cancel;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::goals::Ledger;
use crate::script::bridge::Bridge;
use crate::script::compile::Program;
use crate::script::engine::{Machine, compiler};
use crate::script::library::{EVAL, Library, Origin, Source};
use crate::script::profile::Profile;
use crate::script::value::literal;
use crate::settings::Settings;

/// The world in which examples are run.
pub(super) fn world() -> World {
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
        objects: vec![deployment, pod, source, root, node, namespace, super::fake::job()],
        bodies: vec![
            ("/api/v1/namespaces/monitoring/services/kube-prometheus-stack-prometheus:9090/proxy/api/v1/query", vector),
            ("/api/v1/namespaces/data-platform/services/trino:8080/proxy/v1/info", json!({"starting": false})),
        ],
        ..World::default()
    }
}

/// A ledger with 1.1 completed and 1.2 pending.
pub(super) fn ledger() -> Arc<Ledger> {
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
pub(super) struct Stage {
    pub(super) runtime: tokio::runtime::Runtime,
    _dir: tempfile::TempDir,
    pub(super) host: Host,
}

impl Stage {
    pub(super) fn new(files: &[(&str, &str)], world: World) -> Self {
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

/// A server of `rig/servers`, ended with the test.
struct Started(Child, #[expect(dead_code, reason = "held open")] BufReader<ChildStdout>);

impl Started {
    fn start(script: &str, options: &[&str]) -> (Self, String) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rig/servers").join(script);
        let mut child =
            Command::new("python3").arg(path).arg("0").args(options).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        (Self(child, output), address)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An S3 server with the bucket `tables`, which holds one object.
pub(super) fn s3(stage: &Stage) -> String {
    use crate::sim::s3::{Server, Store};
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
    let client = crate::probe::s3::Client::new(
        crate::probe::Connector::endpoint(&address).unwrap(),
        "tables",
        &crate::probe::s3::Options::new("AK", "SK"),
    );
    stage.runtime.block_on(client.unwrap().put("seed", "seeded")).unwrap();
    address
}

fn run(host: &Host, profile: Profile, text: &str) -> Result<Dynamic> {
    let compiler = compiler(&REGISTRY);
    let source = Source { path: EVAL.into(), text: text.into(), origin: Origin::Repository };
    let program = Program::of(host.library(), source, &compiler)?;
    if let Some(error) = crate::script::check::program(&program, &REGISTRY, &compiler, &[]).into_iter().next() {
        return Err(error);
    }
    let script = host.library().objective("1.2")?;
    let session = Rc::new(Session::new(host, profile, Some("1.2"), script));
    Machine::new(&REGISTRY, profile, &session, host.bridge().cancel(), program).eval()
}

#[test]
fn every_example_gives_what_it_says() {
    let files = [
        ("phases/1-foundation/1.2-example.rhai", "//! Example\nfn review(o) {}"),
        ("phases/1-foundation/1.2-example/greeting.j2", "hello {{ who }} of {{ o.namespace }}\n"),
    ];
    let stage = Stage::new(&files, world());
    let (_sql, sql) = Started::start("sql.py", &["--password", "secret"]);
    let (_thrift, thrift) = Started::start("thrift.py", &[]);
    let mut settings = Settings::default();
    settings.endpoints.s3 = s3(&stage);
    settings.endpoints.sql = sql;
    settings.endpoints.thrift = thrift;
    let host = stage.host.clone().with_settings(&settings);
    let mut wrong = Vec::new();
    for (section, function) in REGISTRY.functions() {
        let name = section.qualified(function);
        if name == "probe::exec" {
            continue; // no WebSocket here: tried on the rig
        }
        if function.example.script.is_empty() {
            wrong.push(format!("{name} has no example"));
            continue;
        }
        let Some(profile) = Profile::ALL.into_iter().find(|p| function.profiles.contain(*p)) else {
            wrong.push(format!("{name} is offered nowhere"));
            continue;
        };
        match run(&host, profile, function.example.script) {
            Err(error) => wrong.push(format!("{name}: {error} {:?}", error.hint_text())),
            Ok(value) if !function.example.gives.is_empty() => {
                let gives = run(&host, profile, function.example.gives).map_or_else(|e| e.to_string(), |v| literal(&v));
                if literal(&value) != gives {
                    wrong.push(format!("{name}: {} instead of {gives}", literal(&value)));
                }
            }
            Ok(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let left = stage.runtime.block_on(host.scratch().clean());
    assert!(left.is_empty(), "{left:?}");
    let keys = run(
        &host,
        Profile::Validate,
        "probe::s3(#{ bucket: \"tables\", access_key: \"AK\", secret_key: \"SK\" }).list(\"\").keys",
    );
    assert_eq!(literal(&keys.unwrap()), "[\"seed\"]", "the host removes what probes make");
}
