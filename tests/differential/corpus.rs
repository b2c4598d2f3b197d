//! The stories of `tests/differential/*.yaml`: one a document, a short list of requests each.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A short list of requests that belong together, with namespaces and names of its own.
pub(crate) struct Story {
    /// Unique among all files.
    pub(crate) name: String,
    /// The file's name without its ending.
    pub(crate) topic: String,
    /// Made before the first step.
    pub(crate) namespaces: Vec<String>,
    /// What controllers change in every object of this story, as patterns of JSON pointers.
    pub(crate) without: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// One step, and what of its answer is compared.
pub(crate) struct Step {
    /// Method and path, or what else is done; as it stands in the file.
    pub(crate) title: String,
    pub(crate) act: Act,
    /// Variables, each the value at a JSON pointer of the answer.
    pub(crate) keep: Vec<(String, String)>,
    /// Only these pointers of the answer are compared, if there are any.
    pub(crate) only: Vec<String>,
    /// These are not compared.
    pub(crate) without: Vec<String>,
}

/// What a step does.
pub(crate) enum Act {
    /// Sends a request, until the answer is as wanted.
    Send(Request, Option<Until>),
    /// Opens a watch that runs beside the steps that follow.
    Watch(String, Request),
    /// Takes this many events from a watch, or all up to its end.
    Events(String, Option<usize>),
}

/// A request with its variables still in it.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
}

/// When a request need not be repeated any more.
pub(crate) enum Until {
    Code(u16),
    Is(String, Value),
    Exists(String),
}

/// The folder of the corpus.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential")
}

/// All stories whose name contains `filter`, file by file in order.
pub(crate) fn stories(filter: &str) -> Vec<Story> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "yaml"));
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let topic = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let documents = dpb::manifest::documents(&text, &topic).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        all.extend(documents.iter().map(|d| story(&topic, &d.value)));
    }
    let mut names: Vec<&str> = all.iter().map(|s: &Story| s.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).for_each(|w| assert_ne!(w[0], w[1], "two stories have one name"));
    all.retain(|story| story.name.contains(filter));
    all
}

fn story(topic: &str, value: &Value) -> Story {
    known(value, &["story", "about", "namespaces", "without", "steps"]);
    let name = text(value, "story").unwrap_or_else(|| panic!("{topic}: a story without a name")).to_owned();
    let namespaces = match &value["namespaces"] {
        Value::Null => vec![format!("d-{name}")],
        Value::Array(all) => all.iter().map(|n| n.as_str().unwrap().to_owned()).collect(),
        other => panic!("{name}: namespaces is a list, not {other}"),
    };
    let steps = value["steps"].as_array().unwrap_or_else(|| panic!("{name}: no steps"));
    let steps = steps.iter().map(|s| step(&name, s)).collect();
    Story { topic: topic.to_owned(), namespaces, without: texts(value, "without"), steps, name }
}

fn step(story: &str, value: &Value) -> Step {
    if let Some(send) = value.as_str() {
        return step(story, &serde_json::json!({"send": send}));
    }
    known(
        value,
        &[
            "send", "body", "text", "type", "accept", "as", "groups", "headers", "keep", "only", "without", "until",
            "watch", "events", "count",
        ],
    );
    let keep = value["keep"].as_object().into_iter().flatten();
    let keep = keep.map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect();
    let act = if let Some(name) = text(value, "events") {
        let count = value["count"].as_u64().map(|n| usize::try_from(n).unwrap());
        Act::Events(name.to_owned(), count)
    } else if let Some(name) = text(value, "watch") {
        Act::Watch(name.to_owned(), request(story, value))
    } else {
        Act::Send(request(story, value), until(&value["until"]))
    };
    let title = match &act {
        Act::Events(name, _) => format!("EVENTS {name}"),
        Act::Watch(_, r) | Act::Send(r, _) => format!("{} {}", r.method, r.path),
    };
    Step { title, act, keep, only: texts(value, "only"), without: texts(value, "without") }
}

fn request(story: &str, value: &Value) -> Request {
    let send = text(value, "send").unwrap_or_else(|| panic!("{story}: a step that sends nothing: {value}"));
    let (method, path) = send.split_once(' ').unwrap_or_else(|| panic!("{story}: `{send}` has no path"));
    let mut headers = vec![("user-agent".to_owned(), "story/1.0".to_owned())];
    let accept = text(value, "accept").unwrap_or("application/json");
    headers.push(("accept".to_owned(), accept.to_owned()));
    if let Some(user) = text(value, "as") {
        headers.push(("impersonate-user".to_owned(), user.to_owned()));
    }
    headers.extend(texts(value, "groups").into_iter().map(|g| ("impersonate-group".to_owned(), g)));
    let body = text(value, "text").map(|t| Value::String(t.to_owned()));
    let body = body.or_else(|| value.get("body").cloned());
    if body.is_some() {
        let kind = match text(value, "type") {
            None => "application/json",
            Some("apply") => "application/apply-patch+yaml",
            Some("merge") => "application/merge-patch+json",
            Some("json") => "application/json-patch+json",
            Some("strategic") => "application/strategic-merge-patch+json",
            Some(other) => other,
        };
        headers.push(("content-type".to_owned(), kind.to_owned()));
    }
    for (name, v) in value["headers"].as_object().into_iter().flatten() {
        headers.push((name.clone(), v.as_str().unwrap().to_owned()));
    }
    Request { method: method.to_owned(), path: path.to_owned(), headers, body }
}

fn until(value: &Value) -> Option<Until> {
    if let Some(code) = value["code"].as_u64() {
        return Some(Until::Code(u16::try_from(code).unwrap()));
    }
    let at = text(value, "at")?.to_owned();
    Some(match value.get("is") {
        Some(is) => Until::Is(at, is.clone()),
        None => Until::Exists(at),
    })
}

fn known(value: &Value, keys: &[&str]) {
    for key in value.as_object().unwrap_or_else(|| panic!("not a map: {value}")).keys() {
        assert!(keys.contains(&key.as_str()), "unknown key `{key}` in {value}");
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value[key].as_str()
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    value[key].as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
}
