//! `HelmChart`: a chart out of a `GitRepository` or a `HelmRepository`, in one version.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::charts::Charts;
use super::events::{Event, Events};
use super::object::Object;
use super::remotes::Remotes;
use super::runner::{Again, Env, Reconciler, Seen, Step, is_due, key};
use super::source::{
    CONTROLLER, End, Failure, GIT_REPOSITORY, HELM_CHART, HELM_REPOSITORY, Summary, announce, artifact, begin,
    brought_artifact, finish, missing_artifact, refuse, revision, write,
};
use crate::kustomize::Tree as _;
use crate::sim::api::object;

/// The reconciler of `HelmCharts`.
pub(super) struct HelmCharts {
    remotes: Arc<Remotes>,
    charts: Charts,
    events: Events,
}

/// How long it takes to build one: whoever needs it comes too early meanwhile.
const BUILD: Duration = Duration::from_millis(40);

const NOT_PLAYED: [&str; 2] = ["verify", "valuesFiles"];

const SUMMARY: Summary = Summary {
    order: &[
        "StorageOperationFailed",
        "FetchFailed",
        "BuildFailed",
        "ArtifactOutdated",
        "ArtifactInStorage",
        "SourceVerified",
        "Stalled",
        "Reconciling",
    ],
    negative: &["StorageOperationFailed", "FetchFailed", "BuildFailed", "ArtifactOutdated", "Stalled", "Reconciling"],
};

/// What was built.
struct Build {
    name: String,
    version: String,
    packaged: bool,
}

impl Build {
    fn summary(&self) -> String {
        let done = if self.packaged { "packaged" } else { "pulled" };
        format!("{done} '{}' chart with version '{}'", self.name, self.version)
    }

    fn reason(&self) -> &'static str {
        if self.packaged { "ChartPackageSucceeded" } else { "ChartPullSucceeded" }
    }
}

impl HelmCharts {
    /// Over these repositories and charts.
    pub(super) fn new(remotes: Arc<Remotes>, charts: Charts) -> Self {
        Self { remotes, charts, events: Events::new(CONTROLLER) }
    }

    fn build(&self, env: &Env<'_>, chart: &mut Object) -> End {
        if let Some(end) = refuse(chart, env, &NOT_PLAYED) {
            return end;
        }
        let now = env.stamp();
        let kind = chart.spec("/sourceRef/kind").to_owned();
        let source = match env.server.get(
            &format!("{kind}.source.toolkit.fluxcd.io"),
            chart.namespace(),
            chart.spec("/sourceRef/name"),
        ) {
            Ok(source) => source,
            Err(status) => {
                let failure = Failure::new("SourceUnavailable", format!("failed to get source: {}", status.message()));
                chart.mark("FetchFailed", "True", failure.reason, &failure.message, &now);
                return End::Failed(failure);
            }
        };
        let is_registry =
            kind == "HelmRepository" && source.pointer("/spec/type").and_then(Value::as_str) == Some("oci");
        if revision(&source).is_empty() && !is_registry {
            let message = format!("no artifact available for {kind} source '{}'", chart.spec("/sourceRef/name"));
            chart.mark("FetchFailed", "True", "NoSourceArtifact", &message, &now);
            return End::Requeue;
        }
        if !revision(&source).is_empty() {
            chart.set_status("observedSourceArtifactRevision", json!(revision(&source)));
        }
        let built = if kind == "GitRepository" { self.local(chart, &source) } else { self.remote(chart) };
        let build = match built {
            Ok(build) => build,
            Err(failure) => {
                let (set, unset) = if failure.reason == "NotSimulated" {
                    ("BuildFailed", "FetchFailed")
                } else {
                    ("FetchFailed", "BuildFailed")
                };
                chart.unmark(unset);
                chart.mark(set, "True", failure.reason, &failure.message, &now);
                return End::Stalled(failure);
            }
        };
        let is_new = chart.status("/observedChartName") != build.name || revision(&chart.value) != build.version;
        if is_new {
            if !revision(&chart.value).is_empty() {
                chart.mark("ArtifactOutdated", "True", "NewChart", &build.summary(), &now);
            }
            chart.progress(true, &format!("building artifact: {}", build.summary()), &now);
            write(chart, env);
            let file = format!("{}-{}.tgz", build.name, build.version);
            let made = artifact(chart, "helmchart", &build.version, &file, &now);
            chart.set_status("url", made["url"].clone());
            chart.set_status("artifact", made);
            chart.set_status("observedChartName", json!(build.name));
            let event = Event { reason: build.reason(), message: &build.summary(), ..Event::default() };
            self.events.record(env.server, &chart.value, &event, &now);
        }
        chart.unmark("FetchFailed");
        chart.unmark("BuildFailed");
        chart.unmark("ArtifactOutdated");
        chart.mark("ArtifactInStorage", "True", build.reason(), &build.summary(), &now);
        End::Success
    }

    /// A chart that lies in a `GitRepository`: name and version from its `Chart.yaml`.
    fn local(&self, chart: &Object, source: &Value) -> Result<Build, Failure> {
        let invalid = |why: String| Failure::new("InvalidChartReference", format!("invalid chart reference: {why}"));
        let path = chart.spec("/chart").trim_start_matches("./").trim_matches('/').to_owned();
        let tree = self.remotes.tree(source).map_err(|e| invalid(e.message().to_owned()))?;
        let about =
            read_yaml(tree.as_ref(), &format!("{path}/Chart.yaml")).map_err(|e| invalid(e.message().to_owned()))?;
        let Some(about) = about else {
            let folder = tree.is_dir(&path).unwrap_or_default();
            let place =
                format!("/tmp/helmchart-{}-{}-{}/source/{path}", chart.namespace(), chart.name(), chart.generation());
            return Err(invalid(if folder {
                "failed to load chart: Chart.yaml file is missing".to_owned()
            } else {
                format!("stat {place}: no such file or directory")
            }));
        };
        let field = |name: &str| about[name].as_str().unwrap_or_default().to_owned();
        let (name, mut version) = (field("name"), field("version"));
        let known = self.charts.find(&name).map_err(|e| not_simulated(e.message()))?;
        match known {
            None => {
                return Err(not_simulated(&format!("the chart {name}: there is no scripts/sim/charts/{name}.rhai")));
            }
            Some(known) if !known.plays(&version) => {
                let plays = known.versions.join(", ");
                return Err(not_simulated(&format!("{name} {version}: scripts/sim/charts/{name}.rhai plays {plays}")));
            }
            Some(_) => {}
        }
        if chart.spec("/reconcileStrategy") == "Revision" {
            let commit = revision(source).rsplit(':').next().unwrap_or_default();
            version = format!("{version}+{}", commit.get(..12).unwrap_or(commit));
        }
        Ok(Build { name, version, packaged: true })
    }

    /// A chart out of a `HelmRepository`.
    fn remote(&self, chart: &Object) -> Result<Build, Failure> {
        let (name, wanted) = (chart.spec("/chart"), chart.spec("/version"));
        let known = self.charts.find(name).map_err(|e| not_simulated(e.message()))?;
        let version = known.as_ref().and_then(|known| known.version(wanted));
        let Some(version) = version.filter(|v| *v != "*") else {
            let known = match known {
                Some(known) => format!("scripts/sim/charts/{name}.rhai plays {}", known.versions.join(", ")),
                None => format!("there is no scripts/sim/charts/{name}.rhai"),
            };
            let wanted = if wanted.is_empty() { "*" } else { wanted };
            return Err(Failure::new(
                "InvalidChartReference",
                format!(
                    "invalid chart reference: failed to get chart version for remote reference: no '{name}' chart with version matching '{wanted}' found (unknown to the simulator: {known})"
                ),
            ));
        };
        Ok(Build { name: name.to_owned(), version: version.to_owned(), packaged: false })
    }
}

fn not_simulated(what: &str) -> Failure {
    Failure::new("NotSimulated", format!("unknown to the simulator: {what}"))
}

/// The first document of a YAML file; `None` when there is no such file.
pub(super) fn read_yaml(tree: &dyn crate::kustomize::Tree, path: &str) -> crate::error::Result<Option<Value>> {
    let Some(text) = tree.read_text(path)? else { return Ok(None) };
    Ok(Some(crate::kustomize::read(&text, path)?.into_iter().next().unwrap_or_else(|| json!({}))))
}

impl Reconciler for HelmCharts {
    type Run = Object;

    fn kind(&self) -> &'static str {
        HELM_CHART
    }

    fn concerns(&self, env: &Env<'_>, seen: &Seen<'_>) -> Vec<String> {
        match seen.kind {
            HELM_CHART => seen.new.filter(|_| is_due(seen)).map(key).into_iter().collect(),
            GIT_REPOSITORY | HELM_REPOSITORY if brought_artifact(seen) => {
                let Some(source) = seen.new else { return Vec::new() };
                let kind = seen.kind.split('.').next().unwrap_or_default();
                let charts = env.server.list(HELM_CHART).unwrap_or_default();
                let text = |chart: &Value, pointer: &str| {
                    chart.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
                };
                let of_source = |chart: &&Value| {
                    text(chart, "/spec/sourceRef/kind") == kind
                        && text(chart, "/spec/sourceRef/name") == object::name(source)
                        && object::namespace(chart) == object::namespace(source)
                        && text(chart, "/status/observedSourceArtifactRevision") != revision(source)
                };
                charts.iter().filter(of_source).map(key).collect()
            }
            _ => Vec::new(),
        }
    }

    fn start(&mut self, env: &Env<'_>, namespace: &str, name: &str) -> Step<Object> {
        let Ok(value) = env.server.get(HELM_CHART, namespace, name) else { return Step::End(Again::Never) };
        let mut chart = Object::new(HELM_CHART, value);
        if let Some(end) = begin(&mut chart) {
            return self.end(env, &mut chart, &end);
        }
        announce(&mut chart, env);
        missing_artifact(&mut chart, env);
        Step::Wait(BUILD, chart)
    }

    fn resume(&mut self, env: &Env<'_>, mut chart: Object) -> Step<Object> {
        let end = self.build(env, &mut chart);
        self.end(env, &mut chart, &end)
    }
}

impl HelmCharts {
    fn end(&self, env: &Env<'_>, chart: &mut Object, end: &End) -> Step<Object> {
        let interval = chart.duration("/interval").unwrap_or(Duration::from_mins(1));
        let again = finish(chart, env, &self.events, end, &SUMMARY, interval);
        // A chart that can't be built is stalled, and tried again all the same.
        let stalled = matches!(end, End::Stalled(failure) if failure.reason == "InvalidChartReference");
        Step::End(if stalled { Again::Backoff } else { again })
    }
}
