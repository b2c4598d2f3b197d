//! Stateful sets (kubernetes `pkg/controller/statefulset`): pods with ordinals and claims of their own, in order.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sim::world::id::split;
use crate::sim::world::look::Look;
use crate::sim::world::plan::{Act, Plan, seconds_later};
use crate::sim::world::pods::{available, claimed, ended, from_template, phase, ready, set_label};
use crate::sim::world::read::{count, deleting, int, label, labels, list, name, namespace, nonzero, put, text};
use crate::sim::world::reconcile::{Reconcile, Refusal, Seen, keys_of_owners};
use crate::sim::world::revisions::{HASH, Revisions, cut, revisions, template};
use crate::sim::world::view::View;

const KIND: &str = "StatefulSet.apps";

/// The controller of stateful sets.
#[derive(Debug, Default)]
pub struct StatefulSets {
    refused: BTreeMap<String, u32>,
}

impl Reconcile for StatefulSets {
    fn name(&self) -> &'static str {
        "statefulset-controller"
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        match seen.id.kind.as_str() {
            KIND => vec![seen.id.key()],
            "Pod" | "ControllerRevision.apps" => keys_of_owners(seen, view, KIND),
            _ => vec![],
        }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let (namespace, name) = split(key);
        let Some(set) = look.view.get(KIND, namespace, name) else { return Plan::default() };
        let mut plan = Plan::default();
        let pods: Vec<Value> = claimed(look, set, &mut plan).into_iter().cloned().collect();
        let revisions = revisions(look, set, &mut plan);
        let current = text(set, "/status/currentRevision");
        let current =
            revisions.all.iter().find(|r| super::super::read::name(r) == current).unwrap_or(&revisions.update);
        let mut walk = Walk { look, set, revisions: &revisions, current, slots: vec![], condemned: vec![], plan };
        walk.sort(pods);
        walk.act();
        let status = walk.status();
        let mut plan = walk.plan;
        plan.status_if_new(set, status.clone());
        let used = |r: &Value| {
            let name = super::super::read::name(r);
            name == text(&status, "/currentRevision")
                || name == text(&status, "/updateRevision")
                || look.view.list("Pod", namespace).any(|p| label(p, HASH) == Some(name))
        };
        cut(set, &revisions.all, &used, &mut plan);
        plan
    }

    fn refused(&mut self, look: &Look<'_>, key: &str, act: &Act, refusal: &Refusal) -> Plan {
        let (namespace, set) = split(key);
        let mut plan = Plan::default();
        let (Act::Create(object), Some(owner)) = (act, look.view.get(KIND, namespace, set)) else { return plan };
        let times = self.refused.entry(key.to_owned()).or_default();
        *times += 1;
        plan.wake_at(seconds_later(look.now, 1 << (*times).min(8)));
        let (what, why) = (name(object), &refusal.message);
        if text(object, "/kind") == "Pod" {
            let message = format!("Create Pod {what} in StatefulSet {set} failed error: {why}");
            plan.warning(owner, "FailedCreate", message);
        } else if text(object, "/kind") == "PersistentVolumeClaim" {
            let message = format!("Create Claim {what} in StatefulSet {set} failed error: {why}");
            plan.warning(owner, "FailedCreate", message);
        }
        plan
    }
}

/// One look at a set: its pods by ordinal.
struct Walk<'a> {
    look: &'a Look<'a>,
    set: &'a Value,
    revisions: &'a Revisions,
    current: &'a Value,
    slots: Vec<Slot>,
    condemned: Vec<Value>,
    plan: Plan,
}

struct Slot {
    ordinal: i64,
    pod: Option<Value>,
    revision: String,
}

impl Walk<'_> {
    fn sort(&mut self, pods: Vec<Value>) {
        let start = count(self.set, "/spec/ordinals/start");
        let size = int(self.set, "/spec/replicas").unwrap_or(1);
        let mut by_ordinal: BTreeMap<i64, Value> =
            pods.into_iter().filter_map(|pod| Some((ordinal(self.set, &pod)?, pod))).collect();
        for ordinal in start..start + size {
            let pod = by_ordinal.remove(&ordinal);
            let revision = match &pod {
                Some(pod) => label(pod, HASH).unwrap_or_default().to_owned(),
                None => name(self.wanted_revision(ordinal, start)).to_owned(),
            };
            self.slots.push(Slot { ordinal, pod, revision });
        }
        self.condemned = by_ordinal.into_values().rev().collect();
    }

    /// A new pod below the partition (or below the pods that are still of the current revision) is of the current one.
    fn wanted_revision(&self, ordinal: i64, start: i64) -> &Value {
        let rolling = text(self.set, "/spec/updateStrategy/type") != "OnDelete";
        let below = int(self.set, "/spec/updateStrategy/rollingUpdate/partition")
            .unwrap_or_else(|| count(self.set, "/status/currentReplicas"));
        if rolling && ordinal < start + below { self.current } else { &self.revisions.update }
    }

    fn act(&mut self) {
        if deleting(self.set) {
            return;
        }
        let ordered = text(self.set, "/spec/podManagementPolicy") != "Parallel";
        for index in 0..self.slots.len() {
            if self.process(index) && ordered {
                return;
            }
        }
        let sick = self.first_unavailable();
        for index in 0..self.condemned.len() {
            let pod = self.condemned[index].clone();
            let stays = deleting(&pod) || (ordered && !self.is_available(&pod) && sick.as_deref() != Some(name(&pod)));
            if !stays {
                self.delete(&pod);
            }
            if ordered {
                return;
            }
        }
        if text(self.set, "/spec/updateStrategy/type") != "OnDelete" {
            self.update();
        }
    }

    /// Brings one pod forward; says whether an ordered set stops here.
    fn process(&mut self, index: usize) -> bool {
        let Some(pod) = self.slots[index].pod.clone() else {
            self.create(index);
            return true;
        };
        if ended(&pod) {
            if !deleting(&pod) {
                self.delete(&pod);
            }
            return true;
        }
        if phase(&pod) == "Pending" {
            self.claims_of(&pod, self.slots[index].ordinal);
        }
        if deleting(&pod) || !is_running_and_ready(&pod) || !self.is_available(&pod) {
            return true;
        }
        false
    }

    fn create(&mut self, index: usize) {
        let Slot { ordinal, revision, .. } = &self.slots[index];
        let (ordinal, revision) = (*ordinal, revision.clone());
        let source = self.revisions.all.iter().find(|r| name(r) == revision).unwrap_or(&self.revisions.update);
        let set_name = name(self.set);
        let pod_name = format!("{set_name}-{ordinal}");
        let mut pod = from_template(&template(source), self.set, Some(&format!("{set_name}-")), &pod_name);
        set_label(&mut pod, "statefulset.kubernetes.io/pod-name", &pod_name);
        set_label(&mut pod, "apps.kubernetes.io/pod-index", &ordinal.to_string());
        set_label(&mut pod, HASH, &revision);
        pod["spec"]["hostname"] = Value::from(pod_name.clone());
        let service = text(self.set, "/spec/serviceName");
        if !service.is_empty() {
            pod["spec"]["subdomain"] = Value::from(service);
        }
        let mut volumes: Vec<Value> = Vec::new();
        for claim in self.claim_templates() {
            let volume = name(claim);
            volumes.push(
                json!({"name": volume, "persistentVolumeClaim": {"claimName": claim_name(volume, set_name, ordinal)}}),
            );
        }
        let own = |v: &Value| self.claim_templates().iter().any(|c| name(c) == text(v, "/name"));
        volumes.extend(list(&pod, "/spec/volumes").iter().filter(|v| !own(v)).cloned());
        if !volumes.is_empty() {
            pod["spec"]["volumes"] = Value::Array(volumes);
        }
        self.claims_of(&pod, ordinal);
        let message = format!("Create Pod {pod_name} in StatefulSet {set_name} successful");
        self.plan.create(pod);
        self.plan.normal(self.set, "SuccessfulCreate", message);
    }

    fn claim_templates(&self) -> &[Value] {
        list(self.set, "/spec/volumeClaimTemplates")
    }

    /// Makes the claims of a pod that are not there.
    fn claims_of(&mut self, pod: &Value, ordinal: i64) {
        let set_name = name(self.set);
        for wanted in self.claim_templates().to_vec() {
            let claim_name = claim_name(name(&wanted), set_name, ordinal);
            if self.look.view.get("PersistentVolumeClaim", namespace(self.set), &claim_name).is_some() {
                continue;
            }
            let mut claim = wanted.clone();
            claim["apiVersion"] = Value::from("v1");
            claim["kind"] = Value::from("PersistentVolumeClaim");
            put(&mut claim, "status", None);
            claim["metadata"]["name"] = Value::from(claim_name.clone());
            claim["metadata"]["namespace"] = Value::from(namespace(self.set));
            let mut all = labels(&wanted, "/metadata/labels");
            all.extend(labels(self.set, "/spec/selector/matchLabels"));
            claim["metadata"]["labels"] = json!(all);
            if text(self.set, "/spec/persistentVolumeClaimRetentionPolicy/whenDeleted") == "Delete" {
                let owner = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": set_name,
                    "uid": text(self.set, "/metadata/uid"), "controller": true, "blockOwnerDeletion": true});
                claim["metadata"]["ownerReferences"] = json!([owner]);
            }
            let message = format!("Create Claim {claim_name} Pod {} in StatefulSet {set_name} success", name(pod));
            self.plan.create(claim);
            self.plan.normal(self.set, "SuccessfulCreate", message);
        }
    }

    fn delete(&mut self, pod: &Value) {
        let message = format!("Delete Pod {} in StatefulSet {} successful", name(pod), name(self.set));
        self.plan.delete(pod);
        self.plan.normal(self.set, "SuccessfulDelete", message);
    }

    /// One pod of an old revision goes, from the last ordinal down, each after the one before is available.
    fn update(&mut self) {
        let partition = count(self.set, "/spec/updateStrategy/rollingUpdate/partition");
        let from = usize::try_from(partition).unwrap_or(0);
        for index in (from.min(self.slots.len())..self.slots.len()).rev() {
            let slot = &self.slots[index];
            let Some(pod) = slot.pod.clone() else { return };
            if slot.revision != name(&self.revisions.update) && !deleting(&pod) {
                self.delete(&pod);
                return;
            }
            if !self.is_available(&pod) || deleting(&pod) {
                return;
            }
        }
    }

    fn is_available(&mut self, pod: &Value) -> bool {
        let seconds = count(self.set, "/spec/minReadySeconds");
        is_running_and_ready(pod) && available(pod, seconds, self.look, &mut self.plan)
    }

    fn first_unavailable(&mut self) -> Option<String> {
        let mut pods: Vec<Value> = self.slots.iter().filter_map(|slot| slot.pod.clone()).collect();
        pods.extend(self.condemned.iter().rev().cloned());
        pods.into_iter().find(|pod| deleting(pod) || !self.is_available(pod)).map(|pod| name(&pod).to_owned())
    }

    fn status(&mut self) -> Value {
        let update = name(&self.revisions.update).to_owned();
        let current = name(self.current).to_owned();
        let mut pods: Vec<Value> = self.slots.iter().filter_map(|slot| slot.pod.clone()).collect();
        pods.extend(self.condemned.iter().cloned());
        let deleted = |plan: &Plan, pod: &Value| {
            plan.acts
                .iter()
                .any(|act| matches!(act, Act::Delete { id, .. } if id.kind == "Pod" && id.name == name(pod)))
        };
        let mut counts = [0_i64; 5];
        for pod in &pods {
            counts[0] += 1;
            counts[1] += i64::from(is_running_and_ready(pod));
            counts[2] += i64::from(self.is_available(pod));
            if !deleting(pod) {
                let revision = label(pod, HASH).unwrap_or_default();
                counts[3] += i64::from(revision == current && !(deleted(&self.plan, pod) && current != update));
                counts[4] += i64::from(revision == update);
            }
        }
        let [all, are_ready, are_available, mut are_current, are_updated] = counts;
        let mut current = current;
        let size = int(self.set, "/spec/replicas").unwrap_or(1);
        // completeRollingUpdate: the update becomes the current one when every pod is of it and ready.
        if text(self.set, "/spec/updateStrategy/type") != "OnDelete"
            && are_updated == all
            && are_ready == all
            && all == size
        {
            current.clone_from(&update);
            are_current = are_updated;
        }
        let mut status = json!({});
        put(&mut status, "observedGeneration", nonzero(count(self.set, "/metadata/generation")));
        status["replicas"] = Value::from(all);
        put(&mut status, "readyReplicas", nonzero(are_ready));
        put(&mut status, "currentReplicas", nonzero(are_current));
        put(&mut status, "updatedReplicas", nonzero(are_updated));
        status["currentRevision"] = Value::from(current);
        status["updateRevision"] = Value::from(update);
        status["collisionCount"] = Value::from(self.revisions.collisions);
        status["availableReplicas"] = Value::from(are_available);
        if let Some(conditions) = self.set.pointer("/status/conditions") {
            status["conditions"] = conditions.clone();
        }
        status
    }
}

fn is_running_and_ready(pod: &Value) -> bool {
    phase(pod) == "Running" && ready(pod)
}

fn claim_name(template: &str, set: &str, ordinal: i64) -> String {
    format!("{template}-{set}-{ordinal}")
}

fn ordinal(set: &Value, pod: &Value) -> Option<i64> {
    name(pod).strip_prefix(name(set))?.strip_prefix('-')?.parse().ok()
}

#[cfg(test)]
#[path = "stateful_set_tests.rs"]
mod tests;
