//! Labels and annotations that go to all objects.

use serde_json::{Map, Value};

use super::collection::Collection;
use super::config::Config;
use super::fieldspec::{FieldSpec, Leaf, add, visit};
use super::file::Labels;
use crate::error::{Code, Error, Result};

/// Sets texts in the maps that the field specifications lead to.
pub(super) fn set(texts: &[(String, String)], specs: &[FieldSpec], all: &mut Collection) -> Result<()> {
    if texts.is_empty() {
        return Ok(());
    }
    for resource in &mut all.0 {
        for spec in specs {
            visit(resource, spec, Leaf::Map, &mut |node| {
                if node.is_null() {
                    *node = Value::Object(Map::new());
                }
                let map = node.as_object_mut().ok_or_else(|| Error::new(Code::Kustomize, "expected a map"))?;
                for (key, text) in texts {
                    map.insert(key.clone(), text.as_str().into());
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Applies an entry of `labels`.
pub(super) fn apply(labels: &Labels, config: &Config, all: &mut Collection) -> Result<()> {
    let mut specs = labels.fields.clone();
    config.labels.iter().try_for_each(|spec| add(&mut specs, spec))?;
    if labels.selectors {
        config.common_labels.iter().try_for_each(|spec| add(&mut specs, spec))?;
    } else {
        if labels.templates {
            config.template_labels.iter().try_for_each(|spec| add(&mut specs, spec))?;
        }
        add(&mut specs, &FieldSpec::everywhere("metadata/labels", true))?;
    }
    set(&labels.pairs, &specs, all)
}
