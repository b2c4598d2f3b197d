//! What the path of a request names.

use percent::decode;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// An object, a collection, or a part of an object.
    Resource(Target),
    /// `/api`
    Versions,
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/api/v1`, `/apis/GROUP/VERSION`
    Resources(String, String),
    /// Anything else.
    Other(String),
}

/// The parts of a resource's path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) namespace: String,
    pub(super) plural: String,
    pub(super) name: String,
    pub(super) subresource: String,
    /// What follows a subresource, with its slash.
    pub(super) rest: String,
    /// The older form of a watch: `/api/v1/watch/pods`.
    pub(super) watch: bool,
}

/// Reads a path.
pub(super) fn read(path: &str) -> Route {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let last = parts.last().is_some_and(|part| part.is_empty());
    let used = if last { &parts[..parts.len() - 1] } else { &parts[..] };
    match used {
        ["api"] => Route::Versions,
        ["apis"] => Route::Groups,
        ["api", version] => Route::Resources(String::new(), (*version).to_owned()),
        ["apis", group] => Route::Group((*group).to_owned()),
        ["apis", group, version] => Route::Resources((*group).to_owned(), (*version).to_owned()),
        ["api", version, rest @ ..] => resource("", version, rest, path),
        ["apis", group, version, rest @ ..] => resource(group, version, rest, path),
        _ => Route::Other(path.to_owned()),
    }
}

fn resource(group: &str, version: &str, rest: &[&str], path: &str) -> Route {
    let (watch, rest) = match rest {
        ["watch", rest @ ..] if !rest.is_empty() => (true, rest),
        _ => (false, rest),
    };
    let mut target = Target { group: group.to_owned(), version: version.to_owned(), watch, ..Target::default() };
    let rest = match rest {
        ["namespaces", _, part @ ("status" | "finalize")] => {
            target.subresource = String::from(*part);
            &rest[..2]
        }
        ["namespaces", namespace, below @ ..] if !below.is_empty() => {
            target.namespace = decode(namespace);
            below
        }
        _ => rest,
    };
    let mut parts = rest.iter();
    target.plural = parts.next().map(|part| decode(part)).unwrap_or_default();
    target.name = parts.next().map(|part| decode(part)).unwrap_or_default();
    if let Some(part) = parts.next() {
        target.subresource = decode(part);
        if rest.len() > 3 || path.ends_with('/') {
            let skip = rest.len().min(3);
            let tail: Vec<&str> = rest[skip..].to_vec();
            target.rest = format!("/{}", tail.join("/"));
            if path.ends_with('/') && !target.rest.ends_with('/') {
                target.rest.push('/');
            }
        }
    }
    Route::Resource(target)
}

mod percent {
    /// A path's segment without its escapes.
    pub(super) fn decode(text: &str) -> String {
        if !text.contains('%') {
            return text.to_owned();
        }
        let escaped = text.replace('+', "%2B");
        let pairs = url::form_urlencoded::parse(escaped.as_bytes());
        pairs.map(|(key, value)| if value.is_empty() { key.into_owned() } else { format!("{key}={value}") }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Target {
        match read(path) {
            Route::Resource(target) => target,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn paths_name_resources_as_on_the_true_server() {
        let pod = target("/api/v1/namespaces/a/pods/x/log");
        assert_eq!(
            (pod.namespace.as_str(), pod.plural.as_str(), pod.name.as_str(), pod.subresource.as_str()),
            ("a", "pods", "x", "log")
        );
        let space = target("/api/v1/namespaces/a/finalize");
        assert_eq!(
            (space.namespace.as_str(), space.plural.as_str(), space.name.as_str(), space.subresource.as_str()),
            ("", "namespaces", "a", "finalize")
        );
        let space = target("/api/v1/namespaces/a");
        assert_eq!((space.plural.as_str(), space.name.as_str()), ("namespaces", "a"));
        let list = target("/apis/apps/v1/deployments/");
        assert_eq!((list.group.as_str(), list.plural.as_str(), list.name.as_str()), ("apps", "deployments", ""));
        let proxy = target("/api/v1/namespaces/a/services/http:web:80/proxy/api/v1/x");
        assert_eq!((proxy.name.as_str(), proxy.rest.as_str()), ("http:web:80", "/api/v1/x"));
        assert!(target("/api/v1/watch/pods").watch);
        assert_eq!(read("/apis/apps"), Route::Group("apps".into()));
        assert_eq!(read("/version"), Route::Other("/version".into()));
    }
}
