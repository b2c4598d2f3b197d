//! Cron jobs (kubernetes `pkg/controller/cronjob`): a Job at each time of a schedule.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::{Value, json};

use crate::sim::clock::stamp;
use crate::sim::world::conditions::holds;
use crate::sim::world::id::split;
use crate::sim::world::look::Look;
use crate::sim::world::owner::{controlled_by, controller_reference};
use crate::sim::world::plan::{Act, Plan, Propagation, seconds_later};
use crate::sim::world::read::{created, deleting, flag, int, list, name, namespace, put, text, time, uid};
use crate::sim::world::reconcile::{Reconcile, Refusal, Seen, keys_of_controllers};
use crate::sim::world::view::View;

const KIND: &str = "CronJob.batch";

/// The controller of cron jobs.
#[derive(Debug, Default)]
pub struct CronJobs;

impl Reconcile for CronJobs {
    fn name(&self) -> &'static str {
        "cronjob-controller"
    }

    fn touched(&self, seen: &Seen, _: &View) -> Vec<String> {
        match seen.id.kind.as_str() {
            KIND => vec![seen.id.key()],
            "Job.batch" => keys_of_controllers(seen, KIND),
            _ => vec![],
        }
    }

    fn reconcile(&mut self, look: &Look<'_>, key: &str) -> Plan {
        let (namespace, name) = split(key);
        let Some(cron) = look.view.get(KIND, namespace, name) else { return Plan::default() };
        let jobs: Vec<&Value> = look.view.list("Job.batch", namespace).filter(|job| controlled_by(job, cron)).collect();
        let mut round =
            Round { look, cron, jobs, status: cron.get("status").cloned().unwrap_or(json!({})), plan: Plan::default() };
        round.watch_jobs();
        if !deleting(cron) {
            round.schedule();
            round.cut();
        }
        let status = round.status;
        let mut plan = round.plan;
        if status != *cron.get("status").unwrap_or(&json!({})) {
            plan.status_if_new(cron, status);
        }
        plan
    }

    fn refused(&mut self, look: &Look<'_>, key: &str, act: &Act, refusal: &Refusal) -> Plan {
        let (namespace, name) = split(key);
        let mut plan = Plan::default();
        if let (Act::Create(_), Some(cron)) = (act, look.view.get(KIND, namespace, name))
            && !refusal.terminating
        {
            plan.warning(cron, "FailedCreate", format!("Error creating job: {}", refusal.message));
            plan.wake_at(seconds_later(look.now, 10));
        }
        plan
    }
}

struct Round<'a> {
    look: &'a Look<'a>,
    cron: &'a Value,
    jobs: Vec<&'a Value>,
    status: Value,
    plan: Plan,
}

impl Round<'_> {
    fn active(&self) -> Vec<Value> {
        list(&self.status, "/active").to_vec()
    }

    fn set_active(&mut self, active: Vec<Value>) {
        put(&mut self.status, "active", (!active.is_empty()).then_some(Value::Array(active)));
    }

    /// Takes finished and missing Jobs off the list, and notes the last success.
    fn watch_jobs(&mut self) {
        let mut active = self.active();
        for job in self.jobs.clone() {
            // A Job that was just created has no uid here.
            let found = active.iter().position(|a| text(a, "/uid") == uid(job) || text(a, "/name") == name(job));
            let how = finished(job);
            match (found, how) {
                (Some(index), Some(how)) => {
                    active.remove(index);
                    let message = format!("Saw completed job: {}, condition: {how}", name(job));
                    self.plan.normal(self.cron, "SawCompletedJob", message);
                }
                (None, None) => {
                    let message = format!("Saw a job that the controller did not create or forgot: {}", name(job));
                    self.plan.warning(self.cron, "UnexpectedJob", message);
                }
                _ => {}
            }
            let ended = time(job, "/status/completionTime").filter(|_| how == Some("Complete"));
            if let Some(ended) = ended.filter(|e| time(&self.status, "/lastSuccessfulTime").is_none_or(|l| *e > l)) {
                self.status["lastSuccessfulTime"] = Value::from(stamp(ended));
            }
        }
        active.retain(|known| {
            let there =
                self.jobs.iter().any(|job| uid(job) == text(known, "/uid") || name(job) == text(known, "/name"));
            if !there {
                let message = format!("Active job went missing: {}", text(known, "/name"));
                self.plan.normal(self.cron, "MissingJob", message);
            }
            there
        });
        for known in &mut active {
            let job = self.jobs.iter().find(|job| name(job) == text(known, "/name"));
            if let Some(job) = job {
                *known = reference(job);
            }
        }
        self.set_active(active);
    }

    fn schedule(&mut self) {
        let zone = match text(self.cron, "/spec/timeZone") {
            "" => TimeZone::UTC,
            wanted => {
                let Ok(zone) = TimeZone::get(wanted) else {
                    let message = format!("invalid timeZone: {wanted:?}: unknown time zone {wanted}");
                    self.plan.warning(self.cron, "UnknownTimeZone", message);
                    return;
                };
                zone
            }
        };
        if flag(self.cron, "/spec/suspend") {
            return;
        }
        let text_of = text(self.cron, "/spec/schedule");
        let schedule = match Schedule::parse(text_of, zone) {
            Ok(schedule) => schedule,
            Err(why) => {
                let message = format!("unparseable schedule: {text_of:?} : {why}");
                self.plan.warning(self.cron, "UnparseableSchedule", message);
                return;
            }
        };
        let now = self.look.now;
        if let Some(next) = schedule.after(now) {
            // As the true one: a moment later, so that the time has surely come.
            self.plan.lazily_at(next.checked_add(SignedDuration::from_millis(100)).unwrap_or(next));
        }
        let deadline = int(self.cron, "/spec/startingDeadlineSeconds");
        let mut from = time(&self.status, "/lastScheduleTime").unwrap_or_else(|| created(self.cron));
        if let Some(earliest) = deadline.map(|seconds| seconds_later(now, -seconds)) {
            from = from.max(earliest);
        }
        let Some((due, missed)) = schedule.last_between(from, now) else { return };
        if missed > 100 {
            let message = format!(
                "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew (missed {missed})"
            );
            self.plan.warning(self.cron, "TooManyMissedTimes", message);
        }
        self.start(due, &schedule.zone);
    }

    fn start(&mut self, due: Timestamp, zone: &TimeZone) {
        let job_name = format!("{}-{}", name(self.cron), due.as_second() / 60);
        let mut active = self.active();
        let started = active.iter().any(|a| text(a, "/name") == job_name)
            || time(&self.status, "/lastScheduleTime") == Some(due)
            || self.jobs.iter().any(|job| name(job) == job_name);
        if started {
            return;
        }
        match text(self.cron, "/spec/concurrencyPolicy") {
            "Forbid" if !active.is_empty() => {
                let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
                self.plan.normal(self.cron, "JobAlreadyActive", message);
                return;
            }
            "Replace" => {
                for job in self.jobs.clone() {
                    if active.iter().any(|a| text(a, "/uid") == uid(job)) {
                        self.delete(job);
                    }
                }
                active.clear();
            }
            _ => {}
        }
        let template = self.cron.pointer("/spec/jobTemplate").cloned().unwrap_or(json!({}));
        let mut metadata = json!({
            "name": job_name,
            "namespace": namespace(self.cron),
            "annotations": template.pointer("/metadata/annotations").cloned().unwrap_or(json!({})),
            "ownerReferences": [controller_reference(self.cron)],
        });
        metadata["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] =
            Value::from(due.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().replace("+00:00", "Z"));
        if let Some(labels) = template.pointer("/metadata/labels") {
            metadata["labels"] = labels.clone();
        }
        let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]});
        let message = format!("Created job {job_name}");
        active.push(reference(&job));
        self.plan.create(job);
        self.plan.normal(self.cron, "SuccessfulCreate", message);
        self.set_active(active);
        self.status["lastScheduleTime"] = Value::from(stamp(due));
    }

    fn delete(&mut self, job: &Value) {
        self.plan.delete_with(job, Some(Propagation::Background), None);
        self.plan.normal(self.cron, "SuccessfulDelete", format!("Deleted job {}", name(job)));
    }

    /// Removes the oldest finished Jobs beyond the limits.
    fn cut(&mut self) {
        for (how, key) in [("Complete", "/spec/successfulJobsHistoryLimit"), ("Failed", "/spec/failedJobsHistoryLimit")]
        {
            let Some(limit) = int(self.cron, key).and_then(|l| usize::try_from(l).ok()) else { continue };
            let mut done: Vec<&Value> =
                self.jobs.iter().copied().filter(|job| finished(job) == Some(how) && !deleting(job)).collect();
            done.sort_by_key(|job| (time(job, "/status/startTime"), name(job).to_owned()));
            let surplus = done.len().saturating_sub(limit);
            for job in done.into_iter().take(surplus) {
                self.delete(job);
            }
        }
    }
}

fn finished(job: &Value) -> Option<&'static str> {
    ["Complete", "Failed"].into_iter().find(|how| holds(job, how))
}

fn reference(job: &Value) -> Value {
    let mut reference =
        json!({"kind": "Job", "namespace": namespace(job), "name": name(job), "apiVersion": "batch/v1"});
    for (key, value) in [("uid", uid(job)), ("resourceVersion", text(job, "/metadata/resourceVersion"))] {
        if !value.is_empty() {
            reference[key] = Value::from(value);
        }
    }
    reference
}

/// A schedule in a time zone.
struct Schedule {
    every: Every,
    zone: TimeZone,
}

enum Every {
    /// `@every 1h30m`.
    Span(SignedDuration),
    Cron(Box<Cron>),
}

impl Schedule {
    fn parse(text: &str, zone: TimeZone) -> Result<Self, String> {
        if let Some(span) = text.strip_prefix("@every ") {
            let span: SignedDuration = span.trim().parse().map_err(|e: jiff::Error| e.to_string())?;
            return Ok(Self { every: Every::Span(span.max(SignedDuration::from_secs(1))), zone });
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|e| e.to_string())?;
        Ok(Self { every: Every::Cron(Box::new(cron)), zone })
    }

    fn after(&self, from: Timestamp) -> Option<Timestamp> {
        match &self.every {
            Every::Span(span) => from.checked_add(*span).ok(),
            Every::Cron(cron) => {
                let from: Zoned = from.to_zoned(self.zone.clone());
                cron.find_next_occurrence(&from, false).ok().map(|next| next.timestamp())
            }
        }
    }

    /// The last time after `from` and not after `to`, and how many there were.
    fn last_between(&self, from: Timestamp, to: Timestamp) -> Option<(Timestamp, usize)> {
        let (mut last, mut missed) = (None, 0);
        let mut at = from;
        while let Some(next) = self.after(at).filter(|next| *next <= to) {
            missed += 1;
            last = Some(next);
            at = next;
            if missed > 100_000 {
                break;
            }
        }
        last.map(|last| (last, missed))
    }
}

#[cfg(test)]
#[path = "cron_job_tests.rs"]
mod tests;
