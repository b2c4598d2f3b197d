//! From kubectl's flags to a client. Nothing is asked of the server here.

use std::sync::Arc;
use std::time::Duration;

use kube::Config;
use kube::client::{ClientBuilder, ConfigExt as _};

use crate::error::{Code, Error, Result};

use super::answer::credentials;
use super::discovery::Discovery;
use super::flags::Flags;
use super::http2;
use super::kubeconfig::{Chosen, Surroundings, choose, lay_over, read};
use super::memo::Memo;
use super::openapi::OpenApi;
use super::proxy_env::proxy_for;
use super::record::Sent;
use super::transport::{Timing, Transport};

/// How long setting up a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A cluster. Cheap to clone; may be used from several threads at once, within one tokio runtime.
#[derive(Clone)]
pub struct Cluster {
    pub(super) inner: Arc<Inner>,
    /// Set in a shared view: identical reads are made once.
    pub(super) memo: Option<Arc<Memo>>,
}

pub(super) struct Inner {
    pub(super) transport: Transport,
    pub(super) discovery: Discovery,
    pub(super) openapi: OpenApi,
    cluster: String,
    namespace: String,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("context", &self.context())
            .field("server", &self.server())
            .finish_non_exhaustive()
    }
}

/// What a client is called, where no kubeconfig says so.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The context's name.
    pub context: String,
    /// The cluster's name.
    pub cluster: String,
    /// Its address, as errors show it.
    pub server: String,
}

impl Cluster {
    /// Connects as kubectl would: `--kubeconfig`, else the files of `KUBECONFIG`, else `~/.kube/config`, else the
    /// service account of the pod that we run in. An exec plugin of the user is run here.
    pub async fn connect(flags: &Flags) -> Result<Self> {
        use_ring();
        let mut chosen = configure(flags, &Surroundings::current()).await?;
        let timeout = flags.request_timeout.as_deref().map(duration).transpose()?;
        let config = &mut chosen.config;
        config.proxy_url = proxy_for(&config.cluster_url, chosen.proxy.as_deref(), |name| std::env::var(name).ok())?;
        config.connect_timeout = Some(CONNECT_TIMEOUT.min(timeout.filter(|t| !t.is_zero()).unwrap_or(CONNECT_TIMEOUT)));
        config.default_retry = false;
        let server = config.cluster_url.to_string();
        let server = server.trim_end_matches('/').to_owned();
        let config = chosen.config;
        // Credentials may come from a program that takes its time: not on a worker of the runtime.
        let client = tokio::task::spawn_blocking(move || build(config))
            .await
            .map_err(|e| Error::new(Code::Internal, format!("building the client: {e}")))?
            .map_err(|e: kube::Error| unusable(&server, &chosen.context, &e))?;
        let origin = Origin { context: chosen.context, cluster: chosen.cluster, server };
        let mut timing = Timing::default();
        if let Some(timeout) = timeout {
            timing.request = Some(timeout).filter(|t| !t.is_zero());
        }
        Ok(Self::assemble(client, &origin, timing))
    }

    /// Around a client that exists already. Must be called inside a runtime.
    pub fn from_client(client: kube::Client, origin: &Origin) -> Self {
        Self::assemble(client, origin, Timing::default())
    }

    pub(super) fn assemble(client: kube::Client, origin: &Origin, timing: Timing) -> Self {
        let namespace = client.default_namespace().to_owned();
        let transport = Transport::new(client, &origin.server, &origin.context, timing);
        let inner = Inner {
            transport,
            discovery: Discovery::default(),
            openapi: OpenApi::default(),
            cluster: origin.cluster.clone(),
            namespace,
        };
        Self { inner: Arc::new(inner), memo: None }
    }

    /// A view in which identical reads (get, find, list, access reviews, version) are made once, for several threads.
    /// A write through the view empties it.
    #[must_use]
    pub fn shared(&self) -> Self {
        Self { inner: self.inner.clone(), memo: Some(Arc::default()) }
    }

    /// The same cluster without sharing of reads.
    #[must_use]
    pub fn fresh(&self) -> Self {
        Self { inner: self.inner.clone(), memo: None }
    }

    /// The context's name (`admin@home`).
    pub fn context(&self) -> &str {
        &self.inner.transport.context
    }

    /// The cluster's name in the kubeconfig.
    pub fn cluster_name(&self) -> &str {
        &self.inner.cluster
    }

    /// The API server's address.
    pub fn server(&self) -> &str {
        &self.inner.transport.server
    }

    /// The namespace for namespaced objects that name none.
    pub fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    /// The client below, for what this module does not offer. Its requests are recorded too.
    pub fn client(&self) -> kube::Client {
        self.inner.transport.client.clone()
    }

    /// Every request sent so far, by method and path.
    pub fn requests(&self) -> Vec<Sent> {
        self.inner.transport.record.all()
    }

    /// Starts counting requests anew.
    pub fn forget_requests(&self) {
        self.inner.transport.record.clear();
    }
}

/// Builds the client. kube alone would run an exec plugin three times here; when it gives a token, once is enough.
fn build(config: Config) -> Result<kube::Client, kube::Error> {
    if config.auth_info.exec.is_some()
        && let Some(token) = config.auth_layer()?
    {
        let mut rest = config;
        rest.auth_info.exec = None;
        let bare = plain(rest)?;
        let namespace = bare.default_namespace().to_owned();
        // The layer wants a service that can be cloned, as a client can.
        let service = tower::service_fn(move |request| {
            let bare = bare.clone();
            async move { bare.send(request).await.map_err(tower::BoxError::from) }
        });
        return Ok(ClientBuilder::new(service, namespace).with_layer(&token).build());
    }
    plain(config)
}

fn plain(config: Config) -> Result<kube::Client, kube::Error> {
    let shared = http2::suits(&config).then(|| config.clone());
    let client = ClientBuilder::try_from(config)?.build();
    match shared {
        Some(config) => http2::client(&config, client),
        None => Ok(client),
    }
}

/// Makes `ring` the process's provider of cryptography, once; a second call changes nothing.
fn use_ring() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

pub(super) async fn configure(flags: &Flags, around: &Surroundings) -> Result<Chosen> {
    if let Some(file) = read(flags, around)? {
        return choose(file, flags).await;
    }
    if flags.kubeconfig.is_none()
        && flags.context.is_none()
        && let Ok(mut config) = Config::incluster()
    {
        lay_over(&mut config, flags);
        return Ok(Chosen { config, context: "in-cluster".into(), cluster: "in-cluster".into(), proxy: None });
    }
    if let Some(server) = &flags.server {
        let url = server.parse().map_err(|e| Error::new(Code::Invalid, format!("--server {server}: {e}")))?;
        let mut config = Config::new(url);
        config.accept_invalid_certs = flags.insecure_skip_tls_verify;
        lay_over(&mut config, flags);
        return Ok(Chosen { config, context: server.clone(), cluster: server.clone(), proxy: None });
    }
    Err(Error::new(
        Code::Unavailable,
        "no cluster to talk to: there is no kubeconfig with a context in it, and this is no pod",
    )
    .hint("Name a file with --kubeconfig or KUBECONFIG; see: kubectl config get-contexts"))
}

fn unusable(server: &str, context: &str, error: &kube::Error) -> Error {
    if let kube::Error::Auth(auth) = error {
        return credentials(auth);
    }
    Error::new(Code::Invalid, format!("cannot use context {context} ({server}): {error}"))
        .hint("See: kubectl config view")
}

/// A duration as kubectl's `--request-timeout` takes it: `1h2m3s`, `500ms`, or seconds without a unit.
fn duration(text: &str) -> Result<Duration> {
    let wrong = || {
        Error::new(Code::Usage, format!("--request-timeout `{text}` is no duration"))
            .hint("Like 30s, 2m or 1h30m; 0 is without a limit")
    };
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|n| *n > 0).ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        rest = &rest[letters..];
        let part = Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}
