//! What a record says: a key, a version, and the value that the key has from now on.

use serde_json::Value;

use super::super::api::Gvr;

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// An object of the cluster. Two versions of a resource are one.
    Object {
        /// Its resource.
        gvr: Gvr,
        /// Empty for an object of the cluster.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A part of somebody else's, by name.
    Part(String),
}

/// A record as it lies in the file; the value is read later, since most are overwritten by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// The text of the key.
    pub(super) key: &'a str,
    /// The version of the change that it came with; 0 for a part.
    pub(super) version: u64,
    /// JSON, or nothing if the key is gone.
    pub(super) value: &'a [u8],
}

/// No name in Kubernetes has it.
const SEPARATOR: char = '\u{1f}';

impl Key {
    /// Writes it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Object { gvr, namespace, name } => {
                let parts = ["o", &gvr.group, &gvr.plural, namespace, name, &gvr.version];
                parts.join(&SEPARATOR.to_string())
            }
            Self::Part(name) => format!("p{SEPARATOR}{name}"),
        }
    }

    /// Reads it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(SEPARATOR)?;
        if kind == "p" {
            return Some(Self::Part(rest.to_owned()));
        }
        let parts: Vec<&str> = rest.split(SEPARATOR).collect();
        let [group, plural, namespace, name, version] = parts.as_slice() else { return None };
        let gvr = Gvr::new(group, version, plural);
        (kind == "o").then(|| Self::Object { gvr, namespace: (*namespace).to_owned(), name: (*name).to_owned() })
    }
}

/// The part of a key's text that tells it from others: the version of the resource does not.
pub(super) fn identity(key: &str) -> &str {
    if key.starts_with('o') { key.rsplit_once(SEPARATOR).map_or(key, |(identity, _)| identity) } else { key }
}

impl<'a> Entry<'a> {
    /// Reads the content of a record; `None` if it is of no form that is known.
    pub(super) fn parse(content: &'a [u8]) -> Option<Self> {
        let (version, rest) = content.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (key, value) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        Some(Self { key: std::str::from_utf8(key).ok()?, version: u64::from_le_bytes(*version), value })
    }
}

/// The content of a record.
pub(super) fn write(key: &str, version: u64, value: Option<&Value>) -> serde_json::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(1024);
    content.extend_from_slice(&version.to_le_bytes());
    content.extend_from_slice(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_le_bytes());
    content.extend_from_slice(key.as_bytes());
    if let Some(value) = value {
        serde_json::to_writer(&mut content, value)?;
    }
    Ok(content)
}
