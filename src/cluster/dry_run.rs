//! What the server would say to a set of objects, without storing any.

use futures::StreamExt as _;
use serde_json::Value;

use crate::error::{Code, Error, ObjectRef, Result};

use super::connect::Cluster;
use super::kind::{group_version, type_of};
use super::objects::object_ref;
use super::schema::{Schemas, Violation};
use super::writes::Apply;
use super::{ask::Ask, crd};

/// So many objects are checked at a time.
const AT_ONCE: usize = 8;

/// The server's opinion of one object.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// The object.
    pub object: ObjectRef,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a dry run.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The server would take it; the object as the server would store it.
    Accepted(Value),
    /// The server, or the schema, refuses it.
    Refused(Error),
    /// The server could not check it now, for this reason; its schema, where there is one, found nothing.
    Unchecked(String),
}

impl Cluster {
    /// Strict server-side dry run of objects that are to be applied together.
    ///
    /// An object whose namespace or definition comes with the same change cannot be tried on the server: it is held
    /// against the server's `OpenAPI` v3, or the definition's own schema, and reported as unchecked when that finds nothing.
    pub async fn dry_run(&self, objects: &[Value]) -> Vec<DryRun> {
        let checks: Vec<_> = objects
            .iter()
            .map(|object| async move {
                DryRun { object: object_ref(object), outcome: self.dry_run_one(object, objects).await }
            })
            .collect();
        futures::stream::iter(checks).buffered(AT_ONCE).collect().await
    }

    async fn dry_run_one(&self, object: &Value, all: &[Value]) -> Outcome {
        if object.get("sops").is_some() {
            return Outcome::Unchecked("encrypted with SOPS: only Flux can read it".into());
        }
        let (api_version, kind_name) = type_of(object);
        let (group, version) = group_version(api_version);
        let definition = crd::find(all, group, kind_name);
        let kind = match self.resolve_type(object).await {
            Ok(kind) => kind,
            Err(error) if error.code() == Code::UnknownKind => {
                return definition.map_or(Outcome::Refused(error), |d| by_definition(d, version, object));
            }
            Err(error) if matches!(error.code(), Code::Unavailable | Code::Forbidden | Code::Denied) => {
                return Outcome::Unchecked(error.message().to_owned());
            }
            Err(error) => return Outcome::Refused(error),
        };
        let how = Apply { force: true, dry_run: true, ..Apply::default() };
        let failure = match self.apply_as(&kind, object, &how).await {
            Ok(result) => return Outcome::Accepted(result),
            Err(failure) => failure,
        };
        let namespace = self.namespace_for(&kind, object["metadata"]["namespace"].as_str());
        let comes_along = |ns: &str| all.iter().any(|o| o["kind"] == "Namespace" && o["metadata"]["name"] == ns);
        match (failure.error.code(), namespace) {
            (Code::NotFound, Some(ns)) if comes_along(ns) => {
                let reason =
                    format!("namespace {ns} comes with the same change: checked against the server's schema only");
                self.by_openapi(object, reason).await
            }
            (Code::NotFound, Some(ns)) => Outcome::Refused(
                failure
                    .error
                    .hint(format!("Nothing in this change creates namespace {ns}: add it, or correct the name")),
            ),
            (Code::Invalid, _) if definition.is_some() => {
                definition.map_or(Outcome::Refused(failure.error), |d| by_definition(d, version, object))
            }
            (Code::Forbidden, _) => {
                let ask = Ask::new("patch", &kind, namespace, object["metadata"]["name"].as_str());
                let reason =
                    format!("not allowed to try it ({}): checked against the server's schema only", ask.can_i());
                self.by_openapi(object, reason).await
            }
            (Code::Unavailable, _) if !failure.error.message().contains("failed calling webhook") => {
                Outcome::Unchecked(failure.error.message().to_owned())
            }
            _ => Outcome::Refused(failure.error),
        }
    }

    async fn by_openapi(&self, object: &Value, reason: String) -> Outcome {
        let (api_version, _) = type_of(object);
        match self.schemas(api_version).await.map(|schemas| schemas.check(object)) {
            Ok(Some(found)) => judged(object, &found, reason),
            Ok(None) => Outcome::Unchecked(format!("{reason}; it publishes none for this kind")),
            Err(error) => Outcome::Unchecked(format!("{reason}; it could not be read: {}", error.message())),
        }
    }

    /// Holds an object against the schema that the server publishes for its kind; `None` when it publishes none.
    pub async fn check_schema(&self, object: &Value) -> Result<Option<Vec<Violation>>> {
        Ok(self.schemas(type_of(object).0).await?.check(object))
    }
}

fn by_definition(definition: &Value, version: &str, object: &Value) -> Outcome {
    let name = definition["metadata"]["name"].as_str().unwrap_or_default();
    match crd::schema(definition, version) {
        Ok(Some(schema)) => {
            let found = Schemas::check_custom(schema, object);
            judged(object, &found, format!("CRD {name} comes with the same change: checked against its schema only"))
        }
        Ok(None) => Outcome::Unchecked(format!("CRD {name} comes with the same change, and has no schema")),
        Err(served) => {
            let text = format!("{}: CRD {name} has no version {version}", object_ref(object));
            Outcome::Refused(Error::new(Code::Invalid, text).hint(format!("It serves: {}", served.join(", "))))
        }
    }
}

fn judged(object: &Value, found: &[Violation], reason: String) -> Outcome {
    let Some(first) = found.first() else { return Outcome::Unchecked(reason) };
    let reference = object_ref(object);
    let error = Error::new(Code::Invalid, format!("{reference}: {first}"));
    let error = error.object(&reference.kind, reference.namespace.as_deref(), &reference.name);
    Outcome::Refused(found.iter().skip(1).fold(error, |e, violation| e.note(violation.to_string())))
}
