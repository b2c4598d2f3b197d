//! Which engine listens on a port of a pod.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::sim::api::access::Objects;
use crate::sim::api::object;
use crate::sim::api::streams::BoxedIo;

use super::database::{Database, is_ready};
use super::hive::Hive;
use super::played::Played;
use super::sql;
use super::thrift;

/// The port of `PostgreSQL`.
const POSTGRES: u16 = 5432;
/// The port of a Hive metastore.
const METASTORE: u16 = 9083;

/// Schemas by the uid of their database cluster.
type Schemas = BTreeMap<String, String>;

/// Databases and catalogs over the objects of a cluster; cheap to clone.
#[derive(Clone)]
pub struct Engines {
    objects: Arc<dyn Objects + Send + Sync>,
    schemas: Arc<Mutex<Schemas>>,
}

impl Engines {
    /// Over the objects of a cluster.
    pub fn new(objects: Arc<dyn Objects + Send + Sync>) -> Self {
        Self { objects, schemas: Arc::default() }
    }

    /// Connects to a port of a pod; nothing if none of the engines listens there. A connection needs a runtime of tokio.
    pub fn connect(&self, namespace: &str, pod: &str, port: u16) -> Option<BoxedIo> {
        let pod = self.objects.find("", "pods", namespace, pod)?;
        match port {
            POSTGRES => self.database(&pod),
            METASTORE => self.metastore(&pod),
            _ => None,
        }
    }

    /// Takes note of a Job that may have created a schema. What it created stays when the Job is deleted or replaced, so
    /// whoever runs the world shows every change of a Job here; without that, a schema is known while its Job exists.
    pub fn note(&self, job: &Value) {
        if let Some((uid, schema)) = created(&*self.objects, job) {
            self.schemas.lock().unwrap_or_else(PoisonError::into_inner).insert(uid, schema);
        }
    }

    /// What a container of a pod does, if it is the tool that creates a metastore's schema: it fails unless it comes into
    /// its database. For the kubelets of the world; nothing for every other container.
    pub fn play(&self, pod: &Value, container: &str) -> Option<Played> {
        let (hive, name) = Hive::schema_tool_in(&*self.objects, pod)?;
        (name == container).then(|| Played::of(&hive))
    }

    fn database(&self, pod: &Value) -> Option<BoxedIo> {
        if object::label(pod, "cnpg.io/podRole") != Some("instance") || !is_ready(pod) {
            return None;
        }
        let namespace = object::namespace(pod);
        let database = Database::ready(&*self.objects, namespace, object::label(pod, "cnpg.io/cluster")?)?;
        let content = sql::Content { schema: self.schema(&database), databases: self.catalogs(&database) };
        let (near, far) = tokio::io::duplex(64 * 1024);
        tokio::spawn(sql::serve(far, database, content));
        Some(Box::new(near))
    }

    /// A metastore answers once its database has the schema: its init container waits for it.
    fn metastore(&self, pod: &Value) -> Option<BoxedIo> {
        let hive = Hive::metastore(&*self.objects, pod).filter(|_| is_ready(pod))?;
        let schema = self.schema(hive.database.as_ref().ok()?)?;
        if hive.schema() != Some(schema.as_str()) {
            return None;
        }
        let (near, far) = tokio::io::duplex(64 * 1024);
        tokio::spawn(thrift::serve(far, thrift::Catalog { release: hive.release, warehouse: hive.warehouse }));
        Some(Box::new(near))
    }

    /// The version of the metastore's schema in a database.
    fn schema(&self, database: &Database) -> Option<String> {
        for job in self.objects.list("batch", "jobs", "") {
            self.note(&job);
        }
        self.schemas.lock().unwrap_or_else(PoisonError::into_inner).get(&database.uid).cloned()
    }

    /// How many databases of Hive there are: a metastore creates `default` when it starts.
    fn catalogs(&self, database: &Database) -> usize {
        let pods = self.objects.list("", "pods", &database.namespace);
        let uses = |pod: &Value| {
            let hive = Hive::metastore(&*self.objects, pod);
            hive.and_then(|hive| hive.database.ok()).is_some_and(|used| used.uid == database.uid)
        };
        usize::from(pods.iter().any(|pod| is_ready(pod) && uses(pod)))
    }
}

/// The schema that a Job created, and where.
fn created(objects: &dyn Objects, job: &Value) -> Option<(String, String)> {
    let conditions = job["status"]["conditions"].as_array()?;
    let complete = |condition: &Value| condition["type"] == "Complete" && condition["status"] == "True";
    if !conditions.iter().any(complete) {
        return None;
    }
    let hive = Hive::schema_tool(objects, job)?;
    let schema = hive.schema()?.to_owned();
    Some((hive.database.ok()?.uid, schema))
}
