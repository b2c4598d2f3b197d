//! JSON text to a value; keys that occur twice are told rather than swallowed.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads a JSON text. With it come the paths of fields that occur twice in one object (the last one counts).
pub fn parse_json(text: &[u8]) -> Result<(Value, Vec<String>), String> {
    let found = RefCell::new(Vec::new());
    let mut reader = serde_json::Deserializer::from_slice(text);
    let seed = Seed { path: String::new(), found: &found };
    let value = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map(|value| (value, found.into_inner())).map_err(|e| e.to_string())
}

struct Seed<'a> {
    path: String,
    found: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        loop {
            let seed = Seed { path: format!("{}[{}]", self.path, out.len()), found: self.found };
            let Some(item) = items.next_element_seed(seed)? else { return Ok(Value::Array(out)) };
            out.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let path = if self.path.is_empty() { name.clone() } else { format!("{}.{name}", self.path) };
            if out.contains_key(&name) && !self.found.borrow().contains(&path) {
                self.found.borrow_mut().push(path.clone());
            }
            let value = fields.next_value_seed(Seed { path, found: self.found })?;
            out.insert(name, value);
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tells_fields_that_occur_twice() {
        let (value, twice) = parse_json(br#"{"a":1,"b":[{"c":1,"c":2,"c":3}],"a":{"d":null}}"#).unwrap();
        assert_eq!(value, json!({"a": {"d": null}, "b": [{"c": 3}]}));
        assert_eq!(twice, ["b[0].c", "a"]);
    }

    #[test]
    fn refuses_what_is_no_json() {
        assert!(parse_json(b"{\"a\":}").is_err());
        assert!(parse_json(b"{} {}").is_err());
    }
}
