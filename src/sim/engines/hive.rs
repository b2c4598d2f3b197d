//! Hive in a pod: what its image, command and configuration say.

use regex::Regex;
use serde_json::Value;

use crate::sim::api::access::Objects;
use crate::sim::api::object;

use super::database::{Database, secret};

/// The schema that a release of Hive creates.
const SCHEMAS: [(&str, &str); 7] = [
    ("3.1.0", "3.1.0"),
    ("3.1.1", "3.1.0"),
    ("3.1.2", "3.1.0"),
    ("3.1.3", "3.1.0"),
    ("4.0.0", "4.0.0"),
    ("4.0.1", "4.0.0"),
    ("4.1.0", "4.1.0"),
];

/// A container that runs Hive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hive {
    /// `4.0.0`, from the image.
    pub(super) release: String,
    /// The database that it is told to use, or what the driver says when it does not come in.
    pub(super) database: Result<Database, String>,
    /// `javax.jdo.option.ConnectionURL`.
    pub(super) url: String,
    /// `metastore.warehouse.dir`.
    pub(super) warehouse: String,
}

impl Hive {
    /// The metastore in a pod.
    pub(super) fn metastore(objects: &dyn Objects, pod: &Value) -> Option<Self> {
        let serves = |words: &[&str]| words.windows(2).any(|pair| pair == ["--service", "metastore"]);
        Self::read(objects, object::namespace(pod), &pod["spec"], &serves)
    }

    /// The tool that creates the schema in a Job.
    pub(super) fn schema_tool(objects: &dyn Objects, job: &Value) -> Option<Self> {
        Self::read(objects, object::namespace(job), &job["spec"]["template"]["spec"], &creates_schema)
    }

    /// The same tool in a pod, with the name of its container.
    pub(super) fn schema_tool_in(objects: &dyn Objects, pod: &Value) -> Option<(Self, String)> {
        let hive = Self::read(objects, object::namespace(pod), &pod["spec"], &creates_schema)?;
        let name = container(&pod["spec"], &creates_schema)?["name"].as_str()?.to_owned();
        Some((hive, name))
    }

    fn read(objects: &dyn Objects, namespace: &str, pod: &Value, is_it: &dyn Fn(&[&str]) -> bool) -> Option<Self> {
        let container = container(pod, is_it)?;
        let image = container["image"].as_str()?.split('@').next()?;
        let release = image.rsplit_once(':')?.1.to_owned();
        let settings = settings(objects, namespace, pod);
        let value = |name: &str| property(&settings, name).map(|text| expanded(objects, namespace, container, &text));
        let url = value("javax.jdo.option.ConnectionURL").unwrap_or_default();
        let setting = |name: &str| value(&format!("javax.jdo.option.{name}")).unwrap_or_default();
        let database = log_in(objects, namespace, &url, &setting("ConnectionUserName"), &setting("ConnectionPassword"));
        let warehouse = value("metastore.warehouse.dir").or_else(|| value("hive.metastore.warehouse.dir"));
        Some(Self { release, database, url, warehouse: warehouse.unwrap_or_else(|| "/user/hive/warehouse".into()) })
    }

    /// The schema of its release; nothing for one that is not known.
    pub(super) fn schema(&self) -> Option<&'static str> {
        SCHEMAS.iter().find(|(release, _)| *release == self.release).map(|(_, schema)| *schema)
    }
}

/// Whether a command creates the schema.
fn creates_schema(words: &[&str]) -> bool {
    words.iter().any(|word| word.ends_with("schematool"))
        && words.iter().any(|word| matches!(*word, "-initSchema" | "-initOrUpgradeSchema"))
        && words.windows(2).any(|pair| pair == ["-dbType", "postgres"])
}

/// The container of a pod whose command is such a one.
fn container<'a>(pod: &'a Value, is_it: &dyn Fn(&[&str]) -> bool) -> Option<&'a Value> {
    pod["containers"].as_array()?.iter().find(|container| {
        let lists = ["command", "args"].map(|field| container[field].as_array().into_iter().flatten());
        let words = lists.into_iter().flatten().filter_map(Value::as_str);
        is_it(&words.flat_map(str::split_whitespace).collect::<Vec<_>>())
    })
}

/// The database behind a URL of JDBC, or what the driver of `PostgreSQL` says.
fn log_in(objects: &dyn Objects, namespace: &str, url: &str, user: &str, password: &str) -> Result<Database, String> {
    let parts = url.strip_prefix("jdbc:postgresql://").and_then(|rest| rest.split_once('/'));
    let (place, rest) = parts.ok_or_else(|| format!("No suitable driver found for {url}"))?;
    let (host, port) = place.split_once(':').unwrap_or((place, "5432"));
    let found = Database::at(objects, namespace, host).filter(|_| port == "5432");
    let database = found.ok_or_else(|| {
        format!(
            "Connection to {host}:{port} refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP connections."
        )
    })?;
    if !database.admits(user, password) {
        return Err(format!("FATAL: password authentication failed for user \"{user}\""));
    }
    let name = rest.split(['?', ';']).next().unwrap_or_default();
    if database.name == name { Ok(database) } else { Err(format!("FATAL: database \"{name}\" does not exist")) }
}

/// The configuration files in the `ConfigMaps` that a pod mounts.
fn settings(objects: &dyn Objects, namespace: &str, pod: &Value) -> Vec<String> {
    let volumes = pod["volumes"].as_array().into_iter().flatten();
    let maps = volumes.filter_map(|volume| volume["configMap"]["name"].as_str());
    let maps = maps.filter_map(|name| objects.find("", "configmaps", namespace, name));
    let mut files = Vec::new();
    for map in maps {
        for name in ["metastore-site.xml", "hive-site.xml"] {
            files.extend(map["data"][name].as_str().map(str::to_owned));
        }
    }
    files
}

/// A property of Hadoop's configuration files.
fn property(files: &[String], name: &str) -> Option<String> {
    let pattern = format!(r"(?s)<name>\s*{}\s*</name>\s*<value>(.*?)</value>", regex::escape(name));
    let pattern = Regex::new(&pattern).ok()?;
    let value = files.iter().find_map(|file| pattern.captures(file))?[1].trim().to_owned();
    Some(value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

/// With every `${env.NAME}` replaced by what the container's environment holds; an unknown one stays.
fn expanded(objects: &dyn Objects, namespace: &str, container: &Value, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${env.") {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else { break };
        match environment(objects, namespace, container, name) {
            Some(value) => out.push_str(&value),
            None => out.extend(["${env.", name, "}"]),
        }
        rest = after;
    }
    out + rest
}

fn environment(objects: &dyn Objects, namespace: &str, container: &Value, name: &str) -> Option<String> {
    let variable = container["env"].as_array()?.iter().rfind(|variable| variable["name"] == name)?;
    if let Some(value) = variable["value"].as_str() {
        return Some(value.to_owned());
    }
    let from = &variable["valueFrom"];
    let text = |reference: &Value, field: &str| reference[field].as_str().map(str::to_owned);
    if from["secretKeyRef"].is_object() {
        let reference = &from["secretKeyRef"];
        return secret(objects, namespace, &text(reference, "name")?, &text(reference, "key")?);
    }
    let reference = &from["configMapKeyRef"];
    let map = objects.find("", "configmaps", namespace, &text(reference, "name")?)?;
    map["data"][text(reference, "key")?].as_str().map(str::to_owned)
}
