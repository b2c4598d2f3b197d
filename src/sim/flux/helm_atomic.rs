//! The actions of a `HelmRelease`, one after the other until it is as it should be: install, upgrade, roll back, uninstall.

use std::time::Duration;

use serde_json::{Value, json};

use super::duration;
use super::health::Verdict;
use super::helm_action::{self, Loaded, Of};
use super::helm_remediation::{
    Remediation, add, exhausted, history, most, previous, previous_of, retry, summarize, timeout, truncate,
};
use super::helm_run::{
    Action, Doing, HelmReleases, Kind, Run, clear_failures, release_name, release_namespace, storage_namespace,
};
use super::helm_storage::{self, Stored, config_digest};
use super::id::Id;
use super::object::Object;
use super::runner::{Again, Env, Step};

enum Next {
    Done,
    Run(Action),
    /// Out of retries.
    Exhausted,
    MissingTarget,
}

impl HelmReleases {
    /// Goes on until there is nothing to do, or something has to be waited for.
    pub(super) fn atomic(&self, env: &Env<'_>, mut run: Run) -> Step<Run> {
        loop {
            let now = env.stamp();
            let next = self.next(env, &mut run);
            let action = match next {
                Next::Done => {
                    run.hr.unmark("Reconciling");
                    summarize(&mut run.hr, &now);
                    self.end(env, &mut run.hr, true);
                    return Step::End(Again::Interval(run.hr.duration("/interval").unwrap_or(Duration::from_mins(1))));
                }
                Next::Exhausted => {
                    let message = exhausted(&run.hr);
                    run.hr.mark_stalled("RetriesExceeded", &message, &now);
                    self.end(env, &mut run.hr, true);
                    return Step::End(Again::Never);
                }
                Next::MissingTarget => {
                    let message = "Failed to perform remediation: missing target release for rollback: cannot remediate failed release";
                    run.hr.mark_stalled("MissingRollbackTarget", message, &now);
                    self.end(env, &mut run.hr, true);
                    return Step::End(Again::Never);
                }
                Next::Run(action) => action,
            };
            if run.previous.contains(&action.kind()) {
                return self.stop(env, run, false);
            }
            let message = format!(
                "Running '{}' action with timeout of {}",
                action.name(),
                duration::text(timeout(&run.hr, action))
            );
            run.hr.mark_reconciling("Progressing", &message, &now);
            if action.kind() == Kind::Release {
                run.hr.mark("Ready", "Unknown", "Progressing", &message, &now);
            }
            self.write(env, &mut run.hr);
            match self.act(env, &mut run, action) {
                Ok(Some(doing)) => {
                    run.doing = Some(doing);
                    return Step::Wait(Duration::from_millis(50), run);
                }
                Ok(None) => {}
                Err(()) => return self.stopped_by_error(env, run),
            }
            if let Some(end) = self.after(env, &mut run, action) {
                return if end { self.stop(env, run, true) } else { Step::End(Again::Backoff) };
            }
        }
    }

    /// An action that waited: looks at its objects.
    pub(super) fn go_on(&self, env: &Env<'_>, mut run: Run) -> Step<Run> {
        let Some(doing) = run.doing.take() else { return self.atomic(env, run) };
        let result = match doing.wait.look(env) {
            Verdict::Wait(time) => {
                run.doing = Some(doing);
                return Step::Wait(time, run);
            }
            Verdict::Passed => Ok(()),
            Verdict::Failed(why) => Err(why),
        };
        let action = doing.action;
        self.conclude(env, &mut run, doing, &result);
        if self.after(env, &mut run, action).is_some() {
            return self.stop(env, run, true);
        }
        self.atomic(env, run)
    }

    /// After an action: whether to stop.
    fn after(&self, env: &Env<'_>, run: &mut Run, action: Action) -> Option<bool> {
        if action.kind() == Kind::Remediate {
            return Some(true);
        }
        run.previous.push(action.kind());
        self.write(env, &mut run.hr);
        None
    }

    /// Stops for now: to be tried again after a while, at once, or not at all.
    fn stop(&self, env: &Env<'_>, mut run: Run, remediated: bool) -> Step<Run> {
        let now = env.stamp();
        if let Some(interval) = retry(&run.hr) {
            run.hr.mark_reconciling(
                "ProgressingWithRetry",
                &format!("retrying after {}", duration::text(interval)),
                &now,
            );
            self.end(env, &mut run.hr, true);
            return Step::End(Again::After(interval));
        }
        let rules = Remediation::active(&run.hr);
        let goes_on = rules.as_ref().is_none_or(|r| !r.exhausted(&run.hr) || (remediated && r.upgrade && r.uninstalls));
        if goes_on {
            let message = run.hr.condition("Ready").map(|c| c.message).unwrap_or_default();
            run.hr.mark_reconciling("ProgressingWithRetry", &message, &now);
            self.end(env, &mut run.hr, false);
            return Step::End(Again::Now);
        }
        if remediated {
            let message = exhausted(&run.hr);
            run.hr.mark_stalled("RetriesExceeded", &message, &now);
            self.end(env, &mut run.hr, true);
            return Step::End(Again::Never);
        }
        run.hr.unmark("Reconciling");
        self.end(env, &mut run.hr, true);
        Step::End(Again::Interval(run.hr.duration("/interval").unwrap_or(Duration::from_mins(1))))
    }

    /// An action failed before it had changed anything.
    fn stopped_by_error(&self, env: &Env<'_>, mut run: Run) -> Step<Run> {
        if let Some(interval) = retry(&run.hr) {
            let message = format!("retrying after {}", duration::text(interval));
            run.hr.mark_reconciling("ProgressingWithRetry", &message, &env.stamp());
            self.end(env, &mut run.hr, true);
            return Step::End(Again::After(interval));
        }
        self.end(env, &mut run.hr, false);
        Step::End(Again::Backoff)
    }

    /// What to do next, from what Helm has stored and what the `HelmRelease` asks for.
    fn next(&self, env: &Env<'_>, run: &mut Run) -> Next {
        let (hr, now) = (&mut run.hr, env.stamp());
        let storage = storage_namespace(hr);
        let stored = helm_storage::all(env, &storage, &release_name(hr));
        let install = Remediation::of(hr, false);
        let upgrade = Remediation::of(hr, true);
        let history = history(hr);
        let last = stored.first().filter(|last| last.status != "uninstalled");
        let Some(last) = last else {
            return if install.exhausted(hr) && !run.forced { Next::Exhausted } else { Next::Run(Action::Install) };
        };
        let observed = history.first().is_some_and(|h| h["version"] == last.version && h["name"] == last.name.as_str());
        if !observed {
            hr.set_status("history", Value::Null);
            return Next::Run(Action::Upgrade);
        }
        if last.status == "failed" {
            if retry(hr).is_some() {
                return Next::Run(Action::Upgrade);
            }
            let Some(rules) = Remediation::active(hr) else { return Next::Run(Action::Upgrade) };
            if rules.failures(hr) <= 0 || run.forced {
                return Next::Run(Action::Upgrade);
            }
            if rules.exhausted(hr) && !rules.last_too {
                return Next::Exhausted;
            }
            truncate(hr);
            if rules.uninstalls {
                return Next::Run(Action::Uninstall);
            }
            return if previous(hr).is_some() { Next::Run(Action::Rollback) } else { Next::MissingTarget };
        }
        let is_same = last.chart == run.chart.name
            && last.chart_version == run.chart.version
            && config_digest(&last.config) == config_digest(&run.values);
        if !is_same {
            return if upgrade.exhausted(hr) && !run.forced { Next::Exhausted } else { Next::Run(Action::Upgrade) };
        }
        let mode = hr.spec("/driftDetection/mode").to_owned();
        if matches!(mode.as_str(), "enabled" | "warn") {
            let drift = helm_action::drift(env, last);
            if !drift.is_empty() {
                let lines: Vec<&str> = drift.iter().map(|(_, line)| line.as_str()).collect();
                let message = format!(
                    "Cluster state of release {} has drifted from the desired state:\n{}",
                    last.full_name(),
                    lines.join("\n")
                );
                self.tell(env, hr, true, "DriftDetected", &message);
                hr.mark("Drifted", "True", "DriftDetected", &message, &now);
                return if mode == "enabled" { Next::Run(Action::CorrectDrift) } else { Next::Done };
            }
        }
        truncate(hr);
        if run.forced && run.previous.is_empty() {
            return Next::Run(Action::Upgrade);
        }
        let message = |what: &str| {
            format!("Helm {what} succeeded for release {} with chart {}", last.full_name(), last.chart_name())
        };
        if hr.is_true("Remediated") {
            hr.unmark("Remediated");
            hr.mark("Released", "True", "UpgradeSucceeded", &message("upgrade"), &now);
        }
        match hr.condition("Released").filter(|c| c.status != "True").map(|c| c.reason).as_deref() {
            Some("InstallFailed") => hr.mark("Released", "True", "InstallSucceeded", &message("install"), &now),
            Some("UpgradeFailed") => hr.mark("Released", "True", "UpgradeSucceeded", &message("upgrade"), &now),
            _ => {}
        }
        if !mode.is_empty() && mode != "disabled" {
            hr.mark("Drifted", "False", "NoDriftDetected", "No drift detected against the cluster state", &now);
        }
        Next::Done
    }

    /// Runs an action. What it waits for comes back; an error has changed nothing.
    fn act(&self, env: &Env<'_>, run: &mut Run, action: Action) -> Result<Option<Doing>, ()> {
        let storage = storage_namespace(&run.hr);
        let name = release_name(&run.hr);
        let all = helm_storage::all(env, &storage, &name);
        let now = env.stamp();
        match action {
            Action::CorrectDrift => {
                let Some(last) = all.first() else { return Ok(None) };
                run.hr.mark("Ready", "Unknown", "Progressing", "correcting cluster drift", &now);
                let drift = helm_action::drift(env, last);
                let mut lines = Vec::new();
                for (value, _) in &drift {
                    if env.server.apply(value, helm_action::OWNER.manager, false).is_ok() {
                        lines.push(format!("{} configured", Id::of(value).subject()));
                    }
                }
                let message =
                    format!("Cluster state of release {} has been corrected:\n{}", last.full_name(), lines.join("\n"));
                self.tell(env, &run.hr, false, "DriftCorrected", &message);
                Ok(None)
            }
            Action::Uninstall => {
                let last = all.first().cloned().ok_or(())?;
                let result = self.uninstall(env, &mut run.hr, &all);
                let (status, reason, word) = match &result {
                    Ok(()) => ("True", "UninstallSucceeded", "succeeded".to_owned()),
                    Err(why) => ("False", "UninstallFailed", format!("failed: {why}")),
                };
                let message = format!(
                    "Helm uninstall remediation for release {} with chart {} {word}",
                    last.full_name(),
                    last.chart_name()
                );
                run.hr.mark("Remediated", status, reason, &message, &now);
                self.tell(env, &run.hr, result.is_err(), reason, &message);
                summarize(&mut run.hr, &now);
                Ok(None)
            }
            Action::Install | Action::Upgrade => self.release(env, run, action, &storage, &name, &all),
            Action::Rollback => {
                let target = previous(&run.hr).and_then(|p| p["version"].as_i64());
                let Some(target) = all.iter().find(|s| Some(s.version) == target).cloned() else { return Err(()) };
                let version = all.first().map_or(1, |last| last.version + 1);
                let stored = Stored { version, status: "pending-rollback".into(), last_deployed: now, ..target };
                helm_storage::save(env, &storage, &stored, most(&run.hr));
                let before = all.first().map(|last| last.manifest.clone()).unwrap_or_default();
                self.applied(env, run, action, stored, &before)
            }
        }
    }

    fn release(
        &self,
        env: &Env<'_>,
        run: &mut Run,
        action: Action,
        storage: &str,
        name: &str,
        all: &[Stored],
    ) -> Result<Option<Doing>, ()> {
        let now = env.stamp();
        run.hr.set_status("lastAttemptedReleaseAction", json!(action.name()));
        if action == Action::Install {
            run.hr.set_status("history", Value::Null);
        }
        run.hr.unmark("TestSuccess");
        run.hr.unmark("Remediated");
        let namespace = release_namespace(&run.hr);
        if run.hr.is("/install/createNamespace") && action == Action::Install {
            helm_action::create_namespace(env, &namespace);
        }
        let first = all
            .first()
            .filter(|_| action == Action::Upgrade)
            .map_or_else(|| now.clone(), |last| last.first_deployed.clone());
        let mut stored = Stored {
            name: name.to_owned(),
            namespace,
            version: all.first().map_or(1, |last| last.version + 1),
            status: format!("pending-{}", action.name()),
            chart: run.chart.name.clone(),
            chart_version: run.chart.version.clone(),
            app_version: run.chart.app_version.clone(),
            config: run.values.clone(),
            manifest: Vec::new(),
            first_deployed: first,
            last_deployed: now,
        };
        let of = Of { namespace: run.hr.namespace(), name: run.hr.name() };
        let rendered = helm_action::render(env, &self.options.charts, &run.chart, &of, &stored);
        let made = rendered.and_then(|objects| {
            stored.manifest = objects;
            let known: Vec<Value> = all.first().map(|last| last.manifest.clone()).unwrap_or_default();
            let is_known = |value: &Value| known.iter().any(|k| Id::of(k).id() == Id::of(value).id());
            let fresh: Vec<Value> = stored.manifest.iter().filter(|v| !is_known(v)).cloned().collect();
            let probe = Stored { manifest: fresh, ..stored.clone() };
            helm_action::foreign(env, &probe, action.name()).map_or(Ok(()), Err)
        });
        if let Err(why) = made {
            // Nothing was stored yet: no failure that counts.
            let chart = run.chart.clone();
            self.failed(env, &mut run.hr, action, &chart, &why);
            summarize(&mut run.hr, &env.stamp());
            return Err(());
        }
        helm_storage::save(env, storage, &stored, most(&run.hr));
        let before = all.first().map(|last| last.manifest.clone()).unwrap_or_default();
        self.applied(env, run, action, stored, &before)
    }

    #[allow(clippy::unnecessary_wraps, reason = "the end of steps that may fail")]
    fn applied(
        &self,
        env: &Env<'_>,
        run: &mut Run,
        action: Action,
        stored: Stored,
        before: &[Value],
    ) -> Result<Option<Doing>, ()> {
        let timeout = timeout(&run.hr, action);
        let wait = helm_action::wait(env, &stored.manifest, timeout);
        let result = helm_action::apply(env, &stored, before);
        let spec = if action == Action::Rollback {
            "/rollback/disableWait".to_owned()
        } else {
            format!("/{}/disableWait", action.name())
        };
        let ends = result.is_err() || run.hr.is(&spec) || wait.is_empty();
        let doing = Doing { action, stored, wait, began: env.now };
        if !ends {
            return Ok(Some(doing));
        }
        self.conclude(env, run, doing, &result);
        Ok(None)
    }

    /// The end of an action: Helm's storage, the history, the conditions.
    fn conclude(&self, env: &Env<'_>, run: &mut Run, doing: Doing, result: &Result<(), String>) {
        let (action, mut stored, now) = (doing.action, doing.stored, env.stamp());
        let storage = storage_namespace(&run.hr);
        let took = env.now.duration_since(doing.began).unsigned_abs().max(Duration::from_millis(1));
        if action.kind() == Kind::Release {
            run.hr.set_status("lastAttemptedReleaseActionDuration", json!(duration::text(took)));
        }
        stored.status = String::from(if result.is_ok() { "deployed" } else { "failed" });
        let mut list = history(&run.hr);
        if result.is_ok() {
            let all = helm_storage::all(env, &storage, &stored.name);
            let older: Vec<&Stored> = all.iter().filter(|s| s.version < stored.version).collect();
            let current = older.iter().any(|s| s.status == "deployed");
            for (index, old) in older.into_iter().enumerate() {
                if old.status == "deployed" || (!current && index == 0 && action == Action::Upgrade) {
                    let replaced = Stored { status: "superseded".into(), ..old.clone() };
                    helm_storage::save(env, &storage, &replaced, usize::MAX);
                    for entry in list.iter_mut().filter(|e| e["version"] == old.version) {
                        entry["status"] = json!("superseded");
                    }
                }
            }
        }
        helm_storage::save(env, &storage, &stored, most(&run.hr));
        let snapshot = stored.snapshot(action.name(), &run.chart.oci_digest);
        list.insert(0, snapshot);
        run.hr.set_status("history", Value::Array(list));
        let entries: Vec<Value> = stored.manifest.iter().map(|value| Id::of(value).entry()).collect();
        run.hr.set_status("inventory", json!({"entries": entries}));
        match (&result, action) {
            (Ok(()) | Err(_), Action::Rollback) => {
                let target = previous_of(&run.hr, &stored);
                let (status, reason, word) = match &result {
                    Ok(()) => ("True", "RollbackSucceeded", "succeeded".to_owned()),
                    Err(why) => ("False", "RollbackFailed", format!("failed: {why}")),
                };
                let message =
                    format!("Helm rollback to previous release {target} with chart {} {word}", stored.chart_name());
                run.hr.mark("Remediated", status, reason, &message, &now);
                self.tell(env, &run.hr, result.is_err(), reason, &message);
            }
            (Ok(()), _) => {
                let reason = if action == Action::Install { "InstallSucceeded" } else { "UpgradeSucceeded" };
                let message = format!(
                    "Helm {} succeeded for release {} with chart {}",
                    action.name(),
                    stored.full_name(),
                    stored.chart_name()
                );
                run.hr.mark("Released", "True", reason, &message, &now);
                if retry(&run.hr).is_some() {
                    clear_failures(&mut run.hr);
                }
                self.tell(env, &run.hr, false, reason, &message);
            }
            (Err(why), _) => {
                let chart = run.chart.clone();
                self.failed(env, &mut run.hr, action, &chart, why);
                let field = if action == Action::Install { "installFailures" } else { "upgradeFailures" };
                add(&mut run.hr, field);
            }
        }
        summarize(&mut run.hr, &now);
    }

    fn failed(&self, env: &Env<'_>, hr: &mut Object, action: Action, chart: &Loaded, why: &str) {
        let (reason, name) =
            if action == Action::Install { ("InstallFailed", "install") } else { ("UpgradeFailed", "upgrade") };
        let message = format!(
            "Helm {name} failed for release {}/{} with chart {}@{}: {}",
            release_namespace(hr),
            release_name(hr),
            chart.name,
            chart.version,
            why.trim()
        );
        add(hr, "failures");
        hr.mark("Released", "False", reason, &message, &env.stamp());
        self.tell(env, hr, true, reason, &message);
    }
}
