//! Against what a true API server answered.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::patch::{check_name, check_options, json_patch, merge_patch, strategic_merge};
use super::super::patch_answers::{Row, rows};
use super::*;

fn write<'a>(row: &'a Row, resource: &'a Arc<super::super::Resource>, manager: &'a str, now: &'a str) -> Write<'a> {
    Write { resource, subresource: row.subresource(), manager, now }
}

/// Refusals that come from validation and storage, later than anything here.
fn is_later(answer: &Value) -> bool {
    let message = answer["message"].as_str().unwrap_or_default();
    let kind = answer["details"]["kind"].as_str().unwrap_or_default();
    (answer["code"] == 422 && kind != "PatchOptions") || message.starts_with("Operation cannot be fulfilled")
}

fn causes(status: &Value) -> Vec<String> {
    let mut causes: Vec<String> =
        status["details"]["causes"].as_array().into_iter().flatten().map(ToString::to_string).collect();
    causes.sort();
    causes
}

fn compare_refusal(row: &Row, status: &Status) -> Option<String> {
    let (ours, theirs) = (status.to_value(), row.answer());
    let same = ours["code"] == theirs["code"]
        && ours["message"] == theirs["message"]
        && ours["reason"] == theirs["reason"]
        && causes(&ours) == causes(theirs);
    (!same).then(|| format!("{}\n  ours   {ours}\n  theirs {theirs}", row.title()))
}

fn compare_object(row: &Row, ours: &Value) -> Option<String> {
    let theirs = row.answer();
    let fields = |object: &Value| {
        let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| Row::comparable(entry).to_string()).collect::<Vec<_>>()
    };
    if fields(ours) != fields(theirs) {
        let (ours, theirs) = (fields(ours).join("\n    "), fields(theirs).join("\n    "));
        return Some(format!("{}\n  ours\n    {ours}\n  theirs\n    {theirs}", row.title()));
    }
    let (ours, theirs) = (Row::comparable(ours), Row::comparable(theirs));
    (ours != theirs).then(|| format!("{}\n  ours   {ours}\n  theirs {theirs}", row.title()))
}

fn applied(row: &Row) -> Result<Value, Status> {
    let (resource, now) = (row.resource(), row.now());
    let manager = row.query("fieldManager").unwrap_or_default();
    let force = row.query("force").map(|force| force == "true");
    check_options(true, Some(&manager), force)?;
    let write = write(row, &resource, &manager, &now);
    let new = apply(&write, row.before(), row.body(), force.unwrap_or_default())?;
    check_name(&new, row.name(), "default")?;
    Ok(new)
}

#[test]
fn applies_as_the_true_server_does() {
    let mut failures = Vec::new();
    let mut seen = 0;
    for row in rows(&["apply"]) {
        let undecodable = !row.body().is_object();
        if row.subresource() == Some("scale") || undecodable || (row.code() >= 300 && is_later(row.answer())) {
            continue;
        }
        seen += 1;
        failures.extend(match applied(&row) {
            Err(status) => compare_refusal(&row, &status),
            Ok(new) if row.code() < 300 => {
                let mut new = row.with_defaults(&new);
                if row.subresource() == Some("status") {
                    put_back_spec(&row, &mut new);
                } else if row.resource().status {
                    put_back_status(&row, &mut new);
                }
                if let Some(before) = row.before() {
                    keep_times(before, &mut new);
                }
                compare_object(&row, &new)
            }
            Ok(new) => Some(format!("{}\n  ours {new}\n  theirs {}", row.title(), row.answer())),
        });
    }
    assert!(failures.is_empty(), "{} of {seen} differ:\n{}", failures.len(), failures.join("\n"));
    assert!(seen > 100, "{seen}");
}

fn put_back_spec(row: &Row, new: &mut Value) {
    new["spec"] = row.before().unwrap()["spec"].clone();
    if row.resource().is_custom() {
        for field in ["labels", "annotations"] {
            object::remove_meta(new, field);
        }
    }
}

fn put_back_status(row: &Row, new: &mut Value) {
    let old = row.before().and_then(|before| before.get("status")).cloned();
    match old.or_else(|| row.answer().get("status").cloned()) {
        Some(old) => new["status"] = old,
        None => {
            new.as_object_mut().unwrap().shift_remove("status");
        }
    }
}

/// The object that a write other than an apply makes, before its owners are told.
fn written(row: &Row) -> Option<Value> {
    let before = row.before();
    Some(match row.kind() {
        "json" => json_patch(before?, row.body()).ok()?,
        "merge" => merge_patch(before?, row.body()).ok()?,
        "strategic" => strategic_merge(&row.resource().schema, before?, row.body()).ok()?,
        _ => row.body().clone(),
    })
}

#[test]
fn tracks_as_the_true_server_does() {
    let mut failures = Vec::new();
    let mut seen = 0;
    for row in rows(&["create", "update", "json", "merge", "strategic"]) {
        if row.code() >= 300 || row.subresource() == Some("scale") {
            continue;
        }
        seen += 1;
        let (resource, now) = (row.resource(), row.now());
        let manager = row.query("fieldManager").unwrap();
        let write = write(&row, &resource, &manager, &now);
        let Some(raw) = written(&row) else {
            failures.push(format!("{} cannot be patched", row.title()));
            continue;
        };
        let sent = raw["metadata"].get("managedFields").cloned();
        let mut new = row.with_defaults(&raw);
        if let Some(sent) = sent {
            object::set_meta(&mut new, "managedFields", sent);
        }
        track(&write, row.before(), &mut new);
        if row.subresource() == Some("status") {
            put_back_spec(&row, &mut new);
        } else if resource.status {
            put_back_status(&row, &mut new);
        }
        if let Some(before) = row.before() {
            keep_times(before, &mut new);
        }
        failures.extend(compare_object(&row, &new));
    }
    assert!(failures.is_empty(), "{} of {seen} differ:\n{}", failures.len(), failures.join("\n"));
    assert!(seen > 60, "{seen}");
}

#[test]
fn scaling_takes_the_replicas_from_their_owner() {
    let row = rows(&["merge"]).into_iter().find(|row| row.name() == "deploy-scale").unwrap();
    let before = row.before().unwrap();
    let fields = json!({"metadata": {"managedFields": to_scale(before, &["spec", "replicas"])}});
    let one = json!([{"manager": "one", "operation": "Apply", "apiVersion": "autoscaling/v1",
        "time": before["metadata"]["managedFields"][0]["time"], "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
    assert_eq!(fields["metadata"]["managedFields"], one);
    let resource = row.resource();
    let write = write(&row, &resource, "scaler", "2026-01-01T00:00:00Z");
    let scale = super::super::types::Types::shipped().by_kind("autoscaling", "v1", "Scale");
    let schema = scale.map_or_else(scale_schema, |scale| scale.schema.clone());
    let old = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "deploy-scale", "managedFields": one}, "spec": {"replicas": 0}});
    let mut new = old.clone();
    new["spec"]["replicas"] = json!(1);
    track_scale(&write, &schema, &old, &mut new);
    let mut object = before.clone();
    from_scale(&mut object, &new, &["spec", "replicas"], "apps/v1");
    // What the true server had afterwards is what the next row found.
    let after = rows(&["apply"]).into_iter().filter(|row| row.name() == "deploy-scale").nth(1).unwrap();
    let entries = |object: &Value| {
        let entries = object["metadata"]["managedFields"].as_array().unwrap().clone();
        entries.into_iter().filter(|entry| entry["manager"] != "kube-controller-manager").collect::<Vec<_>>()
    };
    assert_eq!(entries(&object), entries(after.before().unwrap()));
}

fn scale_schema() -> super::super::NodeRef {
    use super::super::schema::{Node, Type};
    let number = Node { ty: Type::Integer, ..Node::default() };
    let spec =
        Node { ty: Type::Object, properties: [("replicas".to_owned(), number.into())].into(), ..Node::default() };
    let properties = [("metadata".to_owned(), super::super::shipped::object_meta()), ("spec".to_owned(), spec.into())];
    Node { ty: Type::Object, properties: properties.into(), ..Node::default() }.into()
}

#[test]
fn the_name_of_a_manager_comes_from_the_user_agent() {
    assert_eq!(manager_name(Some("me"), "kubectl/v1"), "me");
    assert_eq!(manager_name(Some(""), "kubectl/v1.36 (linux)"), "kubectl");
    assert_eq!(manager_name(None, &"x".repeat(200)).len(), 128);
}
