//! `postBuild`: variables put into the objects of a Kustomization.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::resource::{Resource, plain_text};
use super::super::yaml::{Node, Source, documents_old};
use super::expression::expand;
use super::text;
use crate::error::{Code, Error, Result};

/// Looks up the variables of a `substituteFrom`: kind (`ConfigMap` or `Secret`), namespace, name. `None`: not known.
pub type Vars<'a> = dyn Fn(&str, &str, &str) -> Option<BTreeMap<String, String>> + 'a;

const SWITCH: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// The variables of a Flux Kustomization; nothing when it has no `postBuild`.
pub(super) fn variables(kustomization: &Value, vars: &Vars<'_>) -> Result<Option<BTreeMap<String, String>>> {
    let Some(post_build) = kustomization.pointer("/spec/postBuild").filter(|p| !p.is_null()) else { return Ok(None) };
    let namespace = kustomization.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
    let mut all = BTreeMap::new();
    for reference in post_build.get("substituteFrom").and_then(Value::as_array).into_iter().flatten() {
        let text = |field: &str| reference.get(field).and_then(Value::as_str).unwrap_or_default();
        let (kind, name) = (text("kind"), text("name"));
        match vars(kind, namespace, name) {
            Some(found) => all.extend(found.into_iter().map(|(k, v)| (k, v.replace('\n', "")))),
            None if reference.get("optional").and_then(Value::as_bool) == Some(true) => {}
            None => {
                return Err(Error::new(
                    Code::Kustomize,
                    format!("postBuild takes variables from {kind} {namespace}/{name}, which is not known"),
                ));
            }
        }
    }
    for (key, value) in post_build.get("substitute").and_then(Value::as_object).into_iter().flatten() {
        all.insert(key.clone(), plain_text(value).replace('\n', ""));
    }
    let fits = |c: char, first: bool| c == '_' || c.is_ascii_alphabetic() || (!first && c.is_ascii_digit());
    match all.keys().find(|k| k.is_empty() || !k.chars().enumerate().all(|(i, c)| fits(c, i == 0))) {
        Some(key) => Err(Error::new(Code::Kustomize, format!("{key} cannot be the name of a variable"))),
        None => Ok(Some(all)),
    }
}

/// Puts the variables into an object, unless it says not to.
pub(super) fn apply(resource: &mut Resource, vars: &BTreeMap<String, String>, always: bool) -> Result<()> {
    let says_no = |field: &str| resource.texts(field).iter().any(|(k, v)| k == SWITCH && v == "disabled");
    if (vars.is_empty() && !always) || says_no("labels") || says_no("annotations") {
        return Ok(());
    }
    let id = resource.id();
    let written = text::write(&resource.value);
    if !written.contains('$') {
        return Ok(());
    }
    let expanded = expand(&written, vars).map_err(|e| e.context(format!("substituting in {id}")))?;
    let display = format!("{id} after substitution");
    let nodes = documents_old(Source { text: &expanded, display: &display })?;
    match nodes.first().map(Node::value) {
        Some(value @ Value::Object(_)) => {
            resource.value = value;
            Ok(())
        }
        _ => Err(Error::new(Code::Kustomize, format!("{id} is no object any more after substitution"))),
    }
}
