//! Changes names, tags and digests of container images.

use regex_lite::Regex;
use serde_json::Value;

use super::collection::Collection;
use super::config::Config;
use super::fields::Fields;
use super::fieldspec::{Leaf, visit};
use super::yaml::{Node, Source};
use crate::error::{Code, Error, Result};

/// An entry of `images`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Image {
    /// Which image.
    pub(super) name: String,
    /// Its new name; empty to keep it.
    pub(super) new_name: String,
    /// Its new tag; empty to keep it.
    pub(super) new_tag: String,
    /// What is put after its tag.
    pub(super) tag_suffix: String,
    /// Its digest; empty for none.
    pub(super) digest: String,
}

impl Image {
    /// Reads an entry of `images`.
    pub(super) fn parse(source: Source<'_>, node: &Node) -> Result<Self> {
        let fields = Fields::of(source, node, "an image")?;
        fields.only(&["name", "newName", "newTag", "tagSuffix", "digest"])?;
        Ok(Self {
            name: fields.text("name")?,
            new_name: fields.text("newName")?,
            new_tag: fields.text("newTag")?,
            tag_suffix: fields.text("tagSuffix")?,
            digest: fields.text("digest")?,
        })
    }

    /// Changes every image that it is about.
    pub(super) fn apply(&self, objects: &mut Collection, config: &Config) -> Result<()> {
        let pattern = format!("^{}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$", self.name);
        let pattern = Regex::new(&pattern)
            .map_err(|_| Error::new(Code::Kustomize, format!("the image name {} cannot be matched", self.name)))?;
        for resource in objects.0.iter_mut().filter(|r| r.kind() != "CustomResourceDefinition") {
            self.containers(&mut resource.value, &pattern);
            for spec in &config.images {
                visit(resource, spec, Leaf::Never, &mut |node| {
                    if node.is_object() || node.is_array() {
                        return Err(Error::new(Code::Kustomize, "an image must be a text"));
                    }
                    self.set(node, &pattern);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// Every `containers` and `initContainers` list, wherever it stands.
    fn containers(&self, node: &mut Value, pattern: &Regex) {
        match node {
            Value::Array(items) => items.iter_mut().for_each(|item| self.containers(item, pattern)),
            Value::Object(map) => {
                for (key, value) in map {
                    self.containers(value, pattern);
                    if matches!(key.as_str(), "containers" | "initContainers")
                        && let Value::Array(items) = value
                    {
                        items.iter_mut().filter_map(|item| item.get_mut("image")).for_each(|i| self.set(i, pattern));
                    }
                }
            }
            _ => {}
        }
    }

    fn set(&self, node: &mut Value, pattern: &Regex) {
        let Some(old) = node.as_str().filter(|old| pattern.is_match(old)) else { return };
        let (name, old_tag, old_digest) = split(old);
        let name = if self.new_name.is_empty() { name } else { &self.new_name };
        let (tag, digest) = match (self.new_tag.as_str(), self.digest.as_str()) {
            ("", "") if self.tag_suffix.is_empty() => (old_tag.to_owned(), old_digest),
            ("", "") => (format!("{old_tag}{}", self.tag_suffix), ""),
            (tag, digest) => (tag.to_owned(), digest),
        };
        let mut image = name.to_owned();
        if !tag.is_empty() {
            image.push(':');
            image.push_str(&tag);
        }
        if !digest.is_empty() {
            image.push('@');
            image.push_str(digest);
        }
        *node = Value::String(image);
    }
}

/// Name, tag and digest of an image; a colon before the first slash belongs to the registry's port.
fn split(image: &str) -> (&str, &str, &str) {
    let (rest, digest) = image.split_once('@').unwrap_or((image, ""));
    let after = rest.find('/').filter(|at| *at > 0).unwrap_or(0);
    match rest[after..].find(':') {
        Some(at) => (&rest[..after + at], &rest[after + at + 1..], digest),
        None => (rest, "", digest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_taken_apart() {
        assert_eq!(split("a:5000/b/c:1@sha256:d"), ("a:5000/b/c", "1", "sha256:d"));
        assert_eq!(split("nginx"), ("nginx", "", ""));
        assert_eq!(split("nginx@sha256:d"), ("nginx", "", "sha256:d"));
    }
}
