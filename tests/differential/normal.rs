//! Takes out of an answer what differs from run to run, and leaves a mark that still tells equal from different.
//!
//! Uids and versions of objects are numbered in the order in which a story meets them, so that "the same" and "another"
//! are still compared; times keep their precision; what only a controller or a port allocator chose is named as such.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value, json};

/// Field managers of the controllers beside a true API server: their entries come when they come.
const CONTROLLERS: &[&str] = &[
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
    "kwok-controller",
    "source-controller",
    "kustomize-controller",
    "gotk-kustomize-controller",
    "helm-controller",
];

/// Groups that only the rig serves.
const OF_THE_RIG: &[&str] = &["kwok.x-k8s.io"];

/// What one story has met so far.
#[derive(Default)]
pub(crate) struct Normal {
    uids: BTreeMap<String, usize>,
    versions: BTreeMap<String, usize>,
    generated: BTreeMap<String, String>,
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

static UID: LazyLock<Regex> = LazyLock::new(|| pattern("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"));
static TIME: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?(?:Z|[+-]\d\d:\d\d)"));
static TOKEN: LazyLock<Regex> = LazyLock::new(|| pattern(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"));
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b10\.(96|244)\.\d+\.\d+\b"));
static VERSION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?i)(resource ?version[^:0-9]{0,60}(?::\s?[\\"]*| \()|current: )(\d+)( \(\d+\))?"#));
static VOLUME: LazyLock<Regex> = LazyLock::new(|| pattern("kube-api-access-[a-z0-9]{5}"));
static AGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\d+(ms|s|m|h|d))+$|^<invalid>$"));

impl Normal {
    pub(crate) fn answer(&mut self, mut answer: Value) -> Value {
        if let Some(body) = answer.get_mut("body") {
            self.any(body);
        }
        for event in answer.get_mut("events").and_then(Value::as_array_mut).into_iter().flatten() {
            let bookmark = event["type"] == "BOOKMARK";
            if let Some(version) = event.pointer_mut("/object/metadata/resourceVersion").filter(|_| bookmark) {
                *version = json!("<bookmark>");
            }
            self.any(event);
        }
        for name in ["warnings", "location"] {
            if let Some(value) = answer.get_mut(name) {
                self.any(value);
            }
        }
        answer
    }

    fn any(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) => self.object(map),
            Value::Array(all) => {
                all.retain(|item| !of_the_rig(item));
                for item in all {
                    self.any(item);
                }
            }
            Value::String(text) => *text = self.text(text),
            _ => {}
        }
    }

    fn object(&mut self, map: &mut Map<String, Value>) {
        let is_list = map.get("kind").and_then(Value::as_str).is_some_and(|k| k.ends_with("List") || k == "Table");
        if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
            self.metadata(metadata, is_list);
        }
        if map.get("kind").is_some_and(|k| k == "Table") {
            for cell in map.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten() {
                for cell in cell["cells"].as_array_mut().into_iter().flatten() {
                    if cell.as_str().is_some_and(|c| AGE.is_match(c)) {
                        *cell = json!("<age>");
                    }
                }
            }
        }
        if map.keys().any(|key| UID.is_match(key)) {
            *map = std::mem::take(map).into_iter().map(|(key, value)| (self.text(&key), value)).collect();
        }
        if map.get("kind").is_some_and(|k| k == "APIResourceList") {
            in_order(map.get_mut("resources"), "name");
        }
        if map.get("reason").is_some_and(|r| r == "Invalid") {
            causes(map);
        }
        for (key, value) in map.iter_mut() {
            let port = matches!(key.as_str(), "nodePort" | "healthCheckNodePort");
            if port && value.as_u64().is_some_and(|p| (30_000..32_768).contains(&p)) {
                *value = json!("<node-port>");
            }
            self.any(value);
        }
    }

    fn metadata(&mut self, metadata: &mut Map<String, Value>, is_list: bool) {
        if let Some(Value::String(version)) = metadata.get_mut("resourceVersion")
            && version.bytes().all(|b| b.is_ascii_digit())
        {
            *version = if is_list {
                "<of-list>".to_owned()
            } else {
                let next = self.versions.len() + 1;
                format!("<version-{}>", self.versions.entry(version.clone()).or_insert(next))
            };
        }
        if let Some(Value::String(token)) = metadata.get_mut("continue")
            && !token.is_empty()
        {
            "<continue>".clone_into(token);
        }
        let prefix = metadata.get("generateName").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(name) = metadata.get("name").and_then(Value::as_str)
            && !prefix.is_empty()
            && name.starts_with(&prefix)
            && name.len() == prefix.len() + 5
        {
            let next = self.generated.len() + 1;
            self.generated.entry(name.to_owned()).or_insert_with(|| format!("{prefix}<generated-{next}>"));
        }
        if let Some(Value::Array(entries)) = metadata.get_mut("managedFields") {
            entries.retain(|e| !e["manager"].as_str().is_some_and(|m| CONTROLLERS.contains(&m)));
            // Within an operation they lie in the order of their times, which are those of a clock of whole seconds.
            let text = |e: &Value, key: &str| e[key].as_str().unwrap_or_default().to_owned();
            entries
                .sort_by_cached_key(|e| ["operation", "manager", "subresource", "apiVersion"].map(|key| text(e, key)));
        }
    }

    fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, mark) in &self.generated {
            if text.contains(name) {
                text = text.replace(name, mark);
            }
        }
        let uids = &mut self.uids;
        let text = UID.replace_all(&text, |found: &Captures<'_>| {
            let next = uids.len() + 1;
            format!("<uid-{}>", uids.entry(found[0].to_owned()).or_insert(next))
        });
        let text = TIME.replace_all(&text, |found: &Captures<'_>| match found.get(1) {
            None => "<time>".to_owned(),
            Some(fraction) => format!("<time.{}>", fraction.len()),
        });
        let text = TOKEN.replace_all(&text, "<token>");
        let text = ADDRESS.replace_all(&text, "<address-in-10.$1>");
        let text = VOLUME.replace_all(&text, "kube-api-access-<generated>");
        VERSION.replace_all(&text, "$1<number>").into_owned()
    }
}

#[allow(clippy::needless_pass_by_value, reason = "an optional borrow")]
fn in_order(list: Option<&mut Value>, key: &str) {
    if let Some(Value::Array(all)) = list {
        all.sort_by_key(|item| item[key].to_string());
    }
}

/// The schema of a custom resource is checked by walking over maps, so its causes come in any order.
fn causes(status: &mut Map<String, Value>) {
    let Some(Value::Object(details)) = status.get_mut("details") else { return };
    let group = details.get("group").and_then(Value::as_str).unwrap_or_default();
    if !group.contains('.') || group.ends_with(".k8s.io") {
        return;
    }
    let Some(Value::Array(all)) = details.get_mut("causes") else { return };
    let told = |all: &[Value]| {
        let each = all.iter().map(|c| {
            format!("{}: {}", c["field"].as_str().unwrap_or_default(), c["message"].as_str().unwrap_or_default())
        });
        each.collect::<Vec<String>>().join(", ")
    };
    let before = told(all);
    all.sort_by_key(Value::to_string);
    let after = told(all);
    if let Some(Value::String(message)) = status.get_mut("message") {
        *message = message.replace(&before, &after);
    }
}

/// Whether an entry of a discovery document speaks of what only the rig has.
fn of_the_rig(item: &Value) -> bool {
    let name = item["name"].as_str().or_else(|| item.pointer("/metadata/name").and_then(Value::as_str));
    name.is_some_and(|n| OF_THE_RIG.iter().any(|group| n == *group || n.ends_with(&format!(".{group}"))))
}
