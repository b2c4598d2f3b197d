//! Between scripts' values and JSON: only integers, floats, booleans, text, arrays and maps cross.

use rhai::{Array, Dynamic, Map};
use serde_json::{Number, Value};

use crate::error::{Code, Error, Result};

/// JSON as a script sees it: null is `()`; integers beyond 64 bits signed become floats.
pub fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(b) => (*b).into(),
        Value::Number(n) => number(n),
        Value::String(s) => s.as_str().into(),
        Value::Array(items) => Dynamic::from_array(items.iter().map(to_dynamic).collect::<Array>()),
        Value::Object(fields) => {
            Dynamic::from_map(fields.iter().map(|(k, v)| (k.as_str().into(), to_dynamic(v))).collect::<Map>())
        }
    }
}

fn number(n: &Number) -> Dynamic {
    match n.as_i64() {
        Some(i) => i.into(),
        None => n.as_f64().unwrap_or_default().into(),
    }
}

/// A script's value as JSON; functions and handles of the host have none.
pub fn from_dynamic(value: &Dynamic) -> Result<Value> {
    convert(value, 0)
}

fn convert(value: &Dynamic, depth: usize) -> Result<Value> {
    const DEEPEST: usize = 120;
    if depth > DEEPEST {
        return Err(Error::new(Code::Invalid, format!("a value is nested deeper than {DEEPEST} levels")));
    }
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(b) = value.as_bool() {
        return Ok(Value::Bool(b));
    }
    if let Ok(i) = value.as_int() {
        return Ok(Value::from(i));
    }
    if let Ok(f) = value.as_float() {
        return Number::from_f64(f)
            .map(Value::Number)
            .ok_or_else(|| Error::new(Code::Invalid, format!("{f} has no place in a manifest")));
    }
    if let Ok(c) = value.as_char() {
        return Ok(Value::String(c.to_string()));
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(Value::String(text.to_string()));
    }
    if let Ok(items) = value.as_array_ref() {
        return items.iter().map(|item| convert(item, depth + 1)).collect::<Result<_>>().map(Value::Array);
    }
    if let Ok(fields) = value.as_map_ref() {
        let fields = fields.iter().map(|(k, v)| Ok((k.to_string(), convert(v, depth + 1)?)));
        return fields.collect::<Result<serde_json::Map<_, _>>>().map(Value::Object);
    }
    Err(Error::new(Code::Invalid, format!("{} can't be part of plain data", kind(value))))
}

/// What kind of value it is, as messages say it: `text`, `an integer`, `a map`.
pub fn kind(value: &Dynamic) -> String {
    if value.is_unit() {
        return "nothing".into();
    }
    if value.is_fnptr() {
        return "a function".into();
    }
    match value.type_name() {
        "string" => "text".into(),
        "i64" => "an integer".into(),
        "f64" => "a float".into(),
        "bool" => "a boolean".into(),
        "char" => "a character".into(),
        "array" => "an array".into(),
        "map" => "a map".into(),
        other => format!("a {}", other.rsplit("::").next().unwrap_or(other)),
    }
}

/// The value as a person would type it in a script: texts quoted, maps as `#{…}`.
pub fn literal(value: &Dynamic) -> String {
    if let Ok(text) = value.as_immutable_string_ref() {
        return format!("{:?}", text.as_str());
    }
    if let Ok(items) = value.as_array_ref() {
        let items: Vec<_> = items.iter().map(literal).collect();
        return format!("[{}]", items.join(", "));
    }
    if let Ok(fields) = value.as_map_ref() {
        let fields: Vec<_> = fields.iter().map(|(k, v)| format!("{}: {}", key(k), literal(v))).collect();
        return format!("#{{{}}}", fields.join(", "));
    }
    if let Ok(f) = value.as_float() {
        return format!("{f:?}");
    }
    if value.is_unit() {
        return "()".into();
    }
    value.to_string()
}

/// Words that Rhai keeps for itself without using them as tokens.
const RESERVED: [&str; 20] = [
    "async",
    "await",
    "case",
    "default",
    "go",
    "goto",
    "match",
    "module",
    "new",
    "package",
    "protected",
    "public",
    "shared",
    "spawn",
    "static",
    "super",
    "sync",
    "thread",
    "use",
    "with",
];

fn key(name: &str) -> String {
    let plain = rhai::is_valid_identifier(name)
        && rhai::Token::lookup_symbol_from_syntax(name).is_none()
        && !RESERVED.contains(&name);
    if plain { name.to_owned() } else { format!("{name:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_survives_the_round_trip() {
        let value = serde_json::json!({"a": [1, 2.5, "x", true, null], "b": {"c": {}}});
        assert_eq!(from_dynamic(&to_dynamic(&value)).unwrap(), value);
    }

    #[test]
    fn what_does_not_fit_says_so() {
        assert!(to_dynamic(&Value::from(u64::MAX)).is_float());
        assert_eq!(from_dynamic(&f64::NAN.into()).unwrap_err().code(), Code::Invalid);
        let function = Dynamic::from(rhai::FnPtr::new("x").unwrap());
        assert_eq!(from_dynamic(&function).unwrap_err().message(), "a function can't be part of plain data");
    }

    #[test]
    fn literals_read_back() {
        let value = to_dynamic(&serde_json::json!({"a": "x\"y", "b-c": [1, 1.0, null]}));
        assert_eq!(literal(&value), r#"#{a: "x\"y", "b-c": [1, 1.0, ()]}"#);
    }
}
