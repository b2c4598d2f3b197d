//! Revisions: which replica set is the new one, its number, and how many old ones are kept.

use serde_json::{Value, json};

use crate::sim::world::hash::{sorted, template_hash};
use crate::sim::world::owner::controller_reference;
use crate::sim::world::pods::set_label;
use crate::sim::world::read::{annotation, count, deleting, int, map_of, name, namespace, set_meta, slot};

use super::rollout::{Rollout, Set};
use super::wanted::replicas;

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
const HASH: &str = "pod-template-hash";
/// Annotations of the Deployment that its sets don't get.
const SKIPPED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAX,
    "deprecated.deployment.rollback.to",
];

impl Rollout<'_> {
    /// The oldest set whose template is the Deployment's.
    pub(super) fn find_new(&self) -> Option<usize> {
        let wanted = plain(self.before.pointer("/spec/template"));
        self.sets.iter().position(|set| plain(set.object.pointer("/spec/template")) == wanted)
    }

    /// Finds or makes the new set, and puts the revision on it and on the Deployment.
    pub(super) fn sync_revision(&mut self, make: bool) -> Option<usize> {
        let found = self.find_new();
        let newest = self.old(found).into_iter().map(|i| revision(&self.sets[i].object)).max().unwrap_or(0);
        let next = (newest + 1).to_string();
        if let Some(new) = found {
            let min_ready = self.before.pointer("/spec/minReadySeconds").cloned();
            let mut changed = self.annotate(new, &next, true);
            let spec = slot(&mut self.sets[new].object, "spec");
            if spec.get("minReadySeconds") != min_ready.as_ref() {
                crate::sim::world::read::put(spec, "minReadySeconds", min_ready);
                changed = true;
            }
            self.sets[new].changed |= changed;
            let own = annotation(&self.sets[new].object, REVISION).unwrap_or("").to_owned();
            set_meta(&mut self.deployment, "annotations", REVISION, &own);
            if self.wanted.deadline.is_some() && self.condition("Progressing").is_none() {
                let message = format!("Found new replica set \"{}\"", name(&self.sets[new].object));
                self.progress("True", "FoundNewReplicaSet", &message);
            }
            return Some(new);
        }
        make.then(|| self.make_new(&next))
    }

    fn make_new(&mut self, revision: &str) -> usize {
        let mut template = self.before.pointer("/spec/template").cloned().unwrap_or(json!({}));
        let hash = template_hash(&template, int(self.before, "/status/collisionCount"));
        set_label(&mut template, HASH, &hash);
        let labels = template["metadata"]["labels"].clone();
        let mut selector = self.before.pointer("/spec/selector").cloned().unwrap_or(json!({}));
        map_of(&mut selector, "matchLabels").insert(HASH.to_owned(), Value::from(hash.clone()));
        let prefix: String = self.wanted.name.chars().take(252 - hash.len()).collect();
        let mut object = json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": format!("{prefix}-{hash}"),
                "namespace": namespace(self.before),
                "labels": labels,
                "ownerReferences": [controller_reference(self.before)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
        });
        if let Some(seconds) = self.before.pointer("/spec/minReadySeconds") {
            object["spec"]["minReadySeconds"] = seconds.clone();
        }
        let size = self.new_size(0);
        object["spec"]["replicas"] = Value::from(size);
        let set_name = name(&object).to_owned();
        self.sets.push(Set { object, changed: false, is_new: true });
        let new = self.sets.len() - 1;
        self.annotate(new, revision, false);
        if size > 0 {
            let message = format!("Scaled up replica set {set_name} from 0 to {size}");
            self.later.normal(self.before, "ScalingReplicaSet", message);
        }
        set_meta(&mut self.deployment, "annotations", REVISION, revision);
        if self.wanted.deadline.is_some() {
            self.progress("True", "NewReplicaSetCreated", &format!("Created new replica set \"{set_name}\""));
        }
        new
    }

    /// The annotations of the new set: the Deployment's, the revision, and for one that is made also the sizes.
    fn annotate(&mut self, new: usize, next: &str, exists: bool) -> bool {
        let mut changed = false;
        let annotations = self.before.pointer("/metadata/annotations").and_then(Value::as_object).cloned();
        for (key, value) in annotations.unwrap_or_default() {
            if !SKIPPED.contains(&key.as_str()) {
                changed |= set_meta(&mut self.sets[new].object, "annotations", &key, value.as_str().unwrap_or(""));
            }
        }
        let object = &mut self.sets[new].object;
        let old = annotation(object, REVISION).map(str::to_owned);
        let number = |text: &str| text.parse::<i64>().unwrap_or(0);
        if old.as_deref().map_or(0, number) < number(next) {
            changed |= set_meta(object, "annotations", REVISION, next);
            if let Some(old) = old.filter(|_| exists) {
                let history = annotation(object, HISTORY).map_or(old.clone(), |known| format!("{known},{old}"));
                changed |= set_meta(object, "annotations", HISTORY, &history);
            }
        }
        if !exists {
            changed |= self.annotate_sizes(new);
        }
        changed
    }

    pub(super) fn annotate_sizes(&mut self, set: usize) -> bool {
        let (desired, most) = (self.wanted.replicas, self.wanted.replicas + self.wanted.surge);
        let object = &mut self.sets[set].object;
        let first = set_meta(object, "annotations", DESIRED, &desired.to_string());
        set_meta(object, "annotations", MAX, &most.to_string()) || first
    }

    /// Whether the Deployment's size is not the one that its active sets were made for.
    pub(super) fn is_scaled(&self) -> bool {
        self.sets.iter().filter(|set| replicas(&set.object) > 0).any(|set| {
            let desired = annotation(&set.object, DESIRED).and_then(|d| d.parse::<i64>().ok());
            desired.is_some_and(|desired| desired != self.wanted.replicas)
        })
    }

    pub(super) fn max_annotated(&self, set: usize) -> i64 {
        annotation(&self.sets[set].object, MAX).and_then(|d| d.parse().ok()).unwrap_or(0)
    }

    /// Removes old sets beyond `revisionHistoryLimit`.
    pub(super) fn clean_up(&mut self, new: Option<usize>) {
        let Some(limit) = int(self.before, "/spec/revisionHistoryLimit").filter(|l| *l != i64::from(i32::MAX)) else {
            return;
        };
        let mut old: Vec<&Value> =
            self.old(new).into_iter().map(|i| &self.sets[i].object).filter(|set| !deleting(set)).collect();
        let surplus = old.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        old.sort_by_key(|set| revision(set));
        for set in old.into_iter().take(surplus) {
            let observed = count(set, "/status/observedGeneration") >= count(set, "/metadata/generation");
            if count(set, "/status/replicas") == 0 && replicas(set) == 0 && observed {
                self.later.delete(set);
            }
        }
    }
}

fn revision(set: &Value) -> i64 {
    annotation(set, REVISION).and_then(|r| r.parse().ok()).unwrap_or(0)
}

/// A template without its hash and without what says nothing.
fn plain(template: Option<&Value>) -> Value {
    let mut template = sorted(template.unwrap_or(&Value::Null));
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove(HASH);
    }
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, value| value.as_object().is_none_or(|map| !map.is_empty()));
        // An object that was stored has it as null.
        metadata.shift_remove("creationTimestamp");
    }
    template
}
