//! How long Flux takes by itself, and a request alone.

use std::io::BufReader;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dpb::cluster::{Cluster, Flags};
use http_body_util::BodyExt as _;
use serde_json::Value;

/// kubectl watching every Kustomization, beside the program and unknown to it.
pub(crate) struct Watch {
    kubectl: Child,
    seen: Arc<Mutex<Vec<(Instant, String, String)>>>,
}

impl Watch {
    pub(crate) fn new() -> Self {
        let mut kubectl = Command::new("kubectl")
            .args(["get", "kustomizations.kustomize.toolkit.fluxcd.io", "-n", "flux-system", "--watch", "-o", "json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(kubectl.stdout.take().unwrap());
        let seen: Arc<Mutex<Vec<_>>> = Arc::default();
        let to = Arc::clone(&seen);
        std::thread::spawn(move || {
            let objects = serde_json::Deserializer::from_reader(out).into_iter::<Value>();
            for ks in objects.map_while(Result::ok) {
                let conditions = ks["status"]["conditions"].as_array().cloned().unwrap_or_default();
                let ready = conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True");
                if ready && ks["status"]["observedGeneration"] == ks["metadata"]["generation"] {
                    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
                    let line =
                        (Instant::now(), text(&ks["metadata"]["name"]), text(&ks["status"]["lastAppliedRevision"]));
                    to.lock().unwrap().push(line);
                }
            }
        });
        Self { kubectl, seen }
    }

    /// When the last of these Kustomizations was ready at the commit for the first time.
    pub(crate) fn ready_at(mut self, names: &[&str], commit: &str) -> Instant {
        self.kubectl.kill().unwrap();
        self.kubectl.wait().unwrap();
        let seen = self.seen.lock().unwrap();
        let first = |name: &&str| {
            let mut at = seen.iter().filter(|(_, n, r)| n == name && r.ends_with(commit)).map(|(at, ..)| *at);
            at.next().unwrap_or_else(|| panic!("{name} was never ready at {commit}: {seen:?}"))
        };
        names.iter().map(first).max().unwrap()
    }
}

/// How long each request takes on its own: connection, request, whole answer. Slowest first; the best of three each.
pub(crate) fn alone(urls: &[String]) -> Vec<(Duration, String)> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let once = |url: &str| {
        let began = Instant::now();
        runtime.block_on(async {
            let cluster = Cluster::connect(&Flags::default()).await.unwrap();
            // An object that is not there is an answer, too.
            if let Ok(response) = cluster.raw(url, "application/json").await {
                response.into_body().collect().await.unwrap();
            }
        });
        began.elapsed()
    };
    let mut all: Vec<_> = urls.iter().map(|url| ((0..3).map(|_| once(url)).min().unwrap(), url.clone())).collect();
    all.sort_by_key(|(took, _)| std::cmp::Reverse(*took));
    all
}
