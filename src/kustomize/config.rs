//! Which fields the transformers write to: kustomize's defaults, and what `configurations:` add.

use std::sync::LazyLock;

use super::fields::Fields;
use super::fieldspec::{FieldSpec, add};
use super::resource::Gvk;
use super::yaml::{Node, Source, documents_old};
use crate::error::{Code, Error, Result};

/// Objects of a kind, and the fields of others that name them.
#[derive(Clone, Debug, Default)]
pub(super) struct NameReference {
    /// The kind that is named.
    pub(super) target: Gvk,
    /// The fields that name it.
    pub(super) referrers: Vec<FieldSpec>,
}

/// The fields that transformers write to.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    /// Fields that a prefix goes to.
    pub(super) name_prefix: Vec<FieldSpec>,
    /// Fields that a suffix goes to.
    pub(super) name_suffix: Vec<FieldSpec>,
    /// Fields that hold a namespace, beside `metadata.namespace`.
    pub(super) namespace: Vec<FieldSpec>,
    /// Labels and selectors, for `commonLabels` and `includeSelectors`.
    pub(super) common_labels: Vec<FieldSpec>,
    /// Further places of `labels`.
    pub(super) labels: Vec<FieldSpec>,
    /// Labels of templates, for `includeTemplates`.
    pub(super) template_labels: Vec<FieldSpec>,
    /// Annotations.
    pub(super) common_annotations: Vec<FieldSpec>,
    /// Images.
    pub(super) images: Vec<FieldSpec>,
    /// Numbers of replicas.
    pub(super) replicas: Vec<FieldSpec>,
    /// Fields that name other objects.
    pub(super) references: Vec<NameReference>,
}

static DEFAULTS: LazyLock<Config> = LazyLock::new(|| {
    let source = Source { text: include_str!("defaults.yaml"), display: "defaults.yaml" };
    Config::parse(source).unwrap_or_default()
});

impl Config {
    /// What kustomize knows without being told.
    pub(super) fn defaults() -> &'static Self {
        &DEFAULTS
    }

    /// Reads a file of `configurations:`.
    pub(super) fn parse(source: Source<'_>) -> Result<Self> {
        let mut config = Self::default();
        for document in documents_old(source)? {
            let fields = Fields::of(source, &document, "a transformer configuration")?;
            fields.only(&[
                "apiVersion",
                "kind",
                "metadata",
                "namePrefix",
                "nameSuffix",
                "namespace",
                "commonLabels",
                "labels",
                "templateLabels",
                "commonAnnotations",
                "images",
                "replicas",
                "nameReference",
                "varReference",
            ])?;
            if let Some(node) = fields.get("varReference") {
                return Err(
                    source.error(node, "varReference is not supported: it belongs to vars, which are not either")
                );
            }
            for (name, list) in [
                ("namePrefix", &mut config.name_prefix),
                ("nameSuffix", &mut config.name_suffix),
                ("namespace", &mut config.namespace),
                ("commonLabels", &mut config.common_labels),
                ("labels", &mut config.labels),
                ("templateLabels", &mut config.template_labels),
                ("commonAnnotations", &mut config.common_annotations),
                ("images", &mut config.images),
                ("replicas", &mut config.replicas),
            ] {
                for node in fields.list(name)? {
                    add(list, &field_spec(source, node)?)?;
                }
            }
            for node in fields.list("nameReference")? {
                let entry = Fields::of(source, node, "a name reference")?;
                entry.only(&["group", "version", "kind", "fieldSpecs"])?;
                let mut reference = NameReference { target: gvk(&entry)?, referrers: Vec::new() };
                for node in entry.list("fieldSpecs")? {
                    add(&mut reference.referrers, &field_spec(source, node)?)?;
                }
                config.add_reference(reference)?;
            }
        }
        Ok(config)
    }

    /// Adds what another one knows.
    pub(super) fn merge(&mut self, other: &Self) -> Result<()> {
        for (ours, theirs) in [
            (&mut self.name_prefix, &other.name_prefix),
            (&mut self.name_suffix, &other.name_suffix),
            (&mut self.namespace, &other.namespace),
            (&mut self.common_labels, &other.common_labels),
            (&mut self.labels, &other.labels),
            (&mut self.template_labels, &other.template_labels),
            (&mut self.common_annotations, &other.common_annotations),
            (&mut self.images, &other.images),
            (&mut self.replicas, &other.replicas),
        ] {
            theirs.iter().try_for_each(|spec| add(ours, spec))?;
        }
        other.references.iter().try_for_each(|reference| self.add_reference(reference.clone()))
    }

    fn add_reference(&mut self, new: NameReference) -> Result<()> {
        if let Some(old) = self.references.iter_mut().find(|r| r.target == new.target) {
            return new.referrers.iter().try_for_each(|spec| add(&mut old.referrers, spec));
        }
        self.references.push(new);
        Ok(())
    }
}

/// `group`, `version` and `kind` of an entry.
pub(super) fn gvk(fields: &Fields<'_>) -> Result<Gvk> {
    Ok(Gvk { group: fields.text("group")?, version: fields.text("version")?, kind: fields.text("kind")? })
}

/// A field specification: `path`, `kind`, `group`, `version`, `create`.
pub(super) fn field_spec(source: Source<'_>, node: &Node) -> Result<FieldSpec> {
    let fields = Fields::of(source, node, "a field specification")?;
    fields.only(&["group", "version", "kind", "path", "create"])?;
    let path = fields.text("path")?;
    if path.is_empty() {
        return Err(Error::new(Code::Kustomize, "a field specification needs a path").at(fields.place()));
    }
    Ok(FieldSpec { gvk: gvk(&fields)?, path, create: fields.flag("create")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_readable() {
        let defaults = Config::defaults();
        assert_eq!(defaults.references.len(), 16);
        assert_eq!(defaults.namespace.len(), 3);
        assert!(defaults.common_labels.iter().any(|s| s.path == "spec/selector/matchLabels" && s.create));
    }
}
