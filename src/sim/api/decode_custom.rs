//! Reads a custom resource: metadata as Go reads it, the rest pruned by the structural schema.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::decode_go::GoReader;
use super::resource::Resource;
use super::schema::{Node, Type};

/// Prunes a body; returns the fields that were unknown.
pub(super) fn read(resource: &Resource, body: &mut Value) -> Result<Vec<String>, String> {
    let mut unknown = Vec::new();
    let Some(fields) = body.as_object_mut() else { return Ok(unknown) };
    if let Some(metadata) = fields.get_mut("metadata").filter(|m| !m.is_null()) {
        read_metadata(metadata, &resource.schema, &mut unknown)?;
    }
    let keep = resource.crd.as_ref().is_some_and(|crd| crd.preserve_unknown);
    if !keep {
        prune(body, &resource.schema, true, &mut String::new(), &mut unknown);
    }
    Ok(unknown.into_iter().map(|path| format!("unknown field \"{path}\"")).collect())
}

fn read_metadata(metadata: &mut Value, root: &Node, unknown: &mut Vec<String>) -> Result<(), String> {
    let mut reader = GoReader::default();
    if let Some(schema) = root.properties.get("metadata") {
        *metadata = reader.object(schema, metadata.take());
    }
    let found = reader.strict.iter().filter_map(|fault| fault.split('"').nth(1));
    unknown.extend(found.map(|path| format!("metadata.{path}")));
    reader.fatal.map_or(Ok(()), Err)
}

/// Removes what the schema does not have. `resource`: a whole object, whose type and metadata are the server's own.
pub(super) fn prune(value: &mut Value, node: &Node, resource: bool, path: &mut String, unknown: &mut Vec<String>) {
    let length = path.len();
    match value {
        Value::Array(items) => {
            let Some(of) = &node.items else {
                return;
            };
            for (index, item) in items.iter_mut().enumerate() {
                let _ = write!(path, "[{index}]");
                prune(item, of, of.embedded_resource, path, unknown);
                path.truncate(length);
            }
        }
        Value::Object(fields) => {
            let given = std::mem::take(fields);
            let mut kept = Map::with_capacity(given.len());
            for (name, mut value) in given {
                if resource && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                    kept.insert(name, value);
                    continue;
                }
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&name);
                if let Some(of) = node.field(&name) {
                    prune(&mut value, of, of.embedded_resource, path, unknown);
                    kept.insert(name, value);
                } else if node.preserve_unknown {
                    kept.insert(name, value);
                } else if node.ty != Type::Any || !node.int_or_string {
                    unknown.push(path.clone());
                }
                path.truncate(length);
            }
            *fields = kept;
        }
        _ => {}
    }
}
