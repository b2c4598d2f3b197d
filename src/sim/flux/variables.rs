//! Variables that a Kustomization takes from the cluster.

use std::collections::BTreeMap;

use base64::Engine as _;

use super::runner::Env;

/// The data of a `ConfigMap` or Secret.
pub(super) fn variables(env: &Env<'_>, kind: &str, namespace: &str, name: &str) -> Option<BTreeMap<String, String>> {
    let object = env.server.get(kind, namespace, name).ok()?;
    let mut vars = BTreeMap::new();
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        let plain = if kind == "Secret" {
            String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).ok()?).ok()?
        } else {
            text.to_owned()
        };
        vars.insert(key.clone(), plain);
    }
    Some(vars)
}
