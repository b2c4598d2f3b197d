//! The answers to access reviews, after `pkg/registry/authorization` and `pkg/apis/authorization/validation`.

use serde_json::{Map, Value, json};

use crate::sim::api::object::{self, meta};
use crate::sim::api::{FieldError, Status};

use super::attributes::Attributes;
use super::go_text::aggregate;
use super::objects::Objects;
use super::rbac::{decide, rules_for};
use super::user::User;

/// The API group of the reviews.
pub(super) const GROUP: &str = "authorization.k8s.io";

/// Which of the three access reviews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `SelfSubjectAccessReview`.
    OfSelf,
    /// `SubjectAccessReview`.
    OfSubject,
    /// `LocalSubjectAccessReview`.
    Local,
}

/// Answers an access review.
pub(super) fn access(objects: &dyn Objects, user: &User, kind: Kind, mut review: Value) -> Result<Value, Status> {
    let faults = faults(kind, &review);
    if !faults.is_empty() {
        return Err(Status::invalid(GROUP, "", "", &faults));
    }
    let spec = &review["spec"];
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let asked = if spec["nonResourceAttributes"].is_object() {
        let path = &spec["nonResourceAttributes"];
        Attributes::of_path(&text(path, "verb"), &text(path, "path"))
    } else {
        let of = &spec["resourceAttributes"];
        Attributes {
            verb: text(of, "verb"),
            group: text(of, "group"),
            resource: text(of, "resource"),
            subresource: text(of, "subresource"),
            name: text(of, "name"),
            namespace: text(of, "namespace"),
            path: None,
        }
    };
    let decision = match kind {
        Kind::OfSelf => decide(objects, user, &asked),
        Kind::OfSubject | Kind::Local => {
            let groups = spec["groups"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let of = User {
                name: text(spec, "user"),
                uid: text(spec, "uid"),
                groups: groups.map(str::to_owned).collect(),
                extra: std::collections::BTreeMap::new(),
            };
            decide(objects, &of, &asked)
        }
    };
    let mut status = Map::new();
    status.insert("allowed".into(), json!(decision.allowed));
    if !decision.reason.is_empty() {
        status.insert("reason".into(), json!(decision.reason));
    }
    review["status"] = Value::Object(status);
    Ok(object::order(review))
}

fn faults(kind: Kind, review: &Value) -> Vec<FieldError> {
    let spec = &review["spec"];
    let (of, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    let mut faults = Vec::new();
    let shown = |value: &Value| {
        let text = |field: &str| value[field].as_str().unwrap_or_default();
        json!({"Path": text("path"), "Verb": text("verb")}).to_string()
    };
    if !of.is_null() && !path.is_null() {
        let why = "cannot be specified in combination with resourceAttributes";
        faults.push(FieldError::invalid("spec.nonResourceAttributes", &shown(path), why));
    }
    if of.is_null() && path.is_null() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        faults.push(FieldError::invalid("spec.resourceAttributes", "null", why));
    }
    let nobody =
        spec["user"].as_str().unwrap_or_default().is_empty() && spec["groups"].as_array().is_none_or(Vec::is_empty);
    if kind != Kind::OfSelf && nobody {
        faults.push(FieldError::invalid("spec.user", "\"\"", "at least one of user or group must be specified"));
    }
    for selector in ["fieldSelector", "labelSelector"] {
        let value = &of[selector];
        let field = format!("spec.resourceAttributes.{selector}");
        let raw = value["rawSelector"].as_str().unwrap_or_default();
        let some = value["requirements"].as_array().is_some_and(|list| !list.is_empty());
        if !raw.is_empty() && some {
            let why = "may not specified at the same time as requirements";
            faults.push(FieldError::invalid(format!("{field}.rawSelector"), &json!(raw).to_string(), why));
        }
        if !value.is_null() && raw.is_empty() && !some {
            let why = format!("when {field} is specified, requirements or rawSelector is required");
            faults.push(FieldError::required(format!("{field}.requirements"), &why));
        }
    }
    let kept: &[&str] = if kind == Kind::Local { &["managedFields", "namespace"] } else { &["managedFields"] };
    let metadata = review["metadata"].as_object();
    if metadata.is_some_and(|m| m.iter().any(|(key, value)| !kept.contains(&key.as_str()) && !value.is_null())) {
        let why = if kind == Kind::Local { "must be empty except for namespace" } else { "must be empty" };
        faults.push(FieldError::invalid("metadata", &review["metadata"].to_string(), why));
    }
    if kind == Kind::Local {
        let own = of["namespace"].as_str().unwrap_or_default();
        if !of.is_null() && own != meta(review, "namespace") {
            let why = "must match metadata.namespace";
            faults.push(FieldError::invalid("spec.resourceAttributes.namespace", &json!(own).to_string(), why));
        }
        if !path.is_null() {
            let why = "disallowed on this kind of request";
            faults.push(FieldError::invalid("spec.nonResourceAttributes", &shown(path), why));
        }
    }
    faults
}

/// Answers `SelfSubjectRulesReview`.
pub(super) fn rules(objects: &dyn Objects, user: &User, review: &Value) -> Result<Value, Status> {
    let namespace = review["spec"]["namespace"].as_str().unwrap_or_default();
    if namespace.is_empty() {
        return Err(Status::bad_request("no namespace on request"));
    }
    let (rules, errors) = rules_for(objects, user, namespace);
    let mut of_resources = Vec::new();
    let mut of_paths = Vec::new();
    for rule in &rules {
        if !rule.resources.is_empty() {
            let mut told = Map::new();
            told.insert("verbs".into(), json!(rule.verbs));
            for (field, list) in
                [("apiGroups", &rule.groups), ("resources", &rule.resources), ("resourceNames", &rule.names)]
            {
                if !list.is_empty() {
                    told.insert(field.into(), json!(list));
                }
            }
            of_resources.push(Value::Object(told));
        }
        if !rule.urls.is_empty() {
            of_paths.push(json!({"verbs": rule.verbs, "nonResourceURLs": rule.urls}));
        }
    }
    let mut status = json!({"resourceRules": of_resources, "nonResourceRules": of_paths, "incomplete": false});
    if !errors.is_empty() {
        status["evaluationError"] = json!(aggregate(&errors));
    }
    Ok(
        json!({"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": {}, "status": status}),
    )
}
