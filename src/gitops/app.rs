//! An application of the `GitOps` tree: one Flux Kustomization and the folder that it applies.

use crate::error::{Code, Error, Result};
use crate::settings::Span;

use super::layout::{Layout, clean, is_name};

/// What a script says about an application beside its files. Everything has a default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppOptions {
    /// Namespace of its objects; the layout's by default.
    pub namespace: Option<String>,
    /// Kustomizations to wait for: a name, or `namespace/name`.
    pub depends_on: Vec<String>,
    /// Objects that must be healthy: `Kind.group/name` (or `Kind/name`), optionally `Kind.group/namespace/name`.
    pub health: Vec<String>,
    /// When an object of a kind is ready, for kinds that have no conditions, so that Flux would take them as ready at
    /// once: `Kind.group`, and a CEL expression over the object.
    pub ready_when: Vec<(String, String)>,
    /// How long Flux waits for health (`10m`); the layout's by default.
    pub timeout: Option<String>,
    /// How often Flux looks again (`30m`); the layout's by default.
    pub interval: Option<String>,
    /// Whether Flux waits for every object to become ready; yes by default.
    pub wait: Option<bool>,
    /// Folder for `ks.yaml` and `app/`; `<apps>/<namespace>/<name>` by default.
    pub path: Option<String>,
}

/// How a configuration file becomes part of a `ConfigMap`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigOptions {
    /// Name of the `ConfigMap`; `<app>-config` by default.
    pub name: Option<String>,
    /// Key in it; the file's name by default.
    pub key: Option<String>,
    /// Keep the name as it is, without the hash of the content. For kinds whose references kustomize does not
    /// know, so that it cannot write the hashed name into them.
    pub stable_name: bool,
}

/// A file of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppFile {
    /// Path within `app/`.
    pub file: String,
    /// Content.
    pub text: String,
    /// What it is for.
    pub role: Role,
}

/// What a file of an application is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Listed in `resources:`.
    Resource,
    /// Part of a `ConfigMap`.
    Config {
        /// Name of the `ConfigMap`, before kustomize adds a hash.
        map: String,
        /// Key in it.
        key: String,
        /// No hash.
        stable_name: bool,
    },
    /// Only written.
    Plain,
}

/// An object named in `health`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Kind.
    pub kind: String,
    /// API group; `None` if the script does not say.
    pub group: Option<String>,
    /// Namespace; the app's if not said.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// An application: a Flux Kustomization and what it applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its name, also that of the Kustomization.
    pub name: String,
    /// Namespace of its objects.
    pub namespace: String,
    /// Its folder: holds `ks.yaml` and `app/`.
    pub dir: String,
    /// Kustomizations to wait for: a name, or `namespace/name`.
    pub depends_on: Vec<String>,
    /// Objects that must be healthy.
    pub health: Vec<Health>,
    /// When objects of a kind are ready: kind with group, and a CEL expression.
    pub ready_when: Vec<(String, String)>,
    /// How long Flux waits for health.
    pub timeout: String,
    /// How often Flux looks again.
    pub interval: String,
    /// Whether Flux waits for every object.
    pub wait: bool,
    /// Its files, in the order they were added.
    pub files: Vec<AppFile>,
}

impl App {
    /// An application without files; names, times and paths are checked.
    pub fn new(name: &str, options: AppOptions, layout: &Layout) -> Result<Self> {
        let namespace = options.namespace.unwrap_or_else(|| layout.namespace.clone());
        for (what, text) in [("app", name), ("namespace", namespace.as_str())] {
            if !is_name(text) {
                return Err(invalid(format!("`{text}` cannot be the name of {what}"))
                    .hint("Use lower-case letters, digits and dashes, at most 63"));
            }
        }
        let span =
            |key: &str, value: Option<String>, default: &str| match value {
                None => Ok(default.to_owned()),
                Some(text) if Span::new(&text).is_some() => Ok(text),
                Some(text) => Err(invalid(format!("app {name}: {key} `{text}` is no span of time"))
                    .hint("Write it as 90s, 10m or 1h30m")),
            };
        let dir = match options.path {
            Some(path) => clean(&path)?,
            None => layout.app_dir(&namespace, name),
        };
        let health = options.health.iter().map(|h| Health::parse(h, &namespace)).collect::<Result<_>>()?;
        Ok(Self {
            name: name.to_owned(),
            dir,
            depends_on: options.depends_on,
            health,
            ready_when: options.ready_when,
            timeout: span("timeout", options.timeout, &layout.timeout)?,
            interval: span("interval", options.interval, &layout.interval)?,
            wait: options.wait.unwrap_or(true),
            files: Vec::new(),
            namespace,
        })
    }

    /// Adds a manifest, listed in `resources:`. `file` is relative to `app/`.
    pub fn add_resource(&mut self, file: &str, text: impl Into<String>) -> Result<()> {
        self.add(file, text.into(), Role::Resource)
    }

    /// Adds a file that becomes a key of a generated `ConfigMap`. It lies in `app/config/` unless `file` names a folder.
    pub fn add_config(&mut self, file: &str, text: impl Into<String>, options: ConfigOptions) -> Result<()> {
        let base = file.rsplit('/').next().unwrap_or(file).to_owned();
        let path = if file.contains('/') { file.to_owned() } else { format!("config/{file}") };
        let map = options.name.unwrap_or_else(|| format!("{}-config", self.name));
        let key = options.key.unwrap_or(base);
        let doubled =
            self.files.iter().any(|f| matches!(&f.role, Role::Config { map: m, key: k, .. } if *m == map && *k == key));
        if doubled {
            return Err(invalid(format!("app {}: ConfigMap {map} has two files for key {key}", self.name)));
        }
        self.add(&path, text.into(), Role::Config { map, key, stable_name: options.stable_name })
    }

    /// Adds a file that nothing lists.
    pub fn add_file(&mut self, file: &str, text: impl Into<String>) -> Result<()> {
        self.add(file, text.into(), Role::Plain)
    }

    /// Folder that the Kustomization applies.
    pub fn path(&self) -> String {
        format!("{}/app", self.dir)
    }

    fn add(&mut self, file: &str, text: String, role: Role) -> Result<()> {
        let file = clean(file)?;
        if file.is_empty() || file == "kustomization.yaml" || self.files.iter().any(|f| f.file == file) {
            return Err(invalid(format!("app {}: file {file} is there already", self.name))
                .hint("kustomization.yaml is written by dpb; give every other file its own name"));
        }
        self.files.push(AppFile { file, text, role });
        Ok(())
    }
}

impl Health {
    /// Reads `Kind.group/name`, `Kind/name` or `Kind.group/namespace/name`.
    pub fn parse(text: &str, namespace: &str) -> Result<Self> {
        let bad = || {
            invalid(format!("health check `{text}` does not name an object"))
                .hint("Write Kind.group/name, like Deployment.apps/web or Cluster.postgresql.cnpg.io/db")
        };
        let parts: Vec<&str> = text.split('/').collect();
        let (kind, namespace, name) = match parts[..] {
            [kind, name] => (kind, namespace, name),
            [kind, namespace, name] => (kind, namespace, name),
            _ => return Err(bad()),
        };
        let (kind, group) = kind.split_once('.').map_or((kind, None), |(kind, group)| (kind, Some(group.to_owned())));
        if name.is_empty() || namespace.is_empty() || !kind.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Err(bad());
        }
        Ok(Self { kind: kind.to_owned(), group, namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

fn invalid(message: String) -> Error {
    Error::new(Code::Invalid, message)
}
