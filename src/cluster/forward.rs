//! A connection to a port of a pod, through the API server.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::error::{Code, Error, Result};

use super::ask::Ask;
use super::connect::Cluster;
use super::path::segment;

type Complaint = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// A byte stream to a port of a pod. Closes when dropped.
///
/// The server can tell of a port that nobody listens on only after the stream is open: reading then fails with its words.
pub struct Tunnel {
    stream: DuplexStream,
    complaint: Option<Complaint>,
    forwarder: kube::api::Portforwarder,
}

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tunnel")
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

impl Tunnel {
    /// What the server complained about, if it did: nobody listens there, for one.
    fn complaint(&mut self, context: &mut Context<'_>) -> Option<String> {
        let complaint = self.complaint.as_mut()?;
        match complaint.poll_unpin(context) {
            Poll::Ready(said) => {
                self.complaint = None;
                said.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            Poll::Pending => None,
        }
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let nothing =
            matches!(read, Poll::Pending) || (matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() == before);
        if nothing && let Some(said) = self.complaint(context) {
            return Poll::Ready(Err(std::io::Error::new(std::io::ErrorKind::ConnectionRefused, said)));
        }
        read
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Cluster {
    /// Opens a stream to a port of a pod; a number as the pod knows it. For `svc/x` and its like, see
    /// [`Cluster::ready_pod_of`].
    pub async fn port_forward(&self, namespace: &str, pod: &str, port: u16) -> Result<Tunnel> {
        let ask = Ask::core("create", "Pod", "pods", segment("namespace", namespace)?, segment("name", pod)?)
            .sub("portforward");
        let pods: Api<Pod> = Api::namespaced(self.client(), namespace);
        let transport = &self.inner.transport;
        let open = async {
            pods.portforward(pod, &[port])
                .await
                .map_err(|e| super::answer::unanswered(&ask, &transport.server, &transport.context, &e))
        };
        let mut forwarder = transport.bounded(&ask, open).await?;
        let complaint = forwarder.take_error(port).map(|c| -> Complaint { Box::pin(c) });
        let Some(stream) = forwarder.take_stream(port) else {
            return Err(Error::new(Code::Internal, format!("no stream for port {port} of Pod {namespace}/{pod}")));
        };
        Ok(Tunnel { stream, complaint, forwarder })
    }
}
