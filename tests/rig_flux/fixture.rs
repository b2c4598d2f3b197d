//! One namespace, one Git repository and one source a test, on the rig that the environment names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dpb::cancel::Cancel;
use dpb::cluster::{Apply, Cluster, Flags};
use dpb::error::Result;
use dpb::flux::{Applied, Delivery, InventoryEntry, Named, StepEvent, deliver};
use dpb::progress::Progress;
use futures::StreamExt as _;
use serde_json::{Value, json};

/// The kinds of Flux, as discovery knows them.
pub(crate) const KUSTOMIZATION: &str = "Kustomization.kustomize.toolkit.fluxcd.io";
pub(crate) const GIT_REPOSITORY: &str = "GitRepository.source.toolkit.fluxcd.io";

/// A namespace with a repository that Flux follows: source `repo`, root Kustomization `root` at `./root`.
pub(crate) struct Fixture {
    pub(crate) cluster: Cluster,
    pub(crate) namespace: String,
    work: tempfile::TempDir,
    files: Mutex<BTreeMap<String, String>>,
}

/// What a wait ended with, and what it said meanwhile.
pub(crate) struct Waited {
    pub(crate) result: Result<Applied>,
    pub(crate) took: Duration,
    pub(crate) reasons: Vec<String>,
    pub(crate) steps: Vec<StepEvent>,
}

impl Waited {
    pub(crate) fn applied(self) -> Applied {
        let reasons = self.reasons;
        self.result.unwrap_or_else(|e| panic!("{e}\nnotes: {:#?}\nwaited for: {reasons:#?}", e.notes()))
    }

    pub(crate) fn error(self) -> dpb::error::Error {
        let reasons = self.reasons;
        match self.result {
            Err(error) => error,
            Ok(applied) => panic!("ready: {applied:#?}\nwaited for: {reasons:#?}"),
        }
    }

    pub(crate) fn said(&self, part: &str) -> bool {
        self.reasons.iter().any(|reason| reason.contains(part))
    }
}

impl Fixture {
    /// With these files in the repository, applied and ready.
    pub(crate) async fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let fixture = Self::bare(name, files, json!({})).await;
        fixture.deliver(&["root"]).await.applied();
        fixture
    }

    /// With these files in the repository and these fields added to the root Kustomization's spec; nothing is waited for.
    pub(crate) async fn bare(name: &str, files: &[(&str, &str)], root_spec: Value) -> Self {
        let state = rig("RIG_STATE");
        let namespace = format!("t-{name}");
        let bare = Path::new(&state).join("git").join(format!("{name}.git"));
        git(Path::new("/"), &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
        let work = tempfile::tempdir().unwrap();
        git(work.path(), &["clone", "-q", bare.to_str().unwrap(), "."]);
        git(work.path(), &["config", "user.name", "Rig"]);
        git(work.path(), &["config", "user.email", "rig@example.org"]);
        let cluster = Cluster::connect(&Flags::default()).await.unwrap();
        let fixture = Self { cluster, namespace: namespace.clone(), work, files: Mutex::default() };
        fixture.push(files);
        fixture.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})).await;
        fixture
            .apply(&json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
                "metadata": {"name": "repo", "namespace": namespace},
                "spec": {"url": format!("http://127.0.0.1:18080/{name}.git"), "ref": {"branch": "main"},
                    "interval": "1h", "timeout": "20s"},
            }))
            .await;
        let mut root = fixture.kustomization_object("root", "./root");
        for (key, value) in root_spec.as_object().into_iter().flatten() {
            root["spec"][key] = value.clone();
        }
        fixture.apply(&root).await;
        fixture
    }

    pub(crate) fn kustomization_object(&self, name: &str, path: &str) -> Value {
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"path": path, "interval": "1h", "retryInterval": "1h", "timeout": "1m", "prune": true,
                "targetNamespace": self.namespace, "sourceRef": {"kind": "GitRepository", "name": "repo"}},
        })
    }

    pub(crate) async fn apply(&self, object: &Value) {
        let how = Apply { manager: "rig".into(), force: true, ..Apply::default() };
        self.cluster.apply(object, &how).await.unwrap();
    }

    /// Gives every container of the namespace this log, of now and of its former instance.
    pub(crate) async fn log(&self, line: &str) {
        let file = self.work.path().join(".git/container.log");
        std::fs::write(&file, format!("2026-11-24T14:00:00.000000001Z stderr F {line}\n")).unwrap();
        let rule = json!({"logsFile": file, "previousLogsFile": file, "follow": false});
        self.apply(&json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterLogs", "metadata": {"name": self.namespace},
            "spec": {"selector": {"matchNamespaces": [self.namespace]}, "logs": [rule]},
        }))
        .await;
        tokio::time::sleep(Duration::from_millis(500)).await; // KWOK's watch
    }

    /// Commits and pushes files; empty text removes one. Returns the commit.
    pub(crate) fn push(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let file = self.work.path().join(path);
            if text.is_empty() {
                std::fs::remove_file(&file).unwrap();
            } else {
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(&file, text.replace("NAMESPACE", &self.namespace)).unwrap();
            }
            self.files.lock().unwrap().insert((*path).into(), (*text).into());
        }
        git(self.work.path(), &["add", "-A"]);
        git(self.work.path(), &["commit", "-q", "-m", "change"]);
        git(self.work.path(), &["push", "-q", "origin", "HEAD:main"]);
        self.head()
    }

    pub(crate) fn head(&self) -> String {
        git(self.work.path(), &["rev-parse", "HEAD"])
    }

    pub(crate) fn named(&self, name: &str) -> Named {
        Named::new(&self.namespace, name)
    }

    /// Waits for the newest commit through these Kustomizations, for a minute.
    pub(crate) async fn deliver(&self, chain: &[&str]) -> Waited {
        self.deliver_all(chain, Vec::new(), &self.head()).await
    }

    pub(crate) async fn deliver_all(&self, chain: &[&str], gone: Vec<InventoryEntry>, commit: &str) -> Waited {
        let delivery = Delivery {
            source: self.named("repo"),
            commit: commit.into(),
            chain: chain.iter().map(|name| self.named(name)).collect(),
            gone,
            timeout: Duration::from_mins(1),
        };
        let (reasons, steps) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let told = reasons.clone();
        let progress = Progress::new(move |reason| told.lock().unwrap().push(reason.to_string()));
        let (repository, ours) = (self.work.path().to_path_buf(), commit.to_string());
        let descends = move |other: String| {
            let (repository, ours) = (repository.clone(), ours.clone());
            let asked: futures::future::BoxFuture<'_, bool> =
                Box::pin(async move { is_ancestor(&repository, &ours, &other) });
            asked
        };
        let began = Instant::now();
        let on_step = |event: StepEvent| steps.lock().unwrap().push(event);
        let result = deliver(&self.cluster, &delivery, &descends, &Cancel::new(), &progress, &on_step).await;
        let took = began.elapsed();
        let waited =
            Waited { result, took, reasons: reasons.lock().unwrap().clone(), steps: steps.lock().unwrap().clone() };
        println!("{}: {:.1} s; waited for {:#?}", self.namespace, took.as_secs_f64(), waited.reasons);
        waited
    }

    pub(crate) async fn kustomization(&self, name: &str) -> Value {
        self.cluster.get(KUSTOMIZATION, Some(&self.namespace), name).await.unwrap()
    }

    /// Records every version of a Kustomization from now on.
    pub(crate) async fn record(&self, name: &str) -> Recorder {
        let mut stream = self.cluster.watch(KUSTOMIZATION, Some(&self.namespace), name).await;
        let versions = Arc::new(Mutex::new(Vec::new()));
        let kept = versions.clone();
        let task = tokio::spawn(async move {
            while let Some(Ok(state)) = stream.next().await {
                kept.lock().unwrap().extend(state);
            }
        });
        Recorder { versions, task }
    }

    /// Waits until a Kustomization is as `holds` says.
    pub(crate) async fn until(&self, name: &str, holds: impl Fn(&Value) -> bool) {
        let mut stream = self.cluster.watch(KUSTOMIZATION, Some(&self.namespace), name).await;
        let wait = async {
            while let Some(state) = stream.next().await {
                if state.unwrap().is_some_and(|ks| holds(&ks)) {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap();
    }
}

/// Every version of an object since the recording began.
pub(crate) struct Recorder {
    versions: Arc<Mutex<Vec<Value>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Recorder {
    pub(crate) fn saw(self, holds: impl Fn(&Value) -> bool) -> bool {
        self.task.abort();
        self.versions.lock().unwrap().iter().any(holds)
    }
}

impl Drop for Fixture {
    /// Leaves nothing that Flux would go on reconciling.
    fn drop(&mut self) {
        let kubectl = |args: &[&str]| {
            let _ = Command::new("kubectl").args(args).output();
        };
        kubectl(&[
            "-n",
            &self.namespace,
            "delete",
            "kustomizations,helmreleases,gitrepositories",
            "--all",
            "--wait=false",
        ]);
        kubectl(&["delete", "clusterlogs.kwok.x-k8s.io", &self.namespace, "--ignore-not-found"]);
        kubectl(&["delete", "namespace", &self.namespace, "--wait=false"]);
    }
}

/// A variable that the rig sets.
pub(crate) fn rig(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this with rig/test"))
}

/// Runs one of the rig's scripts.
pub(crate) fn script(name: &str, args: &[&str]) {
    let path: PathBuf = Path::new(&rig("RIG_DIR")).join(name);
    let output = Command::new(&path).args(args).output().unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
}

/// Ends the kustomize-controller and starts it with these feature gates.
pub(crate) fn restart_kustomize_controller(gates: &str) {
    let program = r#". "$RIG_DIR/rig.sh"; at "$RIG_STATE"; programs
        args=$(tr '\0' '\n' <"/proc/$(started kustomize-controller | cut -d' ' -f1)/cmdline" | grep '^--' | grep -v feature-gates)
        end kustomize-controller
        export RUNTIME_NAMESPACE=flux-system
        start kustomize-controller "$bin/kustomize-controller" $args --feature-gates="$1"
        await "the kustomize-controller" curl -sf http://127.0.0.1:$((source_port + 4))/readyz"#;
    let output = Command::new("bash").args(["-euc", program, "restart", gates]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git").current_dir(dir).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

fn is_ancestor(dir: &Path, ancestor: &str, commit: &str) -> bool {
    let status = Command::new("git").current_dir(dir).args(["merge-base", "--is-ancestor", ancestor, commit]).output();
    status.is_ok_and(|output| output.status.success())
}

/// A `ConfigMap`.
pub(crate) fn config(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  value: \"{value}\"\n")
}

/// A Deployment of one pod.
pub(crate) fn deployment(name: &str, replicas: &str, version: &str) -> String {
    format!(
        r"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: main
          image: registry.example.org/{name}:{version}
          resources: {{requests: {{cpu: 10m, memory: 16Mi}}}}
"
    )
}

/// A Flux Kustomization of the repository; `extra` are further lines of its spec, indented by two.
pub(crate) fn child(name: &str, path: &str, extra: &str) -> String {
    format!(
        r"apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: {name}
spec:
  path: {path}
  interval: 1h
  retryInterval: 1h
  timeout: 1m
  prune: true
  targetNamespace: NAMESPACE
  sourceRef: {{kind: GitRepository, name: repo}}
{extra}"
    )
}
