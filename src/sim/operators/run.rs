//! Starting the scripts, and stopping them.

use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::event::{Event, Log};
use super::player::Player;
use super::watches::{Told, watch_kind, watch_owned};
use super::world::World;
use crate::cancel::Cancel;
use crate::cluster::Cluster;
use crate::error::{Code, Error, Result};
use crate::script::bridge::Bridge;
use crate::script::library::Library;
use crate::sim::s3::{Server, Store};

/// What to play, and with what.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the S3 server listens; without it users and buckets exist and nobody reaches them.
    pub s3: Option<SocketAddr>,
    /// Only these scripts (`rook-ceph`); all where it is empty.
    pub only: Vec<String>,
}

/// Plays operators until `cancel` says stop, which is the regular end. A script that does not compile is an error at the
/// start; one that fails later is told of, and goes on.
pub async fn run(
    cluster: &Cluster,
    library: &Library,
    options: Options,
    cancel: &Cancel,
    log: impl Fn(Event) + Send + Sync + 'static,
) -> Result<()> {
    let log = Log::new(log);
    let store = Store::default();
    let paths = paths(library, &options.only)?;
    let mut tasks = JoinSet::new();
    if let Some(address) = options.s3 {
        let server = Server::bind(address, &store).await?;
        log.tell(Event::S3 { address: server.address()? });
        tasks.spawn(async move {
            let _ = server.run().await;
        });
    }
    let mut ends = Vec::new();
    for path in paths {
        let start =
            Start { library: library.clone(), cluster: cluster.fresh(), store: store.clone(), path, log: log.clone() };
        ends.push(start.play(cancel, &mut tasks).await?);
    }
    let stopped = cancel.run(std::future::pending::<Result<()>>()).await;
    // Without watches the threads find nobody to listen to, and end after what they are at.
    tasks.shutdown().await;
    for end in ends {
        let _ = end.await;
    }
    match stopped {
        Err(error) if !matches!(error.code(), Code::Interrupted | Code::Timeout) => Err(error),
        _ => Ok(()),
    }
}

/// The scripts to play, as paths below `scripts/`.
fn paths(library: &Library, only: &[String]) -> Result<Vec<String>> {
    let all: Vec<String> = library.files("sim")?.into_keys().filter(|p| is_operator(p)).collect();
    for name in only {
        if !all.iter().any(|p| script_name(p) == name) {
            let known: Vec<&str> = all.iter().map(|p| script_name(p)).collect();
            return Err(Error::new(Code::NotFound, format!("no simulated operator `{name}`"))
                .hint(format!("There are: {}", known.join(", "))));
        }
    }
    let wanted = |p: &String| only.is_empty() || only.iter().any(|name| name == script_name(p));
    Ok(all.into_iter().filter(wanted).collect())
}

/// Scripts, but not their tests.
pub(super) fn is_operator(path: &str) -> bool {
    // What lies in a folder below is no operator: `sim/charts` are what Helm would render.
    let name = path.strip_prefix("sim/").filter(|name| !name.contains('/'));
    name.and_then(|name| name.strip_suffix(".rhai")).is_some_and(|stem| stem.strip_suffix(".test").is_none())
}

/// `rook-ceph`, of `sim/rook-ceph.rhai`.
fn script_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rhai")
}

/// One script, about to be started.
struct Start {
    library: Library,
    cluster: Cluster,
    store: Store,
    path: String,
    log: Log,
}

impl Start {
    /// Starts its thread and its watches; what it gives back is there when the thread has ended.
    async fn play(self, cancel: &Cancel, tasks: &mut JoinSet<()>) -> Result<oneshot::Receiver<()>> {
        let script = script_name(&self.path).to_owned();
        let (told, inbox) = channel();
        let (watch, mut wanted) = mpsc::unbounded_channel();
        let (ready, compiled) = oneshot::channel();
        let (ended, end) = oneshot::channel();
        let bridge = Bridge::new(tokio::runtime::Handle::current(), cancel.clone());
        let world = World::new(self.cluster.clone(), self.store, script.clone(), bridge, watch);
        let (library, path, log) = (self.library, self.path, self.log.clone());
        // Script engines belong to one thread.
        let thread = std::thread::Builder::new().name(format!("sim {script}")).spawn(move || {
            match Player::new(&library, &path, world, log) {
                Ok(player) => {
                    let _ = ready.send(Ok(player.kinds().to_vec()));
                    player.work(&inbox);
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
            let _ = ended.send(());
        });
        thread.map_err(|e| Error::new(Code::Io, format!("a thread for the simulated operator {script}: {e}")))?;
        let kinds = compiled
            .await
            .map_err(|_| Error::new(Code::Internal, format!("the simulated operator {script} ended at its start")))??;
        self.log.tell(Event::Playing { script: script.clone(), kinds: kinds.clone() });
        for (index, kind) in kinds.iter().enumerate() {
            tasks.spawn(watch_kind(self.cluster.clone(), index, kind.clone(), told.clone()));
        }
        let cluster = self.cluster;
        tasks.spawn(async move {
            let mut watches = JoinSet::new();
            while let Some(kind) = wanted.recv().await {
                let told: Sender<Told> = told.clone();
                watches.spawn(watch_owned(cluster.clone(), kind, script.clone(), kinds.clone(), told));
            }
        });
        Ok(end)
    }
}
