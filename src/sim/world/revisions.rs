//! Controller revisions: the templates that a `StatefulSet` or `DaemonSet` has had (kubernetes `pkg/controller/history`).

use serde_json::{Value, json};

use super::hash::{fnv32, safe, sorted};
use super::look::Look;
use super::owner::{controlled_by, controller_reference};
use super::plan::Plan;
use super::read::{count, int, labels, name, namespace, uid};

const KIND: &str = "ControllerRevision.apps";
/// The label with a revision's hash, on revisions and on the pods of daemon sets and stateful sets.
pub const HASH: &str = "controller-revision-hash";

/// The revisions of an owner, oldest first; the one of its template (made or renumbered when needed) last.
pub struct Revisions {
    /// All, by number.
    pub all: Vec<Value>,
    /// The one that is wanted now.
    pub update: Value,
    /// Hash collisions so far.
    pub collisions: i64,
}

/// Reads the revisions of an owner, and makes the one of its template where it is missing.
pub fn revisions(look: &Look<'_>, owner: &Value, plan: &mut Plan) -> Revisions {
    let collisions = int(owner, "/status/collisionCount").unwrap_or(0);
    let mut all: Vec<Value> =
        look.view.list(KIND, namespace(owner)).filter(|r| controlled_by(r, owner)).cloned().collect();
    all.sort_by_key(|r| (count(r, "/revision"), name(r).to_owned()));
    let next = all.last().map_or(1, |last| count(last, "/revision") + 1);
    let fresh = revision_of(owner, next, int(owner, "/status/collisionCount"));
    let same = all.iter().rposition(|r| sorted(&r["data"]) == sorted(&fresh["data"]));
    let update = match same {
        // The newest already.
        Some(index) if index + 1 == all.len() => all[index].clone(),
        // Back to an older one: it becomes the newest.
        Some(index) => {
            let mut back = all.remove(index);
            back["revision"] = Value::from(next);
            plan.update(back.clone());
            all.push(back.clone());
            back
        }
        None => {
            plan.create(fresh.clone());
            all.push(fresh.clone());
            fresh
        }
    };
    Revisions { all, update, collisions }
}

/// Removes the oldest revisions that are in no use beyond `revisionHistoryLimit`.
pub fn cut(owner: &Value, all: &[Value], in_use: &dyn Fn(&Value) -> bool, plan: &mut Plan) {
    let limit = usize::try_from(int(owner, "/spec/revisionHistoryLimit").unwrap_or(10)).unwrap_or(10);
    let old: Vec<&Value> = all.iter().filter(|r| !in_use(r) && !uid(r).is_empty()).collect();
    for revision in old.iter().take(old.len().saturating_sub(limit)) {
        plan.delete(revision);
    }
}

/// The template that a revision holds.
pub fn template(revision: &Value) -> Value {
    let mut template = revision.pointer("/data/spec/template").cloned().unwrap_or(json!({}));
    super::read::put(&mut template, "$patch", None);
    template
}

/// A revision's hash.
pub fn hash(revision: &Value) -> &str {
    super::read::label(revision, HASH).unwrap_or_default()
}

fn revision_of(owner: &Value, number: i64, collisions: Option<i64>) -> Value {
    let mut template = owner.pointer("/spec/template").cloned().unwrap_or(json!({}));
    template["$patch"] = Value::from("replace");
    let data = json!({"spec": {"template": template}});
    let mut text = sorted(&data).to_string();
    if let Some(collisions) = collisions {
        text.push_str(&collisions.to_string());
    }
    let hash = safe(fnv32(text.as_bytes()));
    let mut labels = labels(owner, "/spec/template/metadata/labels");
    labels.insert(HASH.to_owned(), hash.clone());
    let prefix: String = name(owner).chars().take(223).collect();
    let mut revision = json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": format!("{prefix}-{hash}"),
            "namespace": namespace(owner),
            "labels": labels,
            "ownerReferences": [controller_reference(owner)],
        },
        "data": data,
        "revision": number,
    });
    if let Some(annotations) = owner.pointer("/metadata/annotations") {
        revision["metadata"]["annotations"] = annotations.clone();
    }
    revision
}
