//! `…/pods/NAME/portforward`: connections to ports of a pod.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::backends::{Backends, BoxedIo};
use super::spdy::{self, Stream};
use super::websocket;

/// Numbered channels, two a port.
pub(super) const CHANNELS: &str = "v4.channel.k8s.io";
/// SPDY within a WebSocket.
pub(super) const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";
/// The protocol on SPDY.
pub(super) const SPDY: &str = "portforward.k8s.io";

/// The pod whose ports are asked for.
#[derive(Clone)]
pub(super) struct Pod {
    pub(super) backends: Arc<dyn Backends>,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
}

impl Pod {
    fn connect(&self, port: u16) -> Result<BoxedIo, String> {
        self.backends.port(&self.namespace, &self.name, port).ok_or_else(|| {
            format!(
                "error forwarding port {port} to pod {}, uid {}: failed to connect to localhost:{port} inside namespace, \
                 IPv4: dial tcp4 127.0.0.1:{port}: connect: connection refused IPv6 dial tcp6 [::1]:{port}: connect: connection refused",
                self.name, self.uid
            )
        })
    }
}

/// Serves ports on numbered channels: data on every even one, errors on the odd one after it.
pub(super) async fn over_channels(io: BoxedIo, pod: Pod, ports: Vec<u16>) {
    let (mut sink, mut source) = websocket::socket(io).await.split();
    let (out, mut outgoing) = mpsc::channel::<Message>(16);
    let mut writers = HashMap::new();
    for (index, port) in ports.into_iter().enumerate() {
        let Ok(data) = u8::try_from(2 * index) else { break };
        for channel in [data, data + 1] {
            if sink.send(websocket::message(channel, &port.to_le_bytes())).await.is_err() {
                return;
            }
        }
        match pod.connect(port) {
            Ok(io) => {
                let (mut read, write) = tokio::io::split(io);
                writers.insert(data, write);
                let out = out.clone();
                tokio::spawn(async move {
                    let mut buffer = vec![0; 32 * 1024];
                    while let Ok(count @ 1..) = read.read(&mut buffer).await {
                        if out.send(websocket::message(data, &buffer[..count])).await.is_err() {
                            break;
                        }
                    }
                });
            }
            Err(why) => {
                if sink.send(websocket::message(data + 1, why.as_bytes())).await.is_err() {
                    return;
                }
            }
        }
    }
    drop(out);
    let sending = async {
        while let Some(message) = outgoing.recv().await {
            if sink.send(message).await.is_err() {
                return;
            }
        }
        let _ = sink.send(websocket::close()).await;
    };
    let receiving = async {
        while let Some(Ok(message)) = source.next().await {
            let Message::Binary(bytes) = message else {
                if message.is_close() {
                    break;
                }
                continue;
            };
            let Some((channel, data)) = bytes.split_first() else { continue };
            if let Some(write) = writers.get_mut(channel)
                && (write.write_all(data).await.is_err() || write.flush().await.is_err())
            {
                writers.remove(channel);
            }
        }
        for write in writers.values_mut() {
            let _ = write.shutdown().await;
        }
    };
    tokio::select! {
        () = sending => {}
        () = receiving => {}
    }
}

/// Serves ports on SPDY: for each connection the client opens an error stream and a data stream with one request id.
pub(super) async fn over_spdy(io: BoxedIo, pod: Pod) {
    let mut connection = spdy::Connection::serve(io);
    let mut waiting: HashMap<String, Stream> = HashMap::new();
    while let Some(stream) = connection.accept().await {
        let id = stream.header("requestid").to_owned();
        match (stream.header("streamtype"), waiting.remove(&id)) {
            ("data", Some(errors)) => {
                tokio::spawn(carry(pod.clone(), stream, errors));
            }
            ("error", Some(data)) => {
                tokio::spawn(carry(pod.clone(), data, stream));
            }
            ("data" | "error", None) => {
                waiting.insert(id, stream);
            }
            _ => stream.reset().await,
        }
    }
}

async fn carry(pod: Pod, mut data: Stream, errors: Stream) {
    let port = data.header("port");
    let connected = match port.parse::<u16>() {
        Ok(number) => pod.connect(number),
        Err(_) => Err(format!("unable to parse \"{port}\" as a port")),
    };
    match connected {
        Err(why) => errors.send(why.into_bytes()).await,
        Ok(io) => {
            let (mut read, mut write) = tokio::io::split(io);
            let back = data.sender();
            let from_pod = async {
                let mut buffer = vec![0; 32 * 1024];
                while let Ok(count @ 1..) = read.read(&mut buffer).await {
                    if !back.send(Bytes::copy_from_slice(&buffer[..count])).await {
                        break;
                    }
                }
            };
            let to_pod = async {
                while let Some(bytes) = data.receive().await {
                    if write.write_all(&bytes).await.is_err() || write.flush().await.is_err() {
                        break;
                    }
                }
                let _ = write.shutdown().await;
            };
            // The connection is over when the pod's side ends it; a client that has said all still waits for the answer.
            tokio::select! {
                () = from_pod => {}
                () = async {
                    to_pod.await;
                    std::future::pending::<()>().await;
                } => {}
            }
        }
    }
    data.finish().await;
    errors.finish().await;
}
