//! Reads nodes from JSON: `OpenAPI` v3 schemas of the server's own kinds, and structural schemas of CRDs.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::schema::{Bounds, GoField, GoStruct, GoType, Junctors, ListType, Node, NodeRef, Rule, Type};

/// Builds nodes of schemas that refer to each other by name.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    raw: &'a Map<String, Value>,
    made: HashMap<String, NodeRef>,
}

impl<'a> Builder<'a> {
    /// Over the schemas of an `OpenAPI` document.
    pub(super) fn new(raw: &'a Map<String, Value>) -> Self {
        Self { raw, made: HashMap::new() }
    }

    /// All that was built.
    pub(super) fn made(self) -> HashMap<String, NodeRef> {
        self.made
    }

    /// The schema of this name; one that says nothing if there is none.
    pub(super) fn named(&mut self, name: &str) -> NodeRef {
        if let Some(known) = self.made.get(name) {
            return known.clone();
        }
        let reference = NodeRef::default();
        self.made.insert(name.to_owned(), reference.clone());
        let raw = self.raw;
        if let Some(schema) = raw.get(name) {
            let mut node = self.node(schema);
            if let Some(go) = schema.get("go") {
                node.go = self.go(go).map(Arc::new);
            }
            reference.fill(node);
        }
        reference
    }

    fn go(&mut self, go: &Value) -> Option<GoStruct> {
        let full = go["name"].as_str()?.to_owned();
        let name = full.rsplit('.').next().unwrap_or(&full).to_owned();
        let mut fields = Vec::new();
        for field in go["fields"].as_array()? {
            let flags = field[1].as_str().unwrap_or_default();
            fields.push(GoField {
                name: field[0].as_str()?.to_owned(),
                omit_empty: flags.contains('o'),
                omit_zero: flags.contains('z'),
                ty: GoType::parse(field[2].as_str()?, &mut |name| self.named(name)),
            });
        }
        Some(GoStruct { name, full, fields })
    }

    /// A schema, or what it refers to with what is said beside the reference.
    fn reference(&mut self, schema: &Value) -> NodeRef {
        let Some(name) = reference_in(schema) else { return NodeRef::new(self.node(schema)) };
        let target = self.named(name);
        let extras = ["x-kubernetes-patch-strategy", "x-kubernetes-list-type", "x-kubernetes-map-type"];
        if target.is_filled() && extras.iter().any(|key| schema.get(key).is_some()) {
            let mut node = (*target).clone();
            merging(&mut node, schema);
            return NodeRef::new(node);
        }
        target
    }

    /// A schema as it stands.
    pub(super) fn node(&mut self, schema: &Value) -> Node {
        let mut node = Node {
            ty: Type::named(schema["type"].as_str().unwrap_or_default()),
            closed: schema["additionalProperties"] == false,
            default: schema.get("default").filter(|value| !value.is_null()).cloned(),
            enums: schema["enum"].as_array().cloned().unwrap_or_default(),
            format: schema["format"].as_str().unwrap_or_default().to_owned(),
            pattern: schema["pattern"].as_str().filter(|p| !p.is_empty()).map(str::to_owned),
            bounds: bounds(schema),
            required: texts(&schema["required"]),
            preserve_unknown: schema["x-kubernetes-preserve-unknown-fields"] == true,
            int_or_string: schema["x-kubernetes-int-or-string"] == true || schema["format"] == "int-or-string",
            embedded_resource: schema["x-kubernetes-embedded-resource"] == true,
            nullable: schema["nullable"] == true,
            rules: schema["x-kubernetes-validations"].as_array().into_iter().flatten().map(rule).collect(),
            ..Node::default()
        };
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let property = self.reference(property);
            node.properties.insert(name.clone(), property);
        }
        match &schema["additionalProperties"] {
            Value::Bool(true) => node.additional = Some(NodeRef::new(Node::anything())),
            of @ Value::Object(_) => node.additional = Some(self.reference(of)),
            _ => {}
        }
        if schema["items"].is_object() {
            node.items = Some(self.reference(&schema["items"]));
        }
        let many = |this: &mut Self, key: &str| {
            schema[key].as_array().into_iter().flatten().map(|s| this.reference(s)).collect::<Vec<_>>()
        };
        node.junctors = Junctors {
            all_of: many(self, "allOf"),
            any_of: many(self, "anyOf"),
            one_of: many(self, "oneOf"),
            not: schema.get("not").filter(|not| not.is_object()).map(|not| self.reference(not)),
        };
        merging(&mut node, schema);
        node
    }
}

/// The name that a schema refers to; Kubernetes wraps a reference in `allOf` to say something beside it.
fn reference_in(schema: &Value) -> Option<&str> {
    let wrapped = schema["allOf"].as_array().filter(|all| all.len() == 1).map(|all| &all[0]);
    let reference = schema["$ref"].as_str().or_else(|| wrapped.and_then(|w| w["$ref"].as_str()))?;
    reference.strip_prefix("#/components/schemas/")
}

fn merging(node: &mut Node, schema: &Value) {
    if let Some(strategy) = schema["x-kubernetes-patch-strategy"].as_str() {
        node.patch_strategy = strategy.split(',').map(str::to_owned).collect();
    }
    if let Some(key) = schema["x-kubernetes-patch-merge-key"].as_str() {
        node.patch_merge_key = Some(key.to_owned());
    }
    match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => node.list_type = ListType::Set,
        Some("map") => node.list_type = ListType::Map(texts(&schema["x-kubernetes-list-map-keys"])),
        Some(_) => node.list_type = ListType::Atomic,
        // Without a list type, the older patch strategy tells.
        None if node.ty == Type::Array && node.patches_by("merge") => {
            node.list_type = node.patch_merge_key.clone().map_or(ListType::Set, |key| ListType::Map(vec![key]));
        }
        None => {}
    }
    match schema["x-kubernetes-map-type"].as_str() {
        Some("atomic") => node.atomic = true,
        Some(_) => node.atomic = false,
        None => {}
    }
}

fn bounds(schema: &Value) -> Bounds {
    let (float, whole) = (|key: &str| schema[key].as_f64(), |key: &str| schema[key].as_u64());
    Bounds {
        minimum: float("minimum"),
        exclusive_minimum: schema["exclusiveMinimum"] == true,
        maximum: float("maximum"),
        exclusive_maximum: schema["exclusiveMaximum"] == true,
        multiple_of: float("multipleOf"),
        min_length: whole("minLength"),
        max_length: whole("maxLength"),
        min_items: whole("minItems"),
        max_items: whole("maxItems"),
        unique_items: schema["uniqueItems"] == true,
        min_properties: whole("minProperties"),
        max_properties: whole("maxProperties"),
    }
}

fn rule(rule: &Value) -> Rule {
    let text = |key: &str| rule[key].as_str().unwrap_or_default().to_owned();
    Rule {
        rule: text("rule"),
        message: text("message"),
        message_expression: text("messageExpression"),
        reason: text("reason"),
        field_path: text("fieldPath"),
        optional_old_self: rule["optionalOldSelf"] == true,
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
