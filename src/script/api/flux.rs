//! `flux`: what Flux has fetched and applied.

use std::collections::BTreeSet;
use std::sync::Arc;

use rhai::Dynamic;
use serde_json::{Value, json};

use crate::cluster::Query;
use crate::cluster::health::{self, Readiness};
use crate::error::{Code, Result};
use crate::flux::short;
use crate::script::call::Call;
use crate::script::registry::{Section, Type, function, optional, param};
use crate::script::value::to_dynamic;

use super::session::Session;

const READS: &[Code] = &[Code::UnknownKind, Code::Forbidden, Code::Denied, Code::Unavailable, Code::Timeout];
const KUSTOMIZATION: &str = "Kustomization.kustomize.toolkit.fluxcd.io";
const SOURCE: &str = "GitRepository.source.toolkit.fluxcd.io";

pub(super) const SECTION: Section<Session> = Section {
    name: "flux",
    summary: "What Flux has fetched and applied. An object is told as `#{kind, namespace, name, exists, ready, suspended, revision, reason}`.",
    handle: None,
    functions: &[
        function(
            "status",
            &[param("kind", Type::Text), param("name", Type::Text), optional("options", Type::Map)],
            "map",
            "Status of an object of Flux (`ks`, `gitrepo`, `helmrelease`, …). Option: `namespace`; without, Flux's own.",
            status,
        )
        .errors(READS)
        .example("flux::status(\"ks\", \"cluster-apps\").revision", "\"main@3f2c1a9\""),
        function("sources", &[], "array", "Every GitRepository.", sources).errors(READS).example("flux::sources().map(|s| s.name)", "[\"flux-system\"]"),
        function("kustomizations", &[], "array", "Every Kustomization.", kustomizations)
            .errors(READS)
            .example("flux::kustomizations().filter(|k| !k.ready).len()", "0"),
        function(
            "roots",
            &[],
            "map",
            "Whether the source is fetched, and every Kustomization that no other one makes stands at its revision: `#{ready, revision, text}`.",
            roots,
        )
        .errors(READS)
        .example("flux::roots()", "#{ ready: true, revision: \"main@3f2c1a9\", text: \"cluster-apps at main@3f2c1a9\" }"),
    ],
};

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The revision that an object stands at.
fn revision(object: &Value) -> &str {
    ["/status/lastAppliedRevision", "/status/artifact/revision", "/status/lastAttemptedRevision"]
        .into_iter()
        .map(|pointer| text(object, pointer))
        .find(|revision| !revision.is_empty())
        .unwrap_or_default()
}

fn told(object: &Value) -> Value {
    let readiness = health::readiness(object);
    let suspended = object["spec"]["suspend"] == true;
    let reason = match &readiness {
        Readiness::Ready if suspended => "suspended",
        other => other.reason(),
    };
    json!({
        "kind": text(object, "/kind"),
        "namespace": text(object, "/metadata/namespace"),
        "name": text(object, "/metadata/name"),
        "exists": true,
        "ready": readiness.is_ready() && !suspended,
        "suspended": suspended,
        "revision": short(revision(object)),
        "reason": reason,
    })
}

fn status(session: &Arc<Session>, call: &mut Call<'_>) -> Result<Dynamic> {
    let options = call.options(2, &["namespace"])?;
    let (kind, name) = (call.text(0), call.text(1));
    let (namespace, name) = match name.split_once('/') {
        Some((namespace, name)) => (namespace.to_owned(), name.to_owned()),
        None => {
            (options.text("namespace")?.unwrap_or_else(|| session.host.setting("/flux/namespace").to_owned()), name)
        }
    };
    let cluster = session.host.cluster()?;
    let found = session.host.bridge().block(cluster.find(&kind, Some(&namespace), &name))?;
    session.read(format!("get {kind} {namespace}/{name}"));
    Ok(to_dynamic(&match found {
        Some(object) => told(&object),
        None => json!({
            "kind": kind, "namespace": namespace, "name": name, "exists": false, "ready": false, "suspended": false,
            "revision": "", "reason": "it does not exist",
        }),
    }))
}

fn all(session: &Session, kind: &str) -> Result<Vec<Value>> {
    let cluster = session.host.cluster()?;
    let objects = session.host.bridge().block(cluster.list(kind, &Query::default()))?;
    session.read(format!("list {} in all namespaces", kind.split('.').next().unwrap_or(kind)));
    Ok(objects)
}

fn sources(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    Ok(Dynamic::from_array(all(session, SOURCE)?.iter().map(|o| to_dynamic(&told(o))).collect()))
}

fn kustomizations(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    Ok(Dynamic::from_array(all(session, KUSTOMIZATION)?.iter().map(|o| to_dynamic(&told(o))).collect()))
}

fn roots(session: &Arc<Session>, _: &mut Call<'_>) -> Result<Dynamic> {
    let (namespace, name) = (session.host.setting("/flux/namespace"), session.host.setting("/flux/source"));
    let source = all(session, SOURCE)?
        .into_iter()
        .find(|o| text(o, "/metadata/namespace") == namespace && text(o, "/metadata/name") == name);
    let kustomizations = all(session, KUSTOMIZATION)?;
    let (ready, revision, text) = judge(source.as_ref(), &kustomizations, namespace, name);
    Ok(to_dynamic(&json!({ "ready": ready, "revision": revision, "text": text })))
}

/// A Kustomization that another one made carries that one's name in a label; the roots carry none, or their own
/// (`flux bootstrap` makes one that applies itself).
fn is_root(ks: &Value, known: &BTreeSet<(&str, &str)>) -> bool {
    let labels = &ks["metadata"]["labels"];
    let owner = |key: &str| labels[format!("kustomize.toolkit.fluxcd.io/{key}")].as_str().unwrap_or_default();
    let owner = (owner("namespace"), owner("name"));
    owner == (text(ks, "/metadata/namespace"), text(ks, "/metadata/name")) || !known.contains(&owner)
}

fn judge(source: Option<&Value>, kustomizations: &[Value], namespace: &str, name: &str) -> (bool, String, String) {
    let Some(source) = source else {
        return (false, String::new(), format!("GitRepository {namespace}/{name} does not exist"));
    };
    let fetched = revision(source);
    let state = told(source);
    if state["ready"] != true {
        let reason = state["reason"].as_str().unwrap_or_default();
        return (false, short(fetched), format!("GitRepository {namespace}/{name}: {reason}"));
    }
    let reads = |ks: &&Value| {
        let of = ks.pointer("/spec/sourceRef/namespace").and_then(Value::as_str);
        text(ks, "/spec/sourceRef/kind") == "GitRepository"
            && text(ks, "/spec/sourceRef/name") == name
            && of.unwrap_or_else(|| text(ks, "/metadata/namespace")) == namespace
    };
    let known: BTreeSet<_> =
        kustomizations.iter().map(|k| (text(k, "/metadata/namespace"), text(k, "/metadata/name"))).collect();
    let roots: Vec<&Value> = kustomizations.iter().filter(reads).filter(|ks| is_root(ks, &known)).collect();
    if roots.is_empty() {
        return (false, short(fetched), format!("no Kustomization reads GitRepository {namespace}/{name}"));
    }
    let mut wrong = Vec::new();
    for root in &roots {
        let (state, at) = (told(root), revision(root));
        let name = text(root, "/metadata/name");
        if state["ready"] != true {
            wrong.push(format!("{name}: {}", state["reason"].as_str().unwrap_or_default()));
        } else if at != fetched {
            wrong.push(format!("{name} is at {}, the source at {}", short(at), short(fetched)));
        }
    }
    let names: Vec<&str> = roots.iter().map(|root| text(root, "/metadata/name")).collect();
    if wrong.is_empty() {
        (true, short(fetched), format!("{} at {}", names.join(", "), short(fetched)))
    } else {
        (false, short(fetched), wrong.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str, revision: &str, owner: Option<&str>) -> Value {
        let status = json!({"lastAppliedRevision": revision, "conditions": [{"type": "Ready", "status": "True"}]});
        let labels = owner.map(
            |o| json!({"kustomize.toolkit.fluxcd.io/name": o, "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}),
        );
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": kind, "metadata": {"name": name, "namespace": "flux-system", "labels": labels},
            "spec": {"sourceRef": {"kind": "GitRepository", "name": "flux-system"}}, "status": status})
    }

    #[test]
    fn a_root_that_lags_is_named_and_its_children_are_not() {
        let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "flux-system", "namespace": "flux-system"},
            "status": {"artifact": {"revision": "main@sha1:3f2c1a9000000000000000000000000000000000"}, "conditions": [{"type": "Ready", "status": "True"}]}});
        let new = "main@sha1:3f2c1a9000000000000000000000000000000000";
        let old = "main@sha1:1111111000000000000000000000000000000000";
        let at_new = [
            object("Kustomization", "cluster-apps", new, Some("cluster-apps")),
            object("Kustomization", "app", old, Some("cluster-apps")),
        ];
        let (ready, revision, text) = judge(Some(&source), &at_new, "flux-system", "flux-system");
        assert!(ready, "{text}");
        assert_eq!(text, format!("cluster-apps at {revision}"));
        let at_old = [object("Kustomization", "cluster-apps", old, None)];
        let (ready, _, text) = judge(Some(&source), &at_old, "flux-system", "flux-system");
        assert!(!ready && text.starts_with("cluster-apps is at "), "{text}");
        assert!(!judge(None, &at_old, "flux-system", "flux-system").0);
        assert!(!judge(Some(&source), &[], "flux-system", "flux-system").0);
    }
}
