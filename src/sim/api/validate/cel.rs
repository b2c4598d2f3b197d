//! Rules of `x-kubernetes-validations`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use kube_cel::KubeCelExt;
use kube_cel::cel::objects::{Key, Map, OptionalValue, Value as CelValue};
use kube_cel::cel::{Context, Program};
use serde_json::Value;

use super::super::field_error::{FieldError, FieldErrorKind};
use super::super::schema::{Node, Rule, Type};
use super::counterpart::counterpart;
use super::path::{Faults, Path, shown};

/// Whether a schema has rules anywhere.
pub(super) fn has_rules(node: &Node) -> bool {
    node.go.is_none()
        && (!node.rules.is_empty()
            || node
                .properties
                .values()
                .chain(&node.additional)
                .chain(&node.items)
                .chain(&node.junctors.all_of)
                .any(|of| has_rules(of)))
}

/// Evaluates all rules of an object.
pub(super) fn check(root: &Node, new: &Value, old: Option<&Value>, faults: &mut Faults) {
    walk(root, new, old, &Path::new(""), false, faults);
}

/// `unchanged`: something around this value is known to be as before.
fn walk(node: &Node, new: &Value, old: Option<&Value>, path: &Path, unchanged: bool, faults: &mut Faults) {
    if new.is_null() || node.go.is_some() {
        return;
    }
    let unchanged = unchanged || old == Some(new);
    if !node.rules.is_empty() {
        evaluate(node, new, old, path, unchanged, faults);
    }
    for of in &node.junctors.all_of {
        if has_rules(of) {
            walk(of, new, old, path, unchanged, faults);
        }
    }
    match new {
        Value::Array(items) => {
            let Some(of) = &node.items else { return };
            if !has_rules(of) {
                return;
            }
            for (index, item) in items.iter().enumerate() {
                let before = old.and_then(|old| counterpart(node, item, old));
                walk(of, item, before, &path.index(index), unchanged, faults);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let known = node.properties.get(name);
                let Some(of) = known.or(node.additional.as_ref()).filter(|of| has_rules(of)) else { continue };
                let path = if known.is_some() { path.child(name) } else { path.key(name) };
                walk(of, value, old.and_then(|old| old.get(name)), &path, unchanged, faults);
            }
        }
        _ => {}
    }
}

fn evaluate(node: &Node, new: &Value, old: Option<&Value>, path: &Path, unchanged: bool, faults: &mut Faults) {
    let old = old.filter(|old| !old.is_null());
    for rule in node.rules.iter().filter(|rule| !rule.rule.trim().is_empty()) {
        let program = match program(&rule.rule) {
            Ok(program) => program,
            Err(why) => {
                invalid(path, node, &format!("rule compile error: {why}"), faults);
                continue;
            }
        };
        let transition = program.references().has_variable("oldSelf");
        if transition && old.is_none() && !rule.optional_old_self {
            continue;
        }
        let mut context = Context::default().with_all();
        context.add_variable_from_value("self", to_cel(new, node));
        let before = old.map(|old| to_cel(old, node));
        if rule.optional_old_self {
            let optional = before.map_or_else(OptionalValue::none, OptionalValue::of);
            context.add_variable_from_value("oldSelf", CelValue::Opaque(Arc::new(optional)));
        } else if let Some(before) = before {
            context.add_variable_from_value("oldSelf", before);
        }
        match program.execute(&context) {
            Ok(CelValue::Bool(true)) => {}
            Ok(CelValue::Bool(false)) => {
                // Unchanged values are let through, unless the rule itself compares with before.
                if transition || !unchanged {
                    faults.0.push(failure(rule, node, new, path, &context));
                }
            }
            Ok(other) => {
                invalid(path, node, &format!("rule evaluated to {other:?}, not to a bool: {}", rule.rule), faults);
            }
            Err(why) => invalid(
                path,
                node,
                &format!("{} evaluating rule: {}", lowered(&why.to_string()), rule_text(rule)),
                faults,
            ),
        }
    }
}

/// What the server calls a rule that it could not evaluate.
fn rule_text(rule: &Rule) -> String {
    if rule.message.is_empty() { rule.rule.trim().to_owned() } else { rule.message.trim().to_owned() }
}

fn lowered(text: &str) -> String {
    text.replacen("No such key", "no such key", 1)
}

fn invalid(path: &Path, node: &Node, detail: &str, faults: &mut Faults) {
    faults.0.push(FieldError::invalid(at(path), &format!("\"{}\"", node.ty.name()), detail));
}

fn at(path: &Path) -> String {
    let text = path.to_string();
    if text.is_empty() { "<nil>".into() } else { text }
}

fn failure(rule: &Rule, node: &Node, value: &Value, path: &Path, context: &Context<'_>) -> FieldError {
    let computed = (!rule.message_expression.trim().is_empty())
        .then(|| program(&rule.message_expression).ok()?.execute(context).ok())
        .flatten()
        .and_then(|message| match message {
            CelValue::String(text) if !text.trim().is_empty() && !text.contains('\n') => Some(text.trim().to_owned()),
            _ => None,
        });
    let detail = computed.unwrap_or_else(|| {
        if rule.message.is_empty() {
            format!("failed rule: {}", rule.rule.trim())
        } else {
            rule.message.trim().to_owned()
        }
    });
    let field = match rule.field_path.as_str() {
        "" => at(path),
        below if path.to_string().is_empty() || below.starts_with('[') => {
            format!("{path}{}", below.trim_start_matches('.'))
        }
        below => format!("{path}.{}", below.trim_start_matches('.')),
    };
    let shown =
        if matches!(node.ty, Type::Object | Type::Array) { String::new() } else { format!(": {}", shown(value)) };
    match rule.reason.as_str() {
        "FieldValueForbidden" => FieldError::new(FieldErrorKind::Forbidden, field, format!("Forbidden: {detail}")),
        "FieldValueRequired" => FieldError::new(FieldErrorKind::Required, field, format!("Required value: {detail}")),
        "FieldValueDuplicate" => FieldError::new(FieldErrorKind::Duplicate, field, format!("Duplicate value{shown}")),
        _ => FieldError::new(FieldErrorKind::Invalid, field, format!("Invalid value{shown}: {detail}")),
    }
}

type Compiled = Result<Arc<Program>, String>;

/// A rule ready to run; the same text is read once.
pub(in super::super) fn program(text: &str) -> Compiled {
    static KNOWN: LazyLock<Mutex<HashMap<String, Compiled>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(compiled) = known.get(text) {
        return compiled.clone();
    }
    let compiled = Program::compile(text).map(Arc::new).map_err(|e| e.to_string());
    known.insert(text.to_owned(), compiled.clone());
    compiled
}

/// A value as rules see it: names of fields escaped, times and durations as such.
fn to_cel(value: &Value, node: &Node) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(given) => CelValue::Bool(*given),
        Value::Number(number) => match number.as_i64() {
            Some(whole) if node.ty != Type::Number => CelValue::Int(whole),
            _ => CelValue::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => text_to_cel(text, node),
        Value::Array(items) => {
            let of = node.items.as_deref().unwrap_or(&NOTHING);
            CelValue::List(Arc::new(items.iter().map(|item| to_cel(item, of)).collect()))
        }
        Value::Object(fields) => {
            let mut map = HashMap::with_capacity(fields.len());
            for (name, value) in fields {
                let known = node.properties.get(name);
                let of = known.or(node.additional.as_ref()).map_or(&NOTHING, |of| &**of);
                // The keys of a map are data.
                let key = if known.is_none() && node.is_map() { name.clone() } else { escaped(name) };
                map.insert(Key::String(Arc::new(key)), to_cel(value, of));
            }
            CelValue::Map(Map { map: Arc::new(map) })
        }
    }
}

static NOTHING: Node = Node::anything();

fn text_to_cel(text: &str, node: &Node) -> CelValue {
    let plain = || CelValue::String(Arc::new(text.to_owned()));
    let function = match node.format.as_str() {
        "date-time" | "date" => "timestamp",
        "duration" => "duration",
        "byte" => "base64.decode",
        _ => return plain(),
    };
    let text_given = if node.format == "date" { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let mut context = Context::default().with_all();
    context.add_variable_from_value("v", CelValue::String(Arc::new(text_given)));
    program(&format!("{function}(v)")).ok().and_then(|program| program.execute(&context).ok()).unwrap_or_else(plain)
}

/// A field's name as an identifier of CEL.
fn escaped(name: &str) -> String {
    const RESERVED: [&str; 21] = [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ];
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    name.replace("__", "__underscores__").replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}
