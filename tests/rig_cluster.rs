//! The client against a true API server: the rig's, or any throwaway cluster.
//!
//! Runs when `DPB_RIG_KUBECONFIG` names its kubeconfig (inside `rig/within`); says so and passes otherwise.

use std::time::{Duration, Instant};

use dpb::cluster::{Apply, Cluster, Delete, Flags, Outcome, Query, Readiness, health};
use dpb::error::{Code, ObjectRef};
use futures::StreamExt as _;
use serde_json::{Value, json};

const NAMESPACE: &str = "dpb-cluster-test";

fn flags() -> Option<Flags> {
    let Some(file) = std::env::var_os("DPB_RIG_KUBECONFIG") else {
        eprintln!("skipped: DPB_RIG_KUBECONFIG names no kubeconfig");
        return None;
    };
    Some(Flags { kubeconfig: Some(file.into()), ..Flags::default() })
}

async fn connect() -> Option<Cluster> {
    let cluster = Cluster::connect(&flags()?).await.unwrap();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    cluster.apply(&namespace, &Apply::default()).await.unwrap();
    Some(cluster)
}

fn config_map(name: &str, data: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE}, "data": {"key": data}})
}

fn deployment(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [
            {"name": "main", "image": "example.com/main:1", "ports": [{"name": "http", "containerPort": 8080}]}]}}}})
}

async fn until_ready(cluster: &Cluster, kind: &str, name: &str) -> Value {
    let mut states = cluster.watch(kind, Some(NAMESPACE), name).await;
    let wait = async {
        while let Some(state) = states.next().await {
            if let Some(object) = state.unwrap().filter(health::is_ready) {
                return object;
            }
        }
        panic!("the watch ended");
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("ready in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_versions_and_permissions() {
    let Some(cluster) = connect().await else { return };
    assert!(cluster.server_version().await.unwrap().starts_with('v'));
    for (name, full) in [
        ("deploy", "Deployment.apps"),
        ("po", "Pod"),
        ("crd", "CustomResourceDefinition.apiextensions.k8s.io"),
        ("events", "Event"),
    ] {
        assert_eq!(cluster.kind(name).await.unwrap().full_name(), full);
    }
    assert_eq!(cluster.kind("nothing-like-this").await.unwrap_err().code(), Code::UnknownKind);
    assert!(cluster.can_i("create", "apps", "deployments", Some(NAMESPACE), None, None).await.unwrap().allowed);

    let nobody =
        Cluster::connect(&Flags { as_: Some("nobody".into()), as_group: vec!["guests".into()], ..flags().unwrap() })
            .await
            .unwrap();
    assert!(!nobody.can_i_kind("list", "secrets", None).await.unwrap().allowed);
    let error = nobody.list("secrets", &Query::namespace(NAMESPACE)).await.unwrap_err();
    assert_eq!(error.code(), Code::Forbidden);
    assert_eq!(error.message(), format!("not allowed to list secrets in namespace {NAMESPACE} as nobody"));
    let wrong = Cluster::connect(&Flags { token: Some("wrong".to_owned().into()), ..flags().unwrap() }).await.unwrap();
    assert_eq!(wrong.server_version().await.unwrap_err().code(), Code::Denied);

    // A kubeconfig without the server's authority.
    let bare = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(bare.path(), format!("{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {{server: '{}'}}}}], contexts: [{{name: c, context: {{cluster: c, user: u}}}}]}}", cluster.server())).unwrap();
    let bare = Cluster::connect(&Flags { kubeconfig: Some(bare.path().into()), ..Flags::default() }).await.unwrap();
    let error = bare.server_version().await.unwrap_err();
    assert_eq!(error.code(), Code::Denied, "{error:?}");
    assert!(error.message().contains("is not trusted"), "{error}");
    let blind = Flags { insecure_skip_tls_verify: true, ..flags().unwrap() };
    assert!(Cluster::connect(&blind).await.unwrap().server_version().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_watch_conflict_delete() {
    let Some(cluster) = connect().await else { return };
    cluster.delete("cm", Some(NAMESPACE), "watched", &Delete::default()).await.unwrap();
    let mut states = cluster.watch("cm", Some(NAMESPACE), "watched").await;
    assert_eq!(states.next().await.unwrap().unwrap(), None);
    let made = cluster.apply(&config_map("watched", "one"), &Apply::default()).await.unwrap();
    let key = |state: Option<Value>| state.unwrap()["data"]["key"].as_str().unwrap().to_owned();
    assert_eq!(key(states.next().await.unwrap().unwrap()), "one");

    let other = Apply { manager: "other".into(), ..Apply::default() };
    let error = cluster.apply(&config_map("watched", "two"), &other).await.unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    assert!(error.notes()[0].contains("\"dpb\""), "{:?}", error.notes());
    assert_eq!(cluster.create(&config_map("watched", "three")).await.unwrap_err().code(), Code::Conflict);
    cluster.annotate("cm", Some(NAMESPACE), "watched", &[("dpb.test/x", Some("y"))]).await.unwrap();
    assert_eq!(states.next().await.unwrap().unwrap().unwrap()["metadata"]["annotations"]["dpb.test/x"], "y");

    let stale = Delete { uid: Some("00000000-0000-0000-0000-000000000000".into()), ..Delete::default() };
    assert!(!cluster.delete("cm", Some(NAMESPACE), "watched", &stale).await.unwrap());
    let exact = Delete { uid: made["metadata"]["uid"].as_str().map(Into::into), ..Delete::default() };
    assert!(cluster.delete("cm", Some(NAMESPACE), "watched", &exact).await.unwrap());
    assert_eq!(states.next().await.unwrap().unwrap(), None);
    assert_eq!(cluster.find("cm", Some(NAMESPACE), "watched").await.unwrap(), None);
    assert_eq!(cluster.get("cm", Some(NAMESPACE), "watched").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_stores_nothing_and_the_schema_agrees_with_the_server() {
    let Some(cluster) = connect().await else { return };
    let mut wrong = deployment("wrong");
    wrong["spec"]["template"]["spec"]["containers"][0]["imagePolicy"] = json!("Always");
    wrong["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = json!("http");
    let in_new = |mut object: Value| {
        object["metadata"]["namespace"] = json!("dpb-not-there-yet");
        object
    };
    let objects = [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "dpb-not-there-yet"}}),
        deployment("right"),
        wrong.clone(),
        in_new(deployment("right")),
        in_new(wrong),
    ];
    cluster.forget_requests();
    let runs = cluster.dry_run(&objects).await;
    assert!(cluster.requests().iter().all(dpb::cluster::Sent::only_reads));
    let outcomes: Vec<&Outcome> = runs.iter().map(|r| &r.outcome).collect();
    assert!(matches!(outcomes[0], Outcome::Accepted(_)), "{:?}", outcomes[0]);
    assert!(
        matches!(outcomes[1], Outcome::Accepted(o) if o["spec"]["strategy"]["type"] == "RollingUpdate"),
        "{:?}",
        outcomes[1]
    );
    assert!(matches!(outcomes[2], Outcome::Refused(e) if e.code() == Code::Invalid), "{:?}", outcomes[2]);
    assert!(
        matches!(outcomes[3], Outcome::Unchecked(r) if r.starts_with("namespace dpb-not-there-yet")),
        "{:?}",
        outcomes[3]
    );
    assert!(matches!(outcomes[4], Outcome::Refused(e) if e.message().contains("imagePolicy")), "{:?}", outcomes[4]);
    // Our own check of the published schema finds both faults.
    let found = cluster.check_schema(&objects[4]).await.unwrap().unwrap();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    let container = "spec.template.spec.containers[0]";
    assert_eq!(
        found,
        [
            format!("{container}.ports[0].containerPort: wants integer, has a string"),
            format!("{container}.imagePolicy: unknown field (did you mean `imagePullPolicy`?)"),
        ]
    );
    assert_eq!(cluster.find("deploy", Some(NAMESPACE), "right").await.unwrap(), None);
}

/// What the server has stored must pass our check of its schema, for every kind that it serves.
#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_stored_passes_the_published_schema() {
    let Some(cluster) = connect().await else { return };
    let mut checked = 0;
    for kind in cluster.kinds().await.unwrap() {
        if !kind.verbs.iter().any(|v| v == "list") {
            continue;
        }
        let objects = match cluster.list(kind.as_ref(), &Query { limit: Some(50), ..Query::default() }).await {
            // The test beside this one takes its definition away.
            Err(error) if error.code() == Code::UnknownKind => continue,
            other => other.unwrap(),
        };
        for object in objects {
            if let Some(found) = cluster.check_schema(&object).await.unwrap() {
                assert!(found.is_empty(), "{} {}: {found:?}", kind.full_name(), object["metadata"]["name"]);
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "{checked} objects");
    eprintln!("{checked} stored objects pass the schema check");
}

/// Every leaf and every object of these manifests is spoilt once, and the server's dry run compared with our check.
#[tokio::test(flavor = "multi_thread")]
async fn spoilt_manifests_are_judged_as_the_server_judges_them() {
    let Some(cluster) = connect().await else { return };
    let mut sound = vec![
        deployment("sound"),
        config_map("sound", "x"),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "sound", "namespace": NAMESPACE, "labels": {"a": "b"}},
            "spec": {"selector": {"a": "b"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}}),
        json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "sound", "namespace": NAMESPACE}, "spec": {"schedule": "0 * * * *", "jobTemplate": {"spec": {"backoffLimit": 2, "template": {
            "spec": {"restartPolicy": "Never", "securityContext": {"runAsNonRoot": true}, "containers": [{"name": "main", "image": "x:1",
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}}]}}}}}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "sound", "namespace": NAMESPACE},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
        json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": {"name": "sound", "namespace": NAMESPACE},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "endpoints": [{"port": "http", "interval": "30s"}]}}),
        json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {"name": "sound", "namespace": NAMESPACE},
            "spec": {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "up == 0", "for": "5m", "labels": {"severity": "warning"}}]}]}}),
    ];
    if cluster.kind("servicemonitor").await.is_err() {
        sound.retain(|o| !o["apiVersion"].as_str().unwrap().starts_with("monitoring"));
    }
    let mut spoilt = Vec::new();
    for manifest in &sound {
        let mut paths = Vec::new();
        pointers(&manifest["spec"], "/spec", &mut paths);
        pointers(&manifest["data"], "/data", &mut paths);
        for path in paths {
            let mut odd = manifest.clone();
            let value = odd.pointer_mut(&path).unwrap();
            match value {
                Value::Object(fields) => drop(fields.insert("surprise".into(), json!(true))),
                Value::Array(_) | Value::String(_) => *value = json!({"a": "b"}),
                _ => *value = json!("text"),
            }
            spoilt.push((path, odd));
        }
    }
    let all: Vec<Value> = sound.iter().cloned().chain(spoilt.iter().map(|(_, o)| o.clone())).collect();
    let runs = cluster.dry_run(&all).await;
    let mut differ = Vec::new();
    for (index, (object, run)) in all.iter().zip(&runs).enumerate() {
        let ours = cluster.check_schema(object).await.unwrap().expect("a schema");
        let theirs = !matches!(run.outcome, Outcome::Accepted(_));
        if theirs == ours.is_empty() {
            let place = index.checked_sub(sound.len()).map_or("sound", |i| spoilt[i].0.as_str());
            differ.push(format!("{} {place}: ours {ours:?}, theirs {:?}", run.object, run.outcome));
        }
    }
    assert!(differ.is_empty(), "{} of {}:\n{}", differ.len(), all.len(), differ.join("\n"));
    eprintln!("{} spoilt manifests judged alike", spoilt.len());
}

/// JSON pointers of all values below `value`, itself included.
fn pointers(value: &Value, path: &str, found: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    found.push(path.to_owned());
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(k, v)| pointers(v, &format!("{path}/{}", k.replace('~', "~0").replace('/', "~1")), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| pointers(v, &format!("{path}/{i}"), found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_just_installed_is_found() {
    let Some(cluster) = connect().await else { return };
    let name = "dpbthings.test.dpb.example";
    cluster.delete("crd", None, name, &Delete::default()).await.unwrap();
    while cluster.find("crd", None, name).await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut other = Cluster::connect(&flags().unwrap()).await.unwrap();
    // Discovery may lag behind the deletion.
    while other.kind("dpbthing").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(200)).await;
        other = Cluster::connect(&flags().unwrap()).await.unwrap();
    }
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name}, "spec": {
        "group": "test.dpb.example", "scope": "Namespaced", "names": {"kind": "DpbThing", "plural": "dpbthings", "singular": "dpbthing"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer", "minimum": 1}}}}}}}]}});
    let thing = |size: Value| json!({"apiVersion": "test.dpb.example/v1", "kind": "DpbThing", "metadata": {"name": "a", "namespace": NAMESPACE}, "spec": {"size": size}});
    let runs = other.dry_run(&[definition.clone(), thing(json!(0)), thing(json!(2))]).await;
    assert!(matches!(&runs[1].outcome, Outcome::Refused(e) if e.message().contains("spec.size")), "{:?}", runs[1]);
    assert!(matches!(&runs[2].outcome, Outcome::Unchecked(_)), "{:?}", runs[2]);
    cluster.apply(&definition, &Apply::default()).await.unwrap();
    // The other client has seen a server without it, and finds it all the same.
    let until = Instant::now() + Duration::from_secs(10);
    while other.kind("dpbthing").await.is_err() {
        assert!(Instant::now() < until, "not found");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    cluster.delete("crd", None, name, &Delete::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_is_watched_explained_and_reached() {
    let Some(cluster) = connect().await else { return };
    cluster.apply(&deployment("web"), &Apply { force: true, ..Apply::default() }).await.unwrap();
    let web = until_ready(&cluster, "deploy", "web").await;
    assert_eq!(health::readiness(&web), Readiness::Ready);
    let target = cluster.ready_pod_of("deploy/web", NAMESPACE, Some("http")).await.unwrap();
    assert_eq!(target.port, 8080);
    let pod = ObjectRef { kind: "Pod".into(), namespace: Some(NAMESPACE.into()), name: target.pod.clone() };
    assert!(cluster.events(&pod).await.unwrap().iter().any(|e| e.reason == "Scheduled"));
    let lines = dpb::cluster::why::why(&cluster, &web).await.unwrap();
    assert!(lines[0].starts_with("Deployment dpb-cluster-test/web   ready"), "{lines:?}");
    assert!(lines.iter().any(|l| l.contains(&format!("Pod {}", target.pod))), "{lines:?}");

    let mut huge = deployment("huge");
    huge["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"memory": "900Ti"}});
    cluster.apply(&huge, &Apply { force: true, ..Apply::default() }).await.unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let lines = dpb::cluster::why::why_named(&cluster, "deploy/huge", Some(NAMESPACE)).await.unwrap();
        if lines.iter().any(|l| l.contains("Insufficient memory")) {
            break;
        }
        assert!(Instant::now() < until, "{lines:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(cluster.ready_pod_of("deploy/huge", NAMESPACE, None).await.unwrap_err().code(), Code::NotReady);
    for name in ["web", "huge"] {
        cluster
            .delete("deploy", Some(NAMESPACE), name, &Delete { foreground: true, ..Delete::default() })
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_list_streams_protobuf() {
    use http_body_util::BodyExt as _;
    let Some(cluster) = connect().await else { return };
    let accept = "application/vnd.kubernetes.protobuf, application/json;q=0.9";
    let answer = cluster.raw("/api/v1/namespaces?resourceVersion=0", accept).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/vnd.kubernetes.protobuf");
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&bytes[..4], b"k8s\0");
    assert_eq!(cluster.raw("/api/v1/nothing", accept).await.unwrap_err().code(), Code::NotFound);
}

/// Logs, exec and port-forward of KWOK's pods lead where objects of kwok.x-k8s.io say.
#[tokio::test(flavor = "multi_thread")]
async fn logs_exec_and_port_forward() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let Some(cluster) = connect().await else { return };
    if cluster.kind("ClusterLogs.kwok.x-k8s.io").await.is_err() {
        eprintln!("skipped: no KWOK here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    std::fs::write(
        &log,
        "2026-11-24T14:00:00.000000001Z stdout F hello\n2026-11-24T14:00:01.000000001Z stdout F world\n",
    )
    .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 4];
            if stream.read_exact(&mut bytes).await.is_ok() {
                bytes.reverse();
                let _ = stream.write_all(&bytes).await;
            }
        }
    });
    let name = "wired";
    let selector = json!({"matchNamespaces": [NAMESPACE], "matchNames": [name]});
    let wires = [
        json!({"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterLogs", "metadata": {"name": name}, "spec": {"selector": selector, "logs": [{"containers": ["main"], "logsFile": log}]}}),
        json!({"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterPortForward", "metadata": {"name": name}, "spec": {"selector": selector, "forwards": [{"ports": [8080], "target": {"address": "127.0.0.1", "port": port}}, {"ports": [8081], "target": {"address": "127.0.0.1", "port": 1}}]}}),
        json!({"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterExec", "metadata": {"name": name}, "spec": {"selector": selector, "execs": [{"containers": ["main"], "local": {"envs": [{"name": "A", "value": "b"}]}}]}}),
    ];
    for wire in &wires {
        cluster.apply(wire, &Apply { force: true, ..Apply::default() }).await.unwrap();
    }
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": {"containers": [
        {"name": "main", "image": "example.com/x:1"}, {"name": "side", "image": "example.com/x:1"}]}});
    cluster.apply(&pod, &Apply { force: true, ..Apply::default() }).await.unwrap();
    until_ready(&cluster, "pod", name).await;

    assert_eq!(cluster.logs(NAMESPACE, name, None, false, Some(1)).await.unwrap(), "world\n");
    let output = cluster.exec(NAMESPACE, name, Some("main"), &["sh", "-c", "echo out $A; echo err >&2"]).await.unwrap();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str(), output.code), ("out b\n", "err\n", Some(0)));
    let output = cluster.exec(NAMESPACE, name, Some("main"), &["sh", "-c", "exit 3"]).await.unwrap();
    // KWOK tells the exit code in words only.
    assert!(output.failure.is_some() && output.code != Some(0), "{output:?}");

    let mut tunnel = cluster.port_forward(NAMESPACE, name, 8080).await.unwrap();
    tunnel.write_all(b"abcd").await.unwrap();
    let mut answer = [0; 4];
    tokio::time::timeout(Duration::from_secs(5), tunnel.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"dcba");
    drop(tunnel);
    // Nobody listens: reading fails, it does not hang.
    let mut closed = cluster.port_forward(NAMESPACE, name, 8081).await.unwrap();
    let read =
        tokio::time::timeout(Duration::from_secs(5), closed.read_exact(&mut answer)).await.expect("an answer in time");
    assert!(read.is_err());
    eprintln!("a closed port: {}", read.unwrap_err());
    assert_eq!(cluster.port_forward(NAMESPACE, "no-such-pod", 1).await.unwrap_err().code(), Code::NotFound);
    for wire in &wires {
        let kind = cluster.kind_of(wire).await.unwrap();
        cluster.delete(&kind, None, name, &Delete::default()).await.unwrap();
    }
    cluster.delete("pod", Some(NAMESPACE), name, &Delete::default()).await.unwrap();
}
