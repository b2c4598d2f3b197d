//! S3's small XML answers as a tree; namespaces are ignored, since servers differ in them.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::error::{Code, Error, Result};

/// Depth at which an answer is no S3 answer any more.
const DEEPEST: usize = 32;

/// An element: its name without prefix, its text, its children in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// Reads a document.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &dyn std::fmt::Display| Error::new(Code::Invalid, format!("an answer that is no XML: {why}"));
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Element> = Vec::new();
        loop {
            match reader.read_event().map_err(|e| wrong(&e))? {
                Event::Start(tag) => {
                    if open.len() == DEEPEST {
                        return Err(wrong(&"nested too deeply"));
                    }
                    open.push(Self::named(tag.local_name().as_ref()));
                }
                Event::Empty(tag) => {
                    let element = Self::named(tag.local_name().as_ref());
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return Ok(element),
                    }
                }
                Event::End(_) => {
                    let Some(mut element) = open.pop() else { return Err(wrong(&"an end without a start")) };
                    if !element.children.is_empty() {
                        element.text.clear();
                    }
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return Ok(element),
                    }
                }
                Event::Text(piece) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&piece.xml10_content());
                    }
                }
                Event::CData(piece) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&piece.xml10_content());
                    }
                }
                Event::GeneralRef(reference) => {
                    let name = reference.xml10_content();
                    let character = match reference.resolve_char_ref().map_err(|e| wrong(&e))? {
                        Some(c) => c.to_string(),
                        None => quick_xml::escape::resolve_predefined_entity(&name)
                            .ok_or_else(|| wrong(&format!("unknown entity {name}")))?
                            .to_owned(),
                    };
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&character);
                    }
                }
                Event::Eof => return Err(wrong(&"it ends early")),
                _ => {}
            }
        }
    }

    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// An element with text.
    pub(super) fn of(name: &str, text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::named(name) }
    }

    /// An element with children.
    pub(super) fn with(name: &str, children: Vec<Self>) -> Self {
        Self { children, ..Self::named(name) }
    }

    /// The children of this name.
    pub(super) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The text of the first child of this name.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.children.iter().find(|c| c.name == name).map(|c| c.text.as_str())
    }
}

/// Writes an element, children before text.
pub(super) fn write(out: &mut String, element: &Element) {
    let name = &element.name;
    out.push('<');
    out.push_str(name);
    out.push('>');
    for child in &element.children {
        write(out, child);
    }
    out.push_str(&quick_xml::escape::escape(element.text.as_str()));
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_and_empty_elements_are_read() {
        let e = Element::parse("<?xml version=\"1.0\"?>\n<a xmlns=\"x\"><K>1 &lt;&#43;&amp; 2</K><E/><K>3</K></a>")
            .unwrap();
        assert_eq!(e.text_of("K"), Some("1 <+& 2"));
        assert_eq!(e.text_of("E"), Some(""));
        assert_eq!(e.children("K").count(), 2);
    }

    #[test]
    fn half_an_answer_is_an_error() {
        assert!(Element::parse("<a><b>").is_err());
        assert!(Element::parse("").is_err());
        assert!(Element::parse(&"<a>".repeat(100)).is_err());
    }
}
