//! `metadata.managedFields`: who owns which fields, since when.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::go_text;
use super::super::object;
use super::fields_v1;
use super::set::Set;

/// How a manager came by its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    /// By applying them.
    Apply,
    /// By any other write.
    Update,
}

/// Who owns fields. Entries of one manager are apart by operation and subresource; updates also by version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Manager {
    /// `kubectl`
    pub(super) name: String,
    /// See [`Operation`].
    pub(super) operation: Operation,
    /// Of updates; empty for what was applied.
    pub(super) api_version: String,
    /// `status`, `scale`; empty for the object itself.
    pub(super) subresource: String,
}

/// What a manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The fields.
    pub(super) fields: Set,
    /// The version in which they are named.
    pub(super) api_version: String,
    /// When it last wrote; as it stands in the object.
    pub(super) time: Option<String>,
}

/// All managers of an object.
pub(super) type Managers = BTreeMap<Manager, Entry>;

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

impl Manager {
    /// As messages name it.
    pub(super) fn shown(&self) -> String {
        let name = go_text::quote(&self.name);
        let part = match self.subresource.as_str() {
            "" => String::new(),
            part => format!(" with subresource {}", go_text::quote(part)),
        };
        let version = match self.operation {
            Operation::Update => format!(" using {}", self.api_version),
            Operation::Apply => String::new(),
        };
        format!("{name}{part}{version}")
    }
}

/// Reads `managedFields`; the error is what the true server says of a malformed one.
pub(super) fn decode(entries: &Value) -> Result<Managers, String> {
    let mut managers = Managers::new();
    for (index, entry) in entries.as_array().into_iter().flatten().enumerate() {
        let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        let operation = match entry["operation"].as_str() {
            Some("Apply") => Operation::Apply,
            Some("Update") => Operation::Update,
            _ => return Err("operation must be `Apply` or `Update`".into()),
        };
        let api_version = text("apiVersion");
        if api_version.is_empty() {
            return Err("apiVersion must not be empty".into());
        }
        match text("fieldsType").as_str() {
            "FieldsV1" => {}
            "" => return Err(format!("missing fieldsType in managed fields entry {index}")),
            other => return Err(format!("invalid fieldsType \"{other}\" in managed fields entry {index}")),
        }
        let fields = match entry.get("fieldsV1") {
            None | Some(Value::Null) => Set::default(),
            Some(fields) => fields_v1::decode(fields).ok_or("error decoding set")?,
        };
        let manager = Manager {
            name: text("manager"),
            operation,
            api_version: if operation == Operation::Update { api_version.clone() } else { String::new() },
            subresource: text("subresource"),
        };
        let time = entry["time"].as_str().map(str::to_owned);
        managers.insert(manager, Entry { fields, api_version, time });
    }
    Ok(managers)
}

/// Writes `managedFields`: applied entries first, then by time.
pub(super) fn encode(managers: &Managers) -> Value {
    let mut sorted: Vec<(&Manager, &Entry)> = managers.iter().collect();
    let key = |(manager, entry): &(&Manager, &Entry)| {
        (
            manager.operation,
            seconds(entry),
            manager.name.clone(),
            entry.api_version.clone(),
            manager.subresource.clone(),
        )
    };
    sorted.sort_by_key(key);
    let written = sorted.into_iter().map(|(manager, entry)| {
        let mut out = Map::new();
        out.insert("manager".into(), json!(manager.name));
        out.insert("operation".into(), json!(manager.operation.name()));
        out.insert("apiVersion".into(), json!(entry.api_version));
        if let Some(time) = &entry.time {
            out.insert("time".into(), json!(time));
        }
        out.insert("fieldsType".into(), json!("FieldsV1"));
        out.insert("fieldsV1".into(), fields_v1::encode(&entry.fields));
        if !manager.subresource.is_empty() {
            out.insert("subresource".into(), json!(manager.subresource));
        }
        Value::Object(out)
    });
    Value::Array(written.collect())
}

/// Puts `managedFields` into an object; none at all if nobody owns anything.
pub(super) fn write(managers: &Managers, object: &mut Value) {
    if managers.is_empty() {
        object::remove_meta(object, "managedFields");
    } else {
        object::set_meta(object, "managedFields", encode(managers));
    }
}

/// Seconds since 1970; 0 without a time.
fn seconds(entry: &Entry) -> i64 {
    let time = entry.time.as_ref().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    time.map_or(0, jiff::Timestamp::as_second)
}

/// No more than this many entries of updates are kept; the oldest are thrown together.
const MOST_UPDATES: usize = 10;
const OLD_UPDATES: &str = "ancient-changes";

/// Throws the oldest updates together until there are not too many.
pub(super) fn cap(managers: &mut Managers) {
    let mut updates: Vec<(i64, Manager)> = managers
        .iter()
        .filter(|(manager, _)| manager.operation == Operation::Update)
        .map(|(manager, entry)| (seconds(entry), manager.clone()))
        .collect();
    updates.sort();
    let mut left = updates.len();
    let mut first: BTreeMap<String, Manager> = BTreeMap::new();
    for (_, manager) in updates {
        if left <= MOST_UPDATES {
            return;
        }
        let version = manager.api_version.clone();
        let Some(earlier) = first.get(&version) else {
            first.insert(version, manager);
            continue;
        };
        let bucket = Manager {
            name: OLD_UPDATES.into(),
            operation: Operation::Update,
            api_version: version,
            subresource: String::new(),
        };
        if !managers.contains_key(&bucket) {
            let Some(entry) = managers.remove(earlier) else { continue };
            managers.insert(bucket.clone(), entry);
        }
        let Some(newer) = managers.remove(&manager) else { continue };
        if let Some(entry) = managers.get_mut(&bucket) {
            entry.fields = entry.fields.union(&newer.fields);
            entry.time = newer.time;
        }
        left -= 1;
    }
}
