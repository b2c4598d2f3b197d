//! What Helm does to a cluster: a release's objects rendered, applied, and taken away.

use serde_json::{Map, Value, json};

use super::apply::{Owner, own};
use super::charts::{Charts, Release, merge};
use super::health::Wait;
use super::helm_storage::Stored;
use super::id::Id;
use super::runner::Env;
use super::server::is_absent;
use crate::sim::api::object;

/// Who writes a release's objects.
pub(super) const OWNER: Owner = Owner { manager: "helm-controller", group: "helm.toolkit.fluxcd.io" };

/// A chart as it was loaded from a source.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) app_version: String,
    /// Default values: the script's, under those of the chart's own file.
    pub(super) defaults: Value,
    pub(super) oci_digest: String,
}

/// Which `HelmRelease` a release belongs to.
pub(super) struct Of<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

/// The objects of a release; an error as Helm words it.
pub(super) fn render(
    env: &Env<'_>,
    charts: &Charts,
    chart: &Loaded,
    of: &Of<'_>,
    stored: &Stored,
) -> Result<Vec<Value>, String> {
    let known = charts.find(&chart.name).map_err(|e| e.to_string())?;
    let Some(known) = known else { return Err(format!("unknown to the simulator: chart {}", chart.name)) };
    let unknown = known.unknown(&stored.config);
    if !unknown.is_empty() {
        return Err(format!(
            "values don't meet the specifications of the schema(s) in the following chart(s):\n{}:\n- {}\n",
            chart.name,
            unknown.join("\n- ")
        ));
    }
    let values = merge(&chart.defaults, &stored.config);
    let release = Release {
        name: &stored.name,
        namespace: &stored.namespace,
        revision: stored.version,
        version: &chart.version,
        app_version: &chart.app_version,
    };
    let mut objects = charts.objects(&chart.name, &release, &values).map_err(|e| e.to_string())?;
    for value in &mut objects {
        let id = Id::of(value);
        let Some(namespaced) = env.server.is_namespaced(&id.api_version(), &id.kind) else {
            return Err(format!(
                "unable to build kubernetes objects from release manifest: resource mapping not found for name: \"{}\" namespace: \"{}\" from \"\": no matches for kind \"{}\" in version \"{}\"\nensure CRDs are installed first",
                id.name,
                id.namespace,
                id.kind,
                id.api_version()
            ));
        };
        if namespaced && id.namespace.is_empty() {
            object::set_meta(value, "namespace", json!(stored.namespace));
        }
        own(value, OWNER, of.namespace, of.name);
        value["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
        if !value["metadata"]["annotations"].is_object() {
            value["metadata"]["annotations"] = Value::Object(Map::new());
        }
        value["metadata"]["annotations"]["meta.helm.sh/release-name"] = json!(stored.name);
        value["metadata"]["annotations"]["meta.helm.sh/release-namespace"] = json!(stored.namespace);
    }
    objects.sort_by_cached_key(|value| Id::of(value).rank());
    Ok(objects)
}

/// Objects of somebody else that a release would take over.
pub(super) fn foreign(env: &Env<'_>, stored: &Stored, what: &str) -> Option<String> {
    stored.manifest.iter().find_map(|value| {
        let id = Id::of(value);
        let live = env.server.get(&id.kind_name(), &id.namespace, &id.name).ok()?;
        let mut wrong = Vec::new();
        let managed = object::label(&live, "app.kubernetes.io/managed-by");
        check("label", "app.kubernetes.io/managed-by", managed, "Helm", &mut wrong);
        let key = "meta.helm.sh/release-name";
        check("annotation", key, object::annotation(&live, key), &stored.name, &mut wrong);
        let key = "meta.helm.sh/release-namespace";
        check("annotation", key, object::annotation(&live, key), &stored.namespace, &mut wrong);
        (!wrong.is_empty()).then(|| {
            format!(
                "unable to continue with {what}: {} \"{}\" in namespace \"{}\" exists and cannot be imported into the current release: invalid ownership metadata; {}",
                id.kind, id.name, id.namespace, wrong.join("; ")
            )
        })
    })
}

fn check(what: &str, key: &str, seen: Option<&str>, wanted: &str, wrong: &mut Vec<String>) {
    match seen {
        None => wrong.push(format!("{what} validation error: missing key \"{key}\": must be set to \"{wanted}\"")),
        Some(seen) if seen != wanted => {
            wrong.push(format!(
                "{what} validation error: key \"{key}\" must equal \"{wanted}\": current value is \"{seen}\""
            ));
        }
        Some(_) => {}
    }
}

/// Applies a release's objects, and takes away what an earlier revision had besides.
pub(super) fn apply(env: &Env<'_>, stored: &Stored, before: &[Value]) -> Result<(), String> {
    for value in &stored.manifest {
        env.server.apply(value, OWNER.manager, false).map_err(|status| {
            let id = Id::of(value);
            let place = if id.namespace.is_empty() { id.name.clone() } else { format!("{}/{}", id.namespace, id.name) };
            let api_version = id.api_version();
            format!("server-side apply failed for object {place} {api_version}, Kind={}: {}", id.kind, status.message())
        })?;
    }
    let stays: Vec<String> = stored.manifest.iter().map(|value| Id::of(value).id()).collect();
    let gone: Vec<Value> = before.iter().filter(|value| !stays.contains(&Id::of(value).id())).cloned().collect();
    delete(env, &gone)
}

/// Takes objects away; those that say `helm.sh/resource-policy: keep` stay.
pub(super) fn delete(env: &Env<'_>, objects: &[Value]) -> Result<(), String> {
    for value in objects.iter().rev() {
        if object::annotation(value, "helm.sh/resource-policy") == Some("keep") {
            continue;
        }
        let id = Id::of(value);
        match env.server.delete(&id.kind_name(), &id.namespace, &id.name) {
            Ok(()) => {}
            Err(status) if is_absent(&status) => {}
            Err(status) => return Err(status.message().to_owned()),
        }
    }
    Ok(())
}

/// A wait for a release's objects.
pub(super) fn wait(env: &Env<'_>, objects: &[Value], timeout: std::time::Duration) -> Wait {
    Wait::new(objects.iter().map(Id::of).collect(), env, timeout, std::time::Duration::from_secs(2))
}

/// Makes the namespace of a release, where that is asked for.
pub(super) fn create_namespace(env: &Env<'_>, namespace: &str) {
    if env.server.get("Namespace", "", namespace).is_err() {
        let _ = env.server.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"name": namespace}}}));
    }
}

/// How the cluster differs from a release: a line for each object that was changed or taken away.
pub(super) fn drift(env: &Env<'_>, stored: &Stored) -> Vec<(Value, String)> {
    let mut found = Vec::new();
    for value in &stored.manifest {
        let id = Id::of(value);
        if super::annotations::says(value, "helm.toolkit.fluxcd.io/driftDetection", "disabled") {
            continue;
        }
        let Ok(live) = env.server.get(&id.kind_name(), &id.namespace, &id.name) else {
            found.push((value.clone(), format!("{} removed", id.subject())));
            continue;
        };
        let Ok(tried) = env.server.apply(value, OWNER.manager, true) else { continue };
        if super::apply::has_drifted(&live, &tried) {
            let (mut added, mut changed, mut removed) = (0, 0, 0);
            count(&live["spec"], &tried["spec"], &mut added, &mut changed, &mut removed);
            count(&live["data"], &tried["data"], &mut added, &mut changed, &mut removed);
            let line = format!("{} changed ({added} additions, {changed} changes, {removed} removals)", id.subject());
            found.push((value.clone(), line));
        }
    }
    found
}

fn count(live: &Value, wanted: &Value, added: &mut u32, changed: &mut u32, removed: &mut u32) {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            *removed += u32::try_from(live.keys().filter(|key| !wanted.contains_key(*key)).count()).unwrap_or_default();
            for (key, value) in wanted {
                match live.get(key) {
                    Some(old) => count(old, value, added, changed, removed),
                    None => *added += 1,
                }
            }
        }
        (Value::Array(live), Value::Array(wanted)) if live.len() == wanted.len() => {
            live.iter().zip(wanted).for_each(|(old, new)| count(old, new, added, changed, removed));
        }
        (old, new) if old != new => *changed += 1,
        _ => {}
    }
}
