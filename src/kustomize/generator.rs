//! Generated `ConfigMap` and `Secret` objects: from literals, files and env files.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::item::{Item, item};
use super::resource::{Behavior, Resource};
use super::tree::{Tree, base_name};
use super::yaml::{Node, Source};
use crate::error::Result;

/// Options of generators: `generatorOptions` for all, `options` for one.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    labels: Vec<(String, String)>,
    annotations: Vec<(String, String)>,
    no_hash: bool,
    immutable: bool,
}

impl Options {
    /// Reads options; none give the defaults.
    pub(super) fn parse(source: Source<'_>, node: Option<&Node>) -> Result<Self> {
        let Some(node) = node else { return Ok(Self::default()) };
        let fields = Fields::of(source, node, "options of a generator")?;
        fields.only(&["labels", "annotations", "disableNameSuffixHash", "immutable"])?;
        Ok(Self {
            labels: fields.text_map("labels")?,
            annotations: fields.text_map("annotations")?,
            no_hash: fields.flag("disableNameSuffixHash")?,
            immutable: fields.flag("immutable")?,
        })
    }

    /// These, and what the options for all add.
    fn over(mut self, all: &Self) -> Self {
        for (ours, theirs) in [(&mut self.labels, &all.labels), (&mut self.annotations, &all.annotations)] {
            for (key, text) in theirs {
                if !ours.iter().any(|(k, _)| k == key) {
                    ours.push((key.clone(), text.clone()));
                }
            }
            ours.sort();
        }
        self.no_hash |= all.no_hash;
        self.immutable |= all.immutable;
        self
    }
}

/// An entry of `configMapGenerator` or `secretGenerator`.
#[derive(Clone, Debug)]
pub(super) struct Generator {
    secret: bool,
    name: Item,
    namespace: String,
    secret_type: String,
    behavior: Behavior,
    envs: Vec<Item>,
    literals: Vec<Item>,
    files: Vec<Item>,
    options: Options,
}

impl Generator {
    /// Reads an entry; `all` are the `generatorOptions`.
    pub(super) fn parse(source: Source<'_>, node: &Node, secret: bool, all: &Options) -> Result<Self> {
        let fields = Fields::of(source, node, "a generator")?;
        let mut known = vec!["name", "namespace", "behavior", "envs", "env", "literals", "files", "options"];
        if secret {
            known.push("type");
        }
        fields.only(&known)?;
        let name = fields.get("name").ok_or_else(|| fields.error("name", "a generator needs a name"))?;
        let behavior = match fields.text("behavior")?.as_str() {
            "merge" => Behavior::Merge,
            "replace" => Behavior::Replace,
            "" | "create" => Behavior::Create,
            other => return Err(fields.error("behavior", format!("unknown behavior {other}"))),
        };
        let items = |name: &str| -> Result<Vec<Item>> {
            fields.list(name)?.iter().map(|node| item(source, node, &format!("an item of {name}"))).collect()
        };
        let mut envs = items("envs")?;
        if let Some(node) = fields.get("env") {
            envs.push(item(source, node, "env")?);
        }
        Ok(Self {
            secret,
            name: item(source, name, "name")?,
            namespace: fields.text("namespace")?,
            secret_type: fields.text("type")?,
            behavior,
            envs,
            literals: items("literals")?,
            files: items("files")?,
            options: Options::parse(source, fields.get("options"))?.over(all),
        })
    }

    /// The name of what it makes, and where that stands.
    pub(super) fn name(&self) -> &Item {
        &self.name
    }

    /// The object that it makes; files are seen from the folder `dir`.
    pub(super) fn generate(&self, tree: &dyn Tree, dir: &str) -> Result<Resource> {
        let mut object = Map::new();
        object.insert("apiVersion".into(), "v1".into());
        object.insert("kind".into(), if self.secret { "Secret" } else { "ConfigMap" }.into());
        let mut metadata = json!({"name": self.name.text});
        if !self.namespace.is_empty() {
            metadata["namespace"] = self.namespace.as_str().into();
        }
        for (field, texts) in [("labels", &self.options.labels), ("annotations", &self.options.annotations)] {
            if !texts.is_empty() {
                metadata[field] =
                    texts.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect::<Map<_, _>>().into();
            }
        }
        object.insert("metadata".into(), metadata);
        if self.secret {
            let kind = if self.secret_type.is_empty() { "Opaque" } else { &self.secret_type };
            object.insert("type".into(), kind.into());
            object.insert("data".into(), Value::Object(Map::new()));
        }
        for (key, bytes) in self.pairs(tree, dir)? {
            let (field, text) = match String::from_utf8(bytes) {
                Ok(text) if !self.secret => ("data", text),
                Ok(text) => ("data", encode(text.as_bytes())),
                Err(e) => (if self.secret { "data" } else { "binaryData" }, encode(e.as_bytes())),
            };
            let map = object.entry(field).or_insert_with(|| Value::Object(Map::new()));
            map[key] = text.into();
        }
        if self.options.immutable {
            object.insert("immutable".into(), true.into());
        }
        let mut resource = Resource::new(Value::Object(object));
        resource.behavior = self.behavior;
        resource.hashed = !self.options.no_hash;
        Ok(resource)
    }

    /// Keys and contents, sorted by key.
    fn pairs(&self, tree: &dyn Tree, dir: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let mut pairs = Vec::new();
        for env in &self.envs {
            let bytes = read(tree, dir, env, &env.text)?;
            pairs.extend(env_lines(env, &bytes)?);
        }
        for literal in &self.literals {
            let (key, text) = literal
                .text
                .split_once('=')
                .filter(|(key, _)| !key.is_empty())
                .ok_or_else(|| literal.error("a literal has the form key=value"))?;
            pairs.push((key.to_owned(), unquoted(text).as_bytes().to_vec()));
        }
        for file in &self.files {
            let parts: Vec<&str> = file.text.split('=').collect();
            let (key, path) = match parts[..] {
                [path] => (base_name(path), path),
                [key, path] if !key.is_empty() && !path.is_empty() => (key, path),
                _ => return Err(file.error("a file has the form path or key=path")),
            };
            pairs.push((key.to_owned(), read(tree, dir, file, path)?));
        }
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        match pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(self.name.error(format!("{} gets the key {} twice", self.name.text, pair[0].0))),
            None => Ok(pairs),
        }
    }
}

fn read(tree: &dyn Tree, dir: &str, item: &Item, path: &str) -> Result<Vec<u8>> {
    let full = item.path(dir, path)?;
    tree.read(&full)?.ok_or_else(|| item.error(format!("{full} does not exist")))
}

fn env_lines(item: &Item, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
    let text = std::str::from_utf8(bytes).map_err(|_| item.error(format!("{} is not UTF-8 text", item.text)))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pair = |line: &str| {
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        (key.to_owned(), value.as_bytes().to_vec())
    };
    Ok(lines.map(pair).collect())
}

/// Without the quotes around it, when they are the same on both sides.
fn unquoted(text: &str) -> &str {
    ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote).and_then(|t| t.strip_suffix(*quote))).unwrap_or(text)
}

/// Base64 in lines of 70 characters, each with its newline, unless one line holds it all.
fn encode(bytes: &[u8]) -> String {
    const LINE: usize = 70;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    if text.len() < LINE {
        return text;
    }
    let mut lines = String::with_capacity(text.len() + text.len() / LINE + 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        lines.push_str(line);
        lines.push('\n');
        rest = after;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_go_only_in_pairs() {
        assert_eq!(unquoted("\"a\""), "a");
        assert_eq!(unquoted("'a\""), "'a\"");
        assert_eq!(unquoted("\""), "\"");
    }

    #[test]
    fn long_base64_is_wrapped() {
        assert_eq!(encode(b"hi"), "aGk=");
        assert!(encode(&[0; 60]).ends_with('\n'));
    }
}
