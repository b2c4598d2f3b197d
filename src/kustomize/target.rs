//! Which objects a patch or a replacement is for, as a kustomization writes it.

use super::config::gvk;
use super::fields::Fields;
use super::selector::Selector;
use super::yaml::{Node, Source};
use crate::error::Result;

/// Reads a selector; `more` names fields that it may have here too (kept apart so that `selector` stays free of YAML).
pub(super) fn selector(source: Source<'_>, node: &Node, more: &[&str]) -> Result<Selector> {
    let fields = Fields::of(source, node, "a selector")?;
    let mut known = vec!["group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector"];
    known.extend(more);
    fields.only(&known)?;
    Selector::new(
        &gvk(&fields)?,
        &fields.text("name")?,
        &fields.text("namespace")?,
        &fields.text("labelSelector")?,
        &fields.text("annotationSelector")?,
    )
    .map_err(|e| e.at(fields.place()))
}
