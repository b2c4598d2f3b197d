//! One large list of pods, folded pod by pod as it arrives: protobuf where the server speaks it, JSON otherwise.
//!
//! Frame of a protobuf list: `k8s\0`, then `runtime.Unknown` whose field 2 is the list, whose field 2 is one item each.

use bytes::{Buf as _, BytesMut};
use http_body_util::BodyExt as _;
use prost::Message as _;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::error::{Code, Error, Result};

use super::requests::{Shape, shape_of_pod};
use super::selector::labels_of;
use super::term::Rules;
use super::wire;

const PATH: &str = "/api/v1/pods?resourceVersion=0";
const ACCEPT: &str = "application/vnd.kubernetes.protobuf, application/json;q=0.9";
const MAGIC: &[u8] = b"k8s\0";
/// A list or an item: field 2, length-delimited.
const FIELD_2: u64 = (2 << 3) | 2;

/// What room needs to know of one pod.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) node: String,
    pub(crate) phase: String,
    pub(crate) terminating: bool,
    pub(crate) shape: Shape,
    pub(crate) rules: Rules,
    /// The node that is being made free for it.
    pub(crate) nominated: String,
}

/// Calls `each` for every pod of the cluster. The list is never held as a whole when the server speaks protobuf.
pub(crate) async fn each_pod(cluster: &Cluster, mut each: impl FnMut(Listed)) -> Result<()> {
    let response = cluster.raw(PATH, ACCEPT).await?;
    let kind = response.headers().get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let protobuf = kind.starts_with("application/vnd.kubernetes.protobuf");
    let mut body = response.into_body();
    let mut frames = Frames::default();
    let mut json = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| Error::new(Code::Unavailable, format!("the list of pods broke off: {e}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if protobuf {
            frames.feed(&data, |pod| each(from_wire(&pod)))?;
        } else {
            json.extend_from_slice(&data);
        }
    }
    if protobuf {
        return frames.end();
    }
    let list: Value = serde_json::from_slice(&json).map_err(|e| broken(&e.to_string()))?;
    for pod in list.get("items").and_then(Value::as_array).into_iter().flatten() {
        each(from_json(pod));
    }
    Ok(())
}

fn broken(reason: &str) -> Error {
    Error::new(Code::Unavailable, format!("the list of pods can't be read: {reason}"))
}

/// Takes a protobuf list apart while it arrives.
#[derive(Default)]
struct Frames {
    buffer: BytesMut,
    state: State,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Magic,
    /// Before the list: fields of `runtime.Unknown`.
    Envelope,
    /// Inside the list, so many bytes before its end.
    List(u64),
    /// Whatever follows is skipped.
    After,
}

impl Frames {
    fn feed(&mut self, data: &[u8], mut each: impl FnMut(wire::Pod)) -> Result<()> {
        self.buffer.extend_from_slice(data);
        loop {
            match self.state {
                State::Magic => {
                    if self.buffer.len() < MAGIC.len() {
                        return Ok(());
                    }
                    if &self.buffer[..MAGIC.len()] != MAGIC {
                        return Err(broken("it does not start as Kubernetes' protobuf does"));
                    }
                    self.buffer.advance(MAGIC.len());
                    self.state = State::Envelope;
                }
                State::Envelope => {
                    let Some(head) = Head::read(&self.buffer)? else { return Ok(()) };
                    if head.key == FIELD_2 {
                        self.buffer.advance(head.size);
                        self.state = State::List(head.length);
                    } else if !self.take(&head) {
                        return Ok(());
                    }
                }
                State::List(0) => self.state = State::After,
                State::List(left) => {
                    let Some(head) = Head::read(&self.buffer)? else { return Ok(()) };
                    let whole = head.size as u64 + head.length;
                    if whole > left {
                        return Err(broken("an item is longer than the list"));
                    }
                    if self.buffer.len() < head.end()? {
                        return Ok(());
                    }
                    self.buffer.advance(head.size);
                    let item = self.buffer.split_to(head.end()? - head.size);
                    if head.key == FIELD_2 {
                        each(wire::Pod::decode(item).map_err(|e| broken(&e.to_string()))?);
                    }
                    self.state = State::List(left - whole);
                }
                State::After => {
                    self.buffer.clear();
                    return Ok(());
                }
            }
        }
    }

    /// Skips one field, if all of it has arrived.
    fn take(&mut self, head: &Head) -> bool {
        let Ok(end) = head.end() else { return false };
        if self.buffer.len() < end {
            return false;
        }
        self.buffer.advance(end);
        true
    }

    fn end(&self) -> Result<()> {
        match self.state {
            State::After | State::List(0) => Ok(()),
            // An empty list may be left out of the envelope.
            State::Envelope if self.buffer.is_empty() => Ok(()),
            _ => Err(Error::new(Code::Unavailable, "the list of pods ended in the middle")),
        }
    }
}

/// Key of a field, its size on the wire, and the length of its value.
struct Head {
    key: u64,
    size: usize,
    length: u64,
}

impl Head {
    fn read(buffer: &[u8]) -> Result<Option<Self>> {
        let Some((key, key_size)) = varint(buffer)? else { return Ok(None) };
        let Some((value, value_size)) = varint(&buffer[key_size..])? else { return Ok(None) };
        match key & 7 {
            0 => Ok(Some(Self { key, size: key_size + value_size, length: 0 })),
            2 => Ok(Some(Self { key, size: key_size + value_size, length: value })),
            other => Err(broken(&format!("wire type {other} in a list"))),
        }
    }

    fn end(&self) -> Result<usize> {
        let length = usize::try_from(self.length).map_err(|_| broken("an item is too long"))?;
        self.size.checked_add(length).ok_or_else(|| broken("an item is too long"))
    }
}

fn varint(buffer: &[u8]) -> Result<Option<(u64, usize)>> {
    let mut value = 0_u64;
    for (i, byte) in buffer.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Ok(Some((value, i + 1)));
        }
    }
    if buffer.len() >= 10 { Err(broken("a number is too long")) } else { Ok(None) }
}

fn from_wire(pod: &wire::Pod) -> Listed {
    let metadata = pod.metadata.clone().unwrap_or_default();
    let rules = pod.spec.as_ref().map(|spec| spec.rules(&metadata.namespace)).unwrap_or_default();
    Listed {
        rules,
        namespace: metadata.namespace,
        name: metadata.name,
        labels: metadata.labels.into_iter().collect(),
        node: pod.spec.as_ref().map(|s| s.node_name.clone()).unwrap_or_default(),
        nominated: pod.status.as_ref().map(|s| s.nominated.clone()).unwrap_or_default(),
        phase: pod.status.as_ref().map(|s| s.phase.clone()).unwrap_or_default(),
        terminating: metadata.deletion_timestamp.is_some(),
        shape: pod.shape(),
    }
}

pub(crate) fn from_json(pod: &Value) -> Listed {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
    let labels = labels_of(pod.pointer("/metadata/labels"));
    let rules = pod.get("spec").map(|spec| Rules::read(spec, &text("/metadata/namespace"), &labels));
    Listed {
        rules: rules.unwrap_or_default(),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name"),
        labels: labels.into_iter().collect(),
        node: text("/spec/nodeName"),
        phase: text("/status/phase"),
        nominated: text("/status/nominatedNodeName"),
        terminating: !text("/metadata/deletionTimestamp").is_empty(),
        shape: shape_of_pod(pod),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str) -> wire::Pod {
        wire::Pod {
            metadata: Some(wire::Metadata { name: name.into(), ..wire::Metadata::default() }),
            ..wire::Pod::default()
        }
    }

    fn field(key: u64, value: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        prost::encoding::encode_varint(key, &mut out);
        prost::encoding::encode_varint(value.len() as u64, &mut out);
        out.extend_from_slice(value);
        out
    }

    fn list(names: &[&str]) -> Vec<u8> {
        let mut raw = field((1 << 3) | 2, b"");
        for name in names {
            raw.extend(field(FIELD_2, &pod(name).encode_to_vec()));
        }
        let mut out = MAGIC.to_vec();
        out.extend(field((1 << 3) | 2, b"\x0a\x02v1"));
        out.extend(field(FIELD_2, &raw));
        out.extend(field((4 << 3) | 2, b"type"));
        out
    }

    #[test]
    fn a_list_is_read_however_it_is_cut() {
        let whole = list(&["a", "b", "a-longer-name"]);
        for size in 1..whole.len() {
            let mut frames = Frames::default();
            let mut names = Vec::new();
            for chunk in whole.chunks(size) {
                frames.feed(chunk, |pod| names.push(pod.metadata.unwrap().name)).unwrap();
            }
            frames.end().unwrap();
            assert_eq!(names, ["a", "b", "a-longer-name"], "in pieces of {size}");
        }
    }

    #[test]
    fn a_list_that_ends_early_or_is_none_is_an_error() {
        let whole = list(&["a", "b"]);
        let mut frames = Frames::default();
        frames.feed(&whole[..whole.len() - 12], |_| {}).unwrap();
        assert_eq!(frames.end().unwrap_err().message(), "the list of pods ended in the middle");
        assert!(Frames::default().feed(b"{\"kind\":\"List\"}", |_| {}).is_err());
    }
}
