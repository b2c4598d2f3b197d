//! Dry runs of a set of objects.

use serde_json::{Value, json};

use super::super::fake::{Answer, Seen, cluster, status};
use super::super::{DryRun, Outcome};
use crate::error::Code;

fn server(seen: &Seen) -> Option<Answer> {
    match (seen.method.as_str(), seen.path.as_str()) {
        ("PATCH", "/api/v1/namespaces/new") => Some(seen.body.clone().into()),
        ("PATCH", path) if path.starts_with("/api/v1/namespaces/new/") || path.contains("/namespaces/nowhere/") => {
            let ns = if path.contains("/new/") { "new" } else { "nowhere" };
            Some(status(404, "NotFound", &format!("namespaces \"{ns}\" not found"), json!({"name": ns, "kind": "namespaces"})))
        }
        ("PATCH", "/api/v1/namespaces/default/configmaps/strict") => {
            Some(status(400, "BadRequest", "strict decoding error: unknown field \"dat\"", Value::Null))
        }
        ("GET", "/openapi/v3") => Some(json!({"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=AB"}}}).into()),
        ("GET", "/openapi/v3/api/v1") => Some(
            json!({"components": {"schemas": {"io.k8s.api.core.v1.ConfigMap": {
                "type": "object",
                "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
                    "data": {"type": "object", "additionalProperties": {"type": "string", "default": ""}}},
                "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "ConfigMap"}]}}}})
            .into(),
        ),
        _ => None,
    }
}

fn config(namespace: &str, name: &str, data: Value) -> Value {
    let mut object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}});
    object["data"] = data;
    object
}

fn told(run: &DryRun) -> String {
    match &run.outcome {
        Outcome::Accepted(_) => format!("{}: accepted", run.object),
        Outcome::Refused(error) => format!("{}: refused, {:?}: {}", run.object, error.code(), error.message()),
        Outcome::Unchecked(reason) => format!("{}: unchecked, {reason}", run.object),
    }
}

#[tokio::test]
async fn a_namespace_of_the_same_change_leaves_its_objects_to_the_schema() {
    let cluster = cluster(server);
    let objects = [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}}),
        config("new", "good", json!({"a": "b"})),
        config("new", "bad", json!({"a": 5})),
        config("nowhere", "lost", json!({})),
        config("default", "strict", json!({})),
    ];
    let runs = cluster.dry_run(&objects).await;
    assert_eq!(
        runs.iter().map(told).collect::<Vec<_>>(),
        [
            "Namespace new: accepted",
            "ConfigMap new/good: unchecked, namespace new comes with the same change: checked against the server's schema only",
            "ConfigMap new/bad: refused, Invalid: ConfigMap new/bad: data.a: wants string, has a number",
            "ConfigMap nowhere/lost: refused, NotFound: ConfigMap nowhere/lost: namespace nowhere does not exist",
            "ConfigMap default/strict: refused, Invalid: ConfigMap default/strict: strict decoding error: unknown field \"dat\"",
        ]
    );
    assert!(cluster.requests().iter().all(super::super::Sent::only_reads));
}

fn definition() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "names": {"kind": "Thing", "plural": "things"}, "versions": [{"name": "v1", "served": true, "schema": {"openAPIV3Schema": {
            "type": "object", "properties": {
                "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
                "spec": {"type": "object", "required": ["size", "mode"], "properties": {
                    "size": {"type": "integer", "minimum": 1}, "mode": {"type": "string", "enum": ["a", "b"], "default": "a"}}}}}}}]}})
}

#[tokio::test]
async fn a_definition_of_the_same_change_checks_its_objects() {
    let cluster = cluster(server);
    let thing = |name: &str, version: &str, spec: Value| json!({"apiVersion": format!("example.com/{version}"), "kind": "Thing", "metadata": {"name": name}, "spec": spec});
    let objects = [
        definition(),
        thing("good", "v1", json!({"size": 2})),
        thing("bad", "v1", json!({"sise": 2, "mode": "c"})),
        thing("old", "v1alpha1", json!({})),
        json!({"apiVersion": "other.com/v1", "kind": "Thing", "metadata": {"name": "x"}}),
    ];
    let runs = cluster.dry_run(&objects[1..]).await;
    assert!(
        runs.iter().all(|r| matches!(&r.outcome, Outcome::Refused(e) if e.code() == Code::UnknownKind)),
        "without the definition"
    );
    let runs = cluster.dry_run(&objects).await;
    assert_eq!(
        told(&runs[1]),
        "Thing good: unchecked, CRD things.example.com comes with the same change: checked against its schema only"
    );
    assert_eq!(
        told(&runs[2]),
        "Thing bad: refused, Invalid: Thing bad: spec.sise: unknown field (did you mean `size`?)"
    );
    let Outcome::Refused(error) = &runs[2].outcome else { panic!() };
    assert_eq!(error.notes(), ["spec.mode: \"c\" is none of \"a\", \"b\"", "spec.size: required field is missing"]);
    assert!(told(&runs[3]).contains("has no version v1alpha1"));
    assert!(told(&runs[4]).contains("does not serve a kind `Thing.other.com`"), "{}", told(&runs[4]));
}

#[tokio::test]
async fn what_may_not_be_tried_or_is_encrypted_is_unchecked() {
    let cluster = cluster(|seen| {
        let message = r#"configmaps "a" is forbidden: User "ann" cannot patch resource "configmaps" in API group "" in the namespace "default""#;
        if seen.method == "PATCH" { Some(status(403, "Forbidden", message, Value::Null)) } else { server(seen) }
    });
    let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    secret["sops"] = json!({"mac": "x"});
    let runs = cluster.dry_run(&[config("default", "a", json!({})), secret]).await;
    assert_eq!(
        told(&runs[0]),
        "ConfigMap default/a: unchecked, not allowed to try it (kubectl auth can-i patch configmaps/a -n default): checked against the server's schema only"
    );
    assert_eq!(told(&runs[1]), "Secret s: unchecked, encrypted with SOPS: only Flux can read it");
}
