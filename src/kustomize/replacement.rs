//! Copies a value of one object into fields of others.

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::collection::Collection;
use super::config::gvk;
use super::fields::Fields;
use super::fieldspec::split;
use super::item::{Item, item};
use super::resource::{Gvk, Id, Resource, plain_text};
use super::scalar;
use super::selector::Selector;
use super::target::selector;
use super::tree::Tree;
use super::yaml::{Data, Node, Source, documents_old};
use crate::error::{Code, Error, Result};

/// An entry of `replacements`: a file of them, or one.
#[derive(Clone, Debug)]
pub(super) enum Replacement {
    /// A file that holds one or a list.
    File(Item),
    /// One that stands in the kustomization itself.
    Inline(Box<Rule>),
}

/// From where to where a value is copied.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    source: Origin,
    targets: Vec<Target>,
}

#[derive(Clone, Debug)]
enum Origin {
    Value(String),
    Field { gvk: Gvk, name: String, namespace: String, path: String, refine: Refine },
}

#[derive(Clone, Debug)]
struct Target {
    select: Selector,
    reject: Vec<Selector>,
    paths: Vec<Item>,
    refine: Refine,
}

#[derive(Clone, Debug, Default)]
struct Refine {
    delimiter: String,
    index: i64,
    create: bool,
}

impl Replacement {
    /// Reads an entry of `replacements`.
    pub(super) fn parse(source: Source<'_>, node: &Node) -> Result<Self> {
        let fields = Fields::of(source, node, "a replacement")?;
        match fields.get("path") {
            Some(path) => {
                fields.only(&["path"])?;
                Ok(Self::File(item(source, path, "path")?))
            }
            None => Rule::parse(source, node).map(|rule| Self::Inline(Box::new(rule))),
        }
    }

    /// Applies it; a file is seen from the folder `dir`.
    pub(super) fn apply(&self, tree: &dyn Tree, dir: &str, all: &mut Collection) -> Result<()> {
        match self {
            Self::Inline(rule) => rule.apply(all),
            Self::File(path) => {
                let full = path.path(dir, &path.text)?;
                let text = tree.read_text(&full)?.ok_or_else(|| path.error(format!("{full} does not exist")))?;
                let source = Source { text: &text, display: &full };
                for node in documents_old(source)? {
                    let nodes = match &node.data {
                        Data::List(items) => items.iter().collect(),
                        _ => vec![&node],
                    };
                    nodes.into_iter().try_for_each(|node| Rule::parse(source, node)?.apply(all))?;
                }
                Ok(())
            }
        }
    }
}

impl Rule {
    fn parse(source: Source<'_>, node: &Node) -> Result<Self> {
        let fields = Fields::of(source, node, "a replacement")?;
        fields.only(&["source", "sourceValue", "targets"])?;
        let origin = match (fields.get("source"), fields.get("sourceValue")) {
            (Some(node), None) => Origin::parse(source, node)?,
            (None, Some(_)) => Origin::Value(fields.text("sourceValue")?),
            _ => return Err(source.error(node, "a replacement has either a source or a sourceValue")),
        };
        let targets: Vec<Target> =
            fields.list("targets")?.iter().map(|node| Target::parse(source, node)).collect::<Result<_>>()?;
        if targets.is_empty() {
            return Err(source.error(node, "a replacement needs a target"));
        }
        Ok(Self { source: origin, targets })
    }

    fn apply(&self, all: &mut Collection) -> Result<()> {
        let value = self.source.value(all)?;
        for target in &self.targets {
            for resource in &mut all.0 {
                if target.takes(resource) {
                    target.write(resource, &value)?;
                }
            }
        }
        Ok(())
    }
}

impl Origin {
    fn parse(source: Source<'_>, node: &Node) -> Result<Self> {
        let fields = Fields::of(source, node, "the source of a replacement")?;
        fields.only(&["group", "version", "kind", "name", "namespace", "fieldPath", "options"])?;
        let path = fields.text("fieldPath")?;
        Ok(Self::Field {
            gvk: gvk(&fields)?,
            name: fields.text("name")?,
            namespace: fields.text("namespace")?,
            path: if path.is_empty() { "metadata.name".into() } else { path },
            refine: Refine::parse(source, fields.get("options"))?,
        })
    }

    fn value(&self, all: &Collection) -> Result<Value> {
        let Self::Field { gvk, name, namespace, path, refine } = self else {
            let Self::Value(text) = self else { return Ok(Value::Null) };
            return Ok(Value::String(text.clone()));
        };
        let wanted = Id::new(gvk.clone(), name, namespace);
        let fits = |id: &Id| {
            (name.is_empty() || id.name == *name)
                && (namespace.is_empty() || wanted.effective == id.effective)
                && id.gvk.is_selected(gvk)
        };
        let mut found = all.0.iter().filter(|r| fits(&r.id()) || r.former_ids().iter().any(fits));
        let error = |text: String| Error::new(Code::Kustomize, text);
        let shown = format!("the source of a replacement ({} {name})", gvk.kind);
        let source = found.next().ok_or_else(|| error(format!("{shown} does not exist")))?;
        if found.next().is_some() {
            return Err(error(format!("{shown} could be several objects")));
        }
        let value = path_parts(path).iter().try_fold(&source.value, |node, part| look_up(node, part));
        let value = value.filter(|v| !is_blank(v)).ok_or_else(|| error(format!("{shown} has no field {path}")))?;
        refine.read(value)
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn look_up<'a>(node: &'a Value, part: &str) -> Option<&'a Value> {
    match node {
        Value::Object(map) => map.get(part),
        Value::Array(items) => {
            if let Some((field, wanted)) = entry(part) {
                return items.iter().find(|item| match field {
                    "" => plain_text(item) == wanted,
                    field => item.get(field).is_some_and(|v| plain_text(v) == wanted),
                });
            }
            if part == "-" { items.last() } else { items.get(part.parse::<usize>().ok()?) }
        }
        _ => None,
    }
}

/// `[field=value]`.
fn entry(part: &str) -> Option<(&str, &str)> {
    part.strip_prefix('[')?.strip_suffix(']')?.split_once('=')
}

/// Splits a path at dots; what stands in brackets stays together.
fn path_parts(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut open: Option<String> = None;
    for piece in split(path, '.') {
        let mut part = match open.take() {
            Some(start) => format!("{start}.{piece}"),
            None => piece,
        };
        if part.starts_with('[') && !part.ends_with(']') {
            open = Some(part);
            continue;
        }
        if part.starts_with('[') && part.contains('.') && !part.contains('=') {
            part = part.replace(['[', ']'], "");
        }
        parts.push(part);
    }
    parts.extend(open);
    parts
}

impl Target {
    fn parse(source: Source<'_>, node: &Node) -> Result<Self> {
        let fields = Fields::of(source, node, "a target")?;
        fields.only(&["select", "reject", "fieldPaths", "options"])?;
        let select = fields.get("select").ok_or_else(|| source.error(node, "a target needs a select"))?;
        let mut paths: Vec<Item> =
            fields.list("fieldPaths")?.iter().map(|n| item(source, n, "a field path")).collect::<Result<_>>()?;
        if paths.is_empty() {
            paths.push(Item::bare("metadata.name"));
        }
        Ok(Self {
            select: selector(source, select, &[])?,
            reject: fields.list("reject")?.iter().map(|n| selector(source, n, &[])).collect::<Result<_>>()?,
            paths,
            refine: Refine::parse(source, fields.get("options"))?,
        })
    }

    fn takes(&self, resource: &Resource) -> bool {
        let mut ids = resource.former_ids();
        ids.push(resource.id());
        self.select.fits_labels(resource)
            && !self.reject.iter().any(|r| r.has_labels() && r.fits_labels(resource))
            && !self.reject.iter().any(|r| r.has_id() && ids.iter().any(|id| r.fits_id(id)))
            && ids.iter().any(|id| self.select.fits_id(id))
    }

    fn write(&self, resource: &mut Resource, value: &Value) -> Result<()> {
        let id = resource.id();
        for path in &self.paths {
            let parts = path_parts(&path.text);
            let mut found = 0;
            visit(&mut resource.value, &parts, self.refine.create, &mut |field, created| {
                found += 1;
                self.refine.write(field, value, created)
            })
            .map_err(|e| path.error(format!("{} in {id}: {}", path.text, e.message())))?;
            if found == 0 {
                return Err(path.error(format!("{id} has no field {}", path.text)));
            }
        }
        Ok(())
    }
}

type Setter<'a> = &'a mut dyn FnMut(&mut Value, bool) -> Result<()>;

fn visit(node: &mut Value, parts: &[String], create: bool, set: Setter<'_>) -> Result<()> {
    let Some((part, rest)) = parts.split_first() else { return set(node, false) };
    if let (true, Value::Null) = (create, &*node) {
        *node = if is_list_part(part) { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    }
    match node {
        Value::Array(items) if part == "*" => items.iter_mut().try_for_each(|item| visit(item, rest, create, set)),
        Value::Array(items) => {
            if let Some((field, pattern)) = entry(part) {
                return visit_entry(items, field, pattern, rest, create, set);
            }
            let index: usize = part.parse().map_err(|_| Error::new(Code::Kustomize, format!("{part} is no index")))?;
            if index == items.len() && create {
                items.push(Value::Null);
            }
            let item = items.get_mut(index);
            let item = item.ok_or_else(|| Error::new(Code::Kustomize, format!("there is no item {index}")))?;
            visit(item, rest, create, set)
        }
        Value::Object(map) => match map.get_mut(part.as_str()) {
            Some(child) => visit(child, rest, create, set),
            None if !create => Ok(()),
            None => {
                let mut child = Value::Null;
                if rest.is_empty() {
                    set(&mut child, true)?;
                } else {
                    visit(&mut child, rest, create, set)?;
                }
                map.insert(part.clone(), child);
                Ok(())
            }
        },
        Value::String(_) => Err(Error::new(Code::Kustomize, "fields within a text are not supported")),
        _ => Ok(()),
    }
}

fn is_list_part(part: &str) -> bool {
    entry(part).is_some() || part.parse::<usize>().is_ok()
}

fn visit_entry(
    items: &mut Vec<Value>,
    field: &str,
    pattern: &str,
    rest: &[String],
    create: bool,
    set: Setter<'_>,
) -> Result<()> {
    let regex = Regex::new(pattern).map_err(|_| Error::new(Code::Kustomize, format!("{pattern} cannot be matched")))?;
    let fits = |item: &Value| match field {
        "" => regex.is_match(&plain_text(item)),
        field => item.get(field).is_some_and(|v| regex.is_match(&plain_text(v))),
    };
    if create && !items.iter().any(fits) {
        let value = Value::String(pattern.to_owned());
        items.push(if field.is_empty() { value } else { Map::from_iter([(field.to_owned(), value)]).into() });
    }
    for item in items.iter_mut().filter(|item| fits(item)) {
        if field.is_empty() {
            set(item, false)?;
        } else {
            visit(item, rest, create, set)?;
        }
    }
    Ok(())
}

impl Refine {
    fn parse(source: Source<'_>, node: Option<&Node>) -> Result<Self> {
        let Some(node) = node else { return Ok(Self::default()) };
        let fields = Fields::of(source, node, "options of a replacement")?;
        fields.only(&["delimiter", "index", "create", "encoding"])?;
        Ok(Self {
            delimiter: fields.text("delimiter")?,
            index: fields.number("index")?.unwrap_or(0),
            create: fields.flag("create")?,
        })
    }

    /// The part of a source that is meant.
    fn read(&self, value: &Value) -> Result<Value> {
        if self.delimiter.is_empty() {
            return Ok(value.clone());
        }
        let text = scalar_text(value)?;
        let part = usize::try_from(self.index).ok().and_then(|index| text.split(&self.delimiter).nth(index));
        part.map(|p| Value::String(p.to_owned()))
            .ok_or_else(|| Error::new(Code::Kustomize, format!("{text} has no part {}", self.index)))
    }

    /// Puts a value into a field; a scalar keeps the type that the field has.
    fn write(&self, field: &mut Value, value: &Value, created: bool) -> Result<()> {
        if value.is_object() || value.is_array() || field.is_object() || field.is_array() {
            *field = value.clone();
            return Ok(());
        }
        let mut text = plain_text(value);
        if !self.delimiter.is_empty() {
            let old = scalar_text(field)?;
            let mut parts: Vec<&str> = old.split(&self.delimiter).collect();
            match usize::try_from(self.index) {
                Err(_) => parts.insert(0, &text),
                Ok(index) if index >= parts.len() => parts.push(&text),
                Ok(index) => parts[index] = &text,
            }
            text = parts.join(&self.delimiter);
        }
        *field = if created || !field.is_string() {
            scalar::plain(&text).unwrap_or(Value::String(text))
        } else {
            Value::String(text)
        };
        Ok(())
    }
}

fn scalar_text(value: &Value) -> Result<String> {
    if value.is_object() || value.is_array() {
        return Err(Error::new(Code::Kustomize, "a delimiter needs a text"));
    }
    Ok(plain_text(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_keep_dots_together() {
        assert_eq!(path_parts("spec.containers.[name=a.b].image"), ["spec", "containers", "[name=a.b]", "image"]);
        assert_eq!(path_parts("metadata.annotations.[a.b/c]"), ["metadata", "annotations", "a.b/c"]);
    }
}
