//! The empty object of a kind, as the server creates it before a client's object is laid over it.

use serde_json::{Map, Value, json};

use super::super::schema::{GoType, Node};

/// Of the server's own kinds: structs are always there, and so are fields that are written even if empty.
pub(super) fn blank(node: &Node) -> Value {
    let mut out = Map::new();
    for field in node.go.iter().flat_map(|go| &go.fields) {
        let value = match &field.ty {
            GoType::Struct(_) if field.omit_zero => continue,
            GoType::Struct(inner) => blank(inner),
            _ if field.omit_empty => continue,
            other => empty(other),
        };
        out.insert(field.name.clone(), value);
    }
    Value::Object(out)
}

fn empty(ty: &GoType) -> Value {
    match ty {
        GoType::Bool => json!(false),
        GoType::Int(_) | GoType::Uint(_) | GoType::Float => json!(0),
        GoType::Text => json!(""),
        GoType::Named(_, inner) => empty(inner),
        _ => Value::Null,
    }
}
