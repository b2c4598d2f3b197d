//! Manifests as text and as values: templates, YAML, quantities, and edits of people's `kustomization.yaml`.

pub mod emit;
pub mod kustomization;
pub mod locate;
pub mod object;
pub mod template;
pub mod yaml;

pub use crate::quantity::{self, Quantity};
pub use emit::emit;
pub use object::{Id, object_ref};
pub use template::Renderer;
pub use yaml::{Document, documents};
