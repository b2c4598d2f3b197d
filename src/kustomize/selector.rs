//! Which objects a patch or a replacement is for: regular expressions for kind and name, selectors for labels.

use regex_lite::Regex;

use super::resource::{Gvk, Id, Resource};
use crate::error::{Code, Error, Result};

/// A selector; an empty part fits everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Selector {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

impl Selector {
    /// A selector; an error when an expression is broken.
    pub(super) fn new(gvk: &Gvk, name: &str, namespace: &str, labels: &str, annotations: &str) -> Result<Self> {
        Ok(Self {
            group: anchored(&gvk.group)?,
            version: anchored(&gvk.version)?,
            kind: anchored(&gvk.kind)?,
            name: anchored(name)?,
            namespace: anchored(namespace)?,
            labels: requirements(labels)?,
            annotations: requirements(annotations)?,
        })
    }

    /// Whether it sets a name.
    pub(super) fn has_name(&self) -> bool {
        self.name.is_some()
    }

    /// Whether it sets anything besides labels and annotations.
    pub(super) fn has_id(&self) -> bool {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace].iter().any(|p| p.is_some())
    }

    /// Whether it sets labels or annotations.
    pub(super) fn has_labels(&self) -> bool {
        !(self.labels.is_empty() && self.annotations.is_empty())
    }

    /// Whether it fits an object, by what it is or was at first.
    pub(super) fn selects(&self, resource: &Resource) -> bool {
        let (now, first) = (resource.id(), resource.original_id());
        (fits(self.namespace.as_ref(), &first.effective) || fits(self.namespace.as_ref(), &now.effective))
            && (fits(self.name.as_ref(), &first.name) || fits(self.name.as_ref(), &now.name))
            && self.fits_gvk(&now.gvk)
            && self.fits_labels(resource)
    }

    /// Whether kind, name and namespace fit an id.
    pub(super) fn fits_id(&self, id: &Id) -> bool {
        self.fits_gvk(&id.gvk) && fits(self.name.as_ref(), &id.name) && fits(self.namespace.as_ref(), &id.namespace)
    }

    /// Whether labels and annotations fit.
    pub(super) fn fits_labels(&self, resource: &Resource) -> bool {
        let (labels, annotations) = (resource.texts("labels"), resource.texts("annotations"));
        self.labels.iter().all(|r| r.fits(&labels)) && self.annotations.iter().all(|r| r.fits(&annotations))
    }

    fn fits_gvk(&self, gvk: &Gvk) -> bool {
        fits(self.group.as_ref(), &gvk.group)
            && fits(self.version.as_ref(), &gvk.version)
            && fits(self.kind.as_ref(), &gvk.kind)
    }
}

fn fits(pattern: Option<&Regex>, text: &str) -> bool {
    pattern.is_none_or(|p| p.is_match(text))
}

fn anchored(pattern: &str) -> Result<Option<Regex>> {
    if pattern.is_empty() {
        return Ok(None);
    }
    Regex::new(&format!("^(?:{pattern})$"))
        .map(Some)
        .map_err(|e| Error::new(Code::Kustomize, format!("{pattern} is not a regular expression: {e}")))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

impl Requirement {
    fn fits(&self, labels: &[(String, String)]) -> bool {
        let value = labels.iter().find(|(key, _)| *key == self.key).map(|(_, value)| value);
        match (&self.test, value) {
            (Test::Exists, value) => value.is_some(),
            (Test::Absent, value) => value.is_none(),
            (Test::In(values), value) => value.is_some_and(|v| values.contains(v)),
            (Test::NotIn(values), value) => value.is_none_or(|v| !values.contains(v)),
        }
    }
}

/// The requirements of a label selector (`a=b,c!=d,e in (x,y),!f`).
fn requirements(selector: &str) -> Result<Vec<Requirement>> {
    let mut found = Vec::new();
    for part in parts(selector) {
        let part = part.trim();
        if !part.is_empty() {
            found.push(requirement(part).ok_or_else(|| {
                Error::new(Code::Kustomize, format!("{part} is not a requirement of a label selector"))
            })?);
        }
    }
    Ok(found)
}

/// Splits at commas outside parentheses.
fn parts(selector: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for (at, c) in selector.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&selector[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&selector[start..]);
    parts
}

fn requirement(part: &str) -> Option<Requirement> {
    let is_name = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let is_value = |s: &str| s.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let new = |key: &str, test| is_name(key.trim()).then(|| Requirement { key: key.trim().into(), test });
    if let Some(key) = part.strip_prefix('!') {
        return new(key, Test::Absent);
    }
    if let Some(values) = part.strip_suffix(')') {
        let (head, values) = values.split_once('(')?;
        let values: Vec<String> = values.split(',').map(|v| v.trim().to_owned()).collect();
        let mut words = head.split_whitespace();
        let (key, word) = (words.next()?, words.next()?);
        let test = match word {
            "in" => Test::In(values),
            "notin" => Test::NotIn(values),
            _ => return None,
        };
        return if words.next().is_none() { new(key, test) } else { None };
    }
    for (sign, negative) in [("!=", true), ("==", false), ("=", false)] {
        if let Some((key, value)) = part.split_once(sign) {
            let values = vec![value.trim().to_owned()];
            let test = if negative { Test::NotIn(values) } else { Test::In(values) };
            return if is_value(value.trim()) { new(key, test) } else { None };
        }
    }
    new(part, Test::Exists)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selects(labels: &str) -> bool {
        let selector = Selector::new(&Gvk::default(), "", "", labels, "").unwrap();
        selector
            .selects(&Resource::new(json!({"kind": "X", "metadata": {"name": "x", "labels": {"a": "1", "b": "2"}}})))
    }

    #[test]
    fn label_selectors_work_as_kubectls() {
        assert!(selects("a=1,b!=3"));
        assert!(selects("a in (1, 2),!c"));
        assert!(selects("b"));
        assert!(selects("c!=1"));
        assert!(!selects("a notin (1,2)"));
        assert!(!selects("c"));
    }

    #[test]
    fn names_are_whole_expressions() {
        let selector = Selector::new(&Gvk::default(), "x|y", "", "", "").unwrap();
        let named = |name: &str| Resource::new(json!({"kind": "X", "metadata": {"name": name}}));
        assert!(selector.selects(&named("y")));
        assert!(!selector.selects(&named("xy")));
        assert!(Selector::new(&Gvk::default(), "(", "", "", "").is_err());
    }
}
