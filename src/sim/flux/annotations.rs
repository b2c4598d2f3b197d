//! Labels and annotations by which Flux is told things, and those that nobody knows.

use serde_json::Value;

/// Known after the slash, for each group.
const KNOWN: [(&str, &[&str]); 4] = [
    (
        "kustomize.toolkit.fluxcd.io",
        &["name", "namespace", "prune", "reconcile", "ssa", "force", "substitute", "decrypt", "checksum"],
    ),
    ("reconcile.fluxcd.io", &["requestedAt", "forceAt", "resetAt", "watch"]),
    (
        "helm.toolkit.fluxcd.io",
        &["name", "namespace", "driftDetection", "revision", "token", "app-version", "oci-digest"],
    ),
    ("source.toolkit.fluxcd.io", &["revision", "digest"]),
];

/// Labels and annotations of Flux on an object that the simulator doesn't know.
pub(super) fn unknown(object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for field in ["labels", "annotations"] {
        for key in object["metadata"][field].as_object().into_iter().flatten().map(|(key, _)| key) {
            let Some((group, name)) = key.split_once('/') else { continue };
            if KNOWN.iter().any(|(known, names)| *known == group && !names.contains(&name)) {
                found.push(key.clone());
            }
        }
    }
    found
}

/// Whether a label or annotation has a value (in any case).
pub(super) fn says(object: &Value, key: &str, value: &str) -> bool {
    ["labels", "annotations"]
        .iter()
        .any(|field| object["metadata"][field][key].as_str().is_some_and(|text| text.eq_ignore_ascii_case(value)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_flux_does_not_have_is_unknown() {
        let object = json!({"metadata": {
            "labels": {"kustomize.toolkit.fluxcd.io/name": "a", "app": "x", "reconcile.fluxcd.io/wotch": "Enabled"},
            "annotations": {"kustomize.toolkit.fluxcd.io/prun": "disabled", "kustomize.toolkit.fluxcd.io/ssa": "Merge"},
        }});
        assert_eq!(unknown(&object), ["reconcile.fluxcd.io/wotch", "kustomize.toolkit.fluxcd.io/prun"]);
        assert!(says(&object, "kustomize.toolkit.fluxcd.io/ssa", "merge"));
    }
}
