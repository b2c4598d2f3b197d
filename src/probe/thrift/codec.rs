//! The binary protocol (Apache Thrift, `thrift-binary-protocol.md`): big-endian, a strict message header.

use super::codes::{
    BOOL, BYTE, CALL, DOUBLE, EXCEPTION, I16, I32, I64, LIST, MAP, REPLY, SET, STOP, STRUCT, TEXT, VERSION,
};
use super::value::{Struct, Value};
use crate::error::{Code, Error, Result};

const DEEPEST: usize = 32;
/// 64 MiB: no answer of a metadata query is larger.
const LONGEST: usize = 64 * 1024 * 1024;

/// Why bytes are no message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// More bytes have to come.
    Short,
    /// They can't become one.
    Wrong(String),
}

/// An answer.
#[derive(Debug)]
pub(super) struct Message {
    kind: u8,
    name: String,
    body: Struct,
}

impl Message {
    /// Its body, or the protocol's own exception (`TApplicationException`) as an error.
    pub(super) fn into_result(self, method: &str) -> Result<Struct> {
        if self.kind == EXCEPTION {
            let text = self.body.text(1).unwrap_or_else(|| "no message".to_owned());
            let error = Error::new(Code::Failed, format!("TApplicationException: {text}"));
            // 1 = UNKNOWN_METHOD
            return Err(match self.body.field(2) {
                Some(Value::Int(1)) => {
                    error.hint("This server does not have that method (Hive 4.0.1 and later lack get_table)")
                }
                _ => error,
            });
        }
        if self.name == method {
            Ok(self.body)
        } else {
            Err(Error::new(Code::Failed, format!("the answer belongs to another call, {}", self.name)))
        }
    }
}

/// Writes a call whose arguments are all strings, by field id.
pub(super) fn write_call(method: &str, arguments: &[(i16, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend((VERSION | u32::from(CALL)).to_be_bytes());
    write_text(&mut out, method);
    out.extend(1_i32.to_be_bytes());
    for (id, text) in arguments {
        out.push(TEXT);
        out.extend(id.to_be_bytes());
        write_text(&mut out, text);
    }
    out.push(STOP);
    out
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(text.as_bytes());
}

/// Reads one whole answer.
pub(super) fn read_message(bytes: &[u8]) -> std::result::Result<Message, Fault> {
    let mut reader = Reader { rest: bytes };
    let header = reader.u32()?;
    if header & 0xffff_0000 != VERSION {
        return Err(Fault::Wrong(format!("it starts with {header:#010x}")));
    }
    let kind = (header & 0xff) as u8;
    if kind != REPLY && kind != EXCEPTION {
        return Err(Fault::Wrong(format!("message type {kind}")));
    }
    let name = String::from_utf8_lossy(reader.text()?).into_owned();
    reader.u32()?;
    let body = reader.structure(0)?;
    Ok(Message { kind, name, body })
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> std::result::Result<&'a [u8], Fault> {
        if count > LONGEST {
            return Err(Fault::Wrong(format!("a value of {count} bytes")));
        }
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Fault::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> std::result::Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| Fault::Short)
    }

    fn u8(&mut self) -> std::result::Result<u8, Fault> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> std::result::Result<u32, Fault> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn text(&mut self) -> std::result::Result<&'a [u8], Fault> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    fn structure(&mut self, depth: usize) -> std::result::Result<Struct, Fault> {
        let mut fields = Vec::new();
        loop {
            let kind = self.u8()?;
            if kind == STOP {
                return Ok(Struct(fields));
            }
            let id = i16::from_be_bytes(self.array()?);
            fields.push((id, self.value(kind, depth)?));
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> std::result::Result<Value, Fault> {
        if depth > DEEPEST {
            return Err(Fault::Wrong("nested too deeply".to_owned()));
        }
        Ok(match kind {
            BOOL => Value::Bool(self.u8()? != 0),
            BYTE => Value::Int(i64::from(i8::from_be_bytes(self.array()?))),
            DOUBLE => Value::Double(f64::from_be_bytes(self.array()?)),
            I16 => Value::Int(i64::from(i16::from_be_bytes(self.array()?))),
            I32 => Value::Int(i64::from(i32::from_be_bytes(self.array()?))),
            I64 => Value::Int(i64::from_be_bytes(self.array()?)),
            TEXT => Value::Text(self.text()?.to_vec()),
            STRUCT => Value::Struct(self.structure(depth + 1)?),
            MAP => {
                let (key, value) = (self.u8()?, self.u8()?);
                let count = self.count()?;
                let mut map = Vec::new();
                for _ in 0..count {
                    map.push((self.value(key, depth + 1)?, self.value(value, depth + 1)?));
                }
                Value::Map(map)
            }
            SET | LIST => {
                let item = self.u8()?;
                let count = self.count()?;
                let mut list = Vec::new();
                for _ in 0..count {
                    list.push(self.value(item, depth + 1)?);
                }
                Value::List(list)
            }
            other => return Err(Fault::Wrong(format!("a value of type {other}"))),
        })
    }

    fn count(&mut self) -> std::result::Result<usize, Fault> {
        let count = self.u32()? as usize;
        if count > LONGEST { Err(Fault::Wrong(format!("a list of {count}"))) } else { Ok(count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The call that Apache Thrift's Python library writes for `get_database("default")`, sequence 1.
    #[test]
    fn a_call_has_the_bytes_of_the_specification() {
        let bytes = write_call("get_database", &[(1, "default")]);
        let mut expected = vec![0x80, 0x01, 0x00, 0x01, 0, 0, 0, 12];
        expected.extend(b"get_database");
        expected.extend([0, 0, 0, 1, 11, 0, 1, 0, 0, 0, 7]);
        expected.extend(b"default");
        expected.push(0);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn a_message_is_short_at_every_byte_before_its_last() {
        let mut bytes = vec![0x80, 0x01, 0x00, 0x02, 0, 0, 0, 1, b'm', 0, 0, 0, 1];
        bytes.extend([15, 0, 0, 11, 0, 0, 0, 2, 0, 0, 0, 1, b'a', 0, 0, 0, 1, b'b', 0]);
        for end in 0..bytes.len() {
            assert_eq!(read_message(&bytes[..end]).unwrap_err(), Fault::Short, "{end}");
        }
        let body = read_message(&bytes).unwrap().into_result("m").unwrap();
        assert_eq!(body.field(0), Some(&Value::List(vec![Value::Text(b"a".to_vec()), Value::Text(b"b".to_vec())])));
    }

    #[test]
    fn nonsense_is_refused_not_waited_for() {
        assert!(matches!(read_message(b"HTTP/1.1 400 Bad Request"), Err(Fault::Wrong(_))));
        let mut endless = vec![0x80, 0x01, 0x00, 0x02, 0, 0, 0, 1, b'm', 0, 0, 0, 1];
        for _ in 0..40 {
            endless.extend([STRUCT, 0, 1]);
        }
        assert!(matches!(read_message(&endless), Err(Fault::Wrong(_))));
    }
}
