//! Where files lie in a target repository, and how its Flux is set up.

use crate::error::{Code, Error, Result};
use crate::settings::Settings;

/// Where files lie in a target repository. Paths are relative to its root, separated by `/`, without `.` and `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Namespace of what an objective deploys, unless an app names another.
    pub namespace: String,
    /// Folder of the applications, one folder a namespace.
    pub apps: String,
    /// Folder of Helm and OCI repositories, one file each.
    pub repos: String,
    /// Folder of the root Kustomizations.
    pub cluster: String,
    /// The kustomize Component that namespaces may share.
    pub component: String,
    /// Folder of the initiative's documentation.
    pub docs: String,
    /// Namespace of Flux, of its source, and of Kustomizations that no parent moves elsewhere.
    pub flux_namespace: String,
    /// Name of the `GitRepository`.
    pub source: String,
    /// How often Flux looks again.
    pub interval: String,
    /// How long Flux waits for health.
    pub timeout: String,
}

impl Layout {
    /// The layout that the settings describe; a path that leaves the repository is an error.
    pub fn new(settings: &Settings) -> Result<Self> {
        let path = |key: &str, value: &str| {
            clean(value).map_err(|e| e.with_code(Code::Settings).context(format!("{key} in dpb.yaml")))
        };
        Ok(Self {
            namespace: settings.namespace.clone(),
            apps: path("flux.apps", &settings.flux.apps)?,
            repos: path("flux.repos", &settings.flux.repos)?,
            cluster: path("flux.cluster", &settings.flux.cluster)?,
            component: path("flux.components", &settings.flux.components)?,
            docs: path("initiative.docs", &settings.initiative.docs)?,
            flux_namespace: settings.flux.namespace.clone(),
            source: settings.flux.source.clone(),
            interval: settings.flux.interval.as_str().to_owned(),
            timeout: settings.flux.timeout.as_str().to_owned(),
        })
    }

    /// Folder of the applications of a namespace.
    pub fn namespace_dir(&self, namespace: &str) -> String {
        join(&self.apps, namespace)
    }

    /// Folder of an application: holds `ks.yaml` and `app/`.
    pub fn app_dir(&self, namespace: &str, app: &str) -> String {
        join(&self.namespace_dir(namespace), app)
    }
}

/// A path without `.`, `//` and a leading `/`; one that leads out of the repository is an error.
pub fn clean(path: &str) -> Result<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(Error::new(Code::Denied, format!("path {path} leads out of the repository")));
                }
            }
            other => parts.push(other),
        }
    }
    Ok(parts.join("/"))
}

/// Two paths, one below the other; an empty folder is the root.
pub fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// The folder of a path; empty for the root.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// How to write `to` in a file that lies in the folder `from`: `./x`, `../../x`.
pub fn relative(from: &str, to: &str) -> String {
    let from: Vec<&str> = from.split('/').filter(|p| !p.is_empty()).collect();
    let to: Vec<&str> = to.split('/').filter(|p| !p.is_empty()).collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = "../".repeat(from.len() - shared);
    let down = to[shared..].join("/");
    if up.is_empty() { format!("./{down}") } else { format!("{up}{down}").trim_end_matches('/').to_owned() }
}

/// Whether a text can be the name of an object and a folder: RFC 1123, as Kubernetes checks labels.
pub fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !text.is_empty()
        && text.len() <= 63
        && text.starts_with(inner)
        && text.ends_with(inner)
        && text.chars().all(|c| inner(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(clean("./a//b/../c/").unwrap(), "a/c");
        assert_eq!(clean("a/../../b").unwrap_err().code(), Code::Denied);
        assert_eq!(relative("a/b", "a/b/c/ks.yaml"), "./c/ks.yaml");
        assert_eq!(relative("k/apps/x", "k/components/common"), "../../components/common");
        assert_eq!(relative("a/b", "a"), "..");
        assert_eq!(join("", "x"), "x");
        assert_eq!(parent("a/b"), "a");
    }

    #[test]
    fn names() {
        assert!(is_name("hive-metastore"));
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "a/b", &"a".repeat(64)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
