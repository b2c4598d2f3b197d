//! A `kustomization.yaml`, read strictly: every field is known and understood, or an error with its place.

use super::config::field_spec;
use super::fields::Fields;
use super::fieldspec::FieldSpec;
use super::generator::{Generator, Options};
use super::image::Image;
use super::item::{Item, item};
use super::replacement::Replacement;
use super::selector::Selector;
use super::sort::SortOptions;
use super::target::selector;
use super::yaml::{Data, Node, Source, documents_old};
use crate::error::{Code, Error, Place, Result};

/// The names that a kustomization file may have, in the order in which they are looked for.
pub(super) const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// An entry of `patches` or `patchesJson6902`.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    /// The file that holds it.
    pub(super) path: Option<Item>,
    /// Its text, when it stands in the kustomization itself.
    pub(super) text: Option<Item>,
    /// Which objects it is for; nothing when the patch names its object.
    pub(super) target: Option<Selector>,
    /// Whether it may change the name.
    pub(super) renames: bool,
    /// Whether it may change the kind.
    pub(super) rekinds: bool,
}

/// An entry of `labels`.
#[derive(Clone, Debug)]
pub(super) struct Labels {
    /// The labels.
    pub(super) pairs: Vec<(String, String)>,
    /// Whether selectors get them too.
    pub(super) selectors: bool,
    /// Whether templates get them too.
    pub(super) templates: bool,
    /// Further places.
    pub(super) fields: Vec<FieldSpec>,
}

/// An entry of `replicas`.
#[derive(Clone, Debug)]
pub(super) struct Replicas {
    /// Name of the workload.
    pub(super) name: Item,
    /// How many.
    pub(super) count: i64,
}

/// What a kustomization asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Kustomization {
    /// Whether it is a Component.
    pub(super) is_component: bool,
    /// Whether nothing is set in it.
    pub(super) is_empty: bool,
    /// Where the file starts; nothing for a generated one.
    pub(super) place: Option<Place>,
    /// Files and folders.
    pub(super) resources: Vec<Item>,
    /// Folders of Components.
    pub(super) components: Vec<Item>,
    /// Files of transformer configurations.
    pub(super) configurations: Vec<Item>,
    /// Namespace of all objects; empty for none.
    pub(super) namespace: String,
    /// Prefix of all names.
    pub(super) name_prefix: String,
    /// Suffix of all names.
    pub(super) name_suffix: String,
    /// Labels.
    pub(super) labels: Vec<Labels>,
    /// Labels of all objects and selectors.
    pub(super) common_labels: Vec<(String, String)>,
    /// Annotations of all objects and templates.
    pub(super) common_annotations: Vec<(String, String)>,
    /// Patches.
    pub(super) patches: Vec<Patch>,
    /// Strategic merge patches: texts or files.
    pub(super) merge_patches: Vec<Item>,
    /// JSON patches.
    pub(super) json_patches: Vec<Patch>,
    /// Images.
    pub(super) images: Vec<Image>,
    /// Replicas.
    pub(super) replicas: Vec<Replicas>,
    /// Replacements.
    pub(super) replacements: Vec<Replacement>,
    /// Generators of `ConfigMap` objects, then of Secrets.
    pub(super) generators: Vec<Generator>,
    /// Order of the result.
    pub(super) sort: Option<SortOptions>,
    /// Which metadata of the build are written into objects.
    pub(super) build_metadata: Vec<String>,
}

const FIELDS: [&str; 34] = [
    "apiVersion",
    "kind",
    "metadata",
    "openapi",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "vars",
    "sortOptions",
    "resources",
    "components",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "helmGlobals",
    "helmCharts",
    "helmChartInflationGenerator",
    "generatorOptions",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
];

/// Fields that a faithful build would need, and why they are refused.
const REFUSED: [(&str, &str); 9] = [
    ("vars", "vars are not supported (kustomize gives them up too): use replacements"),
    ("helmCharts", "helmCharts are not supported: use a HelmRelease"),
    ("helmGlobals", "helmCharts are not supported: use a HelmRelease"),
    ("helmChartInflationGenerator", "helmCharts are not supported: use a HelmRelease"),
    ("generators", "generator plugins are not supported"),
    ("transformers", "transformer plugins are not supported"),
    ("validators", "validator plugins are not supported"),
    ("crds", "crds is not supported: list the CRD under resources"),
    ("openapi", "a schema of one's own is not supported"),
];

impl Kustomization {
    /// Reads a kustomization file.
    pub(super) fn parse(source: Source<'_>) -> Result<Self> {
        let nodes = documents_old(source)?;
        let Some(node) = nodes.first() else {
            return Err(empty(source));
        };
        if let Some(second) = nodes.get(1) {
            return Err(source.error(second, "a kustomization file holds one document"));
        }
        let fields = Fields::of(source, node, "a kustomization")?;
        fields.only(&FIELDS)?;
        for (name, reason) in REFUSED {
            if let Some(node) = fields.get(name)
                && !matches!(&node.data, Data::List(items) if items.is_empty())
                && !matches!(&node.data, Data::Map(entries) if entries.is_empty())
            {
                return Err(source.error(node, reason));
            }
        }
        let is_component = check_type(&fields)?;
        let mut images = images(source, &fields, "images")?;
        images.extend(self::images(source, &fields, "imageTags")?);
        let mut resources = items(source, &fields, "resources")?;
        resources.extend(items(source, &fields, "bases")?);
        let options = Options::parse(source, fields.get("generatorOptions"))?;
        let mut generators = Vec::new();
        for (name, secret) in [("configMapGenerator", false), ("secretGenerator", true)] {
            for node in fields.list(name)? {
                generators.push(Generator::parse(source, node, secret, &options)?);
            }
        }
        Ok(Self {
            is_component,
            place: Some(source.place(node.line, node.column)),
            is_empty: !fields.entries().any(|(name, node)| {
                !matches!(name, "apiVersion" | "kind")
                    && !matches!(&node.data, Data::Scalar(v) if v.as_str() == Some(""))
            }),
            resources,
            components: items(source, &fields, "components")?,
            configurations: items(source, &fields, "configurations")?,
            namespace: fields.text("namespace")?,
            name_prefix: fields.text("namePrefix")?,
            name_suffix: fields.text("nameSuffix")?,
            labels: fields.list("labels")?.iter().map(|n| labels(source, n)).collect::<Result<_>>()?,
            common_labels: fields.text_map("commonLabels")?,
            common_annotations: fields.text_map("commonAnnotations")?,
            patches: fields.list("patches")?.iter().map(|n| patch(source, n)).collect::<Result<_>>()?,
            merge_patches: items(source, &fields, "patchesStrategicMerge")?,
            json_patches: fields.list("patchesJson6902")?.iter().map(|n| patch(source, n)).collect::<Result<_>>()?,
            images,
            replicas: fields.list("replicas")?.iter().map(|n| replicas(source, n)).collect::<Result<_>>()?,
            replacements: fields
                .list("replacements")?
                .iter()
                .map(|n| Replacement::parse(source, n))
                .collect::<Result<_>>()?,
            generators,
            sort: fields.get("sortOptions").map(|node| SortOptions::parse(source, node)).transpose()?,
            build_metadata: build_metadata(&fields)?,
        })
    }
}

/// The error for a kustomization in which nothing is set.
pub(super) fn empty(source: Source<'_>) -> Error {
    let error = Error::new(Code::Kustomize, format!("{} is empty", source.display));
    error.at(source.place(1, 1)).hint("List something under resources")
}

fn check_type(fields: &Fields<'_>) -> Result<bool> {
    let (kind, api_version) = (fields.text("kind")?, fields.text("apiVersion")?);
    let (is_component, wanted) = match kind.as_str() {
        "" | "Kustomization" => (false, "kustomize.config.k8s.io/v1beta1"),
        "Component" => (true, "kustomize.config.k8s.io/v1alpha1"),
        _ => return Err(fields.error("kind", "kind should be Kustomization or Component")),
    };
    if !api_version.is_empty() && api_version != wanted {
        return Err(fields.error("apiVersion", format!("apiVersion should be {wanted}")));
    }
    Ok(is_component)
}

fn build_metadata(fields: &Fields<'_>) -> Result<Vec<String>> {
    let words = fields.texts("buildMetadata")?;
    for word in &words {
        match word.as_str() {
            "originAnnotations" => {}
            "managedByLabel" | "transformerAnnotations" => {
                return Err(fields.error("buildMetadata", format!("buildMetadata {word} is not supported")));
            }
            _ => return Err(fields.error("buildMetadata", format!("unknown buildMetadata {word}"))),
        }
    }
    Ok(words)
}

fn items(source: Source<'_>, fields: &Fields<'_>, name: &str) -> Result<Vec<Item>> {
    fields.list(name)?.iter().map(|node| item(source, node, &format!("an item of {name}"))).collect()
}

fn images(source: Source<'_>, fields: &Fields<'_>, name: &str) -> Result<Vec<Image>> {
    fields.list(name)?.iter().map(|node| Image::parse(source, node)).collect()
}

fn patch(source: Source<'_>, node: &Node) -> Result<Patch> {
    let fields = Fields::of(source, node, "a patch")?;
    fields.only(&["path", "patch", "target", "options"])?;
    let optional = |name| fields.get(name).map(|node| item(source, node, name)).transpose();
    let (path, text) = (optional("path")?, optional("patch")?.filter(|p| !p.text.trim().is_empty()));
    if path.is_some() == text.is_some() {
        return Err(source.error(node, "a patch has either a path or a patch"));
    }
    let (mut renames, mut rekinds) = (false, false);
    if let Some(options) = fields.get("options") {
        let options = Fields::of(source, options, "options of a patch")?;
        options.only(&["allowNameChange", "allowKindChange"])?;
        (renames, rekinds) = (options.flag("allowNameChange")?, options.flag("allowKindChange")?);
    }
    let target = fields.get("target").map(|node| selector(source, node, &[])).transpose()?;
    Ok(Patch { path, text, target, renames, rekinds })
}

fn labels(source: Source<'_>, node: &Node) -> Result<Labels> {
    let fields = Fields::of(source, node, "labels")?;
    fields.only(&["pairs", "includeSelectors", "includeTemplates", "fields"])?;
    let mut specs = Vec::new();
    for node in fields.list("fields")? {
        super::fieldspec::add(&mut specs, &field_spec(source, node)?)?;
    }
    Ok(Labels {
        pairs: fields.text_map("pairs")?,
        selectors: fields.flag("includeSelectors")?,
        templates: fields.flag("includeTemplates")?,
        fields: specs,
    })
}

fn replicas(source: Source<'_>, node: &Node) -> Result<Replicas> {
    let fields = Fields::of(source, node, "replicas")?;
    fields.only(&["name", "count"])?;
    let name = fields.get("name").ok_or_else(|| fields.error("name", "replicas need the name of a workload"))?;
    Ok(Replicas { name: item(source, name, "name")?, count: fields.number("count")?.unwrap_or(0) })
}
