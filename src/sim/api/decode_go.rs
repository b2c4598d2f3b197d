//! Reads an object of one of the server's own kinds as Go reads it, and writes it back as Go writes it.

use std::fmt::Write;

use serde_json::{Map, Number, Value, json};

use super::go_text::json_name;
use super::quantity;
use super::schema::{GoStruct, GoType, Node, Own};
use super::time_text;

/// Reads a value; afterwards it says what was wrong with it.
#[derive(Debug, Default)]
pub(super) struct GoReader {
    /// The first error of a type: the whole body is refused for it.
    pub(super) fatal: Option<String>,
    /// `unknown field "spec.foo"`, in the order of the body.
    pub(super) strict: Vec<String>,
    path: String,
    names: Vec<String>,
    within: String,
    lenient: bool,
}

impl GoReader {
    /// Reads an object.
    pub(super) fn object(&mut self, node: &Node, value: Value) -> Value {
        match (&node.go, value) {
            (Some(go), Value::Object(fields)) => Value::Object(self.fields(go, fields)),
            (_, value) => value,
        }
    }

    fn fail(&mut self, message: impl Into<String>) {
        self.fatal.get_or_insert_with(|| message.into());
    }

    fn mismatch(&mut self, found: &str, ty: &GoType) {
        let place = if self.within.is_empty() {
            "Go value".to_owned()
        } else {
            format!("Go struct field {}.{}", self.within, self.names.join("."))
        };
        self.fail(format!("json: cannot unmarshal {found} into {place} of type {}", ty.shown()));
    }

    fn fields(&mut self, go: &GoStruct, mut given: Map<String, Value>) -> Map<String, Value> {
        let outer = std::mem::replace(&mut self.within, go.name.clone());
        let length = self.path.len();
        let mut read = Map::new();
        for (name, value) in std::mem::take(&mut given) {
            if !self.path.is_empty() {
                self.path.push('.');
            }
            self.path.push_str(&name);
            if let Some(field) = go.fields.iter().find(|field| field.name == name) {
                self.names.push(name.clone());
                self.within.clone_from(&go.name);
                let value = self.value(&field.ty, value);
                self.names.pop();
                read.insert(name, value);
            } else if !self.lenient {
                self.strict.push(format!("unknown field \"{}\"", self.path));
            }
            self.path.truncate(length);
        }
        self.within = outer;
        let mut written = Map::with_capacity(read.len());
        for field in &go.fields {
            let value = read.remove(&field.name).unwrap_or_else(|| zero(&field.ty));
            let list = matches!(field.ty, GoType::Slice(_) | GoType::Map(..));
            let empty = (field.omit_empty || list) && is_empty(&field.ty, &value);
            if empty && !field.omit_empty {
                // In storage an empty list is none.
                written.insert(field.name.clone(), Value::Null);
            } else if !(empty || field.omit_zero && is_zero(&field.ty, &value)) {
                written.insert(field.name.clone(), value);
            }
        }
        written
    }

    fn value(&mut self, ty: &GoType, value: Value) -> Value {
        match (ty, value) {
            (GoType::Named(_, inner), value) => self.named(ty, inner, value),
            (GoType::Own(own), value) => self.own(own, value),
            (GoType::Any, value) => value,
            (GoType::Pointer(_), Value::Null) => Value::Null,
            (GoType::Pointer(inner), value) => self.value(inner, value),
            (_, Value::Null) => zero(ty),
            (_, value) => self.plain(ty, ty, value),
        }
    }

    /// A type with a name of its own: read as what it is, called by its name.
    fn named(&mut self, ty: &GoType, inner: &GoType, value: Value) -> Value {
        if value.is_null() { zero(inner) } else { self.plain(ty, inner, value) }
    }

    fn plain(&mut self, shown: &GoType, ty: &GoType, value: Value) -> Value {
        match (ty, value) {
            (GoType::Bool, Value::Bool(given)) => Value::Bool(given),
            (GoType::Text, Value::String(text)) => Value::String(text),
            (GoType::Float, Value::Number(number)) => Value::Number(number),
            (GoType::Int(bits), Value::Number(number)) => self.whole(shown, *bits, true, number),
            (GoType::Uint(bits), Value::Number(number)) => self.whole(shown, *bits, false, number),
            (GoType::Slice(inner), Value::String(text)) if matches!(**inner, GoType::Uint(8)) => self.bytes(&text),
            (GoType::Slice(inner), Value::Array(items)) => {
                let length = self.path.len();
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    let _ = write!(self.path, "[{index}]");
                    out.push(self.value(inner, item));
                    self.path.truncate(length);
                }
                Value::Array(out)
            }
            (GoType::Map(_, inner), Value::Object(fields)) => {
                let length = self.path.len();
                let (within, mut out) = (self.within.clone(), Map::with_capacity(fields.len()));
                for (name, item) in fields {
                    let _ = write!(self.path, ".{name}");
                    let item = self.value(inner, item);
                    out.insert(name, item);
                    self.path.truncate(length);
                    self.within.clone_from(&within);
                }
                // Go writes the keys of a map in order.
                out.sort_keys();
                Value::Object(out)
            }
            (GoType::Struct(node), Value::Object(fields)) => match &node.go {
                Some(go) => Value::Object(self.fields(go, fields)),
                None => Value::Object(fields),
            },
            (_, value) => {
                self.mismatch(json_name(&value), shown);
                zero(ty)
            }
        }
    }

    fn whole(&mut self, shown: &GoType, bits: u32, signed: bool, number: Number) -> Value {
        let fits = number.as_i64().is_some_and(|n| match (bits, signed) {
            (32, true) => i32::try_from(n).is_ok(),
            (8, false) => u8::try_from(n).is_ok(),
            (32, false) => u32::try_from(n).is_ok(),
            (_, false) => n >= 0,
            _ => true,
        });
        let large = number.is_u64() && !signed && bits == 64;
        if !(fits || large) {
            self.mismatch(&format!("number {number}"), shown);
            return json!(0);
        }
        Value::Number(number)
    }

    fn bytes(&mut self, text: &str) -> Value {
        // Line breaks within are read over.
        let clean: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
        if let Some(at) = illegal_base64(clean.as_bytes()) {
            self.fail(format!("illegal base64 data at input byte {at}"));
        }
        Value::String(clean)
    }

    fn own(&mut self, own: &Own, value: Value) -> Value {
        match (own, value) {
            (Own::Raw, value) => value,
            (Own::Quantity, Value::Null) => json!("0"),
            (Own::Quantity, value) => {
                let text = match &value {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    other => other.to_string(),
                };
                // An empty text is zero, though an empty quantity is none.
                let text = if text.is_empty() { "0".to_owned() } else { text };
                match quantity::canonical(&text) {
                    Ok(text) => Value::String(text),
                    Err(why) => {
                        self.fail(why);
                        json!("0")
                    }
                }
            }
            (Own::IntOrString, Value::Null) => json!(0),
            (Own::IntOrString, Value::Number(number)) => {
                let ty = GoType::Int(32);
                if number.as_i64().is_none_or(|n| i32::try_from(n).is_err()) {
                    self.mismatch(&format!("number {number}"), &ty);
                }
                Value::Number(number)
            }
            (Own::IntOrString, Value::String(text)) => Value::String(text),
            (Own::IntOrString, other) => {
                self.mismatch(json_name(&other), &GoType::Int(32));
                json!(0)
            }
            (Own::Time | Own::MicroTime, Value::Null) => Value::Null,
            (Own::Time | Own::MicroTime, Value::String(text)) => {
                let micro = matches!(own, Own::MicroTime);
                match time_text::normal(&text, micro) {
                    Ok(text) => Value::String(text),
                    Err(why) => {
                        self.fail(why);
                        Value::Null
                    }
                }
            }
            (Own::Time | Own::MicroTime, other) => {
                self.mismatch(json_name(&other), &GoType::Text);
                Value::Null
            }
            (Own::Props(node), value) => {
                let lenient = std::mem::replace(&mut self.lenient, true);
                let names = std::mem::take(&mut self.names);
                let within = std::mem::take(&mut self.within);
                let value = self.props(node, value);
                (self.lenient, self.names, self.within) = (lenient, names, within);
                value
            }
        }
    }

    fn props(&mut self, node: &Node, value: Value) -> Value {
        match value {
            Value::Array(items) => {
                items.into_iter().map(|item| if item.is_string() { item } else { self.object(node, item) }).collect()
            }
            other => self.object(node, other),
        }
    }
}

/// Where Go's decoder stops.
fn illegal_base64(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|b| *b == b'=').unwrap_or(text.len());
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    if let Some(at) = text[..end].iter().position(|b| !is_digit(b)) {
        return Some(at);
    }
    let (rest, padding) = (end % 4, text.len() - end);
    match (rest, padding) {
        (0, 0) | (2, 2) | (3, 1) => None,
        // Cut off: blamed on what would have come, counted as Go does.
        (_, 0) => Some(end - rest),
        _ => Some(end),
    }
}

/// What Go writes for a value that was never set.
pub(super) fn zero(ty: &GoType) -> Value {
    match ty {
        GoType::Bool => json!(false),
        GoType::Int(_) | GoType::Uint(_) | GoType::Float | GoType::Own(Own::IntOrString) => json!(0),
        GoType::Text => json!(""),
        GoType::Any
        | GoType::Pointer(_)
        | GoType::Slice(_)
        | GoType::Map(..)
        | GoType::Own(Own::Time | Own::MicroTime | Own::Raw | Own::Props(_)) => Value::Null,
        GoType::Named(_, inner) => zero(inner),
        GoType::Struct(node) => match &node.go {
            Some(go) => Value::Object(GoReader::default().fields(go, Map::new())),
            None => Value::Null,
        },
        GoType::Own(Own::Quantity) => json!("0"),
    }
}

/// `omitempty`: never for a struct.
fn is_empty(ty: &GoType, value: &Value) -> bool {
    match ty {
        GoType::Named(_, inner) => is_empty(inner, value),
        GoType::Bool => value == false,
        GoType::Int(_) | GoType::Uint(_) | GoType::Float => value.as_f64() == Some(0.0),
        GoType::Text => value == "",
        GoType::Any | GoType::Pointer(_) => value.is_null(),
        GoType::Slice(_) => value.is_null() || value.as_array().is_some_and(Vec::is_empty) || value == "",
        GoType::Map(..) => value.is_null() || value.as_object().is_some_and(Map::is_empty),
        GoType::Struct(_) | GoType::Own(_) => false,
    }
}

/// `omitzero`.
fn is_zero(ty: &GoType, value: &Value) -> bool {
    match ty {
        GoType::Slice(_) | GoType::Map(..) => value.is_null(),
        _ => *value == zero(ty),
    }
}
