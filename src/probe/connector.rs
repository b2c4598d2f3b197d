//! Where a probe's bytes go: through a port-forward to a ready pod, or straight to an endpoint.

use std::fmt;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

use crate::cluster::Cluster;
use crate::error::{Code, Error, Result};

/// Bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// An open connection to what is probed.
pub type Stream = Box<dyn Duplex>;

/// Opens fresh streams to one service. Cheap to clone.
#[derive(Clone)]
pub enum Connector {
    /// By port-forward through the API server, to a ready pod behind the target.
    PortForward {
        /// The cluster.
        cluster: Cluster,
        /// Namespace of the target.
        namespace: String,
        /// `svc/NAME`, `deploy/NAME` or `pod/NAME`.
        target: String,
        /// The target's port: a service's own, which leads to the pod's.
        port: u16,
    },
    /// Straight to an address: scheme (`http`, `https`, `tcp`), host and port.
    Endpoint(Url),
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connector({self})")
    }
}

impl fmt::Display for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortForward { namespace, target, port, .. } => write!(f, "{target} in {namespace}, port {port}"),
            Self::Endpoint(url) => f.write_str(url.as_str().trim_end_matches('/')),
        }
    }
}

impl Connector {
    /// To a service by port-forward. A target without a kind is a service.
    pub fn port_forward(cluster: &Cluster, namespace: &str, target: &str, port: u16) -> Self {
        let target = if target.contains('/') { target.to_owned() } else { format!("svc/{target}") };
        Self::PortForward { cluster: cluster.clone(), namespace: namespace.to_owned(), target, port }
    }

    /// To an address from the settings: `https://s3.example.org`, `tcp://db.example.org:5432`, or just `host:port`.
    pub fn endpoint(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(Code::Invalid, format!("endpoint `{text}`: {why}"))
                .hint("Write scheme, host and port: http://host:80, https://host, tcp://host:5432")
        };
        let full = if text.contains("://") { text.to_owned() } else { format!("tcp://{text}") };
        let url = Url::parse(&full).map_err(|e| wrong(&e.to_string()))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("no host"));
        }
        if url.port_or_known_default().is_none() {
            return Err(wrong("no port"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("credentials do not belong here"));
        }
        Ok(Self::Endpoint(url))
    }

    /// The base address as the server sees it: what HTTP requests are made for, and S3 requests signed for.
    ///
    /// Through a port-forward that is the service's own name in the cluster, so that a server which knows its names
    /// takes it for itself.
    pub fn base_url(&self) -> Result<Url> {
        let text = match self {
            Self::Endpoint(url) if matches!(url.scheme(), "http" | "https") => return Ok(url.clone()),
            Self::Endpoint(url) => {
                format!("http://{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80))
            }
            Self::PortForward { namespace, target, port, .. } => match target.split_once('/') {
                Some(("svc" | "service" | "services", name)) => format!("http://{name}.{namespace}.svc:{port}"),
                _ => format!("http://localhost:{port}"),
            },
        };
        Url::parse(&text).map_err(|e| Error::new(Code::Invalid, format!("{text}: {e}")))
    }

    /// Opens a fresh stream.
    pub async fn open(&self) -> Result<Stream> {
        match self {
            Self::PortForward { cluster, namespace, target, port } => {
                let pod = cluster.ready_pod_of(target, namespace, Some(&port.to_string())).await?;
                Ok(Box::new(cluster.port_forward(&pod.namespace, &pod.pod, pod.port).await?))
            }
            Self::Endpoint(url) if url.scheme() == "https" => open_tls(url).await,
            Self::Endpoint(url) => open_tcp(url).await,
        }
    }
}

async fn open_tcp(url: &Url) -> Result<Stream> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(80);
    let stream = TcpStream::connect((host, port)).await.map_err(|e| unreachable(url, &e))?;
    stream.set_nodelay(true).map_err(|e| unreachable(url, &e))?;
    Ok(Box::new(stream))
}

async fn open_tls(url: &Url) -> Result<Stream> {
    let uri: ::http::Uri = url.as_str().parse().map_err(|e| unreachable(url, &e))?;
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    let mut connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_native_roots()
        .map_err(|e| unreachable(url, &e).hint("The system's certificates could not be read"))?
        .https_only()
        .enable_http1()
        .wrap_connector(tcp);
    let stream = connector.call(uri).await.map_err(|e| unreachable(url, &source_of(&*e)))?;
    Ok(Box::new(TokioIo::new(stream)))
}

/// The innermost reason: outer ones only say that connecting failed.
fn source_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

fn unreachable(url: &Url, why: &dyn fmt::Display) -> Error {
    Error::new(Code::Unavailable, format!("no answer from {}: {why}", url.as_str().trim_end_matches('/')))
        .hint("Check the address under `endpoints` in dpb.yaml, and that it can be reached from here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_checked() {
        assert!(Connector::endpoint("db.example.org:5432").is_ok());
        assert!(Connector::endpoint("https://s3.example.org").is_ok());
        for wrong in ["", "tcp://host", "http://user:secret@host", "http://"] {
            assert_eq!(Connector::endpoint(wrong).unwrap_err().code(), Code::Invalid, "{wrong}");
        }
    }

    #[tokio::test]
    async fn nobody_listening_is_said() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = Connector::endpoint(&address.to_string()).unwrap().open().await.err().unwrap();
        assert_eq!(error.code(), Code::Unavailable);
        assert!(error.message().contains(&address.to_string()), "{error}");
    }
}
