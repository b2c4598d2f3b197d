//! The order of the result: as the objects came, or the legacy order by kind.

use std::cmp::Ordering;

use super::collection::Collection;
use super::fields::Fields;
use super::resource::{Gvk, Resource};
use super::yaml::{Node, Source};
use crate::error::Result;

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// `sortOptions`: nothing to do for `fifo`, else the kinds that come first and last.
#[derive(Clone, Debug, Default)]
pub(super) struct SortOptions {
    legacy: Option<(Vec<String>, Vec<String>)>,
}

impl SortOptions {
    /// Reads `sortOptions`.
    pub(super) fn parse(source: Source<'_>, node: &Node) -> Result<Self> {
        let fields = Fields::of(source, node, "sortOptions")?;
        fields.only(&["order", "legacySortOptions"])?;
        let options = fields.get("legacySortOptions");
        match (fields.text("order")?.as_str(), options) {
            ("fifo", None) => Ok(Self::default()),
            ("fifo", Some(node)) => Err(source.error(node, "legacySortOptions go with order: legacy")),
            ("legacy", None) => Ok(Self::legacy()),
            ("legacy", Some(node)) => {
                let options = Fields::of(source, node, "legacySortOptions")?;
                options.only(&["orderFirst", "orderLast"])?;
                Ok(Self { legacy: Some((options.texts("orderFirst")?, options.texts("orderLast")?)) })
            }
            _ => Err(fields.error("order", "sortOptions.order must be fifo or legacy")),
        }
    }

    /// The order that `kubectl kustomize` gives its output unless the kustomization says otherwise.
    pub(super) fn legacy() -> Self {
        let all = |kinds: &[&str]| kinds.iter().map(ToString::to_string).collect();
        Self { legacy: Some((all(&FIRST), all(&LAST))) }
    }

    /// Puts the objects in order.
    pub(super) fn apply(&self, objects: &mut Collection) {
        if let Some((first, last)) = &self.legacy {
            objects.0.sort_by(|a, b| compare(a, b, first, last));
        }
    }
}

fn compare(a: &Resource, b: &Resource, first: &[String], last: &[String]) -> Ordering {
    let (x, y) = (a.id(), b.id());
    if x.gvk == y.gvk {
        let key = |ns: &str, name: &str| format!("{}|{}", or(ns, "~X"), or(name, "~N"));
        return key(&x.namespace, &x.name).cmp(&key(&y.namespace, &y.name));
    }
    let rank = |kind: &str| {
        let at = |list: &[String]| list.iter().rposition(|k| k == kind).and_then(|i| i64::try_from(i).ok());
        let len = i64::try_from(first.len()).unwrap_or(i64::MAX);
        at(last).map(|i| i + 1).or_else(|| at(first).map(|i| i - len)).unwrap_or(0)
    };
    rank(&x.gvk.kind).cmp(&rank(&y.gvk.kind)).then_with(|| {
        let order = sort_text(&x.gvk).cmp(&sort_text(&y.gvk));
        let namespaces = x.gvk.kind == "Namespace" && y.gvk.kind == "Namespace";
        if namespaces && (x.gvk.group.is_empty() || y.gvk.group.is_empty()) { order.reverse() } else { order }
    })
}

fn sort_text(gvk: &Gvk) -> String {
    format!("{}_{}_{}", or(&gvk.group, "~G"), or(&gvk.version, "~V"), or(&gvk.kind, "~K"))
}

fn or<'a>(text: &'a str, fallback: &'a str) -> &'a str {
    if text.is_empty() { fallback } else { text }
}
