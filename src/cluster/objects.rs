//! Reading objects: one, or many.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{Code, Error, ObjectRef, Result};

use super::answer::Failure;
use super::ask::Ask;
use super::connect::Cluster;
use super::kind::{Kind, Which, group_version, type_of};
use super::schema::Schemas;
use super::transport::Call;

/// Items of one page of a list.
const PAGE: u32 = 500;

/// Which objects of a kind; the server does the choosing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// In this namespace; `None` looks in all.
    pub namespace: Option<String>,
    /// Label selector (`app=x,tier in (a,b)`).
    pub labels: Option<String>,
    /// Field selector (`status.phase=Running`).
    pub fields: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
}

impl Query {
    /// All objects of one namespace.
    pub fn namespace(namespace: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), ..Self::default() }
    }

    /// Adds a label selector.
    #[must_use]
    pub fn labels(mut self, selector: impl Into<String>) -> Self {
        self.labels = Some(selector.into());
        self
    }

    /// Adds a field selector.
    #[must_use]
    pub fn fields(mut self, selector: impl Into<String>) -> Self {
        self.fields = Some(selector.into());
        self
    }

    pub(super) fn call(&self, kind: &Kind) -> Result<Call> {
        let call = Call::get(kind.path(self.namespace.as_deref(), None)?);
        Ok(call.maybe("labelSelector", self.labels.as_deref()).maybe("fieldSelector", self.fields.as_deref()))
    }
}

impl Cluster {
    /// Finds a kind by any name: plural, singular, short name, `Kind`, `Kind.group`, `Kind.version.group`.
    ///
    /// Where several groups have that name, the core group wins, then the server's own order, as with kubectl. What is
    /// not served is an `unknown_kind`, after a second look at the server; a group that does not answer, `unavailable`.
    pub async fn kind(&self, name: &str) -> Result<Kind> {
        Ok(self.resolve(Which::Name(name)).await?.as_ref().clone())
    }

    /// The kind of an object, by its `apiVersion` and `kind`.
    pub async fn kind_of(&self, object: &Value) -> Result<Kind> {
        Ok(self.resolve_type(object).await?.as_ref().clone())
    }

    /// Every kind that the server serves, in its order of preference.
    pub async fn kinds(&self) -> Result<Vec<Arc<Kind>>> {
        self.inner.discovery.all(&self.inner.transport).await
    }

    /// The schemas of a group version (`apps/v1`, `v1`), as the server publishes them.
    pub async fn schemas(&self, api_version: &str) -> Result<Arc<Schemas>> {
        self.inner.openapi.of(&self.inner.transport, api_version).await
    }

    pub(super) async fn resolve(&self, which: Which<'_>) -> Result<Arc<Kind>> {
        match which {
            Which::Kind(kind) => Ok(Arc::new(kind.clone())),
            Which::Name(name) => {
                let transport = &self.inner.transport;
                self.inner.discovery.look(transport, |t| t.named(name), |t| t.missing_name(name)).await
            }
        }
    }

    pub(super) async fn resolve_type(&self, object: &Value) -> Result<Arc<Kind>> {
        let (api_version, kind) = type_of(object);
        if api_version.is_empty() || kind.is_empty() {
            return Err(Error::new(Code::Invalid, "an object needs apiVersion and kind"));
        }
        let (group, version) = group_version(api_version);
        let find = |t: &super::discovery::Table| t.typed(group, version, kind);
        self.inner.discovery.look(&self.inner.transport, find, |t| t.missing_type(group, version, kind)).await
    }

    /// The namespace that counts for an object of `kind`: the given one, else the connection's own.
    pub(super) fn namespace_for<'a>(&'a self, kind: &Kind, given: Option<&'a str>) -> Option<&'a str> {
        kind.namespaced.then(|| given.filter(|ns| !ns.is_empty()).unwrap_or_else(|| self.namespace()))
    }

    /// One object; `not_found` when it is absent. A namespaced kind without a namespace is looked for in the
    /// connection's own.
    pub async fn get(&self, kind: impl Into<Which<'_>>, namespace: Option<&str>, name: &str) -> Result<Value> {
        let kind = self.resolve(kind.into()).await?;
        let namespace = self.namespace_for(&kind, namespace);
        self.find_one(&kind, namespace, name).await?.ok_or_else(|| {
            let ask = Ask::new("get", &kind, namespace, Some(name));
            ask.name_in(Error::new(Code::NotFound, format!("{} does not exist", ask.what())))
        })
    }

    /// One object, or `None` when it is absent. A kind that is not served is still an error.
    pub async fn find(&self, kind: impl Into<Which<'_>>, namespace: Option<&str>, name: &str) -> Result<Option<Value>> {
        let kind = self.resolve(kind.into()).await?;
        self.find_one(&kind, self.namespace_for(&kind, namespace), name).await
    }

    async fn find_one(&self, kind: &Kind, namespace: Option<&str>, name: &str) -> Result<Option<Value>> {
        let call = Call::get(kind.path(namespace, Some(name))?);
        let ask = Ask::new("get", kind, namespace, Some(name));
        let object =
            self.read(call.target(), async { absent_is_null(self.inner.transport.json(&ask, &call).await) }).await?;
        Ok(Some(object).filter(|o| !o.is_null()))
    }

    /// All objects of a kind that match; pages are joined, and each item has its `apiVersion` and `kind`.
    pub async fn list(&self, kind: impl Into<Which<'_>>, query: &Query) -> Result<Vec<Value>> {
        let kind = self.resolve(kind.into()).await?;
        let call = query.call(&kind)?;
        let key = format!("{}#{}", call.target(), query.limit.unwrap_or(0));
        match self.read(key, async { Ok(Value::Array(self.pages(&kind, query, &call).await?.0)) }).await? {
            Value::Array(items) => Ok(items),
            _ => Ok(Vec::new()),
        }
    }

    /// The items and the list's resource version.
    pub(super) async fn pages(&self, kind: &Kind, query: &Query, call: &Call) -> Result<(Vec<Value>, String)> {
        let ask = Ask::new("list", kind, query.namespace.as_deref(), None);
        let mut restarted = false;
        'list: loop {
            let mut items = Vec::new();
            let mut token: Option<String> = None;
            loop {
                let wanted = query
                    .limit
                    .map_or(PAGE, |l| l.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX)).min(PAGE));
                let page = call.clone().query("limit", wanted.to_string()).maybe("continue", token.as_deref());
                let list = match self.inner.transport.json(&ask, &page).await {
                    Ok(list) => list,
                    // The pages' snapshot is gone: once more from the start.
                    Err(Failure { status: 410, .. }) if !restarted => {
                        restarted = true;
                        continue 'list;
                    }
                    Err(failure) => return Err(failure.error),
                };
                let (page_items, version, next) = take_page(kind, list);
                items.extend(page_items);
                let enough = query.limit.is_some_and(|l| items.len() >= l as usize);
                if next.is_empty() || enough {
                    return Ok((items, version));
                }
                token = Some(next);
            }
        }
    }

    /// A read, shared when this is a shared view.
    pub(super) async fn read(&self, key: String, read: impl Future<Output = Result<Value>>) -> Result<Value> {
        match &self.memo {
            Some(memo) => Ok(memo.read(key, read).await?.as_ref().clone()),
            None => read.await,
        }
    }

    /// The server's version (`v1.36.2`).
    pub async fn server_version(&self) -> Result<String> {
        let call = Call::get("/version");
        let read = async { Ok(self.inner.transport.json(&Ask::path("/version"), &call).await?) };
        let version = self.read(call.target(), read).await?;
        Ok(version["gitVersion"].as_str().unwrap_or("unknown").to_owned())
    }

    /// Sends a GET and gives back the open answer, whose body is read as it arrives (large lists). A status of 400 or
    /// above is an error. The body has no time limit of its own.
    pub async fn raw(&self, path_and_query: &str, accept: &str) -> Result<http::Response<super::Body>> {
        let ask = Ask::path(path_and_query.split('?').next().unwrap_or_default());
        let request =
            http::Request::get(path_and_query).header(http::header::ACCEPT, accept).body(super::Body::empty());
        let request = request.map_err(|e| Error::new(Code::Invalid, format!("{path_and_query}: {e}")))?;
        Ok(self.inner.transport.bounded(&ask, self.inner.transport.open(&ask, request)).await?)
    }
}

/// A missing object is an answer; a missing kind is not.
fn absent_is_null(result: Result<Value, Failure>) -> Result<Value> {
    match result {
        Err(failure) if failure.status == 404 && failure.error.code() == Code::NotFound => Ok(Value::Null),
        other => Ok(other?),
    }
}

/// Items with their type put in front, resource version, and the token of the next page.
fn take_page(kind: &Kind, mut list: Value) -> (Vec<Value>, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, next) = (text(&list["metadata"]["resourceVersion"]), text(&list["metadata"]["continue"]));
    let items = match list["items"].take() {
        Value::Array(items) => items.into_iter().map(|item| with_type(kind, item)).collect(),
        _ => Vec::new(),
    };
    (items, version, next)
}

/// Lists leave out the type of their items.
pub(super) fn with_type(kind: &Kind, item: Value) -> Value {
    match item {
        Value::Object(fields) if !fields.contains_key("kind") => {
            let mut typed = Map::new();
            typed.insert("apiVersion".into(), kind.api_version().into());
            typed.insert("kind".into(), kind.kind.clone().into());
            typed.extend(fields);
            Value::Object(typed)
        }
        other => other,
    }
}

/// Kind, namespace and name of an object.
pub fn object_ref(object: &Value) -> ObjectRef {
    let metadata = &object["metadata"];
    ObjectRef {
        kind: object["kind"].as_str().unwrap_or_default().to_owned(),
        namespace: metadata["namespace"].as_str().filter(|ns| !ns.is_empty()).map(Into::into),
        name: metadata["name"].as_str().unwrap_or_default().to_owned(),
    }
}
