//! Structural schemas: what a CRD may say of its objects.

use serde_json::{Map, Value, json};

use super::super::schema_read::Builder;
use super::super::validate::{Faults, Path, cel_program, check_schema, text};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Field,
    Item,
}

/// `schema` is the object that holds `openAPIV3Schema`.
pub(super) fn check(schema: &Value, path: &Path, status: bool, faults: &mut Faults) {
    let root = &schema["openAPIV3Schema"];
    if !root.is_object() {
        return;
    }
    let path = path.child("openAPIV3Schema");
    if status && text(root, "type") != "object" {
        faults.invalid_text(
            &path.child("type"),
            text(root, "type"),
            "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled",
        );
    }
    if root["nullable"] == true {
        faults.forbidden(&path.child("nullable"), "nullable cannot be true at the root");
    }
    let before = faults.0.len();
    structure(root, Level::Root, &path, faults);
    faults.0[before..].sort_by_key(super::super::field_error::FieldError::line);
    if faults.0.len() == before {
        defaults(root, &path, faults);
    }
    rules(root, &path, None, faults);
}

fn structure(schema: &Value, level: Level, path: &Path, faults: &mut Faults) {
    let ty = text(schema, "type");
    let is = |key: &str| schema[key] == true;
    let (either, keep, embedded) = (
        is("x-kubernetes-int-or-string"),
        is("x-kubernetes-preserve-unknown-fields"),
        is("x-kubernetes-embedded-resource"),
    );
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    if ty == "array" && schema["items"].is_null() {
        faults.required(&path.child("items"), "must be specified");
    }
    if schema["items"].is_object() {
        structure(&schema["items"], Level::Item, &path.child("items"), faults);
    }
    for (name, property) in properties {
        structure(property, Level::Field, &path.child("properties").key(name), faults);
    }
    let additional = &schema["additionalProperties"];
    if !additional.is_null() {
        if level == Level::Root {
            faults.forbidden(&path.child("additionalProperties"), "must not be used at the root");
        }
        if additional.is_object() {
            structure(additional, Level::Field, &path.child("additionalProperties"), faults);
        }
    }
    if either && keep {
        faults.invalid(
            &path.child("x-kubernetes-preserve-unknown-fields"),
            &json!(true),
            "must be false if x-kubernetes-int-or-string is true",
        );
    }
    if either && embedded {
        faults.invalid(
            &path.child("x-kubernetes-embedded-resource"),
            &json!(true),
            "must be false if x-kubernetes-int-or-string is true",
        );
    }
    let pair = json!([{"type": "integer"}, {"type": "string"}]);
    for junctor in ["allOf", "anyOf", "oneOf"] {
        for (index, nested) in schema[junctor].as_array().into_iter().flatten().enumerate() {
            let exempt = either
                && (junctor == "anyOf" && schema["anyOf"] == pair
                    || junctor == "allOf" && index == 0 && nested["anyOf"] == pair);
            if !exempt {
                value_validation(nested, &path.child(junctor).index(index), faults);
            }
        }
    }
    if schema["not"].is_object() {
        value_validation(&schema["not"], &path.child("not"), faults);
    }
    pattern(schema, path, faults);
    if embedded && ty != "object" {
        if ty.is_empty() {
            faults.required(&path.child("type"), "must be object if x-kubernetes-embedded-resource is true");
        } else {
            faults.invalid_text(&path.child("type"), ty, "must be object if x-kubernetes-embedded-resource is true");
        }
    } else if ty.is_empty() && !either && !keep {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        faults.required(&path.child("type"), detail);
    }
    if level == Level::Root && !ty.is_empty() && ty != "object" {
        faults.invalid_text(&path.child("type"), ty, "must be object at the root");
    }
    if embedded && !additional.is_null() {
        faults.forbidden(
            &path.child("additionalProperties"),
            "must not be used if x-kubernetes-embedded-resource is set",
        );
    }
    if embedded && !keep && properties.is_empty() {
        faults.required(
            &path.child("properties"),
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        );
    }
    if level == Level::Root || embedded {
        type_meta(properties, level, path, faults);
    }
    plain(schema, properties, path, faults);
}

fn type_meta(properties: &Map<String, Value>, level: Level, path: &Path, faults: &mut Faults) {
    for name in ["kind", "apiVersion"] {
        if let Some(property) = properties.get(name).filter(|p| text(p, "type") != "string") {
            faults.invalid_text(
                &path.child("properties").key(name).child("type"),
                text(property, "type"),
                "must be string",
            );
        }
    }
    let Some(metadata) = properties.get("metadata") else { return };
    let path = path.child("properties").key("metadata");
    if text(metadata, "type") != "object" {
        faults.invalid_text(&path.child("type"), text(metadata, "type"), "must be object");
    }
    let allowed = |key: &String| matches!(key.as_str(), "type" | "properties" | "description");
    let named = metadata["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .all(|(name, _)| matches!(name.as_str(), "name" | "generateName"));
    if level == Level::Root && !(named && metadata.as_object().is_some_and(|m| m.keys().all(allowed))) {
        faults.forbidden(
            &path,
            "must not specify anything other than name and generateName, but metadata is implicitly specified",
        );
    }
}

/// Below a junctor only values are limited; what a field is stands outside.
fn value_validation(schema: &Value, path: &Path, faults: &mut Faults) {
    if !text(schema, "type").is_empty() {
        faults.forbidden(&path.child("type"), "must be empty to be structural");
    }
    if !schema["additionalProperties"].is_null() {
        faults.forbidden(&path.child("additionalProperties"), "must be undefined to be structural");
    }
    for (key, empty) in
        [("default", Value::Null), ("title", json!("")), ("description", json!("")), ("nullable", json!(false))]
    {
        if !schema[key].is_null() && schema[key] != empty {
            let detail = match key {
                "default" => "must be undefined to be structural",
                "nullable" => "must be false to be structural",
                _ => "must be empty to be structural",
            };
            faults.forbidden(&path.child(key), detail);
        }
    }
    for key in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string"]
    {
        if schema[key] == true {
            faults.forbidden(&path.child(key), "must be false to be structural");
        }
    }
    pattern(schema, path, faults);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        value_validation(property, &path.child("properties").key(name), faults);
    }
    if schema["items"].is_object() {
        value_validation(&schema["items"], &path.child("items"), faults);
    }
    for junctor in ["allOf", "anyOf", "oneOf"] {
        for (index, nested) in schema[junctor].as_array().into_iter().flatten().enumerate() {
            value_validation(nested, &path.child(junctor).index(index), faults);
        }
    }
}

fn pattern(schema: &Value, path: &Path, faults: &mut Faults) {
    let pattern = text(schema, "pattern");
    if let Err(why) = regex::Regex::new(pattern) {
        let why = go_regex_error(&why.to_string(), pattern);
        faults.invalid_text(
            &path.child("pattern"),
            pattern,
            &format!("must be a valid regular expression, but isn't: {why}"),
        );
    }
}

/// The commonest errors of patterns as Go says them.
fn go_regex_error(why: &str, pattern: &str) -> String {
    let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
    match last {
        "unclosed group" => format!("error parsing regexp: missing closing ): `{pattern}`"),
        "unopened group" => format!("error parsing regexp: unexpected ): `{pattern}`"),
        "unclosed character class" => {
            let at = pattern.rfind('[').unwrap_or_default();
            format!("error parsing regexp: missing closing ]: `{}`", &pattern[at..])
        }
        other => format!("error parsing regexp: {other}: `{pattern}`"),
    }
}

/// What is checked of every schema, structural or not.
fn plain(schema: &Value, properties: &Map<String, Value>, path: &Path, faults: &mut Faults) {
    let ty = text(schema, "type");
    if schema["uniqueItems"] == true {
        faults.forbidden(
            &path.child("uniqueItems"),
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        );
    }
    if schema["x-kubernetes-preserve-unknown-fields"] == false {
        faults.invalid(&path.child("x-kubernetes-preserve-unknown-fields"), &json!(false), "must be true or undefined");
    }
    if !schema["additionalProperties"].is_null() && schema["additionalProperties"] != true && !properties.is_empty() {
        faults
            .forbidden(&path.child("additionalProperties"), "additionalProperties and properties are mutual exclusive");
    }
    let types = ["array", "boolean", "integer", "number", "object", "string"];
    if !ty.is_empty() && !types.contains(&ty) {
        faults.unsupported(&path.child("type"), &json!(ty), &types);
    }
    for (key, detail) in [
        ("$ref", "$ref is not supported"),
        ("definitions", "definitions is not supported"),
        ("dependencies", "dependencies is not supported"),
        ("patternProperties", "patternProperties is not supported"),
        ("additionalItems", "additionalItems is not supported"),
        ("id", "id is not supported"),
    ] {
        if !schema[key].is_null() {
            faults.forbidden(&path.child(key), detail);
        }
    }
    let (map_type, list_type) = (text(schema, "x-kubernetes-map-type"), text(schema, "x-kubernetes-list-type"));
    if !map_type.is_empty() {
        if ty != "object" {
            faults.invalid_text(&path.child("type"), ty, "must be object if x-kubernetes-map-type is specified");
        }
        if !["atomic", "granular"].contains(&map_type) {
            faults.unsupported(&path.child("x-kubernetes-map-type"), &json!(map_type), &["atomic", "granular"]);
        }
    }
    if !list_type.is_empty() {
        if ty != "array" {
            faults.invalid_text(&path.child("type"), ty, "must be array if x-kubernetes-list-type is specified");
        }
        if !["atomic", "set", "map"].contains(&list_type) {
            faults.unsupported(&path.child("x-kubernetes-list-type"), &json!(list_type), &["atomic", "set", "map"]);
        }
    }
    list_keys(schema, list_type, path, faults);
}

fn list_keys(schema: &Value, list_type: &str, path: &Path, faults: &mut Faults) {
    let keys = schema["x-kubernetes-list-map-keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !keys.is_empty() && list_type != "map" {
        if list_type.is_empty() {
            faults.required(
                &path.child("x-kubernetes-list-type"),
                "must be map if x-kubernetes-list-map-keys is non-empty",
            );
        } else {
            faults.invalid_text(
                &path.child("x-kubernetes-list-type"),
                list_type,
                "must be map if x-kubernetes-list-map-keys is non-empty",
            );
        }
    }
    if list_type != "map" {
        return;
    }
    if keys.is_empty() {
        faults
            .required(&path.child("x-kubernetes-list-map-keys"), "must not be empty if x-kubernetes-list-type is map");
    }
    let items = &schema["items"];
    if items.is_object() && text(items, "type") != "object" {
        faults.invalid_text(
            &path.child("items").child("type"),
            text(items, "type"),
            "must be object if parent array's x-kubernetes-list-type is map",
        );
        return;
    }
    let shown = &schema["x-kubernetes-list-map-keys"];
    for key in keys.iter().filter_map(Value::as_str) {
        let property = &items["properties"][key];
        if property.is_null() {
            faults.invalid(
                &path.child("x-kubernetes-list-map-keys"),
                shown,
                "entries must all be names of item properties",
            );
            continue;
        }
        if matches!(text(property, "type"), "array" | "object") {
            faults.invalid(
                &path.child("items").child("properties").key(key).child("type"),
                &items["type"],
                "must be a scalar type if parent array's x-kubernetes-list-type is map",
            );
        }
        let required = items["required"].as_array().is_some_and(|list| list.iter().any(|r| r == key));
        if !required && property["default"].is_null() {
            let detail =
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            faults.required(&path.child("items").child("properties").key(key).child("default"), detail);
        }
    }
}

/// A default fits the schema that it stands in.
fn defaults(schema: &Value, path: &Path, faults: &mut Faults) {
    if !schema["default"].is_null() {
        let nothing = Map::new();
        let node = Builder::new(&nothing).node(schema);
        for mut fault in check_schema(&node, &schema["default"], &Path::new("")) {
            let below = if fault.field.is_empty() { String::new() } else { format!(".{}", fault.field) };
            fault.field = format!("{}{below}", path.child("default"));
            faults.0.push(fault);
        }
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        defaults(property, &path.child("properties").key(name), faults);
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            defaults(&schema[key], &path.child(key), faults);
        }
    }
}

fn rules(schema: &Value, path: &Path, apart: Option<&Path>, faults: &mut Faults) {
    for (index, rule) in schema["x-kubernetes-validations"].as_array().into_iter().flatten().enumerate() {
        let path = path.child("x-kubernetes-validations").index(index);
        let expression = text(rule, "rule").trim();
        let message = text(rule, "message");
        if expression.is_empty() {
            faults.required(&path.child("rule"), "rule is not specified");
            continue;
        }
        if !message.is_empty() && message.trim().is_empty() {
            faults.invalid_text(&path.child("message"), message, "must be non-empty if specified");
        } else if message.trim().contains('\n') {
            faults.invalid_text(&path.child("message"), message, "must not contain line breaks");
        } else if expression.contains('\n') && message.trim().is_empty() {
            faults.required(&path.child("message"), "message must be specified if rule contains line breaks");
        }
        let reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
        if !rule["reason"].is_null() && !reasons.contains(&text(rule, "reason")) {
            faults.unsupported(&path.child("reason"), &rule["reason"], &reasons);
        }
        match cel_program(expression) {
            Err(why) => faults.invalid_text(&path.child("rule"), expression, &format!("compilation failed: {why}")),
            Ok(program) if apart.is_some() && program.references().has_variable("oldSelf") => {
                let within = apart.map(ToString::to_string).unwrap_or_default();
                let detail =
                    format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {within}");
                faults.invalid_text(&path.child("rule"), expression, &detail);
            }
            Ok(_) => {}
        }
    }
    let atomic = text(schema, "x-kubernetes-map-type") == "atomic";
    let below = apart.or(atomic.then_some(path));
    let elements = apart.or((text(schema, "x-kubernetes-list-type") != "map").then_some(path));
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        rules(property, &path.child("properties").key(name), below, faults);
    }
    if schema["items"].is_object() {
        rules(&schema["items"], &path.child("items"), elements, faults);
    }
    if schema["additionalProperties"].is_object() {
        rules(&schema["additionalProperties"], &path.child("additionalProperties"), below, faults);
    }
}
