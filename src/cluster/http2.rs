//! One connection for everything: kube's own client speaks HTTP/1.1 only, which takes a connection, with a TLS handshake
//! on either side, for every request under way at the same time.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, Uri, header};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use kube::{Config, Error};
use tokio::sync::{Mutex, OnceCell};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt as _};
use tower_http::decompression::DecompressionLayer;

/// When a connection on which nothing moves is asked whether it still lives, and how long it may take to answer (as
/// client-go does: 30 and 15 seconds).
const QUIET: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(15);

/// Where several requests can share a connection: TLS, straight to the server, credentials that are plain data.
pub(super) fn suits(config: &Config) -> bool {
    let is_tls = config.cluster_url.scheme_str() == Some("https");
    is_tls && config.proxy_url.is_none() && config.auth_info.exec.is_none()
}

/// A client that sends everything over HTTP/2 where the server agrees to (ALPN), save what takes over its connection
/// (exec, port-forward): that goes through `upgrades`.
pub(super) fn client(config: &Config, upgrades: kube::Client) -> Result<kube::Client, Error> {
    let namespace = config.default_namespace.clone();
    let first = Arc::new(First::default());
    let shared = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().no_br().no_deflate().no_zstd().gzip(!config.disable_compression))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(connections(config)?);
    let shared = ClientBuilder::new(shared, namespace.clone()).build();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (upgrades, shared, first) = (upgrades.clone(), shared.clone(), first.clone());
        async move {
            if request.headers().contains_key(header::UPGRADE) {
                return upgrades.send(request).await.map_err(BoxError::from);
            }
            first.send(shared, request).await
        }
    });
    Ok(ClientBuilder::new(service, namespace).build())
}

type Connecting = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;
type Stream = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;

fn connections(config: &Config) -> Result<Client<impl Connect + Clone + Send + Sync + 'static, Body>, Error> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let mut builder = HttpsConnectorBuilder::new().with_tls_config(config.rustls_client_config()?).https_only();
    if let Some(name) = &config.tls_server_name {
        let name = name.clone().try_into().map_err(|e| Error::Service(Box::new(e)))?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let connector = builder.enable_all_versions().wrap_connector(http);
    let patience = config.connect_timeout.unwrap_or(QUIET);
    let connector = tower::service_fn(move |uri: Uri| -> Connecting {
        let connecting = connector.clone().oneshot(uri);
        Box::pin(async move {
            let late = || BoxError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
            tokio::time::timeout(patience, connecting).await.map_err(|_| late())?
        })
    });
    Ok(Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_keep_alive_interval(QUIET)
        .http2_keep_alive_timeout(ANSWER)
        .http2_adaptive_window(true)
        .build(connector))
}

/// Lets one request go ahead, so that the others find its connection instead of opening one each.
#[derive(Default)]
struct First {
    turn: Mutex<()>,
    answered: OnceCell<()>,
}

impl First {
    async fn send(&self, client: kube::Client, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        if !self.answered.initialized() {
            let _turn = self.turn.lock().await;
            if !self.answered.initialized() {
                let answer = client.send(request).await?;
                let _ = self.answered.set(());
                return Ok(answer);
            }
        }
        Ok(client.send(request).await?)
    }
}
