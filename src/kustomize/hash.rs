//! The hash that ends the names of generated `ConfigMap` and `Secret` objects.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::resource::Resource;

/// The ten characters for the content of an object.
pub(super) fn suffix(resource: &Resource) -> String {
    let mut content = Map::new();
    let fields: &[&str] = if resource.kind() == "Secret" { &["data", "type"] } else { &["data"] };
    for field in fields {
        content.insert((*field).into(), resource.value.get(*field).cloned().unwrap_or_else(|| "".into()));
    }
    let optional = if resource.kind() == "Secret" { "stringData" } else { "binaryData" };
    if let Some(map @ Value::Object(_)) = resource.value.get(optional) {
        content.insert(optional.into(), map.clone());
    }
    content.insert("kind".into(), resource.kind().into());
    // Kustomize means the name to count too, but looks it up under a key that is never there.
    content.insert("name".into(), "".into());
    let mut json = String::new();
    write_json(&Value::Object(content), &mut json);
    let digest = hex::encode(Sha256::digest(json.as_bytes()));
    let letter = |c| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        other => other,
    };
    digest.chars().take(10).map(letter).collect()
}

/// JSON as Go's encoder writes it: keys sorted, `<`, `>`, `&` and the line separators escaped.
fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::String(text) => write_text(text, out),
        other => out.push_str(&other.to_string()),
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The values that kustomize's own tests name.
    #[test]
    fn config_maps_have_the_known_hashes() {
        let hash = |object| suffix(&Resource::new(object));
        assert_eq!(hash(json!({"kind": "ConfigMap"})), "6ct58987ht");
        assert_eq!(hash(json!({"kind": "ConfigMap", "data": {"one": ""}})), "9g67k2htb6");
        assert_eq!(hash(json!({"kind": "ConfigMap", "data": {"two": 2, "one": "", "three": 3}})), "7757f9kkct");
        assert_eq!(hash(json!({"kind": "ConfigMap", "binaryData": {"one": ""}})), "6mtk2m274t");
    }

    #[test]
    fn json_is_escaped_as_go_does() {
        let mut out = String::new();
        write_json(&json!({"b": "<&>", "a": "\u{1}\n"}), &mut out);
        assert_eq!(out, "{\"a\":\"\\u0001\\n\",\"b\":\"\\u003c\\u0026\\u003e\"}");
    }
}
