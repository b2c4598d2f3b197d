//! Which kinds the server serves: read once, read again when a kind is not among them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::error::{Code, Error, Result};

use super::ask::Ask;
use super::kind::Kind;
use super::transport::{Call, Transport};

/// Asks for everything in one answer, or else for the list of groups (as kubectl does).
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
/// A table younger than this is not read again for a kind that it lacks.
const FRESH: Duration = Duration::from_secs(1);
/// Words that people use for kinds that have no such name.
const NICKNAMES: [(&str, &str, &str); 1] = [("cnpg", "Cluster", "postgresql.cnpg.io")];

/// What the server serves, as seen at one moment: most preferred first, the core group before all others.
#[derive(Debug)]
pub(super) struct Table {
    kinds: Vec<Arc<Kind>>,
    /// Group versions whose kinds could not be read, with the reason.
    silent: Vec<(String, String)>,
    taken: Instant,
}

/// The table, cached.
#[derive(Debug, Default)]
pub(super) struct Discovery(Mutex<Cached>);

#[derive(Debug, Default)]
struct Cached {
    table: Option<Arc<Table>>,
    /// The last read that failed, and when: those who waited for it share its error instead of failing one by one.
    failed: Option<(Instant, Error)>,
}

impl Discovery {
    async fn table(&self, transport: &Transport, not_before: Option<Instant>) -> Result<Arc<Table>> {
        let asked = Instant::now();
        let mut cached = self.0.lock().await;
        if let Some(table) = cached.table.as_ref().filter(|t| not_before.is_none_or(|moment| t.taken >= moment)) {
            return Ok(table.clone());
        }
        if let Some((_, error)) = cached.failed.as_ref().filter(|(when, _)| *when >= asked) {
            return Err(error.clone());
        }
        match read(transport).await {
            Ok(table) => {
                let table = Arc::new(table);
                *cached = Cached { table: Some(table.clone()), failed: None };
                Ok(table)
            }
            Err(error) => {
                cached.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Has the next lookup read it again.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = Cached::default();
    }

    /// Looks `find` up; when it finds nothing, once more in a table read anew.
    pub(super) async fn look(
        &self,
        transport: &Transport,
        find: impl Fn(&Table) -> Option<Arc<Kind>>,
        missing: impl Fn(&Table) -> Error,
    ) -> Result<Arc<Kind>> {
        let now = Instant::now();
        let table = self.table(transport, None).await?;
        if let Some(kind) = find(&table) {
            return Ok(kind);
        }
        if now.checked_sub(FRESH).is_some_and(|moment| table.taken < moment) {
            let table = self.table(transport, Some(now)).await?;
            return find(&table).ok_or_else(|| missing(&table));
        }
        Err(missing(&table))
    }

    /// Every kind that is served, preferred versions first.
    pub(super) async fn all(&self, transport: &Transport) -> Result<Vec<Arc<Kind>>> {
        Ok(self.table(transport, None).await?.kinds.clone())
    }
}

impl Table {
    /// By any name that a person would use.
    pub(super) fn named(&self, word: &str) -> Option<Arc<Kind>> {
        let word = word.trim();
        if let Some((head, rest)) = word.split_once('.') {
            let in_group = |kind: &Kind| {
                kind.group == rest
                    || kind.version == rest && kind.group.is_empty()
                    || rest
                        .split_once('.')
                        .is_some_and(|(version, group)| kind.version == version && kind.group == group)
            };
            return self.first(|k| in_group(k) && (k.is_called(head) || k.is_short(head)));
        }
        self.first(|k| k.is_called(word)).or_else(|| self.first(|k| k.is_short(word))).or_else(|| {
            let (_, kind, group) = NICKNAMES.iter().find(|(nick, _, _)| nick.eq_ignore_ascii_case(word))?;
            self.first(|k| k.kind == *kind && k.group == *group)
        })
    }

    /// By an object's `apiVersion` and `kind`.
    pub(super) fn typed(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Kind>> {
        self.first(|k| k.kind == kind && k.group == group && k.version == version)
    }

    fn first(&self, wanted: impl Fn(&Kind) -> bool) -> Option<Arc<Kind>> {
        self.kinds.iter().find(|kind| wanted(kind)).cloned()
    }

    /// Why `word` was not found: no such kind, or a group that does not answer.
    pub(super) fn missing_name(&self, word: &str) -> Error {
        let group = word.split_once('.').map_or("", |(_, group)| group);
        let nickname = NICKNAMES.iter().find(|(nick, _, _)| nick.eq_ignore_ascii_case(word));
        let shown = nickname.map_or_else(|| word.to_owned(), |(_, kind, group)| format!("{kind}.{group}"));
        let error = self.missing(&shown, nickname.map_or(group, |(_, _, group)| group));
        if error.code() != Code::UnknownKind {
            return error;
        }
        match self.nearest(word.split('.').next().unwrap_or(word)) {
            Some(near) if nickname.is_none() && group.is_empty() => error.hint(format!("Did you mean `{near}`?")),
            _ => error,
        }
    }

    /// Why this type was not found.
    pub(super) fn missing_type(&self, group: &str, version: &str, kind: &str) -> Error {
        let full = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        if let Some(other) = self.first(|k| k.kind == kind && k.group == group) {
            return Error::new(Code::UnknownKind, format!("the API server does not serve {full} in version {version}"))
                .hint(format!("It serves apiVersion: {}", other.api_version()));
        }
        self.missing(&full, group)
    }

    fn missing(&self, shown: &str, group: &str) -> Error {
        let of_group = |gv: &str| {
            !group.is_empty()
                && gv.rsplit_once('/').is_some_and(|(g, _)| group == g || group.ends_with(&format!(".{g}")))
        };
        if let Some((gv, why)) = self.silent.iter().find(|(gv, _)| of_group(gv)) {
            return Error::new(
                Code::Unavailable,
                format!("cannot look up {shown}: API group {gv} does not answer: {why}"),
            )
            .hint("Look at the service behind it: kubectl get apiservices");
        }
        let error = Error::new(Code::UnknownKind, format!("the API server does not serve a kind `{shown}`"))
            .hint("Is its CustomResourceDefinition installed? See: kubectl api-resources");
        self.silent.iter().fold(error, |e, (gv, why)| e.note(format!("kinds of {gv} are unknown: {why}")))
    }

    fn nearest(&self, word: &str) -> Option<String> {
        let word = word.to_lowercase();
        let most = (word.len() / 3).max(1);
        let names = self.kinds.iter().flat_map(|k| {
            [k.plural.as_str(), &k.singular, &k.kind].into_iter().chain(k.short_names.iter().map(String::as_str))
        });
        let scored = names.filter(|n| n.len() > 2).map(|n| (strsim::damerau_levenshtein(&word, &n.to_lowercase()), n));
        scored.filter(|(distance, _)| *distance <= most).min_by_key(|(d, _)| *d).map(|(_, name)| name.to_owned())
    }
}

async fn read(transport: &Transport) -> Result<Table> {
    let taken = Instant::now();
    let mut table = Table { kinds: Vec::new(), silent: Vec::new(), taken };
    let (core, groups) = futures::try_join!(root(transport, "/api"), root(transport, "/apis"))?;
    for list in [core, groups] {
        if list["kind"] == "APIGroupDiscoveryList" {
            add_aggregated(&mut table, &list);
        } else {
            add_legacy(transport, &mut table, &list).await;
        }
    }
    Ok(table)
}

async fn root(transport: &Transport, path: &str) -> Result<Value> {
    Ok(transport.json(&Ask::path(path), &Call::get(path).accept(AGGREGATED)).await?)
}

fn add_aggregated(table: &mut Table, list: &Value) {
    for group in array(&list["items"]) {
        let name = text(&group["metadata"]["name"]);
        for version in array(&group["versions"]) {
            let number = text(&version["version"]);
            if version["freshness"] == "Stale" {
                table.silent.push((format!("{name}/{number}"), "its discovery is stale".into()));
            }
            for resource in array(&version["resources"]) {
                let response = &resource["responseKind"];
                let or = |value: &Value, otherwise: &str| match value.as_str() {
                    Some(found) if !found.is_empty() => found.to_owned(),
                    _ => otherwise.to_owned(),
                };
                table.kinds.push(Arc::new(Kind {
                    // A subresource-like resource may answer with another group's kind; the path keeps this group's.
                    group: name.clone(),
                    version: number.clone(),
                    kind: or(&response["kind"], ""),
                    plural: text(&resource["resource"]),
                    singular: text(&resource["singularResource"]),
                    short_names: strings(&resource["shortNames"]),
                    namespaced: resource["scope"] == "Namespaced",
                    verbs: strings(&resource["verbs"]),
                    subresources: array(&resource["subresources"]).iter().map(|s| text(&s["subresource"])).collect(),
                }));
            }
        }
    }
}

/// Servers before 1.26 answer with lists of groups; each version is then asked by itself, and one that fails is left out.
async fn add_legacy(transport: &Transport, table: &mut Table, list: &Value) {
    let mut wanted: Vec<(String, String)> = Vec::new();
    for version in strings(&list["versions"]) {
        wanted.push((String::new(), version));
    }
    for group in array(&list["groups"]) {
        let preferred = text(&group["preferredVersion"]["version"]);
        let mut versions: Vec<String> = array(&group["versions"]).iter().map(|v| text(&v["version"])).collect();
        versions.sort_by_key(|version| *version != preferred);
        wanted.extend(versions.into_iter().map(|version| (text(&group["name"]), version)));
    }
    let reads = wanted.into_iter().map(|(group, version)| async move {
        let path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let answer = transport.json(&Ask::path(&path), &Call::get(&path)).await;
        (group, version, answer)
    });
    let answers: Vec<_> = futures::stream::iter(reads).buffered(8).collect().await;
    for (group, version, answer) in answers {
        match answer {
            Ok(resources) => add_legacy_resources(table, &group, &version, &resources),
            Err(failure) => table.silent.push((format!("{group}/{version}"), failure.error.message().to_owned())),
        }
    }
}

fn add_legacy_resources(table: &mut Table, group: &str, version: &str, list: &Value) {
    let resources = array(&list["resources"]);
    for resource in resources.iter().filter(|r| !text(&r["name"]).contains('/')) {
        let plural = text(&resource["name"]);
        let prefix = format!("{plural}/");
        let subresources =
            resources.iter().filter_map(|r| r["name"].as_str()?.strip_prefix(&prefix).map(ToOwned::to_owned)).collect();
        table.kinds.push(Arc::new(Kind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: text(&resource["kind"]),
            singular: text(&resource["singularName"]),
            short_names: strings(&resource["shortNames"]),
            namespaced: resource["namespaced"] == true,
            verbs: strings(&resource["verbs"]),
            plural,
            subresources,
        }));
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn strings(value: &Value) -> Vec<String> {
    array(value).iter().map(text).collect()
}
