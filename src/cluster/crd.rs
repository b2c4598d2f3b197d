//! Custom resource definitions that come with a change.

use serde_json::Value;

/// The definition of `group`/`kind` among `objects`.
pub(super) fn find<'a>(objects: &'a [Value], group: &str, kind: &str) -> Option<&'a Value> {
    let defines = |o: &&Value| {
        o["kind"] == "CustomResourceDefinition" && o["spec"]["group"] == group && o["spec"]["names"]["kind"] == kind
    };
    objects.iter().find(defines)
}

/// The schema of one version; `Err` holds the versions that it does serve.
pub(super) fn schema<'a>(definition: &'a Value, version: &str) -> Result<Option<&'a Value>, Vec<String>> {
    let versions = definition["spec"]["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let served: Vec<&Value> = versions.iter().filter(|v| v["served"] != false).collect();
    match served.iter().find(|v| v["name"] == version) {
        Some(found) => Ok(Some(&found["schema"]["openAPIV3Schema"]).filter(|s| s.is_object())),
        None => Err(served.iter().filter_map(|v| v["name"].as_str()).map(ToOwned::to_owned).collect()),
    }
}
