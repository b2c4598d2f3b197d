//! The three older kinds of patches: JSON patch, merge patch, strategic merge patch. Apply is in [`super::managed`].

mod json_patch;
mod merge_patch;
mod options;
mod order;
mod shape;
mod strategic;
#[cfg(test)]
mod tests;

pub use json_patch::{json_patch, unknown_members};
pub use merge_patch::merge_patch;
pub use options::{check_name, check_options, invalid_patch};
pub use strategic::strategic_merge;
