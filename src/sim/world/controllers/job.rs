//! Jobs (kubernetes `pkg/controller/job`): pods that work until so many have succeeded.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::world::conditions::{Says, Times, find, holds, set};
use crate::sim::world::id::split;
use crate::sim::world::look::Look;
use crate::sim::world::owner::{controlled_by, controller};
use crate::sim::world::plan::{Act, Plan, Propagation, seconds_later};
use crate::sim::world::pods::{active, generated, phase, ready, removal_order, set_label};
use crate::sim::world::read::{
    annotation, count, deleting, flag, int, labels, list, name, namespace, nonzero, put, set_meta, size, text, time,
    uid,
};
use crate::sim::world::reconcile::{Reconcile, Refusal, Seen, keys_of_owners};
use crate::sim::world::selector::selects;
use crate::sim::world::view::View;

use super::job_indexes::{parse_ranges, ranges};

const KIND: &str = "Job.batch";
const FINALIZER: &str = "batch.kubernetes.io/job-tracking";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// Fields that change what a Job does, and that are not played.
const UNKNOWN: [&str; 5] =
    ["podFailurePolicy", "successPolicy", "backoffLimitPerIndex", "maxFailedIndexes", "scheduling"];

/// The controller of Jobs.
#[derive(Debug, Default)]
pub struct Jobs;

impl Reconcile for Jobs {
    fn name(&self) -> &'static str {
        "job-controller"
    }

    fn touched(&self, seen: &Seen, view: &View) -> Vec<String> {
        match seen.id.kind.as_str() {
            KIND => vec![seen.id.key()],
            "Pod" => keys_of_owners(seen, view, KIND),
            _ => vec![],
        }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let (namespace, name) = split(key);
        let mut plan = Plan::default();
        let Some(job) = look.view.get(KIND, namespace, name) else {
            release_orphans(look, namespace, &mut plan);
            return plan;
        };
        if job.pointer("/spec/selector").is_none() {
            return plan; // The API server gives every Job one.
        }
        let manager = text(job, "/spec/managedBy");
        if !manager.is_empty() && manager != "kubernetes.io/job-controller" {
            return plan;
        }
        if holds(job, "Complete") || holds(job, "Failed") {
            expire(look, job, &mut plan);
            return plan;
        }
        if let Some(field) = UNKNOWN.iter().find(|field| job.pointer("/spec").is_some_and(|s| s.get(**field).is_some()))
        {
            refuse(look, job, field, &mut plan);
            return plan;
        }
        let mut round = Round::new(look, job, plan);
        round.sync();
        round.finish()
    }

    fn refused(&mut self, look: &Look<'_>, key: &str, act: &Act, refusal: &Refusal) -> Plan {
        let (namespace, name) = split(key);
        let mut plan = Plan::default();
        if let (Act::Create(_), Some(job)) = (act, look.view.get(KIND, namespace, name))
            && !refusal.terminating
        {
            plan.warning(job, "FailedCreate", format!("Error creating: {}", refusal.message));
            plan.wake_at(seconds_later(look.now, 10));
        }
        plan
    }
}

/// Removes the finalizer from pods whose Job is gone (orphans).
fn release_orphans(look: &Look<'_>, namespace: &str, plan: &mut Plan) {
    for pod in look.view.list("Pod", namespace).filter(|pod| has_finalizer(pod)) {
        let owned = controller(pod).is_some_and(|owner| look.view.by_uid(text(owner, "/uid")).is_some());
        if !owned {
            plan.merge(pod, without_finalizer(pod));
        }
    }
}

/// Says that a field is not played, and fails the Job rather than doing something else than was asked for.
fn refuse(look: &Look<'_>, job: &Value, field: &str, plan: &mut Plan) {
    let message = format!("spec.{field} is not known to the simulator");
    plan.warning(job, "NotSimulated", message.clone());
    let mut status = job.get("status").cloned().unwrap_or(json!({}));
    for kind in ["FailureTarget", "Failed"] {
        let says = Says { kind, status: "True", reason: "NotSimulated", message: &message };
        set(&mut status, &says, Times::Probed, &look.stamp());
    }
    if status.get("startTime").is_none() {
        status["startTime"] = Value::from(look.stamp());
    }
    plan.status_if_new(job, status);
}

/// Deletes a finished Job when its time is over.
fn expire(look: &Look<'_>, job: &Value, plan: &mut Plan) {
    let Some(ttl) = int(job, "/spec/ttlSecondsAfterFinished").filter(|_| !deleting(job)) else { return };
    let ended = find(job, "Complete").or_else(|| find(job, "Failed")).and_then(|c| time(c, "/lastTransitionTime"));
    let end = seconds_later(ended.unwrap_or(look.now), ttl);
    if end <= look.now {
        plan.delete_with(job, Some(Propagation::Foreground), None);
    } else {
        plan.wake_at(end);
    }
}

/// One look at a Job.
struct Round<'a> {
    look: &'a Look<'a>,
    job: &'a Value,
    pods: Vec<&'a Value>,
    status: Value,
    /// Uids of pods that ended and are not yet in the counts.
    uncounted: [Vec<String>; 2],
    active: i64,
    ready: i64,
    terminating: i64,
    acts: Plan,
    plan: Plan,
}

const SUCCEEDED: usize = 0;
const FAILED: usize = 1;
const LISTS: [&str; 2] = ["succeeded", "failed"];

impl<'a> Round<'a> {
    fn new(look: &'a Look<'a>, job: &'a Value, mut plan: Plan) -> Self {
        let mut pods = Vec::new();
        for pod in look.view.list("Pod", namespace(job)) {
            let taken = selects(job.pointer("/spec/selector"), &labels(pod, "/metadata/labels"));
            if controlled_by(pod, job) && taken {
                pods.push(pod);
            } else if taken && controller(pod).is_none() && !deleting(job) && active(pod) {
                plan.update(crate::sim::world::owner::adopt(pod, job));
            }
        }
        let status = job.get("status").filter(|s| s.is_object()).cloned().unwrap_or(json!({}));
        let uids = |key: &str| -> Vec<String> {
            list(&status, &format!("/uncountedTerminatedPods/{key}"))
                .iter()
                .filter_map(|u| Some(u.as_str()?.to_owned()))
                .collect()
        };
        let uncounted = LISTS.map(uids);
        let living: Vec<&Value> = pods.iter().copied().filter(|pod| active(pod)).collect();
        Self {
            look,
            job,
            active: size(living.len()),
            ready: size(living.iter().filter(|pod| ready(pod)).count()),
            terminating: size(
                pods.iter().filter(|pod| deleting(pod) && matches!(phase(pod), "Pending" | "Running")).count(),
            ),
            pods,
            status,
            uncounted,
            acts: Plan::default(),
            plan,
        }
    }

    fn sync(&mut self) {
        if self.status.get("startTime").is_none() && !self.suspended() {
            self.status["startTime"] = Value::from(self.look.stamp());
        }
        self.count_ended();
        let verdict = self.verdict();
        if let Some((interim, last, reason, message)) = verdict {
            self.end(interim, last, &reason, &message);
            return;
        }
        if !deleting(self.job) {
            self.manage();
        }
        if self.is_done() {
            let message = "Reached expected number of succeeded pods";
            self.end("SuccessCriteriaMet", "Complete", "CompletionsReached", message);
        } else if !deleting(self.job) {
            self.note_suspension();
        }
    }

    /// Takes the uids of ended pods down, and those whose finalizer is gone into the counts.
    fn count_ended(&mut self) {
        for which in [SUCCEEDED, FAILED] {
            let waiting: Vec<String> = std::mem::take(&mut self.uncounted[which]);
            let (left, done): (Vec<String>, Vec<String>) =
                waiting.into_iter().partition(|own| self.pods.iter().any(|pod| uid(pod) == own && has_finalizer(pod)));
            self.uncounted[which] = left;
            if !done.is_empty() {
                let all = count(&self.status, &format!("/{}", LISTS[which])) + size(done.len());
                put(&mut self.status, LISTS[which], nonzero(all));
            }
        }
        for pod in self.pods.clone() {
            if !has_finalizer(pod) {
                continue;
            }
            let which = match phase(pod) {
                "Succeeded" => SUCCEEDED,
                _ if self.is_failed(pod) => FAILED,
                _ => continue,
            };
            let own = uid(pod).to_owned();
            if !self.uncounted.iter().any(|list| list.contains(&own)) {
                self.uncounted[which].push(own);
            }
            self.acts.merge(pod, without_finalizer(pod));
        }
        if self.indexed() {
            let done = self.done_indexes();
            put(&mut self.status, "completedIndexes", (!done.is_empty()).then(|| Value::from(ranges(&done))));
        }
    }

    /// Failed, or deleted before it could end well.
    fn is_failed(&self, pod: &Value) -> bool {
        let replaced_when_failed = text(self.job, "/spec/podReplacementPolicy") == "Failed";
        phase(pod) == "Failed" || (!replaced_when_failed && deleting(pod) && phase(pod) != "Succeeded")
    }

    fn total(&self, which: usize) -> i64 {
        if which == SUCCEEDED && self.indexed() {
            return size(self.done_indexes().len());
        }
        count(&self.status, &format!("/{}", LISTS[which])) + size(self.uncounted[which].len())
    }

    /// How the Job ends, if it does: interim condition, last condition, reason, message.
    fn verdict(&mut self) -> Option<(&'static str, &'static str, String, String)> {
        let words = |c: &Value| (text(c, "/reason").to_owned(), text(c, "/message").to_owned());
        if let Some(condition) = find(self.job, "SuccessCriteriaMet").filter(|c| text(c, "/status") == "True") {
            let (reason, message) = words(condition);
            return Some(("SuccessCriteriaMet", "Complete", reason, message));
        }
        if let Some(condition) = find(self.job, "FailureTarget").filter(|c| text(c, "/status") == "True") {
            let (reason, message) = words(condition);
            return Some(("FailureTarget", "Failed", reason, message));
        }
        let limit = int(self.job, "/spec/backoffLimit").unwrap_or(6);
        if self.total(FAILED) > limit || self.restarts_exceed(limit) {
            let message = "Job has reached the specified backoff limit";
            return Some(("FailureTarget", "Failed", "BackoffLimitExceeded".into(), message.into()));
        }
        let deadline = int(self.job, "/spec/activeDeadlineSeconds").filter(|_| !self.suspended())?;
        let end = seconds_later(time(&self.status, "/startTime")?, deadline);
        if end <= self.look.now {
            let message = "Job was active longer than specified deadline";
            return Some(("FailureTarget", "Failed", "DeadlineExceeded".into(), message.into()));
        }
        self.plan.wake_at(end);
        None
    }

    /// Containers that are restarted in place count too (`pastBackoffLimitOnFailure`).
    fn restarts_exceed(&self, limit: i64) -> bool {
        if text(self.job, "/spec/template/spec/restartPolicy") != "OnFailure" {
            return false;
        }
        let running = self.pods.iter().filter(|pod| matches!(phase(pod), "Running" | "Pending"));
        let of = |pod: &Value, key: &str| list(pod, key).iter().map(|c| count(c, "/restartCount")).sum::<i64>();
        let all: i64 =
            running.map(|pod| of(pod, "/status/initContainerStatuses") + of(pod, "/status/containerStatuses")).sum();
        if limit == 0 { all > 0 } else { all >= limit }
    }

    fn end(&mut self, interim: &str, last: &str, reason: &str, message: &str) {
        let now = self.look.stamp();
        let says = |kind| Says { kind, status: "True", reason, message };
        set(&mut self.status, &says(interim), Times::Probed, &now);
        let living: Vec<&Value> = self.pods.iter().copied().filter(|pod| active(pod)).collect();
        for pod in living {
            self.delete(pod);
        }
        let waits = self.terminating > 0 || self.uncounted.iter().any(|list| !list.is_empty());
        if waits {
            return;
        }
        set(&mut self.status, &says(last), Times::Probed, &now);
        if last == "Complete" {
            self.status["completionTime"] = Value::from(now);
            self.acts.normal(self.job, "Completed", "Job completed");
        } else {
            self.acts.warning(self.job, reason, message);
        }
    }

    fn delete(&mut self, pod: &Value) {
        self.acts.delete(pod);
        self.acts.normal(self.job, "SuccessfulDelete", format!("Deleted pod: {}", name(pod)));
        self.active -= 1;
        self.terminating += 1;
        self.ready -= i64::from(ready(pod));
    }

    fn is_done(&self) -> bool {
        self.active == 0
            && match int(self.job, "/spec/completions") {
                Some(wanted) => self.total(SUCCEEDED) >= wanted,
                None => self.total(SUCCEEDED) > 0,
            }
    }

    fn manage(&mut self) {
        let mut living: Vec<&Value> = self.pods.iter().copied().filter(|pod| active(pod)).collect();
        removal_order(&mut living, |_| 0);
        if self.suspended() {
            for pod in living {
                self.delete(pod);
            }
            return;
        }
        let parallelism = int(self.job, "/spec/parallelism").unwrap_or(1);
        let succeeded = self.total(SUCCEEDED);
        let wanted = match int(self.job, "/spec/completions") {
            None if succeeded > 0 => self.active,
            None => parallelism,
            Some(completions) => (completions - succeeded).min(parallelism).max(0),
        };
        if self.active > wanted {
            let surplus = usize::try_from(self.active - wanted).unwrap_or(0);
            living.into_iter().take(surplus).for_each(|pod| self.delete(pod));
            return;
        }
        let held = if text(self.job, "/spec/podReplacementPolicy") == "Failed" { self.terminating } else { 0 };
        let missing = wanted - held - self.active;
        if missing <= 0 {
            return;
        }
        match self.backoff() {
            Some(until) if until > self.look.now => self.plan.wake_at(until),
            _ => self.create(missing),
        }
    }

    /// 10 s after a failure, doubled with each until one succeeds, 10 minutes at most.
    fn backoff(&self) -> Option<Timestamp> {
        let ended = |pod: &Value| {
            let states = list(pod, "/status/containerStatuses").iter();
            states.filter_map(|s| time(s, "/state/terminated/finishedAt")).max().unwrap_or_else(|| {
                time(pod, "/metadata/deletionTimestamp").unwrap_or_else(|| crate::sim::world::read::created(pod))
            })
        };
        let last_success = self.pods.iter().filter(|pod| phase(pod) == "Succeeded").map(|pod| ended(pod)).max();
        let failures: Vec<Timestamp> = self
            .pods
            .iter()
            .filter(|pod| phase(pod) == "Failed")
            .map(|pod| ended(pod))
            .filter(|at| last_success.is_none_or(|success| *at > success))
            .collect();
        let last = failures.iter().max()?;
        let doubled = 10_i64.saturating_mul(1 << (failures.len() - 1).min(10));
        Some(seconds_later(*last, doubled.min(600)))
    }

    fn create(&mut self, missing: i64) {
        let template = self.job.pointer("/spec/template").cloned().unwrap_or(json!({}));
        let mut free = self.free_indexes().into_iter();
        for _ in 0..missing.min(500) {
            let mut pod = generated(self.look, &template, self.job);
            let finalizers = pod["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
            let own = std::iter::once(json!(FINALIZER));
            pod["metadata"]["finalizers"] = Value::Array(finalizers.into_iter().chain(own).collect());
            if self.indexed() {
                let Some(index) = free.next() else { break };
                self.give_index(&mut pod, index);
            }
            let message = format!("Created pod: {}", name(&pod));
            self.acts.create(pod);
            self.acts.normal(self.job, "SuccessfulCreate", message);
            self.active += 1;
        }
    }

    fn indexed(&self) -> bool {
        text(self.job, "/spec/completionMode") == "Indexed"
    }

    fn done_indexes(&self) -> Vec<i64> {
        let wanted = int(self.job, "/spec/completions").unwrap_or(0);
        let known = parse_ranges(text(&self.status, "/completedIndexes"));
        let fresh = self.pods.iter().filter(|pod| phase(pod) == "Succeeded").filter_map(|pod| index_of(pod));
        let mut all: Vec<i64> = known.into_iter().chain(fresh).filter(|index| *index < wanted).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn free_indexes(&self) -> Vec<i64> {
        if !self.indexed() {
            return vec![];
        }
        let done = self.done_indexes();
        let busy: Vec<i64> = self.pods.iter().filter(|pod| active(pod)).filter_map(|pod| index_of(pod)).collect();
        let wanted = int(self.job, "/spec/completions").unwrap_or(0);
        (0..wanted).filter(|index| !done.contains(index) && !busy.contains(index)).collect()
    }

    fn give_index(&self, pod: &mut Value, index: i64) {
        let job = name(self.job);
        let generate = format!("{job}-{index}-");
        pod["metadata"]["name"] = Value::from(format!("{generate}{}", self.look.suffix(uid(self.job))));
        pod["metadata"]["generateName"] = Value::from(generate);
        set_meta(pod, "annotations", INDEX, &index.to_string());
        set_label(pod, INDEX, &index.to_string());
        pod["spec"]["hostname"] = Value::from(format!("{job}-{index}"));
        let field = json!({"fieldRef": {"fieldPath": format!("metadata.labels['{INDEX}']")}});
        for group in ["initContainers", "containers"] {
            let Some(containers) = pod["spec"].get_mut(group).and_then(Value::as_array_mut) else { continue };
            for container in containers {
                let mut env = list(container, "/env").to_vec();
                if !env.iter().any(|e| text(e, "/name") == "JOB_COMPLETION_INDEX") {
                    env.push(json!({"name": "JOB_COMPLETION_INDEX", "valueFrom": field}));
                }
                container["env"] = Value::Array(env);
            }
        }
    }

    fn suspended(&self) -> bool {
        flag(self.job, "/spec/suspend")
    }

    fn note_suspension(&mut self) {
        let now = self.look.stamp();
        if self.suspended() {
            let says = Says { kind: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" };
            if set(&mut self.status, &says, Times::Probed, &now) {
                self.acts.normal(self.job, "Suspended", "Job suspended");
                put(&mut self.status, "startTime", None);
            }
        } else if find(self.job, "Suspended").is_some_and(|c| text(c, "/status") == "True") {
            let says = Says { kind: "Suspended", status: "False", reason: "JobResumed", message: "Job resumed" };
            set(&mut self.status, &says, Times::Probed, &now);
            self.acts.normal(self.job, "Resumed", "Job resumed");
            self.status["startTime"] = Value::from(now);
        }
    }

    /// Status first: what is uncounted there survives the removal of the pods.
    fn finish(mut self) -> Plan {
        put(&mut self.status, "active", nonzero(self.active));
        self.status["ready"] = Value::from(self.ready);
        self.status["terminating"] = Value::from(self.terminating);
        let mut uncounted = json!({});
        for which in [SUCCEEDED, FAILED] {
            if !self.uncounted[which].is_empty() {
                uncounted[LISTS[which]] = json!(self.uncounted[which]);
            }
        }
        self.status["uncountedTerminatedPods"] = uncounted;
        self.plan.status_if_new(self.job, self.status);
        self.plan.acts.append(&mut self.acts.acts);
        self.plan
    }
}

fn has_finalizer(pod: &Value) -> bool {
    list(pod, "/metadata/finalizers").iter().any(|f| f == FINALIZER)
}

fn without_finalizer(pod: &Value) -> Value {
    let left: Vec<&Value> = list(pod, "/metadata/finalizers").iter().filter(|f| *f != FINALIZER).collect();
    let left = if left.is_empty() { Value::Null } else { json!(left) };
    json!({"metadata": {"finalizers": left}})
}

fn index_of(pod: &Value) -> Option<i64> {
    annotation(pod, INDEX)?.parse().ok()
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
