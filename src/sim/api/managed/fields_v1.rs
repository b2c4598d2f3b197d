//! `FieldsV1`: how a set of fields is written in `metadata.managedFields`.

use serde_json::{Map, Value, json};

use super::element::Element;
use super::set::Set;

/// Writes a set.
pub(super) fn encode(set: &Set) -> Value {
    contents(set, false)
}

fn contents(set: &Set, also_member: bool) -> Value {
    let mut out = Map::new();
    if also_member {
        out.insert(".".into(), json!({}));
    }
    // Both are sorted in the same way: the order of the elements is the order in which they are written.
    let mut names: Vec<&Element> = set.members.iter().chain(set.children.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let value = match set.children.get(name) {
            Some(child) => contents(child, set.members.contains(name)),
            None => json!({}),
        };
        out.insert(key(name), value);
    }
    Value::Object(out)
}

fn key(element: &Element) -> String {
    match element {
        Element::Field(name) => format!("f:{name}"),
        Element::Key(fields) => {
            let fields: Map<String, Value> = fields.iter().cloned().collect();
            format!("k:{}", Value::Object(fields))
        }
        Element::Value(value) => format!("v:{value}"),
        Element::Index(index) => format!("i:{index}"),
    }
}

/// Reads a set; `None` if it is malformed. Kinds of elements that a later version may know are passed over.
pub(super) fn decode(value: &Value) -> Option<Set> {
    let mut set = Set::default();
    read(value, &mut set)?;
    Some(set)
}

/// Says whether what is described is itself a member.
fn read(value: &Value, set: &mut Set) -> Option<bool> {
    let mut member = false;
    for (key, below) in value.as_object()? {
        if key == "." {
            member = true;
            continue;
        }
        let (kind, text) = key.split_at_checked(2)?;
        let element = match kind {
            "f:" => Element::field(text),
            "v:" => Element::Value(serde_json::from_str(text).ok()?),
            "i:" => Element::Index(text.parse().ok()?),
            "k:" => {
                let fields: Map<String, Value> = serde_json::from_str(text).ok()?;
                let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                Element::Key(fields)
            }
            _ if kind.ends_with(':') => continue,
            _ => return None,
        };
        let mut child = Set::default();
        if read(below, &mut child)? {
            set.members.insert(element.clone());
        }
        if !child.is_empty() {
            let known = set.children.entry(element).or_default();
            *known = known.union(&child);
        }
    }
    Some(member || (set.members.is_empty() && set.children.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        let text = json!({
            "f:metadata": {"f:finalizers": {".": {}, "v:\"a.b/c\"": {}}, "f:labels": {}},
            "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}}}, "f:x": {"i:0": {}}},
        });
        assert_eq!(encode(&decode(&text).unwrap()), text);
        assert_eq!(encode(&decode(&json!({})).unwrap()), json!({}));
        assert!(decode(&json!({"x": {}})).is_none());
        assert_eq!(decode(&json!({"z:x": {}})), Some(Set::default()));
    }
}
