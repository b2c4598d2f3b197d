//! Where the parts of a YAML text lie: lines, columns and bytes, for edits in place and for pointing at a fault.

use std::ops::Range;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use crate::error::{Code, Error, Place, Result};

/// A part of a YAML text.
#[derive(Clone, Debug)]
pub struct Node {
    /// Line where it begins, from 1.
    pub line: usize,
    /// Column where it begins in characters, from 1.
    pub column: usize,
    /// Its bytes. A block collection ends where the next token begins; a scalar ends with its text.
    pub bytes: Range<usize>,
    /// What it is.
    pub shape: Shape,
}

/// What a part of a YAML text is.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A scalar: its text after unescaping, and whether it is written without quotes.
    Scalar {
        /// The text after unescaping.
        text: String,
        /// Without quotes and not a block.
        plain: bool,
    },
    /// A list.
    Sequence {
        /// Written as `[a, b]`.
        flow: bool,
        /// Its items.
        items: Vec<Node>,
    },
    /// A mapping.
    Mapping {
        /// Written as `{a: b}`.
        flow: bool,
        /// Keys with their values.
        entries: Vec<(Node, Node)>,
    },
    /// `*name`.
    Alias,
}

impl Node {
    /// Whether it is an empty or null scalar.
    pub fn is_null(&self) -> bool {
        matches!(&self.shape, Shape::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The key and value of an entry of a mapping.
    pub fn entry(&self, key: &str) -> Option<(&Node, &Node)> {
        let Shape::Mapping { entries, .. } = &self.shape else { return None };
        entries.iter().find(|(k, _)| matches!(&k.shape, Shape::Scalar { text, .. } if text == key)).map(|(k, v)| (k, v))
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Follows `path` (keys, or indices in decimal) as far as it goes, and says where that is.
    pub fn place_of(&self, path: &[&str], text: &str, display: &str) -> Place {
        let (mut node, mut mark) = (self, self);
        for step in path {
            let next = match &node.shape {
                Shape::Mapping { .. } => node.entry(step),
                Shape::Sequence { items, .. } => {
                    step.parse::<usize>().ok().and_then(|i| items.get(i)).map(|item| (item, item))
                }
                _ => None,
            };
            let Some((key, value)) = next else { break };
            (mark, node) = (key, value);
        }
        let length = mark.text().map_or(1, |t| t.chars().count());
        Place::new(display, mark.line, mark.column).with_length(length).with_source(text)
    }
}

/// The root of every document of `text`.
pub fn outline(text: &str, display: &str) -> Result<Vec<Node>> {
    measured(text, display).map(|(roots, _)| roots)
}

/// The root of every document of `text`, and how deep its collections nest.
pub(super) fn measured(text: &str, display: &str) -> Result<(Vec<Node>, usize)> {
    let mut options = Options::default();
    options.emit_comments = false;
    options.block_nesting_limit = 500;
    options.flow_nesting_limit = 500;
    options.simple_key_max_lookahead = 1 << 20;
    let mut roots = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut depth = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|e| broken(&e, text, display))?;
        let done = match event {
            Event::Scalar(value, style, ..) => {
                Some(leaf(span, Shape::Scalar { text: value.into_owned(), plain: matches!(style, ScalarStyle::Plain) }))
            }
            Event::Alias(_) => Some(leaf(span, Shape::Alias)),
            Event::SequenceStart(style, ..) | Event::MappingStart(style, ..) => {
                let mapping = matches!(event, Event::MappingStart(..));
                open.push(Open { span, flow: style == StructureStyle::Flow, mapping, nodes: Vec::new() });
                depth = depth.max(open.len());
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(|o| o.close(span)),
            _ => None,
        };
        if let Some(node) = done {
            match open.last_mut() {
                Some(parent) => parent.nodes.push(node),
                None => roots.push(node),
            }
        }
    }
    Ok((roots, depth))
}

/// A collection whose end has not come yet.
struct Open {
    span: Span,
    flow: bool,
    mapping: bool,
    nodes: Vec<Node>,
}

impl Open {
    fn close(self, end: Span) -> Node {
        let mut node = leaf(self.span, Shape::Alias);
        node.bytes.end = end.end.byte_offset().unwrap_or(node.bytes.start);
        if let (false, Some(first)) = (self.flow, self.nodes.first()) {
            node.line = first.line;
            node.column = first.column;
            node.bytes.start = first.bytes.start;
        }
        node.shape = if self.mapping {
            let mut entries = Vec::with_capacity(self.nodes.len() / 2);
            let mut nodes = self.nodes.into_iter();
            while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
                entries.push((key, value));
            }
            Shape::Mapping { flow: self.flow, entries }
        } else {
            Shape::Sequence { flow: self.flow, items: self.nodes }
        };
        node
    }
}

fn leaf(span: Span, shape: Shape) -> Node {
    let start = span.start.byte_offset().unwrap_or(0);
    let end = span.end.byte_offset().unwrap_or(start);
    Node { line: span.start.line().max(1), column: span.start.col() + 1, bytes: start..end, shape }
}

fn broken(error: &ScanError, text: &str, display: &str) -> Error {
    let mark = error.marker();
    Error::new(Code::Invalid, format!("{display} is not valid YAML: {}", error.info())).at(Place::new(
        display,
        mark.line().max(1),
        mark.col() + 1,
    )
    .with_source(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_items_are_their_text() {
        let text = "# é\nresources: # here\n  - ./a/ks.yaml\n  - \"./b\" # x\nc: [p, q]\n";
        let root = &outline(text, "k.yaml").unwrap()[0];
        let (key, list) = root.entry("resources").unwrap();
        assert_eq!((key.line, key.column), (2, 1));
        let Shape::Sequence { flow: false, items } = &list.shape else { panic!("not a list") };
        assert_eq!(items.iter().map(|i| &text[i.bytes.clone()]).collect::<Vec<_>>(), ["./a/ks.yaml", "\"./b\""]);
        let (_, flow) = root.entry("c").unwrap();
        assert_eq!(&text[flow.bytes.clone()], "[p, q]");
    }

    #[test]
    fn null_documents_and_aliases() {
        let roots = outline("---\n---\na: &x 1\nb: *x\n", "k.yaml").unwrap();
        assert!(roots[0].is_null());
        assert!(matches!(roots[1].entry("b").unwrap().1.shape, Shape::Alias));
    }

    #[test]
    fn a_broken_text_is_an_error_with_its_place() {
        assert_eq!(outline("a: 'x\n", "k.yaml").unwrap_err().places()[0].file, "k.yaml");
    }
}
