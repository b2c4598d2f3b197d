//! What the true API server answered, written down: one compressed file a topic, one line of JSON an answer.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::corpus;

fn file(topic: &str) -> PathBuf {
    corpus::folder().join(format!("golden/{topic}.jsonl.gz"))
}

/// The answers to every story of a topic; none where nothing was written down yet.
pub(crate) fn read(topic: &str) -> BTreeMap<String, Vec<Value>> {
    let mut stories: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let Ok(bytes) = std::fs::read(file(topic)) else { return stories };
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    for line in text.lines() {
        let answer: Value = serde_json::from_str(line).unwrap();
        stories.entry(answer["story"].as_str().unwrap().to_owned()).or_default().push(answer);
    }
    stories
}

/// Writes the answers to a topic's stories, in the order given.
pub(crate) fn write(topic: &str, answers: &[Value]) {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    for answer in answers {
        writeln!(packed, "{}", sorted(answer)).unwrap();
    }
    std::fs::write(file(topic), packed.finish().unwrap()).unwrap();
}

/// With the keys of every object in order, so that a file changes only where an answer does.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, Value> = map.iter().map(|(k, v)| (k, self::sorted(v))).collect();
            sorted.into_iter().map(|(k, v)| (k.clone(), v)).collect()
        }
        Value::Array(all) => all.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
