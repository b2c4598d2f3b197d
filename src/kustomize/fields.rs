//! Typed access to a YAML map whose keys are all known, with errors that point at the key or the value.

use serde_json::Value;

use super::yaml::{Data, Key, Node, Source};
use crate::error::{Code, Error, Place, Result};

/// A map of a YAML file, and what it is, for errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    source: Source<'a>,
    node: &'a Node,
    entries: &'a [(Key, Node)],
    what: &'a str,
}

impl<'a> Fields<'a> {
    /// `node` as a map; an error when it is something else.
    pub(super) fn of(source: Source<'a>, node: &'a Node, what: &'a str) -> Result<Self> {
        match &node.data {
            Data::Map(entries) => Ok(Self { source, node, entries, what }),
            _ => Err(source.error(node, format!("{what} must be a map"))),
        }
    }

    /// Where the map starts.
    pub(super) fn place(&self) -> Place {
        self.source.place(self.node.line, self.node.column)
    }

    /// Fails at the first key that is not in `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<()> {
        let Some((key, _)) = self.entries.iter().find(|(key, _)| !known.contains(&key.text.as_str())) else {
            return Ok(());
        };
        let error = Error::new(Code::Kustomize, format!("unknown field {} in {}", key.text, self.what))
            .at(self.source.place(key.line, key.column).with_length(key.text.chars().count()));
        let near = known.iter().map(|k| (strsim::damerau_levenshtein(k, &key.text), k)).min();
        Err(match near {
            Some((distance, name)) if distance <= 2 => error.hint(format!("Did you mean {name}?")),
            _ => error,
        })
    }

    /// The value of a key; nothing when it is missing or null.
    pub(super) fn get(&self, name: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(key, node)| key.text == name && !node.is_null()).map(|(_, node)| node)
    }

    /// The keys and values, nulls left out.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Node)> + use<'a> {
        self.entries.iter().filter(|(_, node)| !node.is_null()).map(|(key, node)| (key.text.as_str(), node))
    }

    /// An error at the value of a key (at the map when it is missing).
    pub(super) fn error(&self, name: &str, message: impl Into<String>) -> Error {
        self.source.error(self.get(name).unwrap_or(self.node), message)
    }

    /// A text; empty when it is missing.
    pub(super) fn text(&self, name: &str) -> Result<String> {
        match self.get(name).map(|node| (&node.data, node)) {
            None => Ok(String::new()),
            Some((Data::Scalar(Value::String(text)), _)) => Ok(text.clone()),
            Some((_, node)) => {
                Err(self.source.error(node, format!("{name} must be a text")).hint("Put it in quotes if it is one"))
            }
        }
    }

    /// A boolean; false when it is missing.
    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name).map(|node| (&node.data, node)) {
            None => Ok(false),
            Some((Data::Scalar(Value::Bool(flag)), _)) => Ok(*flag),
            Some((_, node)) => Err(self.source.error(node, format!("{name} must be true or false"))),
        }
    }

    /// A whole number; nothing when it is missing.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>> {
        match self.get(name).map(|node| (&node.data, node)) {
            None => Ok(None),
            Some((Data::Scalar(Value::Number(number)), _)) if number.is_i64() => Ok(number.as_i64()),
            Some((_, node)) => Err(self.source.error(node, format!("{name} must be a whole number"))),
        }
    }

    /// The items of a list; none when it is missing.
    pub(super) fn list(&self, name: &str) -> Result<&'a [Node]> {
        match self.get(name).map(|node| (&node.data, node)) {
            None => Ok(&[]),
            Some((Data::List(items), _)) => Ok(items),
            Some((_, node)) => Err(self.source.error(node, format!("{name} must be a list"))),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>> {
        let text = |node: &Node| match &node.data {
            Data::Scalar(Value::String(text)) => Ok(text.clone()),
            _ => Err(self.source.error(node, format!("an item of {name} must be a text"))),
        };
        self.list(name)?.iter().map(text).collect()
    }

    /// A map of texts, in the order of the file.
    pub(super) fn text_map(&self, name: &str) -> Result<Vec<(String, String)>> {
        let Some(node) = self.get(name) else { return Ok(Vec::new()) };
        let map = Fields::of(self.source, node, name)?;
        let text = |(key, node): &(Key, Node)| match &node.data {
            Data::Scalar(Value::String(text)) => Ok((key.text.clone(), text.clone())),
            Data::Scalar(Value::Null) => Ok((key.text.clone(), String::new())),
            _ => Err(self
                .source
                .error(node, format!("{} in {name} must be a text", key.text))
                .hint("Put the value in quotes")),
        };
        map.entries.iter().map(text).collect()
    }
}
