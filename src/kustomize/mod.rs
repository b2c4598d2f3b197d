//! Builds what Flux would build from a path; what it does not know is an error, never a silent pass.
//!
//! The rules are those of kustomize 5.8 (what `kubectl kustomize` runs) and, in [`flux`], of Flux's
//! kustomize-controller 1.9. As with Flux, files may be taken from anywhere within the root, and from nowhere else.

mod build;
mod collection;
mod config;
mod fields;
mod fieldspec;
mod file;
pub mod flux;
mod generator;
mod hash;
mod image;
mod item;
mod keyed;
mod label;
mod merge;
mod names;
mod namespace;
mod patch;
mod reference;
mod replacement;
mod replicas;
mod resource;
mod scalar;
mod schema;
mod selector;
mod sort;
pub mod target;
mod tree;
mod yaml;

use serde_json::Value;

use crate::error::Result;
pub use tree::{Disk, Entry, Overlay, Tree};

/// Builds the folder `path` of a tree as `kubectl kustomize` does: the objects, in its order.
pub fn build(tree: &dyn Tree, path: &str) -> Result<Vec<Value>> {
    let dir = tree::clean(path)?;
    Ok(build::build_dir(tree, &dir)?.0.into_iter().map(|resource| resource.value).collect())
}

/// Every document of a YAML text, read as kustomize reads it; empty ones are left out.
pub fn read(text: &str, display: &str) -> Result<Vec<Value>> {
    Ok(yaml::documents(yaml::Source { text, display })?.iter().map(yaml::Node::value).collect())
}
