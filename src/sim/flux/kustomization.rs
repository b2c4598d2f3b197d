//! Kustomization: builds a path of a source and applies what comes out of it, stage by stage.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::annotations;
use super::apply::{self, Action, Entry, Trouble};
use super::built::{self, CONTROLLER, Failure, GROUP, OWNER};
use super::dependency::{KUSTOMIZATION, by_dependency, check_dependencies, source_of};
use super::duration;
use super::events::{Event, Events};
use super::health::{Verdict, Wait};
use super::id::Id;
use super::object::Object;
use super::options::Options;
use super::progress::{Done, inventory, progress, remember, timeout};
use super::runner::{Again, Env, Reconciler, Seen, Step, is_due, key};
use super::source::{FINALIZER, GIT_REPOSITORY, OCI_REPOSITORY, brought_artifact, digest, revision, unsupported};
use crate::kustomize::Tree as _;
use crate::kustomize::flux::source_path;
use crate::sim::api::object;

/// How long a step of a reconciliation takes: those that begin together go on together, so that a child can be done
/// with its old spec while its parent has not applied the new one.
const PACE: Duration = Duration::from_millis(20);

/// What the simulator does not play.
const NOT_PLAYED: [&str; 4] = ["kubeConfig", "healthCheckExprs", "ignore", "serviceAccountName"];

/// The reconciler of Kustomizations.
pub(super) struct Kustomizations {
    options: Arc<Options>,
    events: Events,
}

/// A reconciliation that has begun.
pub(super) struct Run {
    ks: Object,
    source: Value,
    began: Timestamp,
    digest: String,
    phase: Phase,
}

enum Phase {
    Fetch,
    Build,
    Apply {
        stages: Vec<Vec<Value>>,
        done: Vec<Entry>,
        wait: Option<Wait>,
        vanishing: Vec<Id>,
    },
    Health(Wait),
    /// Being deleted: waiting for what was pruned to be gone.
    Terminate(Wait),
}

impl Kustomizations {
    /// With these options.
    pub(super) fn new(options: Arc<Options>) -> Self {
        Self { options, events: Events::new(CONTROLLER) }
    }

    fn begin(&self, env: &Env<'_>, mut ks: Object) -> Step<Run> {
        let now = env.stamp();
        if object::is_deleting(&ks.value) {
            return self.finalize(env, ks);
        }
        if ks.add_finalizer(FINALIZER) {
            self.finish(env, &mut ks);
            return Step::End(Again::Now);
        }
        if ks.is("/suspend") {
            self.finish(env, &mut ks);
            return Step::End(Again::Never);
        }
        if let Some(what) = self.refusal(&ks) {
            let message = format!("unknown to the simulator: {what}");
            ks.mark("Ready", "False", "NotSimulated", &message, &now);
            ks.mark_stalled("NotSimulated", &message, &now);
            ks.set_status("observedGeneration", json!(ks.generation()));
            self.tell(env, &ks, true, &message);
            self.finish(env, &mut ks);
            return Step::End(Again::Never);
        }
        let retry =
            ks.duration("/retryInterval").or_else(|| ks.duration("/interval")).unwrap_or(Duration::from_mins(1));
        let requeue = self.options.requeue_dependency;
        let (kind, namespace, name) = source_of(&ks.value);
        let source = match env.server.get(&format!("{kind}.source.toolkit.fluxcd.io"), &namespace, &name) {
            Ok(source) => source,
            Err(status) => {
                // The controller reads through its cache, which names the kind, not the resource.
                let message = format!("{kind}.source.toolkit.fluxcd.io \"{name}\" not found");
                let message = if status.code() == 404 { message } else { status.message().to_owned() };
                ks.mark("Ready", "False", "ArtifactFailed", &message, &now);
                self.finish(env, &mut ks);
                return Step::End(Again::After(retry));
            }
        };
        if revision(&source).is_empty() {
            let message = format!("Source artifact not found, retrying in {}", duration::text(requeue));
            ks.mark("Ready", "False", "ArtifactFailed", &message, &now);
            self.finish(env, &mut ks);
            return Step::End(Again::After(requeue));
        }
        if let Err(message) = check_dependencies(env, &ks, &source) {
            ks.mark("Ready", "False", "DependencyNotReady", &message, &now);
            let told = format!("Dependencies do not meet ready condition, retrying in {}", duration::text(requeue));
            self.tell(env, &ks, false, &told);
            self.finish(env, &mut ks);
            return Step::End(Again::After(requeue));
        }
        ks.mark("Ready", "Unknown", "Progressing", "Reconciliation in progress", &now);
        progress(&mut ks, env, "Fetching manifests", revision(&source));
        self.write(env, &mut ks);
        Step::Wait(PACE, Run { ks, source, began: env.now, digest: String::new(), phase: Phase::Fetch })
    }

    /// What it asks for and the simulator doesn't play.
    fn refusal(&self, ks: &Object) -> Option<String> {
        let mut found: Vec<String> = unsupported(ks, &NOT_PLAYED).into_iter().collect();
        found.extend(annotations::unknown(&ks.value).into_iter().map(|a| format!("annotation {a}")));
        if ks.list("/dependsOn").iter().any(|d| d["readyExpr"].is_string()) {
            found.push("spec.dependsOn.readyExpr".into());
        }
        match ks.spec("/sourceRef/kind") {
            "GitRepository" => {}
            kind => found.push(format!("spec.sourceRef.kind {kind}")),
        }
        (!found.is_empty()).then(|| found.join(", "))
    }

    fn fetch(&self, env: &Env<'_>, mut run: Run) -> Step<Run> {
        let fail = |message: String| Failure::new("ArtifactFailed", message);
        let tree = match self.options.remotes.tree(&run.source) {
            Ok(tree) => tree,
            Err(error) => return self.failed(env, run, &fail(error.message().to_owned())),
        };
        let path = match source_path(&run.ks.value) {
            Ok(path) => path,
            Err(error) => return self.failed(env, run, &fail(error.message().to_owned())),
        };
        if !tree.is_dir(&path).unwrap_or_default() {
            let place = format!("/tmp/kustomization-{}", run.ks.generation());
            let message = format!("kustomization path not found: stat {place}/{path}: no such file or directory");
            return self.failed(env, run, &fail(message));
        }
        run.ks.set_status("lastAttemptedRevision", json!(revision(&run.source)));
        progress(&mut run.ks, env, "Building manifests", revision(&run.source));
        self.write(env, &mut run.ks);
        run.phase = Phase::Build;
        Step::Wait(PACE, run)
    }

    fn build(&self, env: &Env<'_>, mut run: Run) -> Step<Run> {
        let objects = match built::objects(env, &self.options.remotes, &run.ks, &run.source) {
            Ok(objects) => objects,
            Err(failure) => return self.failed(env, run, &failure),
        };
        run.digest = digest(Value::Array(objects.clone()).to_string().as_bytes());
        let vanishing = objects
            .iter()
            .filter(|o| o["kind"] == "Job" && !o["spec"]["ttlSecondsAfterFinished"].is_null())
            .map(Id::of)
            .collect();
        progress(&mut run.ks, env, "Detecting drift", revision(&run.source));
        self.write(env, &mut run.ks);
        let stages = apply::stages(objects).into_iter().rev().collect();
        run.phase = Phase::Apply { stages, done: Vec::new(), wait: None, vanishing };
        Step::Wait(PACE, run)
    }

    fn apply(&self, env: &Env<'_>, mut run: Run) -> Step<Run> {
        const STAGE_POLL: Duration = Duration::from_secs(2);
        let force = run.ks.is("/force");
        let Phase::Apply { stages, done, wait, vanishing } = &mut run.phase else { return Step::End(Again::Backoff) };
        if let Some(waiting) = wait {
            match waiting.look(env) {
                Verdict::Wait(time) => return Step::Wait(time, run),
                Verdict::Passed => *wait = None,
                Verdict::Failed(message) => {
                    let message = format!("{message}\n{}", log(done));
                    return self.failed(env, run, &Failure::kept("ReconciliationFailed", message));
                }
            }
        }
        while let Some(stage) = stages.last() {
            match apply::all(env.server, OWNER, stage, force) {
                Ok(entries) => {
                    let first_stages = stages.len() > 1;
                    let ids: Vec<Id> = entries.iter().map(|entry| entry.id.clone()).collect();
                    done.extend(entries);
                    stages.pop();
                    let waiting = Wait::new(ids, env, Duration::from_mins(1), STAGE_POLL);
                    if first_stages && !waiting.is_empty() && waiting.look(env) != Verdict::Passed {
                        *wait = Some(waiting);
                        return Step::Wait(STAGE_POLL, run);
                    }
                }
                Err(Trouble::Leaving) => return Step::Wait(STAGE_POLL, run),
                Err(Trouble::Refused(why)) => {
                    let message = format!("{why}\n{}", log(done));
                    return self.failed(env, run, &Failure::kept("ReconciliationFailed", message));
                }
            }
        }
        let (done, vanishing) = (std::mem::take(done), std::mem::take(vanishing));
        self.applied(env, run, &done, vanishing)
    }

    /// After everything was applied: inventory, pruning, and the health check's beginning.
    fn applied(&self, env: &Env<'_>, mut run: Run, done: &[Entry], vanishing: Vec<Id>) -> Step<Run> {
        let changes = apply::lines(done, false);
        if !changes.is_empty() {
            self.tell(env, &run.ks, false, &changes.join("\n"));
        }
        let old: Vec<Id> = inventory(&run.ks.value);
        let mut entries: Vec<Value> = done.iter().map(|entry| entry.id.entry()).collect();
        let is_kept = |id: &Id| done.iter().any(|entry| entry.id.id() == id.id());
        let stale: Vec<Id> = old.into_iter().filter(|id| !is_kept(id)).collect();
        let mut trouble = None;
        if run.ks.is("/prune") {
            let (pruned, error) = apply::delete(env.server, OWNER, (run.ks.namespace(), run.ks.name()), stale);
            if error.is_none() && !pruned.is_empty() {
                self.tell(env, &run.ks, false, &apply::lines(&pruned, true).join("\n"));
            }
            if error.is_some() {
                let left = pruned.iter().filter(|e| !matches!(e.action, Action::Deleted | Action::Skipped));
                entries.extend(left.map(|e| e.id.entry()));
            }
            trouble = error;
        }
        run.ks.set_status("inventory", json!({"entries": entries}));
        if let Some(message) = trouble {
            return self.failed(env, run, &Failure::kept("PruneFailed", message));
        }
        let checks = self.checked(&run.ks, done);
        if checks.is_empty() {
            run.ks.unmark("Healthy");
            return self.succeeded(env, run);
        }
        let now = env.stamp();
        let message = format!(
            "Running health checks for revision {} with a timeout of {}",
            revision(&run.source),
            duration::text(timeout(&run.ks))
        );
        run.ks.mark_reconciling("Progressing", &message, &now);
        run.ks.mark("Healthy", "Unknown", "Progressing", &message, &now);
        self.write(env, &mut run.ks);
        let wait = Wait::new(checks, env, timeout(&run.ks), Duration::from_secs(5)).with_vanishing(vanishing);
        run.phase = Phase::Health(wait);
        self.check_health(env, run)
    }

    /// The objects whose health is waited for.
    fn checked(&self, ks: &Object, done: &[Entry]) -> Vec<Id> {
        let ids: Vec<Id> = if ks.is("/wait") {
            done.iter().filter(|entry| entry.action != Action::Skipped).map(|entry| entry.id.clone()).collect()
        } else {
            let named = |check: &Value| {
                let text = |field: &str| check[field].as_str().unwrap_or_default();
                Id::of(
                    &json!({"apiVersion": text("apiVersion"), "kind": text("kind"), "metadata": {"name": text("name"), "namespace": text("namespace")}}),
                )
            };
            ks.list("/healthChecks").iter().map(named).collect()
        };
        let own = |id: &Id| id.kind == "Kustomization" && id.name == ks.name() && id.namespace == ks.namespace();
        ids.into_iter().filter(|id| !own(id)).collect()
    }

    fn check_health(&self, env: &Env<'_>, mut run: Run) -> Step<Run> {
        let Phase::Health(wait) = &run.phase else { return Step::End(Again::Backoff) };
        let now = env.stamp();
        let took = duration::text(wait.elapsed(env).max(Duration::from_millis(1)));
        match wait.look(env) {
            Verdict::Wait(time) => Step::Wait(time, run),
            Verdict::Passed => {
                let message = format!("Health check passed in {took}");
                let was_healthy = run.ks.is_true("Healthy");
                run.ks.mark("Healthy", "True", "Succeeded", &message, &now);
                if !was_healthy {
                    self.tell(env, &run.ks, false, &message);
                }
                self.write(env, &mut run.ks);
                self.succeeded(env, run)
            }
            Verdict::Failed(why) => {
                run.ks.mark("Healthy", "False", "HealthCheckFailed", &why, &now);
                let message = format!("health check failed after {took}: {why}");
                self.failed(env, run, &Failure::kept("HealthCheckFailed", message))
            }
        }
    }

    fn succeeded(&self, env: &Env<'_>, mut run: Run) -> Step<Run> {
        let now = env.stamp();
        let revision = revision(&run.source).to_owned();
        run.ks.set_status("lastAppliedRevision", json!(revision));
        run.ks.mark("Ready", "True", "ReconciliationSucceeded", &format!("Applied revision: {revision}"), &now);
        self.remember(env, &mut run, "ReconciliationSucceeded");
        let interval = run.ks.duration("/interval").unwrap_or(Duration::from_mins(1));
        let took = duration::text(env.now.duration_since(run.began).unsigned_abs().max(Duration::from_millis(1)));
        let told = format!("Reconciliation finished in {took}, next run in {}", duration::text(interval));
        self.tell(env, &run.ks, false, &told);
        self.finish(env, &mut run.ks);
        Step::End(Again::Interval(interval))
    }

    fn failed(&self, env: &Env<'_>, mut run: Run, failure: &Failure) -> Step<Run> {
        run.ks.mark("Ready", "False", failure.reason, &failure.message, &env.stamp());
        if failure.kept {
            self.remember(env, &mut run, failure.reason);
        }
        self.tell(env, &run.ks, true, &failure.message);
        self.finish(env, &mut run.ks);
        let retry = run.ks.duration("/retryInterval").or_else(|| run.ks.duration("/interval"));
        Step::End(Again::After(retry.unwrap_or(Duration::from_mins(1))))
    }

    fn remember(&self, env: &Env<'_>, run: &mut Run, status: &str) {
        let done = Done { began: run.began, digest: &run.digest, revision: revision(&run.source) };
        remember(&mut run.ks, env, &done, status);
    }

    fn finalize(&self, env: &Env<'_>, ks: Object) -> Step<Run> {
        let policy = ks.spec("/deletionPolicy");
        let deletes = match policy {
            "" | "MirrorPrune" => ks.is("/prune"),
            "Delete" | "WaitForTermination" => true,
            _ => false,
        };
        let owned = inventory(&ks.value);
        if deletes && !ks.is("/suspend") && !owned.is_empty() {
            let (entries, error) = apply::delete(env.server, OWNER, (ks.namespace(), ks.name()), owned);
            if error.is_some() {
                self.tell(env, &ks, true, "pruning for deleted resource failed");
                return Step::End(Again::Backoff);
            }
            self.tell(env, &ks, false, &apply::lines(&entries, true).join("\n"));
            if policy == "WaitForTermination" {
                let ids = entries.into_iter().filter(|e| e.action == Action::Deleted).map(|e| e.id).collect();
                let wait = Wait::new(ids, env, timeout(&ks), Duration::from_secs(2));
                let run = Run {
                    ks,
                    source: Value::Null,
                    began: env.now,
                    digest: String::new(),
                    phase: Phase::Terminate(wait),
                };
                return self.terminate(env, run);
            }
        }
        self.released(env, ks)
    }

    fn terminate(&self, env: &Env<'_>, run: Run) -> Step<Run> {
        let Phase::Terminate(wait) = &run.phase else { return Step::End(Again::Backoff) };
        if wait.is_gone(env) {
            return self.released(env, run.ks);
        }
        if wait.elapsed(env) >= timeout(&run.ks) {
            self.tell(env, &run.ks, true, "failed to wait for resources termination");
            return self.released(env, run.ks);
        }
        Step::Wait(Duration::from_secs(2), run)
    }

    fn released(&self, env: &Env<'_>, mut ks: Object) -> Step<Run> {
        ks.remove_finalizer(FINALIZER);
        self.finish(env, &mut ks);
        Step::End(Again::Never)
    }

    /// The last write of a reconciliation.
    fn finish(&self, env: &Env<'_>, ks: &mut Object) {
        if let Some(token) = ks.token() {
            ks.set_status("lastHandledReconcileAt", json!(token));
        }
        match ks.state("Ready").as_str() {
            "True" => {
                ks.unmark("Reconciling");
                ks.set_status("observedGeneration", json!(ks.generation()));
            }
            "False" => {
                if let Some(reconciling) = ks.condition("Reconciling") {
                    ks.mark(
                        "Reconciling",
                        &reconciling.status,
                        "ProgressingWithRetry",
                        &reconciling.message,
                        &env.stamp(),
                    );
                }
            }
            _ => {}
        }
        self.write(env, ks);
    }

    fn write(&self, env: &Env<'_>, ks: &mut Object) {
        let _ = ks.write(env.server, CONTROLLER);
    }

    fn tell(&self, env: &Env<'_>, ks: &Object, warning: bool, message: &str) {
        let reason = ks.condition("Ready").map(|c| c.reason).unwrap_or_default();
        let reason = if reason.is_empty() { if warning { "error" } else { "info" }.to_owned() } else { reason };
        let attempted = ks.status("/lastAttemptedRevision").to_owned();
        let notes = if attempted.is_empty() { Vec::new() } else { vec![(format!("{GROUP}/revision"), attempted)] };
        let event = Event { warning, reason: &reason, message, notes };
        self.events.record(env.server, &ks.value, &event, &env.stamp());
    }
}

impl Reconciler for Kustomizations {
    type Run = Run;

    fn kind(&self) -> &'static str {
        KUSTOMIZATION
    }

    fn concerns(&self, env: &Env<'_>, seen: &Seen<'_>) -> Vec<String> {
        match seen.kind {
            KUSTOMIZATION => seen.new.filter(|_| is_due(seen)).map(key).into_iter().collect(),
            GIT_REPOSITORY | OCI_REPOSITORY if brought_artifact(seen) => {
                let Some(source) = seen.new else { return Vec::new() };
                let kind = seen.kind.split('.').next().unwrap_or_default();
                let wanted = (kind.to_owned(), object::namespace(source).to_owned(), object::name(source).to_owned());
                let all = env.server.list(KUSTOMIZATION).unwrap_or_default();
                let lags = |ks: &&Value| {
                    let object = Object::new(KUSTOMIZATION, (*ks).clone());
                    let known = object.is_true("Ready") || object.is_true("Reconciling");
                    !(known && object.status("/lastAttemptedRevision") == revision(source))
                };
                let mine: Vec<Value> = all.iter().filter(|ks| source_of(ks) == wanted).filter(lags).cloned().collect();
                by_dependency(&mine)
            }
            "ConfigMap" | "Secret" => {
                let Some(new) = seen.new.filter(|o| object::label(o, "reconcile.fluxcd.io/watch") == Some("Enabled"))
                else {
                    return Vec::new();
                };
                let all = env.server.list(KUSTOMIZATION).unwrap_or_default();
                let uses = |ks: &&Value| {
                    let list = ks.pointer("/spec/postBuild/substituteFrom").and_then(Value::as_array);
                    object::namespace(ks) == object::namespace(new)
                        && list.into_iter().flatten().any(|r| r["kind"] == seen.kind && r["name"] == object::name(new))
                };
                all.iter().filter(uses).map(key).collect()
            }
            _ => Vec::new(),
        }
    }

    fn start(&mut self, env: &Env<'_>, namespace: &str, name: &str) -> Step<Run> {
        match env.server.get(KUSTOMIZATION, namespace, name) {
            Ok(value) => self.begin(env, Object::new(KUSTOMIZATION, value)),
            Err(_) => Step::End(Again::Never),
        }
    }

    fn resume(&mut self, env: &Env<'_>, run: Run) -> Step<Run> {
        match run.phase {
            Phase::Fetch => self.fetch(env, run),
            Phase::Build => self.build(env, run),
            Phase::Apply { .. } => self.apply(env, run),
            Phase::Health(_) => self.check_health(env, run),
            Phase::Terminate(_) => self.terminate(env, run),
        }
    }

    fn interrupt(&mut self, env: &Env<'_>, seen: &Seen<'_>, mut run: Run) -> Result<Again, Run> {
        if !self.options.cancel_health_checks || !matches!(run.phase, Phase::Health(_)) {
            return Err(run);
        }
        let Some(new) = seen.new else { return Err(run) };
        let by = format!(
            "{}/{}/{}",
            seen.kind.split('.').next().unwrap_or_default(),
            object::namespace(new),
            object::name(new)
        );
        let message = format!("New reconciliation triggered by {by}");
        run.ks.mark("Ready", "False", "HealthCheckCanceled", &message, &env.stamp());
        self.tell(env, &run.ks, false, &format!("Health checks canceled due to new reconciliation triggered by {by}"));
        self.finish(env, &mut run.ks);
        Ok(Again::Now)
    }
}

fn log(done: &[Entry]) -> String {
    apply::lines(done, false).iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}
