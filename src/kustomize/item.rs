//! A text of a kustomization that knows where it stands.

use super::tree::{is_remote, resolve};
use super::yaml::{Data, Node, Source};
use crate::error::{Code, Error, Place, Result};

/// A text of the file and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// The text.
    pub(super) text: String,
    /// Where it stands; nothing for what Flux adds.
    pub(super) place: Option<Place>,
}

impl Item {
    /// An item without a place.
    pub(super) fn bare(text: impl Into<String>) -> Self {
        Self { text: text.into(), place: None }
    }

    /// The path `text` (all of it, or a part) seen from the folder `dir`, which must lie in the repository.
    pub(super) fn path(&self, dir: &str, text: &str) -> Result<String> {
        if is_remote(text) {
            return Err(self
                .error(format!("{text} lies elsewhere: remote files are not supported"))
                .hint("Keep a copy in the repository, or let a Flux source fetch it"));
        }
        resolve(dir, text).map_err(|e| self.error(e.message()))
    }

    /// An error about it.
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        let error = Error::new(Code::Kustomize, message);
        match &self.place {
            Some(place) => {
                error.at(place.clone().with_length(self.text.lines().next().map_or(1, |l| l.chars().count())))
            }
            None => error,
        }
    }
}

/// A text of the file, which must be one.
pub(super) fn item(source: Source<'_>, node: &Node, what: &str) -> Result<Item> {
    match &node.data {
        Data::Scalar(serde_json::Value::String(text)) => {
            Ok(Item { text: text.clone(), place: Some(source.place(node.line, node.column)) })
        }
        _ => Err(source.error(node, format!("{what} must be a text"))),
    }
}
