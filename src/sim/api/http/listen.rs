//! Connections: each is served until its client leaves.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use super::super::access::User;
use super::super::server::Api;
use super::handle::handle;

/// Serves one connection; clients that send no token are `user`.
pub(super) async fn connection<S>(api: Api, user: User, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        let (api, user) = (api.clone(), user.clone());
        async move { handle(&api, &user, request).await.ok_or(Cut) }
    });
    let serving = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    // A client that leaves is no failure of ours.
    let _ = serving.with_upgrades().await;
}

/// The connection is cut off on purpose.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection reset on request")
    }
}

impl std::error::Error for Cut {}

/// A port on which the API is served as plain HTTP.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Takes a port; 0 for any that is free.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        TcpListener::bind(address).await.map(Self)
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Api {
    /// Serves clients until the future is dropped. Who sends no token is `otherwise`.
    pub async fn serve(&self, listener: Listener, otherwise: User) -> Result<Infallible, io::Error> {
        loop {
            let (stream, _) = listener.0.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(connection(self.clone(), otherwise.clone(), stream));
        }
    }
}
