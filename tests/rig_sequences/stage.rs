//! A namespace with a Git repository that Flux follows, on which a situation is played and recorded.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dpb::cluster::{Apply, Change, Cluster, Delete, Query};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::line::{Commits, Seen, line, note, written};
use super::situations::{Situation, Step};

/// The kinds that are watched.
const KINDS: [&str; 4] = [
    "GitRepository.source.toolkit.fluxcd.io",
    "HelmChart.source.toolkit.fluxcd.io",
    "HelmRelease.helm.toolkit.fluxcd.io",
    "Kustomization.kustomize.toolkit.fluxcd.io",
];

/// Where a situation is played.
pub(crate) struct Place {
    /// The cluster.
    pub(crate) cluster: Cluster,
    /// The folder that the bare repositories are made in.
    pub(crate) remotes: PathBuf,
    /// What Flux reads them by: this, then `NAME.git`.
    pub(crate) url: String,
    /// How long nothing may happen before a step counts as settled.
    pub(crate) quiet: Duration,
}

struct Watched {
    seen: Seen,
    last: Instant,
}

/// A situation that is being played.
struct Stage<'a> {
    place: &'a Place,
    namespace: String,
    work: tempfile::TempDir,
    commits: Arc<Commits>,
    watched: Arc<Mutex<Watched>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// Plays a situation and writes down what was seen: for each step, for each object, its lines.
pub(crate) async fn play(place: &Place, situation: &Situation) -> String {
    let stage = Stage::new(place, situation).await;
    let mut text = format!("# {}\n", situation.about);
    for (index, (steps, until)) in situation.acts.iter().enumerate() {
        if index > 0 {
            stage.watched.lock().unwrap().seen.clear();
        }
        for step in *steps {
            stage.perform(step).await;
        }
        let reached = stage.settle(until).await;
        text += &written(index, steps, &stage.watched.lock().unwrap().seen, &reached);
        if reached.is_err() {
            break;
        }
    }
    stage.end().await;
    text
}

impl<'a> Stage<'a> {
    async fn new(place: &'a Place, situation: &Situation) -> Self {
        let name = situation.name;
        let namespace = format!("s-{name}");
        let bare = place.remotes.join(format!("s-{name}.git"));
        let _ = std::fs::remove_dir_all(&bare);
        git(Path::new("/"), &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
        let work = tempfile::tempdir().unwrap();
        git(work.path(), &["clone", "-q", bare.to_str().unwrap(), "."]);
        git(work.path(), &["config", "user.name", "Stage"]);
        git(work.path(), &["config", "user.email", "stage@example.org"]);
        let mut stage = Self {
            place,
            namespace: namespace.clone(),
            work,
            commits: Arc::default(),
            watched: Arc::new(Mutex::new(Watched { seen: Seen::new(), last: Instant::now() })),
            tasks: Vec::new(),
        };
        stage.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})).await;
        for kind in KINDS {
            stage.watch(kind).await;
        }
        stage.push(situation.files);
        let url = format!("{}s-{name}.git", place.url);
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "repo", "namespace": stage.namespace},
            "spec": {"url": url, "ref": {"branch": "main"}, "interval": "1h", "timeout": "20s"},
        });
        stage.apply(&source).await;
        for (root, extra) in situation.roots {
            let mut object = json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": {"name": root, "namespace": stage.namespace},
                "spec": {"path": format!("./{root}"), "interval": "1h", "retryInterval": "1h", "timeout": "1m", "prune": true,
                    "targetNamespace": stage.namespace, "sourceRef": {"kind": "GitRepository", "name": "repo"}},
            });
            let extra: Value = serde_json::from_str(extra).unwrap();
            for (key, value) in extra.as_object().unwrap() {
                object["spec"][key] = value.clone();
            }
            stage.apply(&object).await;
        }
        stage
    }

    async fn watch(&mut self, kind: &'static str) {
        let mut changes = self.place.cluster.watch_all(kind, &Query::namespace(&self.namespace)).await;
        let (watched, commits) = (Arc::clone(&self.watched), Arc::clone(&self.commits));
        self.tasks.push(tokio::spawn(async move {
            while let Some(change) = changes.next().await {
                let objects = match change {
                    Ok(Change::Synced(objects)) => objects.into_iter().map(|o| (o, false)).collect(),
                    Ok(Change::Applied(object)) => vec![(object, false)],
                    Ok(Change::Deleted(object)) => vec![(object, true)],
                    Err(error) => panic!("watching {kind}: {error}"),
                };
                let mut watched = watched.lock().unwrap();
                for (object, gone) in objects {
                    watched.last = Instant::now();
                    let name = object["metadata"]["name"].as_str().unwrap_or_default();
                    let key = format!("{} {name}", kind.split('.').next().unwrap_or_default());
                    let line = if gone { "gone".to_owned() } else { line(&object, &commits) };
                    note(watched.seen.entry(key).or_default(), line);
                }
            }
        }));
    }

    async fn perform(&self, step: &Step) {
        match step {
            Step::Push(files) => self.push(files),
            Step::Revert => {
                git(self.work.path(), &["revert", "--no-edit", "HEAD"]);
                git(self.work.path(), &["push", "-q", "origin", "HEAD:main"]);
                self.commits.push(&git(self.work.path(), &["rev-parse", "HEAD"]));
            }
            Step::Token(kind, name, token) => {
                let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
                self.patch(kind, name, &patch).await;
            }
            Step::Spec(kind, name, patch) => {
                let spec: Value = serde_json::from_str(patch).unwrap();
                self.patch(kind, name, &json!({"spec": spec})).await;
            }
            Step::Delete(kind, name) => {
                let kind = full(kind);
                self.place.cluster.delete(kind, Some(&self.namespace), name, &Delete::default()).await.unwrap();
            }
            Step::Await(object, parts) => self.until(&[(*object, *parts)]).await.unwrap(),
        }
    }

    /// Commits and pushes files; empty text removes one.
    fn push(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            let file = self.work.path().join(path);
            if text.is_empty() {
                std::fs::remove_file(&file).unwrap();
            } else {
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(&file, text.replace("NAMESPACE", &self.namespace)).unwrap();
            }
        }
        git(self.work.path(), &["add", "-A"]);
        git(self.work.path(), &["commit", "-q", "--allow-empty", "-m", "change"]);
        git(self.work.path(), &["push", "-q", "origin", "HEAD:main"]);
        self.commits.push(&git(self.work.path(), &["rev-parse", "HEAD"]));
    }

    /// Waits until the objects are as wanted (`NEW` stands for the newest commit) and nothing happens any more.
    async fn settle(&self, wanted: &[(&str, &[&str])]) -> Result<(), String> {
        self.until(wanted).await?;
        while self.watched.lock().unwrap().last.elapsed() < self.place.quiet {
            tokio::time::sleep(self.place.quiet / 10).await;
        }
        Ok(())
    }

    async fn until(&self, wanted: &[(&str, &[&str])]) -> Result<(), String> {
        let newest = self.commits.newest();
        let began = Instant::now();
        loop {
            let missing = {
                let watched = self.watched.lock().unwrap();
                wanted
                    .iter()
                    .find(|(object, parts)| {
                        let last = watched.seen.get(*object).and_then(|lines| lines.last());
                        !last.is_some_and(|last| parts.iter().all(|part| last.contains(&part.replace("NEW", &newest))))
                    })
                    .map(|missing| format!("{} {:?}", missing.0, missing.1))
            };
            let Some(missing) = missing else { return Ok(()) };
            if began.elapsed() > Duration::from_secs(100) {
                return Err(missing);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn apply(&self, object: &Value) {
        let how = Apply { manager: "stage".into(), force: true, ..Apply::default() };
        self.place.cluster.apply(object, &how).await.unwrap();
    }

    async fn patch(&self, kind: &str, name: &str, patch: &Value) {
        self.place.cluster.merge_patch(full(kind), Some(&self.namespace), name, patch, None).await.unwrap();
    }

    /// Takes everything away that Flux would go on reconciling.
    async fn end(mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
        for kind in KINDS.iter().rev() {
            let query = Query::namespace(&self.namespace);
            for object in self.place.cluster.list(*kind, &query).await.unwrap_or_default() {
                let name = object["metadata"]["name"].as_str().unwrap_or_default();
                let _ = self.place.cluster.delete(*kind, Some(&self.namespace), name, &Delete::default()).await;
            }
        }
        let _ = self.place.cluster.delete("Namespace", None, &self.namespace, &Delete::default()).await;
    }
}

fn full(kind: &str) -> &'static str {
    KINDS.iter().find(|full| full.split('.').next() == Some(kind)).expect("a kind of Flux")
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git").current_dir(dir).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}
