//! A client in the process: the same HTTP over a pipe instead of a port.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Uri};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::client::Body;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tower::ServiceExt as _;
use tower_service::Service;

use super::super::access::User;
use super::super::server::Api;
use super::listen;

/// Bytes that a pipe holds.
const PIPE: usize = 256 * 1024;

impl Api {
    /// A client that is this user, unless it sends a token. Needs a tokio runtime to be used in.
    pub fn client(&self, user: User) -> kube::Client {
        let connector = Pipes { api: self.clone(), user };
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(connector);
        let absolute = client.map_request(|mut request: Request<Body>| {
            let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
            // What is a path already is part of an address too.
            if let Ok(uri) = format!("http://simulator{path}").parse() {
                *request.uri_mut() = uri;
            }
            request
        });
        kube::Client::new(absolute, "default")
    }
}

#[derive(Clone)]
struct Pipes {
    api: Api,
    user: User,
}

impl Service<Uri> for Pipes {
    type Response = TokioIo<Pipe>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Pipe>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (near, far) = tokio::io::duplex(PIPE);
        tokio::spawn(listen::connection(self.api.clone(), self.user.clone(), far));
        Box::pin(async { Ok(TokioIo::new(Pipe(near))) })
    }
}

/// The client's end.
struct Pipe(DuplexStream);

impl Connection for Pipe {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
