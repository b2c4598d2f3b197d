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
    /// The database that it is told to use, if it is there and lets it in.
    pub(super) database: Option<Database>,
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
        let creates = |words: &[&str]| {
            words.iter().any(|word| word.ends_with("schematool"))
                && words.iter().any(|word| matches!(*word, "-initSchema" | "-initOrUpgradeSchema"))
                && words.windows(2).any(|pair| pair == ["-dbType", "postgres"])
        };
        Self::read(objects, object::namespace(job), &job["spec"]["template"]["spec"], &creates)
    }

    fn read(objects: &dyn Objects, namespace: &str, pod: &Value, is_it: &dyn Fn(&[&str]) -> bool) -> Option<Self> {
        let container = pod["containers"].as_array()?.iter().find(|container| {
            let lists = ["command", "args"].map(|field| container[field].as_array().into_iter().flatten());
            let words: Vec<&str> = lists.into_iter().flatten().filter_map(Value::as_str).collect();
            let shell = words.iter().flat_map(|word| word.split_whitespace()).collect::<Vec<_>>();
            is_it(&shell)
        })?;
        let image = container["image"].as_str()?.split('@').next()?;
        let release = image.rsplit_once(':')?.1.to_owned();
        let settings = settings(objects, namespace, pod);
        let value = |name: &str| property(&settings, name).map(|text| expanded(objects, namespace, container, &text));
        let database = (|| {
            let url = value("javax.jdo.option.ConnectionURL")?;
            let rest = url.strip_prefix("jdbc:postgresql://")?;
            let (place, rest) = rest.split_once('/')?;
            let (host, port) = place.split_once(':').unwrap_or((place, "5432"));
            let database = Database::at(objects, namespace, host).filter(|_| port == "5432")?;
            let name = rest.split(['?', ';']).next()?;
            let (user, password) =
                (value("javax.jdo.option.ConnectionUserName")?, value("javax.jdo.option.ConnectionPassword")?);
            (database.name == name && database.admits(&user, &password)).then_some(database)
        })();
        let warehouse = value("metastore.warehouse.dir").or_else(|| value("hive.metastore.warehouse.dir"));
        Some(Self { release, database, warehouse: warehouse.unwrap_or_else(|| "/user/hive/warehouse".into()) })
    }

    /// The schema of its release; nothing for one that is not known.
    pub(super) fn schema(&self) -> Option<&'static str> {
        SCHEMAS.iter().find(|(release, _)| *release == self.release).map(|(_, schema)| *schema)
    }
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
            None => out.push_str(&format!("${{env.{name}}}")),
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
