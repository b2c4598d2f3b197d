//! Judging a `HelmRelease` and the chart behind it. Status fields as in helm-controller 1.6.

use serde_json::Value;

use super::judgement::{
    Judgement, condition, full_name, generation, is_current, is_observed, is_suspended, number, one_line, text,
};
use super::revision::short;

/// Words in a failed install or upgrade that no retry mends: the chart or its values are wrong.
const HOPELESS: [&str; 8] = [
    "execution error at",
    "parse error",
    "error validating",
    "unable to build kubernetes objects",
    "error converting YAML to JSON",
    "values don't meet the specifications of the schema",
    "is invalid:",
    "no matches for kind",
];

/// Whether a `HelmRelease` has deployed what its present spec and its chart ask for.
///
/// `chart` is the object that holds the chart: the `HelmChart` that Flux made for it, or the `OCIRepository` of a
/// `chartRef`; `None` when it isn't there yet. `is_ours` tells whether a revision of a `GitRepository` is our commit or
/// a descendant: a chart that lies in the repository must have been packed from it. `token` is the reconcile request
/// that it has to have handled, when one was made. Judge it only after its Kustomization has applied the revision.
pub fn judge_helmrelease(
    release: &Value,
    chart: Option<&Value>,
    token: Option<&str>,
    is_ours: &dyn Fn(&str) -> bool,
) -> Judgement {
    let name = full_name(release);
    if is_suspended(release) {
        return Judgement::failed(format!("HelmRelease {name} is suspended: it deploys nothing"));
    }
    if let Some(stalled) = condition(release, "Stalled").filter(|c| c.status == "True" && is_current(release, c)) {
        let ready = condition(release, "Ready").map(|c| one_line(c.message)).unwrap_or_default();
        return Judgement::failed(format!("HelmRelease {name} is stalled: {}; {ready}", stalled.text()));
    }
    let Some(ready) = condition(release, "Ready") else {
        return Judgement::waiting(format!("HelmRelease {name} to be looked at for the first time"));
    };
    if !is_current(release, &ready) {
        return Judgement::waiting(format!("HelmRelease {name} to take up generation {}", generation(release)));
    }
    let chart = match chart.map(|chart| judge_chart(chart, is_ours)) {
        None => return Judgement::waiting(format!("the chart of HelmRelease {name}")),
        Some(Err(judgement)) => return judgement,
        Some(Ok(version)) => version,
    };
    if ready.status == "False" {
        return judge_not_ready(release, &name);
    }
    if let Some(reconciling) = condition(release, "Reconciling").filter(|c| c.status == "True") {
        return Judgement::waiting(format!("HelmRelease {name}: {}", one_line(reconciling.message)));
    }
    if ready.status != "True" {
        return Judgement::waiting(format!("HelmRelease {name}: {}", one_line(ready.message)));
    }
    if !is_observed(release) {
        return Judgement::waiting(format!("HelmRelease {name} to observe generation {}", generation(release)));
    }
    if token.is_some_and(|token| text(release, "/status/lastHandledReconcileAt") != token) {
        return Judgement::waiting(format!("HelmRelease {name} to take up the request"));
    }
    let (status, version) =
        (text(release, "/status/history/0/status"), text(release, "/status/history/0/chartVersion"));
    if status != "deployed" {
        let status = if status.is_empty() { "nothing yet" } else { status };
        return Judgement::waiting(format!("HelmRelease {name}: its newest release is {status}"));
    }
    if !same_version(version, &chart) {
        return Judgement::waiting(format!("HelmRelease {name} has chart {version} deployed, {chart} is to come"));
    }
    Judgement::Ready
}

/// The version that the chart's object holds now, or why it can't be relied on yet.
fn judge_chart(chart: &Value, is_ours: &dyn Fn(&str) -> bool) -> Result<String, Judgement> {
    let kind = text(chart, "/kind");
    let kind = if kind.is_empty() { "HelmChart" } else { kind };
    let name = format!("{kind} {}", full_name(chart));
    if is_suspended(chart) {
        return Err(Judgement::failed(format!("{name} is suspended")));
    }
    if let Some(stalled) = condition(chart, "Stalled").filter(|c| c.status == "True" && is_current(chart, c)) {
        return Err(Judgement::failed(format!("{name} is stalled: {}", stalled.text())));
    }
    let wait = |reason: String| Err(Judgement::Waiting(reason));
    if text(chart, "/spec/sourceRef/kind") == "GitRepository" {
        let packed = text(chart, "/status/observedSourceArtifactRevision");
        if packed.is_empty() || !is_ours(packed) {
            let from = if packed.is_empty() { "nothing yet".into() } else { short(packed) };
            return wait(format!("{name} is packed from {from}"));
        }
    }
    match condition(chart, "Ready") {
        None => return wait(format!("{name} has no status yet")),
        Some(ready)
            if ready.status == "False" && ready.reason == "InvalidChartReference" && is_current(chart, &ready) =>
        {
            return Err(Judgement::failed(format!("{name}: {}", ready.text())));
        }
        Some(ready) if ready.status != "True" || !is_current(chart, &ready) => {
            return wait(format!("{name}: {}", ready.text()));
        }
        Some(_) => {}
    }
    if !is_observed(chart) {
        return wait(format!("{name} to observe generation {}", generation(chart)));
    }
    let revision = text(chart, "/status/artifact/revision");
    if revision.is_empty() {
        return wait(format!("{name} has no artifact yet"));
    }
    if let Some(built) = condition(chart, "Ready").and_then(|ready| version_told(ready.message))
        && built != revision
    {
        return wait(format!("{name} to show chart {built}, it still shows {revision}"));
    }
    Ok(revision.split('@').next().unwrap_or(revision).to_string())
}

/// The version in source-controller's "packaged 'web' chart with version '1.1.0'".
///
/// Its patch helper writes the conditions first and the rest of the status in a second request (fluxcd/pkg,
/// `runtime/patch`), and the source's revision was written before the build: in between, a chart is `Ready`, packed from
/// our commit, and still shows the artifact of the one before.
fn version_told(message: &str) -> Option<&str> {
    message.split_once("chart with version '")?.1.split_once('\'').map(|(version, _)| version)
}

/// helm-controller adds part of an OCI digest as build metadata: `1.2.0` is deployed as `1.2.0+8d1e0c4aa0b1`.
fn same_version(deployed: &str, wanted: &str) -> bool {
    let plain = |version: &str| version.trim_start_matches('v').split('+').next().unwrap_or_default().to_string();
    if wanted.contains('+') { deployed == wanted } else { plain(deployed) == plain(wanted) }
}

fn judge_not_ready(release: &Value, name: &str) -> Judgement {
    let Some(ready) = condition(release, "Ready") else { return Judgement::waiting(name) };
    let said = format!("HelmRelease {name}: {}", ready.text());
    let attempted = number(release, "/status/lastAttemptedGeneration") == Some(generation(release));
    let is_release = matches!(ready.reason, "InstallFailed" | "UpgradeFailed" | "TestFailed");
    if is_release && attempted && HOPELESS.iter().any(|words| ready.message.contains(words)) {
        return Judgement::Failed(said);
    }
    // Everything else is retried or ends in Stalled within the same reconciliation: DependencyNotReady,
    // SourceNotReady, ArtifactFailed, HealthCheckCanceled, a failed attempt with retries left.
    Judgement::Waiting(said)
}

#[cfg(test)]
#[path = "helm_tests.rs"]
mod tests;
