//! The controllers through the situations that were recorded on true Flux: what is seen of every object is the same.

#[path = "../../../tests/rig_sequences/line.rs"]
mod line;
#[path = "../../../tests/rig_sequences/situations.rs"]
mod situations;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::commit_tree::git;
use super::fake_server::FakeServer;
use super::server::{Server as _, Target};
use super::{Charts, Env, Flux, Options, Remotes, Seen};
use crate::script::library::Library;
use crate::sim::api::object;
use line::{Commits, difference, line, note};
use situations::{ALL, Situation, Step, Wanted};

const KINDS: [&str; 4] = [
    "GitRepository.source.toolkit.fluxcd.io",
    "HelmChart.source.toolkit.fluxcd.io",
    "HelmRelease.helm.toolkit.fluxcd.io",
    "Kustomization.kustomize.toolkit.fluxcd.io",
];

/// The chart of the situations, as a script.
const SAMPLE: &str = r#"
fn chart() { #{ versions: ["*"], app_version: "" } }
fn values() { #{ replicas: 1, message: "", nodeSelector: #{} } }
fn objects(release, values) {
    let labels = #{ app: release.name };
    [
        #{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: release.name }, data: #{ message: values.message } },
        #{ apiVersion: "apps/v1", kind: "Deployment", metadata: #{ name: release.name }, spec: #{
            replicas: values.replicas, selector: #{ matchLabels: labels },
            template: #{ metadata: #{ labels: labels }, spec: #{ nodeSelector: values.nodeSelector, containers: [#{ name: "main", image: "a:1" }] } },
        } },
    ]
}
"#;

pub(super) struct Stage {
    pub(super) server: FakeServer,
    flux: Flux,
    now: Timestamp,
    pub(super) namespace: String,
    work: tempfile::TempDir,
    commits: Commits,
    seen: line::Seen,
    last: Timestamp,
}

impl Stage {
    pub(super) fn new(name: &str, options: impl FnOnce(&mut Options)) -> Self {
        let work = tempfile::tempdir().unwrap();
        let (bare, clone) = (work.path().join("bare.git"), work.path().join("work"));
        git(work.path(), &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]).unwrap();
        git(work.path(), &["clone", "-q", bare.to_str().unwrap(), clone.to_str().unwrap()]).unwrap();
        std::fs::create_dir_all(work.path().join("lib/scripts/sim/charts")).unwrap();
        std::fs::write(work.path().join("lib/scripts/sim/charts/sample.rhai"), SAMPLE).unwrap();
        let remotes = Remotes::of_repository(work.path()).and(&format!("http://127.0.0.1:18080/s-{name}.git"), &bare);
        let mut chosen = Options::new(remotes, Charts::new(Library::of_repository(&work.path().join("lib"))));
        options(&mut chosen);
        let now = "2026-11-24T10:00:00Z".parse().unwrap();
        let stage = Self {
            server: FakeServer::default(),
            flux: Flux::new(chosen),
            now,
            namespace: format!("s-{name}"),
            work,
            commits: Commits::default(),
            seen: line::Seen::new(),
            last: now,
        };
        stage
            .server
            .create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": stage.namespace}}))
            .unwrap();
        stage
    }

    fn git(&self, args: &[&str]) -> String {
        let mut all = vec!["-c", "user.name=T", "-c", "user.email=t@example.org"];
        all.extend(args);
        String::from_utf8(git(&self.work.path().join("work"), &all).unwrap()).unwrap().trim().to_owned()
    }

    pub(super) fn push(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            let file = self.work.path().join("work").join(path);
            if text.is_empty() {
                std::fs::remove_file(&file).unwrap();
            } else {
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(&file, text.replace("NAMESPACE", &self.namespace)).unwrap();
            }
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "change"]);
        self.git(&["push", "-q", "origin", "HEAD:main"]);
        self.commits.push(&self.git(&["rev-parse", "HEAD"]));
    }

    pub(super) fn source(&self, extra: &Value) {
        let name = self.namespace.trim_start_matches("s-");
        let mut object = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "repo", "namespace": self.namespace},
            "spec": {"url": format!("http://127.0.0.1:18080/s-{name}.git"), "ref": {"branch": "main"}, "interval": "1h", "timeout": "20s"},
        });
        for (key, value) in extra.as_object().unwrap() {
            object["spec"][key] = value.clone();
        }
        self.server.apply(&object, "stage", false).unwrap();
    }

    pub(super) fn root(&self, name: &str, extra: &Value) {
        let mut object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"path": format!("./{name}"), "interval": "1h", "retryInterval": "1h", "timeout": "1m", "prune": true,
                "targetNamespace": self.namespace, "sourceRef": {"kind": "GitRepository", "name": "repo"}},
        });
        for (key, value) in extra.as_object().unwrap() {
            object["spec"][key] = value.clone();
        }
        self.server.apply(&object, "stage", false).unwrap();
    }

    /// Tells Flux of every change, and writes it down.
    fn deliver(&mut self) -> bool {
        let mut any = false;
        loop {
            let Some((kind, old, new)) = self.server.changes.borrow_mut().pop_front() else { return any };
            any = true;
            let seen = Seen { kind: &kind, old: old.as_ref(), new: new.as_ref() };
            self.flux.changed(&Env { server: &self.server, now: self.now }, &seen);
            let Some(last) = new.as_ref().or(old.as_ref()).filter(|_| KINDS.contains(&kind.as_str())) else { continue };
            self.last = self.now;
            let key = format!("{} {}", kind.split('.').next().unwrap(), object::name(last));
            let line = new.as_ref().map_or_else(|| "gone".to_owned(), |object| line(object, &self.commits));
            note(self.seen.entry(key).or_default(), line);
        }
    }

    fn is(&self, wanted: &[Wanted]) -> Option<String> {
        let newest = self.commits.newest();
        let misses = |(object, parts): &&Wanted| {
            let last = self.seen.get(*object).and_then(|lines| lines.last());
            !last.is_some_and(|last| parts.iter().all(|part| last.contains(&part.replace("NEW", &newest))))
        };
        wanted.iter().find(misses).map(|(object, parts)| format!("{object} {parts:?}"))
    }

    /// Goes on, step by step, until the objects are as wanted; then, if asked, until nothing happens for a while.
    fn until(&mut self, wanted: &[Wanted], quiet: bool) -> Result<(), String> {
        let began = self.now;
        loop {
            self.deliver();
            let missing = self.is(wanted);
            if missing.is_none() && !quiet {
                return Ok(());
            }
            if self.flux.work(&Env { server: &self.server, now: self.now }) {
                continue;
            }
            if self.deliver() {
                continue;
            }
            let next = self.flux.next_step();
            let enough = |next: Timestamp| next.duration_since(self.last) > jiff::SignedDuration::from_secs(20);
            match (missing, next) {
                (None, None) => return Ok(()),
                (None, Some(next)) if enough(next) => return Ok(()),
                (Some(missing), None) => return Err(missing),
                (Some(missing), Some(next)) if next.duration_since(began) > jiff::SignedDuration::from_mins(5) => {
                    return Err(missing);
                }
                (_, Some(next)) => self.now = next,
            }
        }
    }

    pub(super) fn settle(&mut self, wanted: &[Wanted]) {
        if let Err(missing) = self.until(wanted, true) {
            panic!("{missing} never came: {:#?}", self.seen);
        }
    }

    fn perform(&mut self, step: &Step) {
        let patch = |kind: &str, name: &str, patch: &Value| {
            let kind = KINDS.iter().find(|full| full.split('.').next() == Some(kind)).unwrap();
            let target = Target { kind, namespace: &self.namespace, name, status: false };
            self.server.patch(target, patch, "stage").unwrap();
        };
        match step {
            Step::Push(files) => self.push(files),
            Step::Revert => {
                self.git(&["revert", "--no-edit", "HEAD"]);
                self.git(&["push", "-q", "origin", "HEAD:main"]);
                self.commits.push(&self.git(&["rev-parse", "HEAD"]));
            }
            Step::Token(kind, name, token) => {
                patch(kind, name, &json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}}));
            }
            Step::Spec(kind, name, spec) => {
                patch(kind, name, &json!({"spec": serde_json::from_str::<Value>(spec).unwrap()}));
            }
            Step::Delete(kind, name) => {
                let kind = KINDS.iter().find(|full| full.split('.').next() == Some(kind)).unwrap();
                self.server.delete(kind, &self.namespace, name).unwrap();
            }
            Step::Await(object, parts) => self.until(&[(*object, *parts)], false).unwrap(),
        }
    }
}

fn play(situation: &Situation) -> String {
    let mut stage = Stage::new(situation.name, |_| {});
    stage.push(situation.files);
    stage.source(&json!({}));
    for (root, extra) in situation.roots {
        stage.root(root, &serde_json::from_str(extra).unwrap());
    }
    let mut text = format!("# {}\n", situation.about);
    for (index, (steps, until)) in situation.acts.iter().enumerate() {
        if index > 0 {
            stage.seen.clear();
        }
        for step in *steps {
            stage.perform(step);
        }
        let reached = stage.until(until, true);
        text += &line::written(index, steps, &stage.seen, &reached);
        if reached.is_err() {
            break;
        }
    }
    text
}

#[test]
fn the_controllers_go_through_the_states_that_true_flux_goes_through() {
    let only = std::env::var("RIG_SITUATION").unwrap_or_default();
    let mut wrong = Vec::new();
    for situation in ALL.iter().filter(|s| only.is_empty() || only.split(',').any(|name| name == s.name)) {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/rig_sequences/true/{}.txt", situation.name));
        let wanted = std::fs::read_to_string(path).unwrap();
        if let Some(difference) = difference(&wanted, &play(situation)) {
            wrong.push(format!("{}: {difference}", situation.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), ALL.len(), wrong.join("\n\n"));
}

/// What the first Kustomization says when these fields are in its spec.
fn refusal(extra: &Value) -> String {
    let mut stage = Stage::new("refusal", |_| {});
    stage.push(&[("root/c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n")]);
    stage.source(&json!({}));
    stage.root("root", extra);
    stage.settle(&[("Kustomization root", &["Ready=False/NotSimulated"])]);
    stage.seen["Kustomization root"].last().unwrap().clone()
}

#[test]
fn fields_that_are_not_played_are_refused_by_name() {
    for (extra, named) in [
        (json!({"kubeConfig": {"secretRef": {"name": "x"}}}), "spec.kubeConfig"),
        (json!({"healthCheckExprs": [{"apiVersion": "v1", "kind": "X", "current": "true"}]}), "spec.healthCheckExprs"),
        (json!({"serviceAccountName": "x"}), "spec.serviceAccountName"),
        (json!({"ignore": [{"paths": ["/spec"]}]}), "spec.ignore"),
        (json!({"dependsOn": [{"name": "a", "readyExpr": "true"}]}), "spec.dependsOn.readyExpr"),
        (json!({"sourceRef": {"kind": "Bucket", "name": "repo"}}), "spec.sourceRef.kind Bucket"),
    ] {
        let line = refusal(&extra);
        assert!(
            line.contains(&format!("unknown to the simulator: {named}")) && line.contains("Stalled=True"),
            "{line}"
        );
    }
}

#[test]
fn sources_refuse_what_they_do_not_play() {
    for (extra, named) in [
        (json!({"verify": {"mode": "HEAD", "secretRef": {"name": "k"}}}), "spec.verify"),
        (json!({"include": [{"repository": {"name": "x"}}]}), "spec.include"),
        (json!({"ignore": "*.md"}), "spec.ignore"),
        (json!({"ref": {"semver": "1.x"}}), "spec.ref.semver"),
    ] {
        let mut stage = Stage::new("refused-source", |_| {});
        stage.push(&[]);
        stage.source(&extra);
        stage.settle(&[("GitRepository repo", &["Ready=False/NotSimulated"])]);
        let line = stage.seen["GitRepository repo"].last().unwrap().clone();
        assert!(line.contains(&format!("unknown to the simulator: {named}")), "{line}");
    }
}

#[test]
fn an_unknown_annotation_of_flux_is_refused_by_name() {
    let mut stage = Stage::new("annotation", |_| {});
    stage.push(&[(
        "root/c.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  annotations:\n    kustomize.toolkit.fluxcd.io/prun: disabled\n",
    )]);
    stage.source(&json!({}));
    stage.root("root", &json!({}));
    stage.settle(&[("Kustomization root", &["Ready=False/NotSimulated"])]);
    let line = stage.seen["Kustomization root"].last().unwrap().clone();
    assert!(line.contains("kustomize.toolkit.fluxcd.io/prun on ConfigMap/s-annotation/c"), "{line}");
}

#[test]
fn a_health_check_ends_at_once_for_a_new_revision_where_the_gate_is_on() {
    let mut stage = Stage::new("cancel", |options| options.cancel_health_checks = true);
    let web = |extra: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{a: b}}}}\n  template:\n    metadata: {{labels: {{a: b}}}}\n    spec:\n      {extra}\n      containers: [{{name: m, image: i}}]\n"
        )
    };
    stage.push(&[("root/web.yaml", &web("nodeSelector: {no: where}"))]);
    stage.source(&json!({}));
    stage.root("root", &json!({"wait": true}));
    stage.until(&[("Kustomization root", &["Running health checks"])], false).unwrap();
    let began = stage.now;
    stage.push(&[("root/web.yaml", &web(""))]);
    stage.perform(&Step::Token("GitRepository", "repo", "t1"));
    stage.settle(&[("Kustomization root", &["Ready=True", "applied NEW"])]);
    let lines = &stage.seen["Kustomization root"];
    let canceled = "Ready=False/HealthCheckCanceled@1 \"New reconciliation triggered by GitRepository/s-cancel/repo\"";
    assert!(lines.iter().any(|line| line.contains(canceled)), "{lines:#?}");
    assert!(stage.now.duration_since(began) < jiff::SignedDuration::from_secs(30));
}

#[test]
fn a_push_alone_changes_nothing_until_the_interval() {
    let mut stage = Stage::new("interval", |_| {});
    stage.push(&[("root/c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n")]);
    stage.source(&json!({}));
    stage.root("root", &json!({}));
    stage.settle(&[("Kustomization root", &["Ready=True"])]);
    stage.push(&[("root/d.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: d\n")]);
    assert_eq!(stage.flux.next_step(), None, "nothing is waited for");
    let due = stage.flux.next().unwrap();
    assert!(due.duration_since(stage.now) > jiff::SignedDuration::from_secs(3000), "{due}");
    stage.now = due + Duration::from_mins(1);
    stage.settle(&[("Kustomization root", &["Ready=True", "applied NEW"])]);
    assert!(stage.server.find("ConfigMap", "s-interval", "d").is_some());
}

#[test]
fn unknown_charts_versions_and_values_are_refused_by_name() {
    let release = |extra: &str| {
        format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: r\nspec:\n  interval: 1h\n{extra}"
        )
    };
    let local =
        "  chart:\n    spec: {chart: ./charts/CHART, interval: 1h, sourceRef: {kind: GitRepository, name: repo}}\n";
    for (chart, extra, object, told) in [
        (
            "strange",
            local.replace("CHART", "strange"),
            "HelmChart s-charts-r",
            "unknown to the simulator: the chart strange: there is no scripts/sim/charts/strange.rhai",
        ),
        (
            "airflow",
            local.replace("CHART", "airflow"),
            "HelmChart s-charts-r",
            "unknown to the simulator: airflow 9.9.9",
        ),
        (
            "sample",
            local.replace("CHART", "sample") + "  values: {replicsa: 2}\n",
            "HelmRelease r",
            "values don't meet the specifications of the schema(s) in the following chart(s):\\nsample:\\n- at '': additional properties 'replicsa' not allowed",
        ),
    ] {
        let mut stage = Stage::new("charts", |_| {});
        stage.push(&[
            (&format!("charts/{chart}/Chart.yaml"), &format!("name: {chart}\nversion: 9.9.9\n")),
            ("root/r.yaml", &release(&extra)),
        ]);
        stage.source(&json!({}));
        stage.root("root", &json!({}));
        stage.settle(&[("Kustomization root", &["Ready=True"])]);
        let lines = &stage.seen[object];
        assert!(lines.iter().any(|line| line.contains(told)), "{chart}: {lines:#?}");
    }
}
