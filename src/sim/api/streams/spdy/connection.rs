//! A connection and its streams.

use std::collections::{BTreeMap, HashMap};
use std::io;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use crate::sim::api::streams::backends::BoxedIo;

use super::frame::{self, Frame, PING, RST_STREAM, SYN_REPLY};
use super::headers::{Reader, Writer};

/// `CANCEL` of a stream that is broken off.
const CANCEL: u32 = 5;
/// `PROTOCOL_ERROR`.
const PROTOCOL_ERROR: u32 = 1;
/// Bytes in one data frame.
const PIECE: usize = 64 * 1024;
/// Frames that may wait in each direction.
const QUEUE: usize = 64;

enum Out {
    Reply(u32),
    Data(u32, Bytes),
    Fin(u32),
    Reset(u32, u32),
    Ping(u32),
}

/// The server's side of a connection; ends with the value.
pub(in crate::sim::api::streams) struct Connection {
    opened: mpsc::Receiver<Stream>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    /// Serves a connection that was switched to SPDY.
    pub(in crate::sim::api::streams) fn serve(io: BoxedIo) -> Self {
        let (sender, opened) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            let (read, write) = tokio::io::split(io);
            let (out, outgoing) = mpsc::channel(QUEUE);
            tokio::select! {
                _ = receive(read, out, sender) => {}
                _ = transmit(write, outgoing) => {}
            }
        });
        Self { opened, task }
    }

    /// The next stream that the client opens; nothing once the connection is over.
    pub(in crate::sim::api::streams) async fn accept(&mut self) -> Option<Stream> {
        self.opened.recv().await
    }
}

/// A stream that the client opened.
pub(in crate::sim::api::streams) struct Stream {
    id: u32,
    headers: BTreeMap<String, String>,
    input: mpsc::Receiver<Bytes>,
    out: mpsc::Sender<Out>,
}

impl Stream {
    /// A header of the opening frame, by its name in lower case.
    pub(in crate::sim::api::streams) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    /// What the client sends; nothing after its last.
    pub(in crate::sim::api::streams) async fn receive(&mut self) -> Option<Bytes> {
        self.input.recv().await
    }

    /// Sends to the client.
    pub(in crate::sim::api::streams) async fn send(&self, data: Vec<u8>) {
        self.sender().send(data.into()).await;
    }

    /// A handle that sends, beside one that receives.
    pub(in crate::sim::api::streams) fn sender(&self) -> Sender {
        Sender { id: self.id, out: self.out.clone() }
    }

    /// Says that nothing more will be sent.
    pub(in crate::sim::api::streams) async fn finish(&self) {
        let _ = self.out.send(Out::Fin(self.id)).await;
    }

    /// Breaks the stream off.
    pub(in crate::sim::api::streams) async fn reset(&self) {
        let _ = self.out.send(Out::Reset(self.id, CANCEL)).await;
    }
}

/// Sends on a stream.
pub(in crate::sim::api::streams) struct Sender {
    id: u32,
    out: mpsc::Sender<Out>,
}

impl Sender {
    /// Whether somebody still takes it.
    pub(in crate::sim::api::streams) async fn send(&self, mut data: Bytes) -> bool {
        while !data.is_empty() {
            let piece = data.split_to(data.len().min(PIECE));
            if self.out.send(Out::Data(self.id, piece)).await.is_err() {
                return false;
            }
        }
        true
    }
}

async fn receive(mut io: ReadHalf<BoxedIo>, out: mpsc::Sender<Out>, opened: mpsc::Sender<Stream>) -> io::Result<()> {
    let mut blocks = Reader::new();
    let mut inputs: HashMap<u32, mpsc::Sender<Bytes>> = HashMap::new();
    let mut opened = Some(opened);
    while let Some(frame) = frame::read(&mut io).await? {
        match frame {
            Frame::Open { stream, fin, block } => {
                let headers = blocks.read(&block)?;
                let Some(to) = opened.as_ref().filter(|_| stream % 2 == 1 && !inputs.contains_key(&stream)) else {
                    let _ = out.send(Out::Reset(stream, PROTOCOL_ERROR)).await;
                    continue;
                };
                let (sender, input) = mpsc::channel(QUEUE);
                if !fin {
                    inputs.insert(stream, sender);
                }
                let _ = out.send(Out::Reply(stream)).await;
                if to.send(Stream { id: stream, headers, input, out: out.clone() }).await.is_err() {
                    return Ok(());
                }
            }
            Frame::Data { stream, fin, data } => {
                if let Some(input) = inputs.get(&stream)
                    && !data.is_empty()
                {
                    let _ = input.send(data).await;
                }
                if fin {
                    inputs.remove(&stream);
                }
            }
            Frame::Reset { stream } => {
                inputs.remove(&stream);
            }
            Frame::Ping { id } if id % 2 == 1 => {
                let _ = out.send(Out::Ping(id)).await;
            }
            Frame::GoAway => opened = None,
            Frame::Other { block: Some(block) } => {
                blocks.read(&block)?;
            }
            Frame::Ping { .. } | Frame::Other { block: None } => {}
        }
    }
    Ok(())
}

async fn transmit(mut io: WriteHalf<BoxedIo>, mut outgoing: mpsc::Receiver<Out>) -> io::Result<()> {
    let mut blocks = Writer::new()?;
    while let Some(out) = outgoing.recv().await {
        send(&mut io, &mut blocks, out).await?;
        if outgoing.is_empty() {
            io.flush().await?;
        }
    }
    Ok(())
}

async fn send<W: AsyncWrite + Unpin>(io: &mut W, blocks: &mut Writer, out: Out) -> io::Result<()> {
    let numbers = |a: u32, b: u32| [a.to_be_bytes(), b.to_be_bytes()].concat();
    match out {
        Out::Reply(stream) => {
            let body = [stream.to_be_bytes().to_vec(), blocks.write(&[])?].concat();
            io.write_all(&frame::control(SYN_REPLY, 0, &body)).await
        }
        Out::Data(stream, data) => {
            io.write_all(&frame::data(stream, false, data.len())).await?;
            io.write_all(&data).await
        }
        Out::Fin(stream) => io.write_all(&frame::data(stream, true, 0)).await,
        Out::Reset(stream, why) => io.write_all(&frame::control(RST_STREAM, 0, &numbers(stream, why))).await,
        Out::Ping(id) => io.write_all(&frame::control(PING, 0, &id.to_be_bytes())).await,
    }
}
