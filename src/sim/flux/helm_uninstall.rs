//! How a release of Helm goes: as remediation, because the `HelmRelease` names another one now, or is being deleted.

use serde_json::{Value, json};

use super::helm_action::{self, Loaded};
use super::helm_remediation::{history, most, summarize};
use super::helm_run::{HelmReleases, Run, clear_failures, release_name, release_namespace, storage_namespace};
use super::helm_storage::{self, Stored};
use super::object::Object;
use super::runner::{Again, Env, Step};
use super::source::FINALIZER;

impl HelmReleases {
    /// Uninstalls the latest revision, and forgets all.
    pub(super) fn uninstall(&self, env: &Env<'_>, hr: &mut Object, all: &[Stored]) -> Result<(), String> {
        let storage = storage_namespace(hr);
        let Some(last) = all.first() else { return Ok(()) };
        helm_action::delete(env, &last.manifest)?;
        if hr.is("/uninstall/keepHistory") {
            let kept = Stored { status: "uninstalled".into(), ..last.clone() };
            helm_storage::save(env, &storage, &kept, most(hr));
        } else {
            for old in all {
                helm_storage::remove(env, &storage, old);
            }
        }
        let mut list = history(hr);
        if let Some(first) = list.first_mut() {
            first["status"] = json!("uninstalled");
        }
        hr.set_status("history", Value::Array(list));
        hr.set_status("inventory", Value::Null);
        Ok(())
    }

    /// Whether the release is another one now: the former is uninstalled.
    pub(super) fn moved(&self, env: &Env<'_>, hr: &mut Object, chart: &Loaded) -> bool {
        let Some(current) = history(hr).into_iter().next() else { return false };
        let same = current["name"] == release_name(hr).as_str()
            && current["namespace"] == release_namespace(hr).as_str()
            && current["chartName"] == chart.name.as_str()
            && (hr.status("/storageNamespace").is_empty() || hr.status("/storageNamespace") == storage_namespace(hr));
        if same {
            return false;
        }
        let storage = hr.status("/storageNamespace").to_owned();
        let all = helm_storage::all(env, &storage, current["name"].as_str().unwrap_or_default());
        if let Some(last) = all.first() {
            let _ = helm_action::delete(env, &last.manifest);
            for old in &all {
                helm_storage::remove(env, &storage, old);
            }
        }
        hr.set_status("history", Value::Null);
        hr.set_status("storageNamespace", Value::Null);
        clear_failures(hr);
        true
    }

    /// A `HelmRelease` that is being deleted.
    pub(super) fn delete(&self, env: &Env<'_>, mut hr: Object) -> Step<Run> {
        let now = env.stamp();
        if !hr.is("/suspend") {
            let all = helm_storage::all(env, hr.status("/storageNamespace"), &release_name(&hr));
            if let Some(last) = all.first().filter(|_| !hr.status("/storageNamespace").is_empty()) {
                let result = self.uninstall(env, &mut hr, &all);
                let (reason, word) = match &result {
                    Ok(()) => ("UninstallSucceeded", "succeeded"),
                    Err(_) => ("UninstallFailed", "failed"),
                };
                let why = result.as_ref().err().map(|why| format!(": {why}")).unwrap_or_default();
                let message = format!(
                    "Helm uninstall {word} for release {} with chart {}{why}",
                    last.full_name(),
                    last.chart_name()
                );
                hr.mark("Released", "False", reason, &message, &now);
                self.tell(env, &hr, result.is_err(), reason, &message);
                summarize(&mut hr, &now);
                if result.is_err() {
                    self.end(env, &mut hr, false);
                    return Step::End(Again::Backoff);
                }
            }
            if self.delete_chart(env, &mut hr).is_err() {
                return Step::End(Again::Backoff);
            }
        }
        hr.remove_finalizer(FINALIZER);
        self.end(env, &mut hr, false);
        Step::End(Again::Never)
    }
}
