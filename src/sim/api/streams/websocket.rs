//! `WebSockets`: the handshake, and a stream of bytes within one.

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::{HeaderMap, Response, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::answer::{Body, bare, switched};
use super::backends::BoxedIo;

/// A WebSocket to a client.
pub(super) type Socket = WebSocketStream<BoxedIo>;

/// Whether a request asks for this protocol.
pub(super) fn asks_for(headers: &HeaderMap, protocol: &str) -> bool {
    let has = |name: header::HeaderName, wanted: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(wanted))
    };
    has(header::CONNECTION, "upgrade") && has(header::UPGRADE, protocol)
}

/// The first protocol of the client that is served; the refusal if there is none.
pub(super) fn negotiate(headers: &HeaderMap, served: &[&'static str]) -> Result<&'static str, Response<Body>> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let mut offered = offered.flat_map(|value| value.split(',')).map(str::trim);
    let chosen = offered.find_map(|offer| served.iter().find(|name| **name == offer));
    chosen.copied().ok_or_else(|| bare(StatusCode::FORBIDDEN))
}

/// The answer that accepts.
pub(super) fn accept(headers: &HeaderMap, protocol: &str) -> Response<Body> {
    let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY) else { return bare(StatusCode::BAD_REQUEST) };
    switched(&[
        ("upgrade", "websocket".into()),
        ("sec-websocket-accept", derive_accept_key(key.as_bytes())),
        ("sec-websocket-protocol", protocol.into()),
    ])
}

/// The WebSocket on a connection that was upgraded.
pub(super) async fn socket(io: BoxedIo) -> Socket {
    WebSocketStream::from_raw_socket(io, Role::Server, None).await
}

/// A binary message of a channel.
pub(super) fn message(channel: u8, data: &[u8]) -> Message {
    let mut bytes = Vec::with_capacity(data.len() + 1);
    bytes.push(channel);
    bytes.extend(data);
    Message::Binary(Bytes::from(bytes))
}

/// The normal end: without a code, kubectl takes it for a fault.
pub(super) fn close() -> Message {
    Message::Close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))
}

/// A stream whose bytes travel in binary messages.
pub(super) fn tunnel(socket: Socket) -> DuplexStream {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (mut sink, mut source) = socket.split();
    let (mut read, mut write) = tokio::io::split(far);
    tokio::spawn(async move {
        let out = async {
            let mut buffer = vec![0; 32 * 1024];
            while let Ok(count @ 1..) = read.read(&mut buffer).await {
                if sink.send(Message::Binary(Bytes::copy_from_slice(&buffer[..count]))).await.is_err() {
                    break;
                }
            }
            let _ = sink.send(close()).await;
        };
        let into = async {
            while let Some(Ok(message)) = source.next().await {
                let Message::Binary(bytes) = message else {
                    if message.is_close() {
                        break;
                    }
                    continue;
                };
                if write.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            let _ = write.shutdown().await;
        };
        tokio::join!(out, into);
    });
    near
}
