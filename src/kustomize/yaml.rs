//! Reads YAML as kustomize does (YAML 1.2 words, old octals, anchors, several documents) and remembers where each
//! node stands, so that an error can point at it.

use std::collections::HashMap;

use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput, StructureStyle, Tag};

use super::scalar;
use crate::error::{Code, Error, Place, Result};

/// More nodes than this, aliases expanded, are refused: a file of that size is an attack or an accident.
const NODES: usize = 4_000_000;
/// Deeper nesting than this is refused.
const DEPTH: usize = 200;

/// A YAML node and where it starts.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in characters, from 1.
    pub(super) column: usize,
    /// Whether it is a null for want of any text.
    pub(super) blank: bool,
    /// What it holds.
    pub(super) data: Data,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Data {
    /// Null, a boolean, a number or a text.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// The key of a map's entry.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Its text.
    pub(super) text: String,
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in characters, from 1.
    pub(super) column: usize,
}

/// A YAML text and the name it is shown under.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// The text.
    pub(super) text: &'a str,
    /// The path shown in errors.
    pub(super) display: &'a str,
}

impl Source<'_> {
    /// A place in this text, with the text for showing the line.
    pub(super) fn place(&self, line: usize, column: usize) -> Place {
        Place::new(self.display, line, column).with_source(self.text)
    }

    /// An error at a node.
    pub(super) fn error(&self, node: &Node, message: impl Into<String>) -> Error {
        Error::new(Code::Kustomize, message).at(self.place(node.line, node.column))
    }
}

impl Node {
    /// The plain value.
    pub(super) fn value(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::List(items) => Value::Array(items.iter().map(Node::value).collect()),
            Data::Map(entries) => {
                Value::Object(entries.iter().map(|(k, v)| (k.text.clone(), v.value())).collect::<Map<_, _>>())
            }
        }
    }

    /// Whether it is null.
    pub(super) fn is_null(&self) -> bool {
        matches!(self.data, Data::Scalar(Value::Null))
    }
}

/// How scalars are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// As `yaml.v3` does.
    New,
    /// As `yaml.v3` does, written out and read again, which changes some folded texts.
    Manifest,
    /// As `yaml.v2` does.
    Old,
}

/// Every document of a text; empty ones are left out.
pub(super) fn documents(source: Source<'_>) -> Result<Vec<Node>> {
    read(source, Mode::New)
}

/// Every document of a file of objects, as kustomize has it at the end of a build.
pub(super) fn manifests(source: Source<'_>) -> Result<Vec<Node>> {
    read(source, Mode::Manifest)
}

/// Every document of a text, with the words of YAML 1.1 (`yes`, `on`), and any scalar as a key.
pub(super) fn documents_old(source: Source<'_>) -> Result<Vec<Node>> {
    read(source, Mode::Old)
}

fn read(source: Source<'_>, mode: Mode) -> Result<Vec<Node>> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(source.text);
    let mut options = Options::default();
    options.block_scalar_eof_without_line_feed = true;
    let mut reader = Reader {
        source,
        mode,
        parser: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        nodes: 0,
        flow: 0,
    };
    let mut documents = Vec::new();
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::DocumentStart(..) => reader.anchors.clear(),
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            event => {
                let node = reader.node(event, span, 0)?;
                if !node.is_null() {
                    documents.push(node);
                }
            }
        }
    }
    Ok(documents)
}

struct Reader<'a> {
    source: Source<'a>,
    mode: Mode,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    /// How many collections in flow style (`{}`, `[]`) are open.
    flow: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>> {
        loop {
            return match self.parser.next_event() {
                None => Ok(None),
                Some(Ok((Event::Comment(..), _))) => continue,
                Some(Ok(next)) => Ok(Some(next)),
                Some(Err(error)) => {
                    let mark = error.marker();
                    let place = self.source.place(mark.line().max(1), mark.col() + 1);
                    Err(Error::new(Code::Kustomize, format!("broken YAML: {}", error.info())).at(place))
                }
            };
        }
    }

    fn expect(&mut self) -> Result<(Event<'a>, Span)> {
        self.next()?.ok_or_else(|| {
            Error::new(Code::Kustomize, "broken YAML: the text ends too early").at(self.source.place(1, 1))
        })
    }

    fn fail(&self, span: Span, message: impl Into<String>) -> Error {
        let place = self.source.place(span.start.line().max(1), span.start.col() + 1);
        Error::new(Code::Kustomize, message).at(place)
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node> {
        self.nodes += 1;
        if self.nodes > NODES || depth > DEPTH {
            return Err(self.fail(span, "this YAML is too large or too deep"));
        }
        let (line, column) = (span.start.line().max(1), span.start.col() + 1);
        let blank =
            matches!(&event, Event::Scalar(_, ScalarStyle::Plain, _, None)) && span.start.index() == span.end.index();
        let (data, anchor) = match event {
            // Written out again, nothing between commas becomes an empty text.
            Event::Scalar(_, _, anchor, _) if blank && self.flow > 0 && self.mode == Mode::Manifest => {
                (Data::Scalar(Value::String(String::new())), anchor)
            }
            Event::Scalar(text, style, anchor, tag) => {
                (Data::Scalar(self.scalar(&text, style, tag.as_deref(), span)?), anchor)
            }
            Event::SequenceStart(style, anchor, _) => {
                self.flow += usize::from(style == StructureStyle::Flow);
                let mut items = Vec::new();
                loop {
                    match self.expect()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                self.flow -= usize::from(style == StructureStyle::Flow);
                (Data::List(items), anchor)
            }
            Event::MappingStart(style, anchor, _) => {
                self.flow += usize::from(style == StructureStyle::Flow);
                let entries = self.map(depth)?;
                self.flow -= usize::from(style == StructureStyle::Flow);
                (Data::Map(entries), anchor)
            }
            Event::Alias(id) => {
                let target = self.anchors.get(&id).cloned();
                let node = target.ok_or_else(|| self.fail(span, "this alias has no anchor before it"))?;
                self.nodes += count(&node);
                return Ok(node);
            }
            _ => return Err(self.fail(span, "broken YAML")),
        };
        let node = Node { line, column, blank, data };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Key, Node)>> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut merged: Vec<(Key, Node)> = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        loop {
            let (event, span) = self.expect()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let plain = matches!(event, Event::Scalar(_, ScalarStyle::Plain, _, None));
            let node = self.node(event, span, depth + 1)?;
            let text = match node.data {
                Data::Scalar(Value::String(text)) => text,
                Data::Scalar(other) if self.mode == Mode::Old => other.to_string(),
                _ => return Err(self.fail(span, "a key must be a text: put it in quotes")),
            };
            let (event, value_span) = self.expect()?;
            let value = self.node(event, value_span, depth + 1)?;
            if plain && text == "<<" {
                self.merge(value, value_span, &mut merged)?;
                continue;
            }
            let key = Key { text, line: node.line, column: node.column };
            if let Some(first) = seen.insert(key.text.clone(), key.line) {
                return Err(self.fail(span, format!("the key {} is already given in line {first}", key.text)));
            }
            entries.push((key, value));
        }
        for (key, value) in merged {
            if !seen.contains_key(&key.text) {
                seen.insert(key.text.clone(), key.line);
                entries.push((key, value));
            }
        }
        Ok(entries)
    }

    /// A merge key: earlier sources win.
    fn merge(&self, value: Node, span: Span, merged: &mut Vec<(Key, Node)>) -> Result<()> {
        let sources = match value.data {
            Data::Map(entries) => vec![entries],
            Data::List(items) => {
                let maps = items.into_iter().map(|item| match item.data {
                    Data::Map(entries) => Ok(entries),
                    _ => Err(self.fail(span, "only maps can be merged with <<")),
                });
                maps.collect::<Result<_>>()?
            }
            Data::Scalar(_) => return Err(self.fail(span, "only maps can be merged with <<")),
        };
        merged.extend(sources.into_iter().flatten());
        Ok(())
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Value> {
        let core = tag.and_then(|tag| tag.suffix_in_namespace("tag:yaml.org,2002:"));
        let core = core.as_deref();
        match (core, style) {
            (Some("str"), _) => Ok(Value::String(text.to_owned())),
            (Some("binary"), _) => scalar::binary(text).map_err(|reason| self.fail(span, reason)),
            (Some(name), _) => {
                scalar::tagged(name, text).ok_or_else(|| self.fail(span, format!("{text} cannot be read as !!{name}")))
            }
            (None, ScalarStyle::Plain) if tag.is_none() => {
                let value = if self.mode == Mode::Old { scalar::plain_old(text) } else { scalar::plain(text) };
                value.ok_or_else(|| self.fail(span, format!("{text} has no form in JSON")))
            }
            (None, ScalarStyle::Folded) if self.mode == Mode::Manifest => Ok(Value::String(scalar::refolded(text))),
            _ => Ok(Value::String(text.to_owned())),
        }
    }
}

fn count(node: &Node) -> usize {
    match &node.data {
        Data::Scalar(_) => 1,
        Data::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Data::Map(entries) => 1 + entries.iter().map(|(_, v)| count(v)).sum::<usize>(),
    }
}
