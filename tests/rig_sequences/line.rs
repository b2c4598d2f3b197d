//! One version of a Flux object as a line: what a user could see of it, free of times, hashes and places.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;

/// Names of the commits of one situation: `C0`, `C1`, … in the order in which they were pushed.
#[derive(Default)]
pub(crate) struct Commits(Mutex<Vec<String>>);

impl Commits {
    pub(crate) fn push(&self, sha: &str) {
        self.0.lock().unwrap().push(sha.to_owned());
    }

    pub(crate) fn newest(&self) -> String {
        format!("C{}", self.0.lock().unwrap().len() - 1)
    }

    fn name(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (index, sha) in self.0.lock().unwrap().iter().enumerate() {
            text = text.replace(&format!("main@sha1:{sha}"), &format!("C{index}")).replace(sha, &format!("C{index}"));
        }
        text
    }
}

/// The line of an object.
pub(crate) fn line(object: &Value, commits: &Commits) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut parts = Vec::new();
    for condition in object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten() {
        let field = |name: &str| condition[name].as_str().unwrap_or_default();
        parts.push(format!(
            "{}={}/{}@{} {:?}",
            field("type"),
            field("status"),
            field("reason"),
            condition["observedGeneration"],
            // How kustomize words what it can't build is not Flux's matter.
            if field("reason") == "BuildFailed" { "…".to_owned() } else { timeless(&commits.name(field("message"))) },
        ));
    }
    parts.sort();
    let observed = &object["status"]["observedGeneration"];
    parts.insert(0, format!("generation {} observed {observed}", object["metadata"]["generation"]));
    for (name, pointer) in [
        ("attempted", "/status/lastAttemptedRevision"),
        ("applied", "/status/lastAppliedRevision"),
        ("artifact", "/status/artifact/revision"),
        ("handled", "/status/lastHandledReconcileAt"),
        ("forced", "/status/lastHandledForceAt"),
        ("action", "/status/lastAttemptedReleaseAction"),
        ("chart", "/status/observedChartName"),
        ("source", "/status/observedSourceArtifactRevision"),
    ] {
        let value = commits.name(&text(pointer));
        if !value.is_empty() {
            parts.push(format!("{name} {value}"));
        }
    }
    if let Some(failures) = object.pointer("/status/failures").and_then(Value::as_i64) {
        parts.push(format!("failures {failures}"));
    }
    let history = object.pointer("/status/history").and_then(Value::as_array).into_iter().flatten();
    for entry in history {
        let field = |name: &str| entry[name].as_str().unwrap_or_default();
        if let Some(status) = entry["lastReconciledStatus"].as_str() {
            let revision = commits.name(entry["metadata"]["revision"].as_str().unwrap_or_default());
            parts.push(format!("history {status} {revision} {}", entry["totalReconciliations"]));
        } else {
            let (chart, version) = (field("chartName"), field("chartVersion"));
            parts.push(format!("history v{} {chart}@{version} {}", entry["version"], field("status")));
        }
    }
    let inventory = object.pointer("/status/inventory/entries").and_then(Value::as_array);
    if let Some(entries) = inventory {
        let ids: Vec<&str> = entries.iter().map(|entry| entry["id"].as_str().unwrap_or_default()).collect();
        parts.push(format!("inventory [{}]", ids.join(" ")));
    }
    if object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        parts.push("suspended".into());
    }
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        parts.push("deleting".into());
    }
    parts.join(" | ")
}

/// A message without durations and temporary folders.
fn timeless(text: &str) -> String {
    let mut out = text.to_owned();
    for (pattern, by) in [
        (r"(in|after) ((\d+h)?(\d+m)?\d+(\.\d+)?(s|ms|µs))( |:|$)", "$1 TIME$7"),
        (r"/tmp/[A-Za-z-]+-?\d+", "/tmp/FOLDER"),
        (r"is not ready$|revision is not up to date$", "IS BEHIND"),
    ] {
        out = regex_lite::Regex::new(pattern).unwrap().replace_all(&out, by).into_owned();
    }
    out
}

/// Everything that was seen, by object; the lines of one are in order, without repetitions.
pub(crate) type Seen = BTreeMap<String, Vec<String>>;

/// Adds a line to those of an object. One that says the same again is left out, and so is what goes round and round
/// (retries): how often it did is a matter of time.
pub(crate) fn note(lines: &mut Vec<String>, line: String) {
    if lines.last() == Some(&line) {
        return;
    }
    lines.push(line);
    if let [.., a, b, c, d] = lines.as_slice()
        && (a, b) == (c, d)
    {
        lines.truncate(lines.len() - 2);
    }
}

/// How two recordings differ; a line that begins with `?` in the wanted one may be missing.
pub(crate) fn difference(wanted: &str, seen: &str) -> Option<String> {
    let (mut want, mut have) = (wanted.lines().peekable(), seen.lines().peekable());
    let mut head = String::new();
    loop {
        match (want.peek().copied(), have.peek().copied()) {
            (None, None) => return None,
            (Some(w), Some(h))
                if w == h || w.strip_prefix('?').is_some_and(|w| w == h.strip_prefix(' ').unwrap_or(h)) =>
            {
                if !h.starts_with("    ") {
                    head = String::from(h);
                }
                want.next();
                have.next();
            }
            (Some(w), _) if w.starts_with('?') => {
                want.next();
            }
            (w, h) => {
                return Some(format!(
                    "{head}\n  wanted: {}\n  seen:   {}",
                    w.unwrap_or("nothing"),
                    h.unwrap_or("nothing")
                ));
            }
        }
    }
}

/// What is written down of one act: its steps, the lines of every object, and what never came.
pub(crate) fn written<S: ToString>(index: usize, steps: &[S], seen: &Seen, reached: &Result<(), String>) -> String {
    let steps: Vec<String> = steps.iter().map(S::to_string).collect();
    let mut text = format!("\n## {index}: {}\n", steps.join(", "));
    for (object, lines) in seen {
        text.extend([object.as_str(), "\n"]);
        for line in lines {
            text.extend(["    ", line.as_str(), "\n"]);
        }
    }
    if let Err(missing) = reached {
        text.extend(["NEVER ", missing.as_str(), "\n"]);
    }
    text
}
