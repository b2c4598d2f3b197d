//! The two files that make an application's folder into a Flux Kustomization: `ks.yaml` and `app/kustomization.yaml`.

use serde_json::{Map, Value, json};

use crate::error::{Code, Error, Result};
use crate::manifest::object::Id;
use crate::manifest::{emit, yaml};

use super::app::{App, Health, Role};
use super::layout::Layout;

/// A Kustomization by namespace and name.
pub type Name = (String, String);

/// The text of `ks.yaml`: `lands_in` is the namespace where the Kustomization itself will lie, `depends_on` what the
/// app's dependencies turned out to be.
///
/// `wait` makes Flux wait for every object; `healthChecks` say beside it which of them make the objective, and are
/// what Flux goes by where `wait` is off.
pub fn ks(app: &App, layout: &Layout, lands_in: &str, depends_on: &[Name]) -> Result<String> {
    let mut spec = Map::new();
    spec.insert("commonMetadata".into(), json!({ "labels": { "app.kubernetes.io/name": app.name } }));
    if !depends_on.is_empty() {
        spec.insert(
            "dependsOn".into(),
            depends_on.iter().map(|(ns, name)| json!({"name": name, "namespace": ns})).collect(),
        );
    }
    if !app.health.is_empty() {
        let checks = app.health.iter().map(|h| health_check(app, h)).collect::<Result<Vec<_>>>()?;
        spec.insert("healthChecks".into(), Value::from(checks));
    }
    if !app.ready_when.is_empty() {
        let checks = app.ready_when.iter().map(|(kind, current)| ready_when(app, kind, current));
        spec.insert("healthCheckExprs".into(), checks.collect::<Result<Vec<_>>>()?.into());
    }
    spec.insert("interval".into(), app.interval.as_str().into());
    spec.insert("path".into(), format!("./{}", app.path()).into());
    spec.insert("prune".into(), true.into());
    spec.insert(
        "sourceRef".into(),
        json!({ "kind": "GitRepository", "name": layout.source, "namespace": layout.flux_namespace }),
    );
    spec.insert("targetNamespace".into(), app.namespace.as_str().into());
    spec.insert("timeout".into(), app.timeout.as_str().into());
    spec.insert("wait".into(), app.wait.into());
    Ok(document(&json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": { "name": app.name, "namespace": lands_in },
        "spec": spec,
    })))
}

/// The text of `app/kustomization.yaml`: resources in the order they were added, and a generator for each `ConfigMap`.
///
/// A `ConfigMap` whose files hold `${…}` is marked so that Flux leaves them alone, whatever a parent's `postBuild` says.
/// Generated names keep their hash unless the script asks otherwise: a changed file gives a new name, so that pods
/// that mount it roll, and a revert finds the old content under its old name.
pub fn kustomization(app: &App) -> String {
    let resources: Vec<Value> =
        app.files.iter().filter(|f| f.role == Role::Resource).map(|f| format!("./{}", f.file).into()).collect();
    let mut maps: Vec<Generator> = Vec::new();
    for file in &app.files {
        let Role::Config { map, key, stable_name } = &file.role else { continue };
        let base = file.file.rsplit('/').next().unwrap_or_default();
        let path = format!("./{}", file.file);
        let line = if base == key { path } else { format!("{key}={path}") };
        let index = maps.iter().position(|g| g.name == *map).unwrap_or_else(|| {
            maps.push(Generator { name: map.clone(), ..Generator::default() });
            maps.len() - 1
        });
        maps[index].stable_name |= stable_name;
        maps[index].has_variables |= has_variables(&file.text);
        maps[index].files.push(line.into());
    }
    let mut out = header();
    if !resources.is_empty() {
        out.insert("resources".into(), resources.into());
    }
    if !maps.is_empty() {
        let generators: Vec<Value> = maps.into_iter().map(Generator::into_value).collect();
        out.insert("configMapGenerator".into(), generators.into());
    }
    document(&Value::Object(out))
}

/// An entry of `configMapGenerator`.
#[derive(Default)]
struct Generator {
    name: String,
    files: Vec<Value>,
    stable_name: bool,
    has_variables: bool,
}

impl Generator {
    fn into_value(self) -> Value {
        let mut options = Map::new();
        if self.has_variables {
            options.insert("annotations".into(), json!({ SUBSTITUTE: "disabled" }));
        }
        if self.stable_name {
            options.insert("disableNameSuffixHash".into(), true.into());
        }
        let mut out = json!({ "name": self.name, "files": self.files });
        if !options.is_empty() {
            out["options"] = options.into();
        }
        out
    }
}

/// The mark, as a label or an annotation, of an object in which Flux replaces no `${…}`.
pub const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// Whether Flux' `postBuild` would replace something in this text: a `${name}` that is not written `$${name}`.
pub fn has_variables(text: &str) -> bool {
    text.match_indices("${").any(|(at, _)| {
        let named = text[at + 2..].starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
        named && !text[..at].ends_with('$')
    })
}

/// The first keys of every kustomization file.
pub(super) fn header() -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("apiVersion".into(), "kustomize.config.k8s.io/v1beta1".into());
    out.insert("kind".into(), "Kustomization".into());
    out
}

/// A value as a file of one document.
pub(super) fn document(value: &Value) -> String {
    format!("---\n{}", emit(value))
}

/// A health check needs a version, which the script does not say: it stands in the app's own manifests, or the kind is
/// Kubernetes' own.
fn health_check(app: &App, health: &Health) -> Result<Value> {
    let own = app.files.iter().filter(|f| f.role == Role::Resource).find_map(|file| {
        let documents = yaml::documents(&file.text, &file.file).ok()?;
        documents.into_iter().find_map(|d| {
            let id = Id::of(&d.value);
            let same = id.kind == health.kind
                && id.name == health.name
                && health.group.as_deref().is_none_or(|g| g == id.group);
            same.then(|| d.value["apiVersion"].as_str().map(str::to_owned)).flatten()
        })
    });
    let api_version = own.or_else(|| builtin(health).map(str::to_owned)).ok_or_else(|| {
        let named = health.group.as_ref().map_or_else(|| health.kind.clone(), |g| format!("{}.{g}", health.kind));
        Error::new(
            Code::Invalid,
            format!("app {}: no manifest holds {named} {}, which it has a health check for", app.name, health.name),
        )
        .hint("Name an object that this app renders, as Kind.group/name")
    })?;
    Ok(json!({ "apiVersion": api_version, "kind": health.kind, "name": health.name, "namespace": health.namespace }))
}

/// A rule of readiness for a kind. Its version stands in the app's own manifests.
fn ready_when(app: &App, kind: &str, current: &str) -> Result<Value> {
    let documents = |text: &str, file: &str| yaml::documents(text, file).unwrap_or_default();
    let mut objects = app
        .files
        .iter()
        .filter(|f| f.role == Role::Resource)
        .flat_map(|f| documents(&f.text, &f.file))
        .map(|d| d.value);
    let found = objects.find(|object| {
        let id = Id::of(object);
        kind.split_once('.').map_or(id.kind == kind, |(kind, group)| id.kind == kind && id.group == group)
    });
    let found = found.ok_or_else(|| {
        Error::new(Code::Invalid, format!("app {}: no manifest holds a {kind}, which it says when is ready", app.name))
            .hint("Name a kind that this app renders, as Kind.group")
    })?;
    Ok(json!({ "apiVersion": found["apiVersion"], "kind": found["kind"], "current": current }))
}

/// Kinds that a chart may make, so that no manifest of the app holds them.
fn builtin(health: &Health) -> Option<&'static str> {
    let (group, version) = match health.kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" => ("apps", "apps/v1"),
        "Job" | "CronJob" => ("batch", "batch/v1"),
        "Service" | "Pod" | "PersistentVolumeClaim" => ("", "v1"),
        _ => return None,
    };
    health.group.as_deref().is_none_or(|g| g == group).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitops::{AppOptions, ConfigOptions};
    use crate::settings::Settings;

    fn app() -> (App, Layout) {
        let layout = Layout::new(&Settings::default()).unwrap();
        let options = AppOptions {
            health: vec!["Cluster.postgresql.cnpg.io/db".into(), "Deployment/web".into()],
            timeout: Some("15m".into()),
            ..AppOptions::default()
        };
        (App::new("web", options, &layout).unwrap(), layout)
    }

    #[test]
    fn ks_in_the_order_people_write() {
        let (mut app, layout) = app();
        app.add_resource("db.yaml", "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db}\n")
            .unwrap();
        let text = ks(&app, &layout, "flux-system", &[("cnpg-system".into(), "cloudnative-pg".into())]).unwrap();
        assert_eq!(
            text,
            "\
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: web
  namespace: flux-system
spec:
  commonMetadata:
    labels:
      app.kubernetes.io/name: web
  dependsOn:
    - name: cloudnative-pg
      namespace: cnpg-system
  healthChecks:
    - apiVersion: postgresql.cnpg.io/v1
      kind: Cluster
      name: db
      namespace: data-platform
    - apiVersion: apps/v1
      kind: Deployment
      name: web
      namespace: data-platform
  interval: 30m
  path: ./kubernetes/apps/data-platform/web/app
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
    namespace: flux-system
  targetNamespace: data-platform
  timeout: 15m
  wait: true
"
        );
    }

    #[test]
    fn a_kind_without_conditions_says_when_it_is_ready() {
        let layout = Layout::new(&Settings::default()).unwrap();
        let bound = ("Claim.example.org".to_owned(), "status.phase == 'Bound'".to_owned());
        let options = AppOptions { ready_when: vec![bound], ..AppOptions::default() };
        let mut app = App::new("web", options, &layout).unwrap();
        assert_eq!(
            ks(&app, &layout, "flux-system", &[]).unwrap_err().message(),
            "app web: no manifest holds a Claim.example.org, which it says when is ready"
        );
        app.add_resource("c.yaml", "apiVersion: example.org/v1\nkind: Claim\nmetadata: {name: c}\n").unwrap();
        let text = ks(&app, &layout, "flux-system", &[]).unwrap();
        let wanted = "  healthCheckExprs:\n    - apiVersion: example.org/v1\n      kind: Claim\n      current: status.phase == 'Bound'\n";
        assert!(text.contains(wanted), "{text}");
    }

    #[test]
    fn a_health_check_needs_an_object() {
        let (app, layout) = app();
        let error = ks(&app, &layout, "flux-system", &[]).unwrap_err();
        assert_eq!(
            error.message(),
            "app web: no manifest holds Cluster.postgresql.cnpg.io db, which it has a health check for"
        );
    }

    #[test]
    fn kustomization_lists_resources_and_generates_maps() {
        let (mut app, _) = app();
        app.add_resource("b.yaml", "").unwrap();
        app.add_resource("a.yaml", "").unwrap();
        app.add_config("site.xml", "", ConfigOptions::default()).unwrap();
        app.add_config("x.sh", "", ConfigOptions { key: Some("run.sh".into()), ..ConfigOptions::default() }).unwrap();
        let other = ConfigOptions { name: Some("other".into()), stable_name: true, ..ConfigOptions::default() };
        app.add_config("o/y", "a: $${B} ${C}\n", other).unwrap();
        app.add_file("README.md", "").unwrap();
        assert_eq!(
            kustomization(&app),
            "\
---
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ./b.yaml
  - ./a.yaml
configMapGenerator:
  - name: web-config
    files:
      - ./config/site.xml
      - run.sh=./config/x.sh
  - name: other
    files:
      - ./o/y
    options:
      annotations:
        kustomize.toolkit.fluxcd.io/substitute: disabled
      disableNameSuffixHash: true
"
        );
        assert_eq!(app.add_resource("a.yaml", "").unwrap_err().code(), Code::Invalid);
        assert_eq!(app.add_resource("../a.yaml", "").unwrap_err().code(), Code::Denied);
        assert_eq!(app.add_config("site.xml", "", ConfigOptions::default()).unwrap_err().code(), Code::Invalid);
    }
}
