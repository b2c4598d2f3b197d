//! Lifecycle rules: as JSON in AWS's own form (what `aws s3api` and Rook's `bucketLifecycle` use), and as XML.

use base64::Engine;
use bytes::Bytes;
use md5::{Digest, Md5};
use rusty_s3::Method;
use serde_json::{Map, Value, json};

use super::Client;
use super::client::Call;
use super::error::failure;
use super::xml::{Element, write};
use crate::error::{Code, Error, Result};
use crate::probe::Timed;

/// JSON's lists, and the element that XML repeats for them.
const LISTS: [(&str, &str); 4] = [
    ("Rules", "Rule"),
    ("Transitions", "Transition"),
    ("NoncurrentVersionTransitions", "NoncurrentVersionTransition"),
    ("Tags", "Tag"),
];

/// Elements whose text is a number in JSON.
const NUMBERS: [&str; 6] = [
    "Days",
    "DaysAfterInitiation",
    "NoncurrentDays",
    "NewerNoncurrentVersions",
    "ObjectSizeGreaterThan",
    "ObjectSizeLessThan",
];

impl Client {
    /// The bucket's lifecycle rules, `{"Rules": […]}`; `None` when it has none.
    pub async fn lifecycle(&self) -> Result<Timed<Option<Value>>> {
        let what = self.named("GET lifecycle of", "");
        let answer = self.send(Call::new(what.clone(), Method::Get, None).query("lifecycle", "")).await?;
        match answer.value.status {
            200..=299 => {
                let rules = from_xml(&answer.value.text()).map_err(|e| e.context(&what))?;
                Ok(answer.map(|_| Some(rules)))
            }
            404 if answer.value.text().contains("NoSuchLifecycleConfiguration") => Ok(answer.map(|_| None)),
            _ => Err(failure(&what, &answer.value)),
        }
    }

    /// Replaces the bucket's lifecycle rules.
    pub async fn put_lifecycle(&self, rules: &Value) -> Result<Timed<()>> {
        let what = self.named("PUT lifecycle of", "");
        let body = to_xml(rules).map_err(|e| e.context(&what))?;
        let sum = base64::engine::general_purpose::STANDARD.encode(Md5::digest(body.as_bytes()));
        let call = Call::new(what, Method::Put, None)
            .query("lifecycle", "")
            .header("content-md5", &sum)
            .header("content-type", "application/xml")
            .body(Bytes::from(body));
        Ok(self.call(call).await?.map(|_| ()))
    }
}

/// Rules from XML to JSON.
pub fn from_xml(text: &str) -> Result<Value> {
    let root = Element::parse(text)?;
    if root.name != "LifecycleConfiguration" {
        return Err(Error::new(Code::Invalid, format!("expected LifecycleConfiguration, got {}", root.name)));
    }
    let mut value = to_json(&root);
    if let Value::Object(map) = &mut value {
        map.entry("Rules").or_insert_with(|| json!([]));
    }
    Ok(value)
}

/// Rules from JSON to XML. An object without `Rules`, or text where a list belongs, is an error.
pub fn to_xml(rules: &Value) -> Result<String> {
    if !rules.get("Rules").is_some_and(Value::is_array) {
        return Err(Error::new(Code::Invalid, "lifecycle rules: no list `Rules`")
            .hint(r#"Write {"Rules": [{"ID": …, "Status": "Enabled", "Filter": {"Prefix": …}, …}]}"#));
    }
    let root = Element::with("LifecycleConfiguration", to_elements(rules)?);
    let mut out = String::new();
    write(&mut out, &root);
    Ok(out.replacen(
        "<LifecycleConfiguration>",
        r#"<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">"#,
        1,
    ))
}

fn to_json(element: &Element) -> Value {
    if element.children.is_empty() {
        return match element.name.as_str() {
            name if NUMBERS.contains(&name) => {
                element.text.trim().parse::<i64>().map_or_else(|_| json!(element.text), |n| json!(n))
            }
            "ExpiredObjectDeleteMarker" => json!(element.text.trim() == "true"),
            // An empty filter is an object, and means every key.
            "Filter" | "And" => json!({}),
            _ => json!(element.text),
        };
    }
    let mut map = Map::new();
    for child in &element.children {
        match LISTS.iter().find(|(_, one)| *one == child.name && !(child.name == "Tag" && element.name == "Filter")) {
            Some((many, _)) => {
                if let Value::Array(list) = map.entry(*many).or_insert_with(|| json!([])) {
                    list.push(to_json(child));
                }
            }
            None => {
                map.insert(child.name.clone(), to_json(child));
            }
        }
    }
    Value::Object(map)
}

fn to_elements(value: &Value) -> Result<Vec<Element>> {
    let Value::Object(map) = value else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for (name, value) in map {
        match value {
            Value::Array(list) => {
                let (_, one) = LISTS
                    .iter()
                    .find(|(many, _)| many == name)
                    .ok_or_else(|| Error::new(Code::Invalid, format!("lifecycle rules: `{name}` is no list")))?;
                for item in list {
                    out.push(to_element(one, item)?);
                }
            }
            Value::Null => {}
            _ => out.push(to_element(name, value)?),
        }
    }
    Ok(out)
}

fn to_element(name: &str, value: &Value) -> Result<Element> {
    let text = match value {
        Value::String(s) => s.clone(),
        Value::Number(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        _ => String::new(),
    };
    Ok(Element { name: name.to_owned(), text, children: to_elements(value)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_survive_both_ways() {
        let rules = json!({"Rules": [
            {"ID": "abort", "Filter": {"Prefix": ""}, "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}},
            {"ID": "scratch", "Filter": {"And": {"Prefix": "a&b/", "Tags": [{"Key": "k", "Value": "v"}]}}, "Status": "Enabled", "Expiration": {"Days": 1}},
        ]});
        assert_eq!(from_xml(&to_xml(&rules).unwrap()).unwrap(), rules);
    }

    #[test]
    fn rules_without_a_list_are_refused() {
        for wrong in [json!({}), json!([]), json!({"Rules": {}}), json!({"Rules": [{"Status": []}]})] {
            assert_eq!(to_xml(&wrong).unwrap_err().code(), Code::Invalid, "{wrong}");
        }
    }
}
