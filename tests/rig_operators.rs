//! Simulated operators and probes on a true API server: `RIG_TARGETS=rig_operators rig/test`.
//!
//! The operators are those that `rig/with-cluster` started, or, with `--no-operators`, started here.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use dpb::cancel::Cancel;
use dpb::cluster::{Apply, Cluster, Delete, Flags};
use dpb::probe::s3::{Client, Options, SMALLEST_PART};
use dpb::probe::sql::{self, Login};
use dpb::probe::{Connector, thrift};
use dpb::script::library::Library;
use dpb::sim::operators;
use serde_json::{Value, json};

const S3: &str = "127.0.0.1:19000";
const NAMESPACE: &str = "operators-try";
const LIMIT: Duration = Duration::from_secs(20);

struct Rig {
    cluster: Cluster,
    cancel: Cancel,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.cancel.interrupt();
    }
}

impl Rig {
    async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let cluster = Cluster::connect(&Flags::default()).await.unwrap();
        let cancel = Cancel::new();
        let address: SocketAddr = S3.parse().unwrap();
        if TcpStream::connect(address).is_err() {
            let (cluster, cancel) = (cluster.clone(), cancel.clone());
            tokio::spawn(async move {
                let options = operators::Options { s3: Some(address), ..operators::Options::default() };
                operators::run(&cluster, &Library::shipped(), options, &cancel, |event| eprintln!("{event:?}"))
                    .await
                    .unwrap();
            });
        }
        let rig = Self { cluster, cancel };
        rig.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})).await;
        rig
    }

    async fn apply(&self, object: &Value) -> Value {
        let how = Apply { manager: "rig-test".into(), force: true, ..Apply::default() };
        self.cluster.apply(object, &how).await.unwrap_or_else(|e| panic!("{e}: {object}"))
    }

    /// Waits until an object is as `done` wants it.
    async fn await_object(&self, kind: &str, namespace: &str, name: &str, done: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_mins(1);
        let mut last = Value::Null;
        while Instant::now() < end {
            if let Ok(Some(object)) = self.cluster.find(kind, Some(namespace), name).await {
                if done(&object) {
                    return object;
                }
                last = object;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{kind} {namespace}/{name} did not become as wanted: {}", last["status"]);
    }

    async fn await_absent(&self, kind: &str, namespace: &str, name: &str) {
        let end = Instant::now() + Duration::from_mins(1);
        while self.cluster.find(kind, Some(namespace), name).await.unwrap().is_some() {
            assert!(Instant::now() < end, "{kind} {namespace}/{name} stays");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn secret(&self, namespace: &str, name: &str) -> impl Fn(&str) -> String + use<> {
        use base64::Engine;
        let secret = self.await_object("Secret", namespace, name, |_| true).await;
        move |key: &str| {
            let data = secret["data"][key].as_str().unwrap_or_else(|| panic!("no key {key}"));
            String::from_utf8(base64::engine::general_purpose::STANDARD.decode(data).unwrap()).unwrap()
        }
    }
}

fn phase(wanted: &'static str) -> impl Fn(&Value) -> bool {
    move |object| object["status"]["phase"] == wanted
}

fn ready(object: &Value) -> bool {
    dpb::cluster::health::is_ready(object)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig"]
async fn rook_makes_users_and_buckets_that_work() {
    let rig = Rig::new().await;
    rig.await_object("CephCluster.ceph.rook.io", "storage", "storage", phase("Ready")).await;
    rig.await_object("CephObjectStore.ceph.rook.io", "storage", "storage", phase("Ready")).await;
    rig.apply(&json!({
        "apiVersion": "ceph.rook.io/v1", "kind": "CephObjectStoreUser",
        "metadata": {"name": "try", "namespace": "storage"}, "spec": {"store": "storage", "displayName": "a try"},
    }))
    .await;
    let user = rig.await_object("CephObjectStoreUser.ceph.rook.io", "storage", "try", phase("Ready")).await;
    assert_eq!(user["status"]["observedGeneration"], user["metadata"]["generation"]);
    let keys = rig.secret("storage", "rook-ceph-object-user-storage-try").await;
    assert_eq!(keys("Endpoint"), "http://rook-ceph-rgw-storage.storage.svc:80");

    // A field that Rook's configuration does not allow keeps the claim pending until it does.
    let config = |fields: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rook-ceph-operator-config", "namespace": "storage"},
            "data": {"ROOK_OBC_ALLOW_ADDITIONAL_CONFIG_FIELDS": fields}})
    };
    let before = rig.cluster.find("ConfigMap", Some("storage"), "rook-ceph-operator-config").await.unwrap();
    rig.apply(&config("maxObjects,maxSize")).await;
    let rules =
        json!({"Rules": [{"ID": "scratch", "Status": "Enabled", "Prefix": "scratch/", "Expiration": {"Days": 1}}]});
    rig.apply(&json!({
        "apiVersion": "objectbucket.io/v1alpha1", "kind": "ObjectBucketClaim",
        "metadata": {"name": "try-bucket", "namespace": NAMESPACE},
        "spec": {"bucketName": "try-bucket", "storageClassName": "ceph-bucket",
            "additionalConfig": {"bucketOwner": "try", "bucketLifecycle": rules.to_string()}},
    }))
    .await;
    rig.await_object("ObjectBucketClaim.objectbucket.io", NAMESPACE, "try-bucket", phase("Pending")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    rig.await_object("ObjectBucketClaim.objectbucket.io", NAMESPACE, "try-bucket", phase("Pending")).await;
    rig.apply(&config("bucketLifecycle, bucketOwner")).await;
    rig.await_object("ObjectBucketClaim.objectbucket.io", NAMESPACE, "try-bucket", phase("Bound")).await;
    let bound = rig.await_object("ConfigMap", NAMESPACE, "try-bucket", |_| true).await;
    assert_eq!(bound["data"]["BUCKET_NAME"], "try-bucket");
    assert_eq!(bound["data"]["BUCKET_HOST"], "rook-ceph-rgw-storage.storage.svc");

    let gateway = Connector::port_forward(&rig.cluster, "storage", "svc/rook-ceph-rgw-storage", 80);
    let options = Options { limit: LIMIT, ..Options::new(&keys("AccessKey"), &keys("SecretKey")) };
    let s3 = Client::new(gateway.clone(), "try-bucket", &options).unwrap();
    let put = s3.put("a+b/é 100%", "hello").await.unwrap();
    eprintln!("put through a port-forward: {:?}", put.elapsed);
    assert_eq!(s3.get("a+b/é 100%").await.unwrap().value, "hello");
    assert_eq!(s3.get_range("a+b/é 100%", 1, 2).await.unwrap().value, "el");
    assert!(s3.put_if_absent("once", "1").await.unwrap().value);
    assert!(!s3.put_if_absent("once", "2").await.unwrap().value);
    let big = s3.multipart("big", 2, SMALLEST_PART).await.unwrap();
    eprintln!("10 MiB in two parts through a port-forward: {:?}", big.elapsed);
    assert_eq!(s3.list("").await.unwrap().value.len(), 3);
    assert_eq!(s3.lifecycle().await.unwrap().value, Some(rules));
    let wrong = Client::new(gateway, "try-bucket", &Options::new(&keys("AccessKey"), "guessed")).unwrap();
    assert_eq!(wrong.get("once").await.unwrap_err().code(), dpb::error::Code::Denied);

    let gone = Delete::default();
    rig.cluster.delete("ObjectBucketClaim.objectbucket.io", Some(NAMESPACE), "try-bucket", &gone).await.unwrap();
    rig.await_absent("Secret", NAMESPACE, "try-bucket").await;
    rig.await_absent("ObjectBucket.objectbucket.io", "", &format!("obc-{NAMESPACE}-try-bucket")).await;
    assert_eq!(s3.get("once").await.unwrap_err().code(), dpb::error::Code::NotFound);
    rig.cluster.delete("CephObjectStoreUser.ceph.rook.io", Some("storage"), "try", &gone).await.unwrap();
    rig.await_absent("Secret", "storage", "rook-ceph-object-user-storage-try").await;
    match before.as_ref().map(|b| &b["data"]["ROOK_OBC_ALLOW_ADDITIONAL_CONFIG_FIELDS"]) {
        Some(fields) => drop(rig.apply(&config(fields.as_str().unwrap())).await),
        None => {
            rig.cluster.delete("ConfigMap", Some("storage"), "rook-ceph-operator-config", &gone).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig"]
async fn a_database_becomes_ready_and_answers() {
    let rig = Rig::new().await;
    let cluster = |instances: u8, memory: &str| {
        json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "db", "namespace": NAMESPACE},
            "spec": {"instances": instances, "imageName": "ghcr.io/cloudnative-pg/postgresql:17.5",
                "bootstrap": {"initdb": {"database": "metastore", "owner": "metastore"}},
                "storage": {"size": "10Gi", "storageClass": "ceph-block"},
                "resources": {"requests": {"cpu": "100m", "memory": memory}, "limits": {"memory": memory}}},
        })
    };
    let healthy = |instances: u8| {
        move |o: &Value| {
            ready(o) && o["status"]["phase"] == "Cluster in healthy state" && o["status"]["readyInstances"] == instances
        }
    };
    rig.apply(&cluster(1, "1Gi")).await;
    rig.await_object("Cluster.postgresql.cnpg.io", NAMESPACE, "db", healthy(1)).await;
    let login = rig.secret(NAMESPACE, "db-app").await;
    assert_eq!(
        (login("username"), login("dbname"), login("host")),
        ("metastore".into(), "metastore".into(), "db-rw".into())
    );
    let service = Connector::port_forward(&rig.cluster, NAMESPACE, "svc/db-rw", 5432);
    let who = Login { user: login("username"), password: login("password"), database: login("dbname") };
    let version = sql::query(&service, &who, r#"SELECT "SCHEMA_VERSION" FROM "VERSION""#, LIMIT).await.unwrap();
    eprintln!("SQL through a port-forward: {:?}", version.elapsed);
    assert_eq!(version.value.value(), Some("4.0.0"));

    // Another instance, other resources: pods can't be changed, so they are made anew; the password stays.
    rig.apply(&cluster(2, "2Gi")).await;
    rig.await_object("Cluster.postgresql.cnpg.io", NAMESPACE, "db", healthy(2)).await;
    for pod in ["db-1", "db-2"] {
        rig.await_object("Pod", NAMESPACE, pod, |p| {
            p["spec"]["containers"][0]["resources"]["requests"]["memory"] == "2Gi"
        })
        .await;
        rig.await_object("PersistentVolumeClaim", NAMESPACE, pod, phase("Bound")).await;
    }
    assert_eq!(rig.secret(NAMESPACE, "db-app").await("password"), login("password"));
    rig.apply(&cluster(1, "2Gi")).await;
    rig.await_absent("Pod", NAMESPACE, "db-2").await;
    // A pod that somebody deletes comes back.
    rig.cluster.delete("Pod", Some(NAMESPACE), "db-1", &Delete::default()).await.unwrap();
    rig.await_object("Cluster.postgresql.cnpg.io", NAMESPACE, "db", healthy(1)).await;

    rig.cluster.delete("Cluster.postgresql.cnpg.io", Some(NAMESPACE), "db", &Delete::default()).await.unwrap();
    for (kind, name) in [("Pod", "db-1"), ("PersistentVolumeClaim", "db-1"), ("Secret", "db-app"), ("Service", "db-rw")]
    {
        rig.await_absent(kind, NAMESPACE, name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig"]
async fn secrets_come_from_their_stores() {
    let rig = Rig::new().await;
    rig.await_object("ClusterSecretStore.external-secrets.io", "", "onepassword", ready).await;
    let secret = |key: &str| {
        json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "try", "namespace": NAMESPACE},
            "spec": {"secretStoreRef": {"kind": "ClusterSecretStore", "name": "onepassword"}, "target": {"name": "try-secret"},
                "data": [{"secretKey": "PASSWORD", "remoteRef": {"key": key, "property": "password"}}]},
        })
    };
    rig.apply(&secret("item")).await;
    rig.await_object("ExternalSecret.external-secrets.io", NAMESPACE, "try", ready).await;
    let first = rig.secret(NAMESPACE, "try-secret").await("PASSWORD");
    assert_eq!(first.len(), 32);
    rig.apply(&secret("other")).await;
    rig.await_object("Secret", NAMESPACE, "try-secret", |s| !s["data"]["PASSWORD"].is_null()).await;
    let end = Instant::now() + LIMIT;
    while rig.secret(NAMESPACE, "try-secret").await("PASSWORD") == first {
        assert!(Instant::now() < end, "the Secret does not follow its ExternalSecret");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    rig.cluster.delete("ExternalSecret.external-secrets.io", Some(NAMESPACE), "try", &Delete::default()).await.unwrap();
    rig.await_absent("Secret", NAMESPACE, "try-secret").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig"]
async fn thrift_answers_through_a_port_forward() {
    let rig = Rig::new().await;
    rig.apply(&json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "metastore", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "metastore", "image": "docker.io/apache/hive:4.0.0", "ports": [{"containerPort": 9083}]}]},
    }))
    .await;
    rig.await_object("Pod", NAMESPACE, "metastore", ready).await;
    let port = Connector::port_forward(&rig.cluster, NAMESPACE, "pod/metastore", 9083);
    let databases = thrift::call(&port, "get_all_databases", &[], LIMIT).await.unwrap();
    eprintln!("thrift through a port-forward: {:?}", databases.elapsed);
    assert_eq!(databases.value, json!(["default"]));
    // Nobody listens on another port: told at once, not at the limit.
    let began = Instant::now();
    let closed = Connector::port_forward(&rig.cluster, NAMESPACE, "pod/metastore", 9999);
    thrift::call(&closed, "get_all_databases", &[], LIMIT).await.unwrap_err();
    assert!(began.elapsed() < LIMIT / 2, "{:?}", began.elapsed());
    rig.cluster.delete("Pod", Some(NAMESPACE), "metastore", &Delete::default()).await.unwrap();
}
