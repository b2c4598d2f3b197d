//! `HelmRelease`: from its prerequisites (chart, dependencies, values) to the actions of [`super::helm_atomic`].

use serde_json::{Value, json};

use super::annotations;
use super::apply::{self, Trouble};
use super::charts::merge;
use super::dependency::depends_on;
use super::helm_action::{Loaded, OWNER};
use super::helm_chart::read_yaml;
use super::helm_run::{HELM_RELEASE, HelmReleases, Run, clear_failures, storage_namespace};
use super::helm_storage::config_digest;
use super::helm_values;
use super::object::Object;
use super::runner::{Again, Env, Reconciler, Seen, Step, is_due, key};
use super::source::{FINALIZER, GIT_REPOSITORY, HELM_CHART, OCI_REPOSITORY, brought_artifact, revision, unsupported};
use crate::sim::api::object;

/// What the simulator does not play.
const NOT_PLAYED: [&str; 7] = [
    "kubeConfig",
    "serviceAccountName",
    "postRenderers",
    "healthCheckExprs",
    "commonMetadata",
    "driftDetection.ignore",
    "test.enable",
];

impl HelmReleases {
    fn begin(&mut self, env: &Env<'_>, mut hr: Object) -> Step<Run> {
        let now = env.stamp();
        if object::is_deleting(&hr.value) {
            return self.delete(env, hr);
        }
        if hr.add_finalizer(FINALIZER) {
            self.end(env, &mut hr, false);
            return Step::End(Again::Now);
        }
        if hr.is("/suspend") {
            self.end(env, &mut hr, true);
            return Step::End(Again::Never);
        }
        if let Some(what) = refusal(&hr) {
            let message = format!("unknown to the simulator: {what}");
            hr.mark("Ready", "False", "NotSimulated", &message, &now);
            hr.mark_stalled("NotSimulated", &message, &now);
            self.tell(env, &hr, true, "NotSimulated", &message);
            self.end(env, &mut hr, true);
            return Step::End(Again::Never);
        }
        if let Err(message) = self.chart_template(env, &mut hr) {
            self.tell(env, &hr, false, "HelmChartSyncErr", &message);
            self.end(env, &mut hr, false);
            return Step::End(Again::Backoff);
        }
        hr.mark_reconciling("Progressing", "Fulfilling prerequisites", &now);
        self.write(env, &mut hr);
        let requeue = self.options.requeue_dependency;
        if let Err(message) = check_dependencies(env, &hr) {
            hr.mark("Ready", "False", "DependencyNotReady", &message, &now);
            self.tell(env, &hr, false, "DependencyNotReady", &message);
            self.end(env, &mut hr, false);
            return Step::End(Again::After(requeue));
        }
        forget(&mut hr, "DependencyNotReady", &now);
        let (kind, namespace, name) = chart_of(&hr);
        let source = match env.server.get(&format!("{kind}.source.toolkit.fluxcd.io"), &namespace, &name) {
            Ok(source) => source,
            Err(status) => {
                let message = format!("could not get Source object: {}", status.message());
                hr.mark("Ready", "False", "ArtifactFailed", &message, &now);
                self.end(env, &mut hr, false);
                return Step::End(Again::Backoff);
            }
        };
        if let Some(message) = not_ready(&kind, &source) {
            hr.mark("Ready", "False", "SourceNotReady", &message, &now);
            self.end(env, &mut hr, false);
            return Step::End(Again::After(requeue));
        }
        forget(&mut hr, "SourceNotReady", &now);
        let values = match helm_values::compose(env, &hr) {
            Ok(values) => values,
            Err(message) => {
                hr.mark("Ready", "False", "ValuesError", &message, &now);
                self.tell(env, &hr, true, "ValuesError", &message);
                self.end(env, &mut hr, false);
                return Step::End(Again::Backoff);
            }
        };
        forget(&mut hr, "ValuesError", &now);
        let chart = match self.load(env, &kind, &source) {
            Ok(chart) => chart,
            Err(why) => {
                let message = format!("Could not load chart: {why}");
                hr.mark("Ready", "False", "ArtifactFailed", &message, &now);
                self.tell(env, &hr, true, "ArtifactFailed", &why);
                self.end(env, &mut hr, false);
                return Step::End(Again::Backoff);
            }
        };
        forget(&mut hr, "ArtifactFailed", &now);
        if self.moved(env, &mut hr, &chart) {
            self.end(env, &mut hr, false);
            return Step::End(Again::Now);
        }
        self.attempt(&mut hr, &chart, &values);
        let forced = take_force(&mut hr);
        self.atomic(env, Run { hr, chart, values, previous: Vec::new(), forced, doing: None })
    }

    /// Notes what is about to be tried; failures of another chart or other values don't count any more.
    fn attempt(&self, hr: &mut Object, chart: &Loaded, values: &Value) {
        hr.set_status("storageNamespace", json!(storage_namespace(hr)));
        let config = config_digest(values);
        let known = hr.value["status"]["lastAttemptedGeneration"].as_i64();
        let reset = known.is_some_and(|g| g != hr.generation())
            || (!hr.status("/lastAttemptedRevision").is_empty()
                && hr.status("/lastAttemptedRevision") != chart.version)
            || (!hr.status("/lastAttemptedConfigDigest").is_empty()
                && hr.status("/lastAttemptedConfigDigest") != config)
            || take_reset(hr);
        if reset {
            clear_failures(hr);
        }
        hr.set_status("lastAttemptedGeneration", json!(hr.generation()));
        hr.set_status("lastAttemptedRevision", json!(chart.version));
        hr.set_status("lastAttemptedRevisionDigest", json!(chart.oci_digest));
        hr.set_status("lastAttemptedConfigDigest", json!(config));
    }

    /// Sees to the `HelmChart` that the template asks for.
    fn chart_template(&self, env: &Env<'_>, hr: &mut Object) -> Result<(), String> {
        let template = hr.value["spec"]["chart"].clone();
        let wanted = if template.is_object() {
            let namespace = text(&template, "/spec/sourceRef/namespace");
            let namespace = if namespace.is_empty() { hr.namespace() } else { namespace };
            format!("{namespace}/{}-{}", hr.namespace(), hr.name())
        } else {
            String::new()
        };
        let known = hr.status("/helmChart").to_owned();
        if !known.is_empty() && known != wanted {
            self.delete_chart(env, hr)?;
        }
        let Some((namespace, name)) = wanted.split_once('/') else { return Ok(()) };
        let spec = &template["spec"];
        let mut chart = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "HelmChart",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "chart": spec["chart"],
                "interval": if spec["interval"].is_string() { &spec["interval"] } else { &hr.value["spec"]["interval"] },
                "sourceRef": {"kind": spec["sourceRef"]["kind"], "name": spec["sourceRef"]["name"]},
            },
        });
        for field in ["version", "reconcileStrategy", "valuesFiles", "ignoreMissingValuesFiles", "verify"] {
            if !spec[field].is_null() {
                chart["spec"][field] = spec[field].clone();
            }
        }
        for field in ["labels", "annotations"] {
            if template["metadata"][field].is_object() {
                chart["metadata"][field] = template["metadata"][field].clone();
            }
        }
        apply::own(&mut chart, OWNER, hr.namespace(), hr.name());
        let entries = apply::all(env.server, OWNER, &[chart], false).map_err(|trouble| match trouble {
            Trouble::Refused(why) => format!("failed to run server-side apply: {why}"),
            Trouble::Leaving => "failed to run server-side apply: the HelmChart is being deleted".to_owned(),
        })?;
        for entry in entries.iter().filter(|e| e.action != apply::Action::Unchanged) {
            let source = format!("{}/{namespace}/{}", text(spec, "/sourceRef/kind"), text(spec, "/sourceRef/name"));
            let message = format!("{} {} with SourceRef '{source}'", entry.action.as_str(), entry.id.subject());
            let reason =
                if entry.action == apply::Action::Created { "HelmChartCreated" } else { "HelmChartConfigured" };
            self.tell(env, hr, false, reason, &message);
        }
        hr.set_status("helmChart", json!(wanted));
        Ok(())
    }

    /// The chart in an artifact.
    fn load(&self, env: &Env<'_>, kind: &str, source: &Value) -> Result<Loaded, String> {
        let charts = &self.options.charts;
        let (name, version, oci_digest) = if kind == "OCIRepository" {
            let (tag, sha) = revision(source).split_once('@').unwrap_or((revision(source), ""));
            let short: String = sha.rsplit(':').next().unwrap_or_default().chars().take(12).collect();
            let name = text(source, "/spec/url").rsplit('/').next().unwrap_or_default().to_owned();
            (name, format!("{tag}+{short}"), sha.to_owned())
        } else {
            (text(source, "/status/observedChartName").to_owned(), revision(source).to_owned(), String::new())
        };
        let known = charts.find(&name).map_err(|e| e.to_string())?;
        let Some(known) = known else { return Err(format!("unknown to the simulator: chart {name}")) };
        let (mut defaults, mut app_version) = (known.values.clone(), known.app_version.clone());
        if text(source, "/spec/sourceRef/kind") == "GitRepository" {
            let (namespace, repo) = (object::namespace(source), text(source, "/spec/sourceRef/name"));
            let repo = env.server.get(GIT_REPOSITORY, namespace, repo).map_err(|status| status.message().to_owned())?;
            let tree = self.options.remotes.tree(&repo).map_err(|e| e.to_string())?;
            let path = text(source, "/spec/chart").trim_start_matches("./").trim_matches('/');
            let read = |file: &str| read_yaml(tree.as_ref(), &format!("{path}/{file}")).map_err(|e| e.to_string());
            if let Some(own) = read("values.yaml")? {
                let unknown = known.unknown(&own);
                if let Some(first) = unknown.first() {
                    return Err(format!("unknown to the simulator: values.yaml of chart {name}: {first}"));
                }
                defaults = merge(&defaults, &own);
            }
            if let Some(about) = read("Chart.yaml")? {
                text(&about, "/appVersion").clone_into(&mut app_version);
            }
        }
        Ok(Loaded { name, version, app_version, defaults, oci_digest })
    }
}

impl Reconciler for HelmReleases {
    type Run = Run;

    fn kind(&self) -> &'static str {
        HELM_RELEASE
    }

    fn concerns(&self, env: &Env<'_>, seen: &Seen<'_>) -> Vec<String> {
        match seen.kind {
            HELM_RELEASE => seen.new.filter(|_| is_due(seen)).map(key).into_iter().collect(),
            HELM_CHART | OCI_REPOSITORY => {
                let Some(source) = seen.new else { return Vec::new() };
                // A source that has become ready counts, not only one with a new artifact.
                let ready = |o: &Value| Object::new(HELM_CHART, o.clone()).is_true("Ready");
                let became = !revision(source).is_empty() && seen.old.is_some_and(|old| !ready(old) && ready(source));
                if !brought_artifact(seen) && !became {
                    return Vec::new();
                }
                let kind = seen.kind.split('.').next().unwrap_or_default();
                let wanted = (kind.to_owned(), object::namespace(source).to_owned(), object::name(source).to_owned());
                let all = env.server.list(HELM_RELEASE).unwrap_or_default();
                let uses = |hr: &&Value| {
                    let hr = Object::new(HELM_RELEASE, (*hr).clone());
                    chart_of(&hr) == wanted && hr.status("/lastAttemptedRevision") != revision(source)
                };
                all.iter().filter(uses).map(key).collect()
            }
            _ => Vec::new(),
        }
    }

    fn start(&mut self, env: &Env<'_>, namespace: &str, name: &str) -> Step<Run> {
        match env.server.get(HELM_RELEASE, namespace, name) {
            Ok(value) => self.begin(env, Object::new(HELM_RELEASE, value)),
            Err(_) => Step::End(Again::Never),
        }
    }

    fn resume(&mut self, env: &Env<'_>, run: Run) -> Step<Run> {
        self.go_on(env, run)
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// What it asks for and the simulator doesn't play.
fn refusal(hr: &Object) -> Option<String> {
    let mut found: Vec<String> = unsupported(hr, &NOT_PLAYED).into_iter().collect();
    found.extend(annotations::unknown(&hr.value).into_iter().map(|a| format!("annotation {a}")));
    if hr.list("/dependsOn").iter().any(|d| d["readyExpr"].is_string()) {
        found.push("spec.dependsOn.readyExpr".into());
    }
    let kind = hr.spec("/chartRef/kind");
    if !matches!(kind, "" | "OCIRepository" | "HelmChart") {
        found.push(format!("spec.chartRef.kind {kind}"));
    }
    (!found.is_empty()).then(|| found.join(", "))
}

/// Kind, namespace and name of what holds its chart.
fn chart_of(hr: &Object) -> (String, String, String) {
    let reference = if hr.value["spec"]["chartRef"].is_object() { "/chartRef" } else { "/chart/spec/sourceRef" };
    let namespace = hr.spec(&format!("{reference}/namespace"));
    let namespace = if namespace.is_empty() { hr.namespace() } else { namespace }.to_owned();
    if reference == "/chartRef" {
        return (hr.spec("/chartRef/kind").to_owned(), namespace, hr.spec("/chartRef/name").to_owned());
    }
    ("HelmChart".to_owned(), namespace, format!("{}-{}", hr.namespace(), hr.name()))
}

/// Why a source is not ready.
fn not_ready(kind: &str, source: &Value) -> Option<String> {
    let about = Object::new(HELM_CHART, source.clone());
    let why = if about.generation() != about.observed() {
        match about.condition("Ready").filter(|c| c.status == "False") {
            Some(ready) => ready.message,
            None => "latest generation of object has not been reconciled".to_owned(),
        }
    } else if let Some(stalled) = about.condition("Stalled").filter(|c| c.status == "True") {
        stalled.message
    } else if revision(source).is_empty() {
        "does not have an artifact".to_owned()
    } else {
        return None;
    };
    Some(format!("{kind} '{}' is not ready: {why}", about.key()))
}

fn check_dependencies(env: &Env<'_>, hr: &Object) -> Result<(), String> {
    for (namespace, name) in depends_on(&hr.value) {
        let full = format!("{namespace}/{name}");
        let other = env
            .server
            .get(HELM_RELEASE, &namespace, &name)
            .map_err(|status| format!("unable to get '{full}' dependency: {}", status.message()))?;
        let other = Object::new(HELM_RELEASE, other);
        if other.generation() != other.observed() || !other.is_true("Ready") {
            return Err(format!("dependency '{full}' is not ready"));
        }
    }
    Ok(())
}

/// What stood in the way doesn't any more.
fn forget(hr: &mut Object, reason: &str, now: &str) {
    if hr.condition("Ready").is_some_and(|c| c.reason == reason) {
        hr.mark("Ready", "Unknown", "Progressing", "reconciliation in progress", now);
    }
}

/// Whether the annotations ask for a forced upgrade, once.
fn take_force(hr: &mut Object) -> bool {
    take(hr, "forceAt", "lastHandledForceAt")
}

fn take_reset(hr: &mut Object) -> bool {
    take(hr, "resetAt", "lastHandledResetAt")
}

fn take(hr: &mut Object, name: &str, handled: &str) -> bool {
    let asked = object::annotation(&hr.value, &format!("reconcile.fluxcd.io/{name}")).map(str::to_owned);
    let Some(asked) = asked.filter(|asked| hr.token().as_ref() == Some(asked)) else { return false };
    if hr.status(&format!("/{handled}")) == asked || hr.status("/lastHandledReconcileAt") == asked {
        return false;
    }
    hr.set_status(handled, json!(asked));
    true
}
