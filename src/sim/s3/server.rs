//! Serving the store over HTTP: on an address, or on any stream.

use std::net::SocketAddr;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::access::{Owners, Signers};
use super::service::Service;
use super::store::Store;
use crate::error::{Code, Error, Result};

/// An S3 server over a store.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    service: S3Service,
}

impl Server {
    /// Binds an address; port 0 takes a free one. Nothing is served until [`Server::run`].
    pub async fn bind(address: SocketAddr, store: &Store) -> Result<Self> {
        let listener = TcpListener::bind(address).await.map_err(|e| {
            Error::new(Code::Io, format!("listening on {address} for S3: {e}"))
                .hint("Choose another address with --s3 ADDRESS:PORT")
        })?;
        Ok(Self { listener, service: service(store) })
    }

    /// Where it listens.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().map_err(|e| Error::new(Code::Io, format!("the address of the S3 server: {e}")))
    }

    /// Serves until the future is dropped, which ends its connections as well.
    pub async fn run(self) -> Result<()> {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let _ = stream.set_nodelay(true);
                        connections.spawn(serve(stream, self.service.clone()));
                    }
                    // Out of file descriptors, mostly: wait for some connections to end.
                    Err(e) => {
                        tracing::warn!("S3 server: {e}");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
    }
}

/// The service that answers for a store.
pub(super) fn service(store: &Store) -> S3Service {
    let mut builder = S3ServiceBuilder::new(Service(store.clone()));
    builder.set_auth(Signers(store.clone()));
    builder.set_access(Owners(store.clone()));
    builder.build()
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, service: S3Service) {
    if let Err(e) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!("S3 connection: {e}");
    }
}
