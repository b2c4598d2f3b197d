//! What a pod needs of other objects before it can start: config maps, secrets, claims.

use serde_json::Value;

use crate::sim::world::controllers::claims::is_bound;
use crate::sim::world::read::{flag, list, name, namespace, text};
use crate::sim::world::view::View;

/// Why volumes can't be mounted, in the kubelet's words.
pub(super) fn missing_volumes(view: &View, pod: &Value) -> Vec<String> {
    let space = namespace(pod);
    let mut all = Vec::new();
    for volume in list(pod, "/spec/volumes") {
        let volume_name = text(volume, "/name");
        let why = if let Some(source) = volume.get("configMap") {
            source_missing(view, space, "ConfigMap", text(source, "/name"), source)
        } else if let Some(source) = volume.get("secret") {
            source_missing(view, space, "Secret", text(source, "/secretName"), source)
        } else if volume.get("projected").is_some() {
            list(volume, "/projected/sources").iter().find_map(|source| projected_missing(view, space, source))
        } else {
            unbound(view, pod, volume)
        };
        if let Some(why) = why {
            all.push(format!("MountVolume.SetUp failed for volume \"{volume_name}\" : {why}"));
        }
    }
    all
}

fn projected_missing(view: &View, space: &str, source: &Value) -> Option<String> {
    if let Some(map) = source.get("configMap") {
        return source_missing(view, space, "ConfigMap", text(map, "/name"), map);
    }
    let secret = source.get("secret")?;
    source_missing(view, space, "Secret", text(secret, "/name"), secret)
}

fn source_missing(view: &View, space: &str, kind: &str, wanted: &str, source: &Value) -> Option<String> {
    if flag(source, "/optional") {
        return None;
    }
    let Some(object) = view.get(kind, space, wanted) else {
        return Some(format!("{} \"{wanted}\" not found", kind.to_lowercase()));
    };
    let has = |key: &str| ["data", "binaryData"].iter().any(|d| object.get(*d).is_some_and(|d| d.get(key).is_some()));
    let item = list(source, "/items").iter().map(|item| text(item, "/key")).find(|key| !has(key))?;
    Some(match kind {
        "Secret" => format!("references non-existent secret key: {item}"),
        _ => format!("configmap references non-existent config key: {item}"),
    })
}

fn unbound(view: &View, pod: &Value, volume: &Value) -> Option<String> {
    let named = text(volume, "/persistentVolumeClaim/claimName");
    let claim_name = match (named.is_empty(), volume.get("ephemeral")) {
        (false, _) => named.to_owned(),
        (true, Some(_)) => format!("{}-{}", name(pod), text(volume, "/name")),
        (true, None) => return None,
    };
    match view.get("PersistentVolumeClaim", namespace(pod), &claim_name) {
        None => Some(format!("persistentvolumeclaim \"{claim_name}\" not found")),
        Some(claim) if !is_bound(claim) => Some(format!("PVC {}/{claim_name} is not bound", namespace(pod))),
        Some(_) => None,
    }
}

/// Why a container can't be configured: its environment names what is not there.
pub(super) fn missing_environment(view: &View, space: &str, container: &Value) -> Option<String> {
    for source in list(container, "/envFrom") {
        for (kind, key) in [("ConfigMap", "configMapRef"), ("Secret", "secretRef")] {
            let Some(reference) = source.get(key).filter(|r| !flag(r, "/optional")) else { continue };
            let wanted = text(reference, "/name");
            if view.get(kind, space, wanted).is_none() {
                return Some(format!("{} \"{wanted}\" not found", kind.to_lowercase()));
            }
        }
    }
    for variable in list(container, "/env") {
        for (kind, key) in [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")] {
            let Some(reference) = variable.pointer("/valueFrom").and_then(|v| v.get(key)) else { continue };
            if flag(reference, "/optional") {
                continue;
            }
            let (wanted, entry) = (text(reference, "/name"), text(reference, "/key"));
            let Some(object) = view.get(kind, space, wanted) else {
                return Some(format!("{} \"{wanted}\" not found", kind.to_lowercase()));
            };
            if object.get("data").is_none_or(|data| data.get(entry).is_none()) {
                return Some(format!("couldn't find key {entry} in {kind} {space}/{wanted}"));
            }
        }
    }
    None
}
