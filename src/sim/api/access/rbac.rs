//! Roles and bindings: who may do what, after `plugin/pkg/auth/authorizer/rbac` and `pkg/registry/rbac/validation`.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::sim::api::{Status, object};

use super::attributes::Attributes;
use super::go_text::{aggregate, quoted};
use super::objects::Objects;
use super::rule::{Rule, allows};
use super::user::{MASTERS, User, service_account_of};

/// The API group of roles and bindings.
pub(super) const GROUP: &str = "rbac.authorization.k8s.io";

/// What the authorizer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be done.
    pub allowed: bool,
    /// `RBAC: allowed by …`, or what went wrong on the way to a no; often empty.
    pub reason: String,
}

/// Whether a user may do something, and why.
pub fn decide(objects: &dyn Objects, user: &User, asked: &Attributes) -> Decision {
    if user.is_in(MASTERS) {
        return Decision { allowed: true, reason: String::new() };
    }
    let mut errors = Vec::new();
    let visited = visit(objects, user, &asked.namespace, &mut errors, &mut |bound| {
        if bound.rules().any(|rule| allows(rule, asked)) {
            return ControlFlow::Break(format!("RBAC: allowed by {}", bound.describe()));
        }
        ControlFlow::Continue(())
    });
    if let ControlFlow::Break(reason) = visited {
        return Decision { allowed: true, reason };
    }
    let reason = if errors.is_empty() { String::new() } else { format!("RBAC: {}", aggregate(&errors)) };
    Decision { allowed: false, reason }
}

/// The 403 of the true server unless a user may do something.
pub fn authorize(objects: &dyn Objects, user: &User, asked: &Attributes) -> Result<(), Status> {
    let decision = decide(objects, user, asked);
    if decision.allowed { Ok(()) } else { Err(asked.forbidden(user, &decision.reason)) }
}

/// A role that a binding gives to a user.
struct Bound<'a> {
    binding: &'a Value,
    subject: &'a Value,
    namespace: &'a str,
    role: Arc<Value>,
}

impl Bound<'_> {
    fn rules(&self) -> impl Iterator<Item = &Value> {
        self.role["rules"].as_array().into_iter().flatten()
    }

    fn describe(&self) -> String {
        let name = object::name(self.binding);
        let (kind, name) = if self.namespace.is_empty() {
            ("ClusterRoleBinding", name.to_owned())
        } else {
            ("RoleBinding", format!("{name}/{}", self.namespace))
        };
        let role = &self.binding["roleRef"];
        let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
        let mut subject = text(self.subject, "name");
        if text(self.subject, "kind") == "ServiceAccount" {
            let own = text(self.subject, "namespace");
            subject = format!("{subject}/{}", if own.is_empty() { self.namespace } else { &own });
        }
        let (role_kind, role_name) = (text(role, "kind"), quoted(&text(role, "name")));
        let subject_kind = text(self.subject, "kind");
        format!("{kind} {} of {role_kind} {role_name} to {subject_kind} {}", quoted(&name), quoted(&subject))
    }
}

/// Goes through every role that applies to a user: those of the cluster, then those of a namespace.
fn visit(
    objects: &dyn Objects,
    user: &User,
    namespace: &str,
    errors: &mut Vec<String>,
    visitor: &mut dyn FnMut(&Bound) -> ControlFlow<String>,
) -> ControlFlow<String> {
    let mut through = |plural: &str, namespace: &str| {
        for binding in objects.list(GROUP, plural, namespace) {
            let subjects = binding["subjects"].as_array().into_iter().flatten();
            let Some(subject) = subjects.into_iter().find(|subject| applies(user, subject, namespace)) else {
                continue;
            };
            match role_of(objects, &binding["roleRef"], namespace) {
                Ok(role) => visitor(&Bound { binding: &binding, subject, namespace, role })?,
                Err(error) => errors.push(error),
            }
        }
        ControlFlow::Continue(())
    };
    through("clusterrolebindings", "")?;
    if namespace.is_empty() { ControlFlow::Continue(()) } else { through("rolebindings", namespace) }
}

fn applies(user: &User, subject: &Value, namespace: &str) -> bool {
    let name = subject["name"].as_str().unwrap_or_default();
    match subject["kind"].as_str().unwrap_or_default() {
        "User" => user.name == name,
        "Group" => user.is_in(name),
        "ServiceAccount" => {
            let own = subject["namespace"].as_str().filter(|own| !own.is_empty()).unwrap_or(namespace);
            service_account_of(&user.name) == Some((own, name))
        }
        _ => false,
    }
}

/// The role that a binding of a namespace names, or what the true server says when there is none.
fn role_of(objects: &dyn Objects, reference: &Value, namespace: &str) -> Result<Arc<Value>, String> {
    let (plural, singular, place) = match reference["kind"].as_str().unwrap_or_default() {
        "Role" => ("roles", "role", namespace),
        "ClusterRole" => ("clusterroles", "clusterrole", ""),
        other => return Err(format!("unsupported role reference kind: {}", quoted(other))),
    };
    let name = reference["name"].as_str().unwrap_or_default();
    objects.find(GROUP, plural, place, name).ok_or_else(|| format!("{singular}.{GROUP} {} not found", quoted(name)))
}

/// The rules of the role that a binding names.
pub(super) fn rules_of(objects: &dyn Objects, reference: &Value, namespace: &str) -> Result<Vec<Rule>, String> {
    let role = role_of(objects, reference, namespace)?;
    Ok(role["rules"].as_array().into_iter().flatten().map(Rule::read).collect())
}

/// Every rule that a user has in a namespace, and what could not be found out.
pub(super) fn rules_for(objects: &dyn Objects, user: &User, namespace: &str) -> (Vec<Rule>, Vec<String>) {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    let _ = visit(objects, user, namespace, &mut errors, &mut |bound| {
        rules.extend(bound.rules().map(Rule::read));
        ControlFlow::Continue(())
    });
    (rules, errors)
}

/// The rules that an aggregated cluster role must have; nothing if it has them, or gathers none.
///
/// The cluster's controller writes them with server-side apply as `clusterrole-aggregation-controller`.
pub fn aggregated(role: &Value, all: &[Arc<Value>]) -> Option<Value> {
    let selectors = role["aggregationRule"].as_object()?.get("clusterRoleSelectors");
    let mut rules: Vec<&Value> = Vec::new();
    for selector in selectors.and_then(Value::as_array).into_iter().flatten() {
        let mut chosen: Vec<&Arc<Value>> = all.iter().filter(|other| selects(selector, other)).collect();
        chosen.sort_by(|a, b| object::name(a).cmp(object::name(b)));
        for other in chosen.into_iter().filter(|other| object::name(other) != object::name(role)) {
            for rule in other["rules"].as_array().into_iter().flatten() {
                if !rules.iter().any(|known| Rule::read(known) == Rule::read(rule)) {
                    rules.push(rule);
                }
            }
        }
    }
    let read = |rules: &Value| rules.as_array().into_iter().flatten().map(Rule::read).collect::<Vec<_>>();
    let wanted = json!(rules);
    (read(&wanted) != read(&role["rules"])).then_some(wanted)
}

/// Whether a `LabelSelector` chooses an object.
fn selects(selector: &Value, candidate: &Value) -> bool {
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let mut equal = equal.map(|(key, value)| object::label(candidate, key) == value.as_str());
    let mut expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    equal.all(|fits| fits)
        && expressions.all(|expression| {
            let has = object::label(candidate, expression["key"].as_str().unwrap_or_default());
            let listed = |value: &str| expression["values"].as_array().into_iter().flatten().any(|v| v == value);
            match expression["operator"].as_str().unwrap_or_default() {
                "In" => has.is_some_and(listed),
                "NotIn" => !has.is_some_and(listed),
                "Exists" => has.is_some(),
                "DoesNotExist" => has.is_none(),
                _ => false,
            }
        })
}
