//! Nobody gives away what they do not hold: the checks on writing roles and bindings, after `pkg/registry/rbac`.

use serde_json::Value;

use crate::sim::api::{Gvr, Status, object};

use super::attributes::Attributes;
use super::go_text::{aggregate, quoted, quoted_list};
use super::objects::Objects;
use super::rbac::{GROUP, decide, rules_for, rules_of};
use super::rule::Rule;
use super::user::{MASTERS, User};

/// One write to a role or binding, after authorization, validation and defaults.
pub struct Write<'a> {
    /// The resource.
    pub resource: &'a Gvr,
    /// The namespace of the request, empty at the cluster scope.
    pub namespace: &'a str,
    /// The name in the path of the request; empty on create.
    pub name: &'a str,
    /// The object as it would be stored.
    pub new: &'a Value,
    /// The object as it is, unless it is created.
    pub old: Option<&'a Value>,
}

/// Refuses a write of a role or binding that would give more than the writer has; lets everything else through.
pub fn check_write(objects: &dyn Objects, user: &User, write: &Write) -> Result<(), Status> {
    if write.resource.group != GROUP
        || user.is_in(MASTERS)
        || write.old.is_some_and(|old| only_for_collection(write.new, old))
    {
        return Ok(());
    }
    match write.resource.plural.as_str() {
        "roles" | "clusterroles" => check_role(objects, user, write),
        "rolebindings" | "clusterrolebindings" => check_binding(objects, user, write),
        _ => Ok(()),
    }
}

fn check_role(objects: &dyn Objects, user: &User, write: &Write) -> Result<(), Status> {
    let escalate = Attributes::of("escalate", write.resource, "", write.namespace, write.name);
    if decide(objects, user, &escalate).allowed {
        return Ok(());
    }
    let rules: Vec<Rule> = write.new["rules"].as_array().into_iter().flatten().map(Rule::read).collect();
    confirm(objects, user, write, &rules)?;
    let gathers =
        |role: &Value| role["aggregationRule"]["clusterRoleSelectors"].as_array().is_some_and(|s| !s.is_empty());
    if (gathers(write.new) || write.old.is_some_and(gathers))
        && confirm(objects, user, write, &Rule::everything()).is_err()
    {
        let why = "must have cluster-admin privileges to use the aggregationRule";
        return Err(Status::forbidden(write.resource, object::name(write.new), why));
    }
    Ok(())
}

fn check_binding(objects: &dyn Objects, user: &User, write: &Write) -> Result<(), Status> {
    let reference = &write.new["roleRef"];
    let text = |field: &str| reference[field].as_str().unwrap_or_default();
    let plural = match text("kind") {
        "ClusterRole" => Some("clusterroles"),
        "Role" => Some("roles"),
        _ => None,
    };
    if let Some(plural) = plural {
        let mut bind = Attributes::of("bind", &Gvr::new(text("apiGroup"), "v1", plural), "", "", text("name"));
        write.namespace.clone_into(&mut bind.namespace);
        if decide(objects, user, &bind).allowed {
            return Ok(());
        }
    }
    let rules = match rules_of(objects, reference, write.namespace) {
        Ok(rules) => rules,
        Err(_) if plural.is_some() => return Err(Status::not_found(write.resource, text("name"))),
        Err(error) => return Err(Status::internal(error)),
    };
    confirm(objects, user, write, &rules)
}

fn confirm(objects: &dyn Objects, user: &User, write: &Write, rules: &[Rule]) -> Result<(), Status> {
    let (own, errors) = rules_for(objects, user, write.namespace);
    let mut missing: Vec<Rule> = rules.iter().flat_map(Rule::pieces).collect();
    missing.retain(|piece| !own.iter().any(|rule| rule.covers(piece)));
    if missing.is_empty() {
        return Ok(());
    }
    let mut why = format!(
        "user {} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
        quoted(&user.name),
        quoted_list(&user.groups),
        Rule::lines(missing)
    );
    if !errors.is_empty() {
        why = format!("{why}; resolution errors: [{}]", aggregate(&errors));
    }
    Err(Status::forbidden(write.resource, object::name(write.new), &why))
}

/// Whether a write changes nothing but what garbage collection needs.
fn only_for_collection(new: &Value, old: &Value) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        for field in ["ownerReferences", "finalizers", "managedFields", "resourceVersion", "generation"] {
            object::remove_meta(&mut object, field);
        }
        object
    };
    bare(new) == bare(old) && new != old
}
