//! Sets the number of replicas of workloads by name.

use super::collection::Collection;
use super::config::Config;
use super::fieldspec::{Leaf, visit};
use super::file::Replicas;
use crate::error::Result;

/// Applies an entry of `replicas`; an error when no workload has, or had, that name.
pub(super) fn apply(replicas: &Replicas, config: &Config, all: &mut Collection) -> Result<()> {
    let mut found = false;
    for spec in &config.replicas {
        for resource in all.0.iter_mut().filter(|r| !r.is_empty()) {
            let ids = resource.former_ids().into_iter().chain([resource.id()]);
            if ids.into_iter().any(|id| id.name == replicas.name.text && id.gvk.is_selected(&spec.gvk)) {
                found = true;
                visit(resource, spec, Leaf::Scalar, &mut |node| {
                    *node = replicas.count.into();
                    Ok(())
                })?;
            }
        }
    }
    if found {
        return Ok(());
    }
    Err(replicas.name.error(format!("no workload with replicas is named {}", replicas.name.text)))
}
