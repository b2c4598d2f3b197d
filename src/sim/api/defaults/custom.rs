//! Defaults of custom resources, as their schemas declare them.

use serde_json::Value;

use super::super::schema::Node;

/// Fills in what the schema declares; a null that is not allowed gives way to the default.
pub(super) fn fill(value: &mut Value, node: &Node, resource: bool) {
    match value {
        Value::Object(fields) => {
            for (name, property) in &node.properties {
                if resource && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                    continue;
                }
                let absent = match fields.get(name) {
                    None => true,
                    Some(Value::Null) => !property.nullable && property.default.is_some(),
                    Some(_) => false,
                };
                if absent && let Some(default) = &property.default {
                    fields.insert(name.clone(), default.clone());
                }
                if let Some(value) = fields.get_mut(name) {
                    fill(value, property, property.embedded_resource);
                }
            }
            if let Some(of) = &node.additional {
                for (name, value) in fields.iter_mut() {
                    if !node.properties.contains_key(name) {
                        if value.is_null()
                            && !of.nullable
                            && let Some(default) = &of.default
                        {
                            *value = default.clone();
                        }
                        fill(value, of, of.embedded_resource);
                    }
                }
            }
        }
        Value::Array(items) => {
            let Some(of) = &node.items else { return };
            for item in items {
                if item.is_null()
                    && !of.nullable
                    && let Some(default) = &of.default
                {
                    *item = default.clone();
                }
                fill(item, of, of.embedded_resource);
            }
        }
        _ => {}
    }
}

/// Drops nulls of fields that may not be null and have no default.
pub(super) fn drop_nulls(value: &mut Value, node: &Node) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| {
                !value.is_null() || node.field(name).is_none_or(|of| of.nullable || of.default.is_some())
            });
            for (name, value) in fields.iter_mut() {
                if let Some(of) = node.field(name) {
                    drop_nulls(value, of);
                }
            }
        }
        Value::Array(items) => {
            if let Some(of) = &node.items {
                for item in items {
                    drop_nulls(item, of);
                }
            }
        }
        _ => {}
    }
}
