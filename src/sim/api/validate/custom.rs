//! Custom resources against the schema of their CRD. On update, what did not change is not held against anybody.

use serde_json::{Map, Value};

use super::super::field_error::{FieldError, FieldErrorKind};
use super::super::resource::Resource;
use super::super::schema::{ListType, Node, Type};
use super::cel;
use super::counterpart::counterpart;
use super::format;
use super::meta;
use super::path::{Faults, Path, shown};

/// All faults of a custom resource.
pub(super) fn check(resource: &Resource, new: &Value, old: Option<&Value>, faults: &mut Faults) {
    meta::check(resource, new, old, faults);
    let root = Path::new("");
    Walk { found: &mut faults.0 }.node(&resource.schema, new, old, &root, true);
    rest(resource, new, old, faults);
}

/// As [`check`], for a write of the status alone.
pub(super) fn check_status(resource: &Resource, new: &Value, old: Option<&Value>, faults: &mut Faults) {
    meta::check(resource, new, old, faults);
    if let (Some(of), Some(status)) = (resource.schema.properties.get("status"), new.get("status")) {
        let before = old.and_then(|old| old.get("status"));
        let mut found = Vec::new();
        Walk { found: &mut found }.node(of, status, before, &Path::new(""), false);
        for mut fault in found {
            fault.field = if fault.field.is_empty() { "status".into() } else { format!("status.{}", fault.field) };
            faults.0.push(fault);
        }
    }
    rest(resource, new, old, faults);
}

/// Lists that hold something twice, then the rules, if nothing is so wrong that they could not be read.
fn rest(resource: &Resource, new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let (root, mut twice) = (Path::new(""), Vec::new());
    unique(&resource.schema, new, &root, &mut twice);
    if let Some(old) = old.filter(|_| !twice.is_empty()) {
        let mut before = Vec::new();
        unique(&resource.schema, old, &root, &mut before);
        if !before.is_empty() {
            twice.clear();
        }
    }
    faults.0.append(&mut twice);
    if !cel::has_rules(&resource.schema) {
        return;
    }
    let blocking = |fault: &FieldError| {
        use FieldErrorKind::{NotSupported, Required, TooLong, TooMany, TypeInvalid};
        matches!(fault.kind, NotSupported | Required | TooLong | TooMany | TypeInvalid)
    };
    if faults.0.iter().any(blocking) {
        let message = "Invalid value: null: some validation rules were not checked because the object was invalid; \
                       correct the existing errors to complete validation";
        faults.0.push(FieldError::new(FieldErrorKind::Invalid, "<nil>", message));
    } else {
        cel::check(&resource.schema, new, old, faults);
    }
}

/// The schema's own conditions, without rules in CEL. Used for defaults of CRDs too.
pub(in super::super) fn check_schema(node: &Node, value: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    Walk { found: &mut found }.node(node, value, None, path, false);
    found
}

struct Walk<'a> {
    found: &'a mut Vec<FieldError>,
}

impl Walk<'_> {
    fn report(&mut self, kind: FieldErrorKind, path: &Path, message: String) {
        self.found.push(FieldError::new(kind, path.to_string(), message));
    }

    fn invalid(&mut self, path: &Path, value: &Value, what: &str) {
        let message = format!("Invalid value: {}: {path} in body {what}", shown(value));
        self.report(FieldErrorKind::Invalid, path, message);
    }

    fn node(&mut self, node: &Node, value: &Value, old: Option<&Value>, path: &Path, resource: bool) {
        if old == Some(value) || value.is_null() && node.nullable {
            return;
        }
        if !self.type_fits(node, value, path) {
            self.one_of(node, value, path);
            return;
        }
        self.junctors(node, value, path);
        match value {
            Value::String(text) => self.text(node, value, text, path),
            Value::Number(number) => self.number(node, value, number.as_f64().unwrap_or_default(), path),
            Value::Array(items) => self.list(node, value, items, old, path),
            _ => {}
        }
        self.one_of(node, value, path);
        if let Value::Object(fields) = value {
            self.object(node, fields, old, path, resource);
        }
    }

    fn one_of(&mut self, node: &Node, value: &Value, path: &Path) {
        if node.enums.is_empty() || node.enums.contains(value) {
            return;
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let allowed: Vec<String> = node.enums.iter().map(text).collect();
        let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
        self.found.push(FieldError::not_supported(path.to_string(), &shown(value), &allowed));
    }

    fn type_fits(&mut self, node: &Node, value: &Value, path: &Path) -> bool {
        let wanted = match node.ty {
            _ if node.int_or_string => "integer,string",
            Type::Any => return true,
            other => other.name(),
        };
        let whole = value.as_f64().is_some_and(|n| n.fract() == 0.0);
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) if whole => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if wanted.split(',').any(|w| w == found) || wanted == "number" && found == "integer" {
            return true;
        }
        let message = format!("Invalid value: \"{found}\": {path} in body must be of type {wanted}: \"{found}\"");
        self.report(FieldErrorKind::TypeInvalid, path, message);
        if wanted == "integer" && found == "number" {
            let message =
                format!("Invalid value: \"\": Checked value must be of type integer (default format) in {path}");
            self.found.push(FieldError::new(FieldErrorKind::Invalid, "<nil>", message));
        }
        false
    }

    fn text(&mut self, node: &Node, value: &Value, text: &str, path: &Path) {
        let length = text.chars().count() as u64;
        if let Some(most) = node.bounds.max_length.filter(|most| length > *most) {
            self.report(FieldErrorKind::TooLong, path, format!("Too long: may not be more than {most} bytes"));
        }
        if let Some(least) = node.bounds.min_length.filter(|least| length < *least) {
            self.invalid(path, value, &format!("should be at least {least} chars long"));
        }
        if let Some(pattern) = &node.pattern {
            match regex::Regex::new(pattern) {
                Ok(regex) if regex.is_match(text) => {}
                Ok(_) => self.invalid(path, value, &format!("should match '{pattern}'")),
                Err(_) => {
                    let message = format!("Internal error: the simulator cannot read the pattern {pattern:?}");
                    self.report(FieldErrorKind::Internal, path, message);
                }
            }
        }
        if !node.int_or_string && !format::fits(&node.format, text) {
            let message = format!("{}: {path} in body must be of type {}: {}", shown(value), node.format, shown(value));
            self.report(FieldErrorKind::TypeInvalid, path, format!("Invalid value: {message}"));
        }
    }

    fn number(&mut self, node: &Node, value: &Value, number: f64, path: &Path) {
        let bounds = &node.bounds;
        if let Some(factor) = bounds.multiple_of.filter(|factor| *factor > 0.0 && (number / factor).fract() != 0.0) {
            self.invalid(path, value, &format!("should be a multiple of {factor}"));
        }
        if let Some(most) = bounds.maximum {
            if bounds.exclusive_maximum && number >= most {
                self.invalid(path, value, &format!("should be less than {most}"));
            } else if number > most {
                self.invalid(path, value, &format!("should be less than or equal to {most}"));
            }
        }
        if let Some(least) = bounds.minimum {
            if bounds.exclusive_minimum && number <= least {
                self.invalid(path, value, &format!("should be greater than {least}"));
            } else if number < least {
                self.invalid(path, value, &format!("should be greater than or equal to {least}"));
            }
        }
        let range = match node.format.as_str() {
            "int32" => Some((f64::from(i32::MIN), f64::from(i32::MAX))),
            "uint32" => Some((0.0, f64::from(u32::MAX))),
            _ => None,
        };
        if range.is_some_and(|(least, most)| number < least || number > most) {
            let message = format!(
                "Invalid value: {value}: Checked value must be of type integer with format {} in body",
                node.format
            );
            self.report(FieldErrorKind::Invalid, path, message);
        }
    }

    fn list(&mut self, node: &Node, value: &Value, items: &[Value], old: Option<&Value>, path: &Path) {
        if let Some(of) = &node.items {
            for (index, item) in items.iter().enumerate() {
                let before = old.and_then(|old| counterpart(node, item, old));
                self.node(of, item, before, &path.index(index), of.embedded_resource);
            }
        }
        let length = items.len() as u64;
        if let Some(least) = node.bounds.min_items.filter(|least| length < *least) {
            let message = format!("Invalid value: {length}: {path} in body should have at least {least} items");
            self.report(FieldErrorKind::Invalid, path, message);
        }
        if let Some(most) = node.bounds.max_items.filter(|most| length > *most) {
            let message = format!("Too many: {length}: must have at most {most} items");
            self.report(FieldErrorKind::TooMany, path, message);
        }
        let twice = |(at, item): (usize, &Value)| items[..at].contains(item);
        if node.bounds.unique_items && items.iter().enumerate().any(twice) {
            self.invalid(path, value, "shouldn't contain duplicates");
        }
    }

    fn object(&mut self, node: &Node, fields: &Map<String, Value>, old: Option<&Value>, path: &Path, resource: bool) {
        let length = fields.len() as u64;
        if let Some(least) = node.bounds.min_properties.filter(|least| length < *least) {
            let message = format!("Invalid value: {length}: {path} in body should have at least {least} properties");
            self.report(FieldErrorKind::Invalid, path, message);
        }
        if let Some(most) = node.bounds.max_properties.filter(|most| length > *most) {
            self.report(FieldErrorKind::TooMany, path, format!("Too many: {length}: must have at most {most} items"));
        }
        for (name, value) in fields {
            if resource && name == "metadata" {
                continue;
            }
            if let Some(of) = node.field(name) {
                let before = old.and_then(|old| old.get(name));
                self.node(of, value, before, &path.child(name), of.embedded_resource);
            }
        }
        for name in &node.required {
            if !fields.contains_key(name) {
                self.found.push(FieldError::required(path.child(name).to_string(), ""));
            }
        }
    }

    fn junctors(&mut self, node: &Node, value: &Value, path: &Path) {
        let trial = |of: &Node| {
            let mut found = Vec::new();
            Walk { found: &mut found }.node(of, value, None, path, false);
            found
        };
        let composite = |what: &str| {
            FieldError::new(FieldErrorKind::Invalid, "<nil>", format!("Invalid value: \"\": \"{path}\" {what}"))
        };
        let junctors = &node.junctors;
        let any: Vec<_> = junctors.any_of.iter().map(|of| trial(of)).collect();
        if !any.is_empty() && any.iter().all(|found| !found.is_empty()) {
            self.found.push(composite("must validate at least one schema (anyOf)"));
            self.found.extend(any.into_iter().min_by_key(Vec::len).unwrap_or_default());
        }
        let one: Vec<_> = junctors.one_of.iter().map(|of| trial(of)).collect();
        if !one.is_empty() {
            match one.iter().filter(|found| found.is_empty()).count() {
                1 => {}
                0 => {
                    self.found.push(composite("must validate one and only one schema (oneOf). Found none valid"));
                    self.found.extend(one.into_iter().min_by_key(Vec::len).unwrap_or_default());
                }
                many => {
                    let what =
                        format!("must validate one and only one schema (oneOf). Found {many} valid alternatives");
                    self.found.push(composite(&what));
                }
            }
        }
        let all: Vec<_> = junctors.all_of.iter().map(|of| trial(of)).filter(|found| !found.is_empty()).collect();
        if !all.is_empty() {
            self.found.extend(all.into_iter().flatten());
        }
        if junctors.not.as_ref().is_some_and(|not| trial(not).is_empty()) {
            self.found.push(composite("must not validate the schema (not)"));
        }
    }
}

/// Lists that are sets or maps hold nothing twice.
fn unique(node: &Node, value: &Value, path: &Path, found: &mut Vec<FieldError>) {
    match value {
        Value::Array(items) => {
            let identity = |item: &Value| match &node.list_type {
                ListType::Atomic => None,
                ListType::Set => Some(item.clone()),
                ListType::Map(keys) => {
                    let pairs = keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone())));
                    Some(Value::Object(pairs.collect()))
                }
            };
            let mut seen = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let Some(identity) = identity(item) else { break };
                if seen.contains(&identity) {
                    found.push(FieldError::duplicate(path.index(index).to_string(), &shown(&identity)));
                } else {
                    seen.push(identity);
                }
            }
            if let Some(of) = &node.items {
                for (index, item) in items.iter().enumerate() {
                    unique(of, item, &path.index(index), found);
                }
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let known = node.properties.get(name);
                if let Some(of) = known.or(node.additional.as_ref()) {
                    let path = if known.is_some() { path.child(name) } else { path.key(name) };
                    if of.go.is_none() {
                        unique(of, value, &path, found);
                    }
                }
            }
        }
        _ => {}
    }
}
