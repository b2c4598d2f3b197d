//! The probes' own clients ask what the objects of 1.2 put up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};

use super::Engines;
use crate::error::{Code, Result};
use crate::probe::sql::Login;
use crate::probe::{Connector, sql, thrift};
use crate::sim::api::access::Objects;
use crate::sim::api::object;

const LIMIT: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Shelf(Mutex<BTreeMap<(String, String), Arc<Value>>>);

impl Shelf {
    fn put(&self, plural: &str, mut object: Value) {
        object::set_meta(&mut object, "namespace", json!("data"));
        let key = (plural.to_owned(), object::name(&object).to_owned());
        self.0.lock().unwrap().insert(key, Arc::new(object));
    }

    fn change(&self, plural: &str, name: &str, pointer: &str, value: Value) {
        let mut all = self.0.lock().unwrap();
        let object = all.get_mut(&(plural.to_owned(), name.to_owned())).unwrap();
        *Arc::make_mut(object).pointer_mut(pointer).unwrap() = value;
    }

    fn remove(&self, plural: &str, name: &str) {
        self.0.lock().unwrap().remove(&(plural.to_owned(), name.to_owned()));
    }
}

impl Objects for Shelf {
    fn find(&self, _: &str, plural: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.0.lock().unwrap().get(&(plural.to_owned(), name.to_owned())).filter(|_| namespace == "data").cloned()
    }

    fn list(&self, _: &str, plural: &str, _: &str) -> Vec<Arc<Value>> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|((p, _), _)| p == plural).map(|(_, object)| object.clone()).collect()
    }
}

fn ready(kind: &str) -> Value {
    json!({"conditions": [{"type": kind, "status": "True"}]})
}

/// A metastore with its database, as the operators and controllers leave it: all of it up.
fn deployed() -> Arc<Shelf> {
    let shelf = Shelf::default();
    let secret = |text: &str| BASE64.encode(text);
    shelf.put("clusters", json!({"metadata": {"name": "hm-db", "uid": "c-1"}, "status": ready("Ready"),
        "spec": {"imageName": "ghcr.io/cloudnative-pg/postgresql:17.5", "bootstrap": {"initdb": {"database": "metastore", "owner": "metastore"}}}}));
    shelf.put(
        "secrets",
        json!({"metadata": {"name": "hm-db-app"}, "data": {"username": secret("metastore"), "password": secret("pw")}}),
    );
    shelf.put("services", json!({"metadata": {"name": "hm-db-rw"}}));
    shelf.put("pods", json!({"metadata": {"name": "hm-db-1", "labels": {"cnpg.io/cluster": "hm-db", "cnpg.io/podRole": "instance"}}, "status": ready("Ready")}));
    let property = |name: &str, value: &str| format!("<property><name>{name}</name><value>{value}</value></property>");
    let site = [
        property("javax.jdo.option.ConnectionURL", "jdbc:postgresql://hm-db-rw:5432/metastore"),
        property("javax.jdo.option.ConnectionUserName", "${env.DB_USERNAME}"),
        property("javax.jdo.option.ConnectionPassword", "${env.DB_PASSWORD}"),
        property("metastore.warehouse.dir", "s3a://tables/warehouse"),
    ];
    shelf.put("configmaps", json!({"metadata": {"name": "hm-config"}, "data": {"metastore-site.xml": site.concat()}}));
    let from = |key: &str| json!({"secretKeyRef": {"name": "hm-db-app", "key": key}});
    let pod = |command: &[&str]| {
        json!({"volumes": [{"name": "config", "configMap": {"name": "hm-config"}}], "containers": [{
            "name": "hive", "image": "docker.io/apache/hive:4.0.0", "command": command,
            "env": [{"name": "DB_USERNAME", "valueFrom": from("username")}, {"name": "DB_PASSWORD", "valueFrom": from("password")}]}]})
    };
    let schema = pod(&["/opt/hive/bin/schematool", "-dbType", "postgres", "-initOrUpgradeSchema", "-verbose"]);
    shelf.put(
        "jobs",
        json!({"metadata": {"name": "hm-schema"}, "spec": {"template": {"spec": schema}}, "status": ready("Complete")}),
    );
    let serve = pod(&["/opt/hive/bin/hive", "--skiphadoopversion", "--service", "metastore"]);
    shelf.put("pods", json!({"metadata": {"name": "hm-1"}, "spec": serve, "status": ready("Ready")}));
    Arc::new(shelf)
}

/// An address that leads to a port of a pod; the connection is closed when nothing listens there.
async fn forward(engines: &Engines, pod: &'static str, port: u16) -> Connector {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let engines = engines.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let Some(mut far) = engines.connect("data", pod, port) else { continue };
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    Connector::endpoint(&address.to_string()).unwrap()
}

async fn query(shelf: &Arc<Shelf>, password: &str, database: &str, text: &str) -> Result<String> {
    let connector = forward(&Engines::new(shelf.clone()), "hm-db-1", 5432).await;
    let login = Login { user: "metastore".into(), password: password.into(), database: database.into() };
    let rows = sql::query(&connector, &login, text, LIMIT).await?.value;
    Ok(rows.value().unwrap_or_default().to_owned())
}

async fn call(shelf: &Arc<Shelf>, method: &str, arguments: &[Value]) -> Result<Value> {
    let connector = forward(&Engines::new(shelf.clone()), "hm-1", 9083).await;
    Ok(thrift::call(&connector, method, arguments, LIMIT).await?.value)
}

const VERSION: &str = "SELECT \"SCHEMA_VERSION\" FROM \"VERSION\"";

#[tokio::test]
async fn a_database_answers_whom_its_secret_names() {
    let shelf = deployed();
    assert_eq!(query(&shelf, "pw", "metastore", VERSION).await.unwrap(), "4.0.0");
    assert_eq!(query(&shelf, "pw", "metastore", "select 1").await.unwrap(), "1");
    assert_eq!(query(&shelf, "pw", "metastore", "SELECT count(*) FROM \"DBS\"").await.unwrap(), "1");
    let wrong = query(&shelf, "other", "metastore", VERSION).await.unwrap_err();
    assert!(
        wrong.code() == Code::Denied
            && wrong.to_string().contains("password authentication failed for user \"metastore\""),
        "{wrong}"
    );
    let missing = query(&shelf, "pw", "elsewhere", VERSION).await.unwrap_err();
    assert!(missing.to_string().contains("database \"elsewhere\" does not exist (SQLSTATE 3D000)"), "{missing}");
    let unknown = query(&shelf, "pw", "metastore", "SELECT now()").await.unwrap_err();
    assert!(unknown.to_string().contains("unknown to the simulator"), "{unknown}");
}

#[tokio::test]
async fn the_schema_is_there_once_its_job_has_completed() {
    let shelf = deployed();
    for status in [json!({}), json!({"conditions": [{"type": "Failed", "status": "True"}]})] {
        shelf.change("jobs", "hm-schema", "/status", status);
        let error = query(&shelf, "pw", "metastore", VERSION).await.unwrap_err();
        assert!(error.to_string().contains("relation \"VERSION\" does not exist (SQLSTATE 42P01)"), "{error}");
        assert!(
            call(&shelf, "get_all_databases", &[]).await.is_err(),
            "a metastore without its schema does not listen"
        );
    }
    shelf.change("jobs", "hm-schema", "/status", ready("Complete"));
    shelf.change("jobs", "hm-schema", "/spec/template/spec/containers/0/image", json!("apache/hive:3.1.3"));
    assert_eq!(query(&shelf, "pw", "metastore", VERSION).await.unwrap(), "3.1.0");
    assert!(call(&shelf, "get_all_databases", &[]).await.is_err(), "Hive 4 does not start on the schema of Hive 3");
    for (pointer, value) in [
        ("/spec/template/spec/containers/0/command/3", json!("-info")),
        ("/spec/template/spec/containers/0/image", json!("apache/hive:9.9.9")),
        ("/spec/template/spec/containers/0/env/1", json!({"name": "DB_PASSWORD", "value": "wrong"})),
        ("/spec/template/spec/volumes/0/configMap/name", json!("other")),
    ] {
        let shelf = deployed();
        shelf.change("jobs", "hm-schema", pointer, value);
        assert!(query(&shelf, "pw", "metastore", VERSION).await.is_err(), "{pointer}");
    }
}

#[test]
fn the_schema_tool_fails_unless_it_comes_into_its_database() {
    let play = |pointer: &str, value: Value| {
        let shelf = deployed();
        let mut job = (*shelf.find("batch", "jobs", "data", "hm-schema").unwrap()).clone();
        if !pointer.is_empty() {
            *job.pointer_mut(pointer).unwrap() = value;
        }
        let pod =
            json!({"metadata": {"name": "hm-schema-x", "namespace": "data"}, "spec": job["spec"]["template"]["spec"]});
        let engines = Engines::new(shelf);
        assert_eq!(engines.play(&pod, "other"), None);
        engines.play(&pod, "hive").map(|played| (played.code, played.log[played.log.len() - 2].clone()))
    };
    let container = "/spec/template/spec/containers/0";
    assert_eq!(play("", json!(null)), Some((0, "Initialization script completed".into())));
    assert_eq!(
        play(&format!("{container}/env/1"), json!({"name": "DB_PASSWORD", "value": "wrong"})),
        Some((1, "Underlying cause: org.postgresql.util.PSQLException : FATAL: password authentication failed for user \"metastore\"".into()))
    );
    assert_eq!(
        play(&format!("{container}/image"), json!("apache/hive:9.9.9")),
        Some((1, "unknown to the simulator: the schema of Hive 9.9.9".into()))
    );
    let (code, why) = play("/spec/template/spec/volumes/0/configMap/name", json!("other")).unwrap();
    assert!(code == 1 && why.contains("No suitable driver found for "), "{why}");
    assert_eq!(play(&format!("{container}/command/3"), json!("-info")), None);
}

#[tokio::test]
async fn a_schema_outlives_its_job_but_not_its_database() {
    let shelf = deployed();
    let engines = Engines::new(shelf.clone());
    engines.note(&shelf.find("batch", "jobs", "data", "hm-schema").unwrap());
    shelf.remove("jobs", "hm-schema");
    let connector = forward(&engines, "hm-1", 9083).await;
    let databases = thrift::call(&connector, "get_all_databases", &[], LIMIT).await.unwrap().value;
    assert_eq!(databases, json!(["default"]));
    shelf.change("clusters", "hm-db", "/metadata/uid", json!("c-2"));
    assert!(thrift::call(&connector, "get_all_databases", &[], LIMIT).await.is_err());
}

#[tokio::test]
async fn nothing_listens_where_nothing_is_ready() {
    let shelf = deployed();
    let engines = Engines::new(shelf.clone());
    let open = |pod: &str, port: u16| engines.connect("data", pod, port).is_some();
    assert!(open("hm-db-1", 5432) && open("hm-1", 9083));
    assert!(!open("hm-db-1", 9083) && !open("hm-1", 5432) && !open("hm-1", 80) && !open("gone", 5432));
    shelf.change("clusters", "hm-db", "/status", json!({}));
    assert!(!open("hm-db-1", 5432) && !open("hm-1", 9083));
    shelf.change("clusters", "hm-db", "/status", ready("Ready"));
    shelf.change("pods", "hm-1", "/status", json!({}));
    shelf.change("pods", "hm-db-1", "/status", json!({}));
    assert!(!open("hm-db-1", 5432) && !open("hm-1", 9083));
}

#[tokio::test]
async fn a_metastore_answers_as_after_its_first_start() {
    let shelf = deployed();
    let ok = async |method: &str, arguments: &[Value]| call(&shelf, method, arguments).await.unwrap();
    let no = async |method: &str, arguments: &[Value]| call(&shelf, method, arguments).await.unwrap_err().to_string();
    assert_eq!(ok("get_all_databases", &[]).await, json!(["default"]));
    assert_eq!(ok("get_databases", &[json!("x|def*")]).await, json!(["default"]));
    assert_eq!(ok("get_databases", &[json!("x")]).await, json!([]));
    assert_eq!(ok("get_all_tables", &[json!("default")]).await, json!([]));
    assert_eq!(ok("getMetaConf", &[json!("metastore.warehouse.dir")]).await, "s3a://tables/warehouse");
    let database = ok("get_database", &[json!("default")]).await;
    assert_eq!((&database["name"], &database["locationUri"]), (&json!("default"), &json!("s3a://tables/warehouse")));
    assert_eq!(ok("get_catalogs", &[]).await, json!({"names": ["hive"]}));
    assert!(no("get_database", &[json!("x")]).await.contains("NoSuchObjectException: database hive.x"));
    assert!(no("get_table", &[json!("default"), json!("t")]).await.contains("hive.default.t table not found"));
    assert!(no("getMetaConf", &[json!("other")]).await.contains("unknown to the simulator: the setting other"));
    shelf.change("pods", "hm-1", "/spec/containers/0/image", json!("apache/hive:4.0.1"));
    assert!(no("get_table", &[json!("default"), json!("t")]).await.contains("Invalid method name: 'get_table'"));
}
