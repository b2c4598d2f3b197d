//! A database of `CloudNativePG`, read from its `Cluster` and its Secrets.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::Value;

use crate::sim::api::access::Objects;
use crate::sim::api::object;

const GROUP: &str = "postgresql.cnpg.io";

/// A database cluster and who may log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Database {
    pub(super) namespace: String,
    /// The name of the `Cluster`.
    pub(super) cluster: String,
    /// Its uid: another one is another, empty database.
    pub(super) uid: String,
    /// The database of the application.
    pub(super) name: String,
    /// User and password of everybody who may log in; the first owns the database.
    pub(super) logins: Vec<(String, String)>,
    /// `17.5`, from the image.
    pub(super) version: String,
}

impl Database {
    /// The database of a `Cluster` that is ready.
    pub(super) fn ready(objects: &dyn Objects, namespace: &str, cluster: &str) -> Option<Self> {
        let object = objects.find(GROUP, "clusters", namespace, cluster)?;
        if !is_ready(&object) {
            return None;
        }
        let initdb = &object["spec"]["bootstrap"]["initdb"];
        let text = |field: &str, otherwise: &str| initdb[field].as_str().unwrap_or(otherwise).to_owned();
        let name = text("database", "app");
        let given = initdb["secret"]["name"].as_str().map(str::to_owned);
        let secret = given.unwrap_or_else(|| format!("{cluster}-app"));
        let mut logins = Vec::new();
        // The operator sets the owner's password from the Secret only if the Secret is the owner's.
        let owner = text("owner", &name);
        logins.extend(login(objects, namespace, &secret).filter(|(user, _)| *user == owner));
        if object["spec"]["enableSuperuserAccess"] == true {
            let superuser = object["spec"]["superuserSecret"]["name"].as_str().map(str::to_owned);
            logins.extend(login(objects, namespace, &superuser.unwrap_or_else(|| format!("{cluster}-superuser"))));
        }
        let image = object["status"]["image"].as_str().or(object["spec"]["imageName"].as_str()).unwrap_or_default();
        let tag = image.split('@').next().and_then(|image| image.rsplit_once(':')).map_or("", |(_, tag)| tag);
        let version = tag.split('-').next().unwrap_or_default().to_owned();
        let (namespace, cluster, uid) = (namespace.to_owned(), cluster.to_owned(), object::uid(&object).to_owned());
        Some(Self { namespace, cluster, uid, name, logins, version })
    }

    /// The database behind a host name as a pod of a namespace resolves it: `NAME-rw`, `NAME-rw.NAMESPACE.svc`, ….
    pub(super) fn at(objects: &dyn Objects, namespace: &str, host: &str) -> Option<Self> {
        let mut parts = host.split('.');
        let service = parts.next()?;
        let namespace = parts.next().unwrap_or(namespace);
        let cluster = ["-rw", "-r"].iter().find_map(|end| service.strip_suffix(end))?;
        objects.find("", "services", namespace, service)?;
        Self::ready(objects, namespace, cluster)
    }

    /// Whether somebody may log in.
    pub(super) fn admits(&self, user: &str, password: &str) -> bool {
        self.logins.iter().any(|(name, own)| name == user && own == password)
    }
}

/// Whether an object has the condition `Ready`, and nothing older than its spec says so.
pub(super) fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// User and password of a Secret of type `basic-auth`.
fn login(objects: &dyn Objects, namespace: &str, name: &str) -> Option<(String, String)> {
    Some((secret(objects, namespace, name, "username")?, secret(objects, namespace, name, "password")?))
}

/// A value of a Secret.
pub(super) fn secret(objects: &dyn Objects, namespace: &str, name: &str, key: &str) -> Option<String> {
    let secret = objects.find("", "secrets", namespace, name)?;
    let bytes = BASE64.decode(secret["data"][key].as_str()?).ok()?;
    String::from_utf8(bytes).ok()
}
