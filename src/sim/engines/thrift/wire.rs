//! The binary protocol, strict and unframed: calls in, answers out.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::probe::thrift::codes::{
    BOOL, BYTE, CALL, DOUBLE, I16, I32, I64, LIST, MAP, SET, STOP, STRUCT, TEXT, VERSION,
};

/// No call is larger.
const LONGEST: u32 = 1 << 20;
const DEEPEST: u8 = 16;

/// A value of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Int(i32),
    Text(String),
    Texts(Vec<String>),
    /// A map of texts.
    Pairs(Vec<(String, String)>),
    /// Fields by id.
    Struct(Vec<(i16, Value)>),
}

/// A call: its name, its sequence number, and the arguments that are texts, by field id.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) sequence: u32,
    pub(super) arguments: Vec<(i16, String)>,
    /// Whether there are others too.
    pub(super) others: bool,
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("thrift: {why}"))
}

/// Reads one call; nothing at the end of the connection.
pub(super) async fn read<R: AsyncRead + Unpin + Send>(io: &mut R) -> io::Result<Option<Call>> {
    let head = match io.read_u32().await {
        Ok(head) => head,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    if head != VERSION | u32::from(CALL) {
        return Err(broken(&format!("not a call: it starts with {head:#010x}")));
    }
    let method = text(io).await?;
    let mut call = Call { method, sequence: io.read_u32().await?, arguments: Vec::new(), others: false };
    loop {
        match io.read_u8().await? {
            STOP => return Ok(Some(call)),
            TEXT => {
                let id = io.read_i16().await?;
                call.arguments.push((id, text(io).await?));
            }
            kind => {
                io.read_i16().await?;
                skip(io, kind, 0).await?;
                call.others = true;
            }
        }
    }
}

async fn text<R: AsyncRead + Unpin + Send>(io: &mut R) -> io::Result<String> {
    let length = io.read_u32().await?;
    if length > LONGEST {
        return Err(broken(&format!("a text of {length} bytes")));
    }
    let mut bytes = vec![0; length as usize];
    io.read_exact(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads over a value.
async fn skip<R: AsyncRead + Unpin + Send>(io: &mut R, kind: u8, depth: u8) -> io::Result<()> {
    if depth > DEEPEST {
        return Err(broken("nested too deeply"));
    }
    let fixed = match kind {
        BOOL | BYTE => 1,
        I16 => 2,
        I32 => 4,
        I64 | DOUBLE => 8,
        TEXT => {
            text(io).await?;
            0
        }
        STRUCT => {
            loop {
                let kind = io.read_u8().await?;
                if kind == STOP {
                    break;
                }
                io.read_i16().await?;
                Box::pin(skip(io, kind, depth + 1)).await?;
            }
            0
        }
        MAP | SET | LIST => {
            let first = io.read_u8().await?;
            let second = if kind == MAP { Some(io.read_u8().await?) } else { None };
            let count = io.read_u32().await?;
            if count > LONGEST {
                return Err(broken(&format!("a list of {count} items")));
            }
            for _ in 0..count {
                for kind in std::iter::once(first).chain(second) {
                    Box::pin(skip(io, kind, depth + 1)).await?;
                }
            }
            0
        }
        other => return Err(broken(&format!("a value of type {other}"))),
    };
    let mut bytes = [0; 8];
    io.read_exact(&mut bytes[..fixed]).await?;
    Ok(())
}

/// An answer to a call.
pub(super) fn answer(kind: u8, call: &Call, fields: &[(i16, Value)]) -> Vec<u8> {
    let mut out = (VERSION | u32::from(kind)).to_be_bytes().to_vec();
    write_text(&mut out, &call.method);
    out.extend(call.sequence.to_be_bytes());
    write_fields(&mut out, fields);
    out
}

fn write_length(out: &mut Vec<u8>, length: usize) {
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_length(out, text.len());
    out.extend(text.as_bytes());
}

fn write_fields(out: &mut Vec<u8>, fields: &[(i16, Value)]) {
    for (id, value) in fields {
        out.push(match value {
            Value::Int(_) => I32,
            Value::Text(_) => TEXT,
            Value::Texts(_) => LIST,
            Value::Pairs(_) => MAP,
            Value::Struct(_) => STRUCT,
        });
        out.extend(id.to_be_bytes());
        match value {
            Value::Int(number) => out.extend(number.to_be_bytes()),
            Value::Text(text) => write_text(out, text),
            Value::Texts(texts) => {
                out.push(TEXT);
                write_length(out, texts.len());
                for text in texts {
                    write_text(out, text);
                }
            }
            Value::Pairs(pairs) => {
                out.extend([TEXT, TEXT]);
                write_length(out, pairs.len());
                for (key, value) in pairs {
                    write_text(out, key);
                    write_text(out, value);
                }
            }
            Value::Struct(fields) => write_fields(out, fields),
        }
    }
    out.push(STOP);
}
