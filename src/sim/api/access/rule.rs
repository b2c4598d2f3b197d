//! One rule of a role.

use serde_json::Value;

use super::attributes::Attributes;
use super::go_text::quoted_list;

/// A `PolicyRule`, read in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) verbs: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) urls: Vec<String>,
}

/// The texts of a field of a rule.
fn texts<'a>(rule: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    rule[field].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a rule as it is stored allows a request.
pub(super) fn allows(rule: &Value, asked: &Attributes) -> bool {
    if !texts(rule, "verbs").any(|verb| verb == "*" || verb == asked.verb) {
        return false;
    }
    if let Some(path) = &asked.path {
        return texts(rule, "nonResourceURLs").any(|url| url == "*" || covers_url(url, path));
    }
    texts(rule, "apiGroups").any(|group| group == "*" || group == asked.group)
        && texts(rule, "resources").any(|resource| names_resource(resource, asked))
        && names_object(rule, &asked.name)
}

fn names_resource(resource: &str, asked: &Attributes) -> bool {
    if resource == "*" {
        return true;
    }
    if asked.subresource.is_empty() {
        return resource == asked.resource;
    }
    resource
        .split_once('/')
        .is_some_and(|(kind, sub)| sub == asked.subresource && (kind == asked.resource || kind == "*"))
}

fn names_object(rule: &Value, name: &str) -> bool {
    let mut names = texts(rule, "resourceNames").peekable();
    names.peek().is_none() || names.any(|n| n == name)
}

fn covers_url(owner: &str, path: &str) -> bool {
    owner == path || (owner.ends_with('*') && path.starts_with(owner.trim_end_matches('*')))
}

impl Rule {
    pub(super) fn read(rule: &Value) -> Self {
        let list = |field: &str| texts(rule, field).map(str::to_owned).collect();
        Self {
            verbs: list("verbs"),
            groups: list("apiGroups"),
            resources: list("resources"),
            names: list("resourceNames"),
            urls: list("nonResourceURLs"),
        }
    }

    /// Everything, for who may aggregate anything.
    pub(super) fn everything() -> [Self; 2] {
        let all = || vec!["*".to_owned()];
        [
            Self { verbs: all(), groups: all(), resources: all(), ..Self::default() },
            Self { verbs: all(), urls: all(), ..Self::default() },
        ]
    }

    /// The rule cut into the smallest ones: one group, resource, verb, name each.
    pub(super) fn pieces(&self) -> Vec<Self> {
        let one = |text: &String| vec![text.clone()];
        let mut pieces = Vec::new();
        for group in &self.groups {
            for resource in &self.resources {
                for verb in &self.verbs {
                    let piece =
                        Self { groups: one(group), resources: one(resource), verbs: one(verb), ..Self::default() };
                    if self.names.is_empty() {
                        pieces.push(piece);
                    } else {
                        pieces.extend(self.names.iter().map(|name| Self { names: one(name), ..piece.clone() }));
                    }
                }
            }
        }
        for url in &self.urls {
            pieces.extend(self.verbs.iter().map(|verb| Self { urls: one(url), verbs: one(verb), ..Self::default() }));
        }
        pieces
    }

    /// Whether somebody who holds this rule holds `piece` too.
    pub(super) fn covers(&self, piece: &Self) -> bool {
        let all = |own: &[String], wanted: &[String]| wanted.iter().all(|w| own.contains(w));
        let star = |own: &[String]| own.iter().any(|o| o == "*");
        let resource = |wanted: &String| {
            let any_kind = wanted.split_once('/').map(|(_, sub)| format!("*/{sub}"));
            self.resources.contains(wanted) || any_kind.is_some_and(|any| self.resources.contains(&any))
        };
        let named = if piece.names.is_empty() {
            self.names.is_empty()
        } else {
            self.names.is_empty() || all(&self.names, &piece.names)
        };
        (star(&self.verbs) || all(&self.verbs, &piece.verbs))
            && (star(&self.groups) || all(&self.groups, &piece.groups))
            && (star(&self.resources) || piece.resources.iter().all(resource))
            && named
            && piece.urls.iter().all(|url| self.urls.iter().any(|own| covers_url(own, url)))
    }

    /// Whether it differs from another in its verbs alone, so that both can be told in one line.
    fn joins(&self, other: &Self) -> bool {
        let simple = |rule: &Self| rule.urls.is_empty() && rule.names.len() <= 1;
        simple(self)
            && simple(other)
            && (&self.groups, &self.resources, &self.names) == (&other.groups, &other.resources, &other.names)
    }

    /// `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`.
    fn line(&self) -> String {
        let parts = [
            ("APIGroups", &self.groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.urls),
            ("ResourceNames", &self.names),
            ("Verbs", &self.verbs),
        ];
        let set = parts.iter().filter(|(_, list)| !list.is_empty());
        let set: Vec<String> = set.map(|(name, list)| format!("{name}:{}", quoted_list(list))).collect();
        format!("{{{}}}", set.join(", "))
    }

    /// Pieces as a message lists them: joined, sorted, a line each.
    pub(super) fn lines(pieces: Vec<Self>) -> String {
        let mut joined: Vec<Self> = Vec::new();
        for piece in pieces {
            match joined.iter_mut().find(|other| other.joins(&piece)) {
                Some(other) => other.verbs.extend(piece.verbs),
                None => joined.push(piece),
            }
        }
        let mut lines: Vec<String> = joined.iter().map(Self::line).collect();
        lines.sort();
        lines.dedup();
        lines.join("\n")
    }
}
