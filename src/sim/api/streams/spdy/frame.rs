//! Frames: what travels on a connection.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};

const CONTROL: u16 = 0x8000 | 3;
const FIN: u8 = 1;

pub(super) const SYN_STREAM: u16 = 1;
pub(super) const SYN_REPLY: u16 = 2;
pub(super) const RST_STREAM: u16 = 3;
pub(super) const PING: u16 = 6;
pub(super) const GOAWAY: u16 = 7;

/// A frame as it came in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The client opens a stream; the block is still compressed. `fin`: it will send nothing.
    Open { stream: u32, fin: bool, block: Vec<u8> },
    /// Bytes of a stream; `fin`: the last ones.
    Data { stream: u32, fin: bool, data: Bytes },
    /// A stream is broken off.
    Reset { stream: u32 },
    /// A question whether somebody is there.
    Ping { id: u32 },
    /// No new streams will come.
    GoAway,
    /// Anything that needs no answer: settings, window updates, further headers. A compressed block must be read all
    /// the same.
    Other { block: Option<Vec<u8>> },
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("SPDY frame: {why}"))
}

/// Reads one frame; nothing at the end of the connection.
pub(super) async fn read<R: AsyncRead + Unpin>(io: &mut R) -> io::Result<Option<Frame>> {
    let mut head = [0; 8];
    match io.read_exact(&mut head).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let first = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
    let flags = head[4];
    let length = usize::from(head[5]) << 16 | usize::from(head[6]) << 8 | usize::from(head[7]);
    let mut body = vec![0; length];
    io.read_exact(&mut body).await?;
    let fin = flags & FIN != 0;
    if first >> 31 == 0 {
        return Ok(Some(Frame::Data { stream: first, fin, data: body.into() }));
    }
    if head[..2] != CONTROL.to_be_bytes() {
        return Err(broken("not of version 3"));
    }
    let number = |at: usize| {
        let bytes = body.get(at..at + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        bytes.map(u32::from_be_bytes).ok_or_else(|| broken("ends too early"))
    };
    let after = |at: usize| body.get(at..).map(<[u8]>::to_vec).ok_or_else(|| broken("ends too early"));
    let frame = match u16::from_be_bytes([head[2], head[3]]) {
        SYN_STREAM => Frame::Open { stream: number(0)? & 0x7fff_ffff, fin, block: after(10)? },
        RST_STREAM => Frame::Reset { stream: number(0)? & 0x7fff_ffff },
        PING => Frame::Ping { id: number(0)? },
        GOAWAY => Frame::GoAway,
        SYN_REPLY | 8 => Frame::Other { block: Some(after(4)?) },
        4 | 9 => Frame::Other { block: None },
        _ => return Err(broken("of an unknown kind")),
    };
    Ok(Some(frame))
}

/// A control frame.
pub(super) fn control(kind: u16, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(body.len() + 8);
    frame.extend(CONTROL.to_be_bytes());
    frame.extend(kind.to_be_bytes());
    frame.extend(length(flags, body.len()));
    frame.extend(body);
    frame
}

/// The head of a data frame; at most 16 MiB fit into one.
pub(super) fn data(stream: u32, fin: bool, count: usize) -> Vec<u8> {
    let mut frame = stream.to_be_bytes().to_vec();
    frame.extend(length(u8::from(fin), count));
    frame
}

fn length(flags: u8, count: usize) -> [u8; 4] {
    let [_, a, b, c] = u32::try_from(count).unwrap_or_default().to_be_bytes();
    [flags, a, b, c]
}
