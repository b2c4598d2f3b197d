//! A manifest held against a schema: unknown fields, wrong types, missing fields, values out of bounds.
//!
//! Covers what Kubernetes' `OpenAPI` v3 documents and structural CRD schemas use
//! (<https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>).
//! Rules in CEL (`x-kubernetes-validations`) are not evaluated: only the server does that.

use serde_json::{Map, Value};

use super::kind::{group_version, type_of};

/// Deeper nesting than this is not looked at (schemas may refer to themselves).
const DEEPEST: usize = 100;

/// One thing that the server would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, as the server writes it (`spec.containers[0].image`).
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

/// Schemas by name, as an `OpenAPI` v3 document holds them.
#[derive(Clone, Debug)]
pub struct Schemas {
    components: Map<String, Value>,
}

impl Schemas {
    /// The schemas of an `OpenAPI` v3 document.
    pub fn openapi(mut document: Value) -> Self {
        let components = match document["components"]["schemas"].take() {
            Value::Object(components) => components,
            _ => Map::new(),
        };
        Self { components }
    }

    /// Checks an object against the schema of its type; `None` when there is no schema of it here.
    pub fn check(&self, object: &Value) -> Option<Vec<Violation>> {
        let (api_version, kind) = type_of(object);
        let (group, version) = group_version(api_version);
        let is_of = |gvk: &Value| gvk["group"] == group && gvk["version"] == version && gvk["kind"] == kind;
        let declares =
            |schema: &Value| schema["x-kubernetes-group-version-kind"].as_array().is_some_and(|l| l.iter().any(is_of));
        let (name, schema) = self.components.iter().find(|(_, schema)| declares(schema))?;
        Some(self.run(schema, object, is_builtin(name)))
    }

    /// Checks an object against a CRD's own schema of one version.
    pub fn check_custom(schema: &Value, object: &Value) -> Vec<Violation> {
        Self { components: Map::new() }.run(schema, object, false)
    }

    fn run(&self, schema: &Value, object: &Value, builtin: bool) -> Vec<Violation> {
        let mut walk = Walk { schemas: self, found: Vec::new(), path: Vec::new() };
        walk.value(schema, object, Of { builtin, resource: true });
        walk.found
    }

    /// Follows references; says whether what it arrives at is one of Kubernetes' own types.
    fn resolve<'a>(&'a self, mut schema: &'a Value, mut builtin: bool) -> (&'a Value, bool) {
        for _ in 0..DEEPEST {
            // Kubernetes wraps a reference in `allOf` to put a default beside it.
            let wrapped =
                schema["allOf"].as_array().filter(|all| all.len() == 1 && schema["type"].is_null()).map(|all| &all[0]);
            let reference = schema["$ref"].as_str().or_else(|| wrapped.and_then(|w| w["$ref"].as_str()));
            let Some(name) = reference.and_then(|r| r.strip_prefix("#/components/schemas/")) else { break };
            let Some(target) = self.components.get(name) else { break };
            (schema, builtin) = (target, is_builtin(name));
        }
        (schema, builtin)
    }
}

fn is_builtin(name: &str) -> bool {
    name.starts_with("io.k8s.api") || name.starts_with("io.k8s.kube-aggregator")
}

/// What a value is part of.
#[derive(Clone, Copy)]
struct Of {
    /// One of Kubernetes' own types: its Go structs decide, not the schema's letter.
    builtin: bool,
    /// An object with `apiVersion`, `kind` and `metadata`.
    resource: bool,
}

struct Walk<'a> {
    schemas: &'a Schemas,
    found: Vec<Violation>,
    path: Vec<String>,
}

impl Walk<'_> {
    fn report(&mut self, message: impl Into<String>) {
        let mut path = String::new();
        for step in &self.path {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path.push_str(step);
        }
        self.found.push(Violation { path, message: message.into() });
    }

    fn within(&mut self, step: String, work: impl FnOnce(&mut Self)) {
        self.path.push(step);
        work(self);
        self.path.pop();
    }

    fn value(&mut self, schema: &Value, value: &Value, of: Of) {
        // The server takes a null for a field that is not there.
        if value.is_null() || self.path.len() > DEEPEST {
            return;
        }
        let schemas = self.schemas;
        let (resolved, builtin) = schemas.resolve(schema, of.builtin);
        let of = Of { builtin, resource: of.resource || resolved["x-kubernetes-embedded-resource"] == true };
        if !self.type_fits(resolved, value) {
            return;
        }
        match value {
            Value::Object(fields) => self.object(resolved, fields, of),
            Value::Array(items) => self.array(resolved, items, of),
            Value::String(text) => self.text(resolved, text),
            Value::Number(number) => self.number(resolved, number.as_f64()),
            _ => {}
        }
        if let Some(allowed) = resolved["enum"].as_array()
            && !allowed.contains(value)
        {
            let shown: Vec<String> = allowed.iter().map(ToString::to_string).collect();
            self.report(format!("{value} is none of {}", shown.join(", ")));
        }
    }

    fn type_fits(&mut self, schema: &Value, value: &Value) -> bool {
        let either = schema["x-kubernetes-int-or-string"] == true || schema["format"] == "int-or-string";
        let branches = ["oneOf", "anyOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
        let branch_types: Vec<&str> = branches.filter_map(|branch| branch["type"].as_str()).collect();
        let wanted: Vec<&str> = match schema["type"].as_str() {
            _ if either => vec!["integer", "string"],
            Some(one) => vec![one],
            None => branch_types,
        };
        if wanted.is_empty() || wanted.iter().any(|w| is_type(w, value)) {
            return true;
        }
        self.report(format!("wants {}, has {}", wanted.join(" or "), type_name(value)));
        false
    }

    fn object(&mut self, schema: &Value, fields: &Map<String, Value>, of: Of) {
        let none = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&none);
        let others = &schema["additionalProperties"];
        let open = schema["x-kubernetes-preserve-unknown-fields"] == true
            || others == &Value::Bool(true)
            || (others.is_null() && properties.is_empty() && (of.builtin || schema["type"].is_null()));
        for (name, value) in fields {
            let step = if name.contains('.') { format!("[{name}]") } else { name.clone() };
            if of.resource
                && matches!(name.as_str(), "apiVersion" | "kind" | "metadata")
                && !refers(properties.get(name))
            {
                // The server knows these, whatever a CRD's schema says of them.
                self.within(step, |walk| walk.type_meta(name, value));
            } else if let Some(property) = properties.get(name) {
                self.within(step, |walk| walk.value(property, value, Of { builtin: of.builtin, resource: false }));
            } else if others.is_object() {
                self.within(step, |walk| walk.value(others, value, Of { builtin: of.builtin, resource: false }));
            } else if !open {
                let near = nearest(name, properties.keys());
                self.within(step, |walk| match near {
                    Some(near) => walk.report(format!("unknown field (did you mean `{near}`?)")),
                    None => walk.report("unknown field"),
                });
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            // Kubernetes' own types take a null for Go's zero value; of a custom resource it is dropped first.
            let given = fields.get(name).is_some_and(|v| of.builtin || !v.is_null());
            // A CRD's defaults are filled in before it is checked; for built-in types a default is Go's zero value.
            let defaulted = !of.builtin && properties.get(name).is_some_and(|p| !p["default"].is_null());
            if !given && !defaulted {
                self.within(name.to_owned(), |walk| walk.report("required field is missing"));
            }
        }
        self.bounds(schema, fields.len(), "minProperties", "maxProperties", "fields");
    }

    fn type_meta(&mut self, name: &str, value: &Value) {
        let fits = if name == "metadata" { value.is_object() } else { value.is_string() };
        if !fits {
            self.report(format!(
                "wants {}, has {}",
                if name == "metadata" { "object" } else { "string" },
                type_name(value)
            ));
        }
    }

    fn array(&mut self, schema: &Value, items: &[Value], of: Of) {
        let item_schema = &schema["items"];
        if item_schema.is_object() {
            for (index, item) in items.iter().enumerate() {
                self.within(format!("[{index}]"), |walk| {
                    walk.value(item_schema, item, Of { builtin: of.builtin, resource: false });
                });
            }
        }
        self.bounds(schema, items.len(), "minItems", "maxItems", "items");
    }

    fn text(&mut self, schema: &Value, text: &str) {
        self.bounds(schema, text.chars().count(), "minLength", "maxLength", "characters");
        // Patterns that this engine cannot read are left to the server.
        if let Some(pattern) = schema["pattern"].as_str()
            && let Ok(regex) = regex_lite::Regex::new(pattern)
            && !regex.is_match(text)
        {
            self.report(format!("`{text}` does not match {pattern}"));
        }
    }

    fn number(&mut self, schema: &Value, number: Option<f64>) {
        let Some(number) = number else { return };
        if let Some(least) = schema["minimum"].as_f64()
            && (number < least || (schema["exclusiveMinimum"] == true && number <= least))
        {
            self.report(format!("{number} is less than {least} allows"));
        }
        if let Some(most) = schema["maximum"].as_f64()
            && (number > most || (schema["exclusiveMaximum"] == true && number >= most))
        {
            self.report(format!("{number} is more than {most} allows"));
        }
    }

    fn bounds(&mut self, schema: &Value, count: usize, least: &str, most: &str, what: &str) {
        let limit = |key: &str| schema[key].as_u64().and_then(|n| usize::try_from(n).ok());
        if let Some(least) = limit(least).filter(|l| count < *l) {
            self.report(format!("{count} {what}, at least {least} wanted"));
        }
        if let Some(most) = limit(most).filter(|m| count > *m) {
            self.report(format!("{count} {what}, at most {most} allowed"));
        }
    }
}

fn refers(property: Option<&Value>) -> bool {
    property.is_some_and(|p| p["$ref"].is_string() || p["allOf"].is_array())
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        _ => true,
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let scored = known.map(|k| (strsim::damerau_levenshtein(&name.to_lowercase(), &k.to_lowercase()), k));
    scored.filter(|(distance, k)| *distance <= (k.len() / 3).max(1)).min_by_key(|(d, _)| *d).map(|(_, k)| k.as_str())
}
