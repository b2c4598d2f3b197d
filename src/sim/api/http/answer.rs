//! How answers are written: JSON or YAML, whole or as a table, compressed where it is worth it.

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::Stream;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::call::{self, List};
use super::super::resource::Resource;
use super::super::status::Status;
use super::super::streams::Body;
use super::super::table::{self, Include};
use super::accept::{Accepted, Form, Shape};

/// Bodies from this size on are compressed for clients that ask for it.
const WORTH_IT: usize = 128 * 1024;
/// Objects of a list that are written at once.
const PIECE: usize = 200;

/// What is known of the client when its answer is written.
pub(super) struct Client {
    pub(super) accepted: Accepted,
    pub(super) gzip: bool,
    pub(super) pretty: bool,
    pub(super) include: Include,
    pub(super) now: Timestamp,
}

fn never(never: Infallible) -> Box<dyn std::error::Error + Send + Sync> {
    match never {}
}

/// A body that is at hand.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(never).boxed_unsync()
}

/// A body that comes piece by piece.
pub(super) fn streamed(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Body {
    use futures::StreamExt as _;
    StreamBody::new(pieces.map(|piece| Ok::<_, Infallible>(Frame::data(piece)))).map_err(never).boxed_unsync()
}

/// An answer of a media type.
pub(super) fn typed(code: u16, media: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

/// Plain text.
pub(super) fn text(code: u16, text: impl Into<String>) -> Response<Body> {
    let mut response = typed(code, "text/plain; charset=utf-8", whole(text.into()));
    response.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

/// A refusal.
pub(super) fn refused(status: &Status) -> Response<Body> {
    if status.is_plain() {
        return text(status.code(), format!("{}\n", status.message()));
    }
    let mut body = status.to_value().to_string();
    body.push('\n');
    let mut response = typed(status.code(), "application/json", whole(body));
    if let Some(seconds) = status.retry_after_seconds() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Adds `Warning` headers.
pub(super) fn warn(headers: &mut HeaderMap, warnings: &[String]) {
    for warning in warnings {
        let text: String = warning.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], " ");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{text}\"")) {
            headers.append(header::WARNING, value);
        }
    }
}

/// One value.
pub(super) fn value(code: u16, value: &Value, client: &Client) -> Response<Body> {
    if client.accepted.form == Form::Yaml {
        let text = serde_saphyr::to_string(value).unwrap_or_default();
        return typed(code, "application/yaml", whole(text));
    }
    let text = if client.pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    let mut bytes = text.unwrap_or_default().into_bytes();
    bytes.push(b'\n');
    json_bytes(code, bytes, client)
}

fn json_bytes(code: u16, bytes: Vec<u8>, client: &Client) -> Response<Body> {
    if client.gzip && bytes.len() >= WORTH_IT {
        let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
        if encoder.write_all(&bytes).is_ok()
            && let Ok(packed) = encoder.finish()
        {
            let mut response = typed(code, "application/json", whole(packed));
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
            return response;
        }
    }
    typed(code, "application/json", whole(bytes))
}

/// What a call answered, in the shape that the client takes.
pub(super) fn call(answer: call::Answer, resource: &Resource, client: &Client) -> Result<Response<Body>, Status> {
    let code = if answer.created { 201 } else { 200 };
    let mut response = match answer.body {
        call::Body::One(object) => {
            let shaped = shape(object, resource, client)?;
            value(code, &shaped, client)
        }
        call::Body::List(list) => self::list(list, resource, client)?,
    };
    warn(response.headers_mut(), &answer.warnings);
    Ok(response)
}

/// One object in the shape that the client takes.
pub(super) fn shape(object: Arc<Value>, resource: &Resource, client: &Client) -> Result<Arc<Value>, Status> {
    if object["kind"] == "Status" && object["apiVersion"] == "v1" {
        return Ok(object);
    }
    let version = &object["metadata"]["resourceVersion"];
    match &client.accepted.shape {
        Shape::Table(of) => {
            let metadata = json!({"resourceVersion": version});
            Ok(Arc::new(table(of, &metadata, std::slice::from_ref(&object), resource, client)))
        }
        Shape::Metadata(of, false) => Ok(Arc::new(table::metadata(&object, of))),
        Shape::Metadata(_, true) => Err(Status::new(
            406,
            "NotAcceptable",
            format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list ({})",
                resource.kind
            ),
        )),
        Shape::Plain | Shape::Aggregated => Ok(object),
    }
}

fn table(of: &str, metadata: &Value, objects: &[Arc<Value>], resource: &Resource, client: &Client) -> Value {
    let row = |object: &Arc<Value>| table::row(resource, object, client.include, of, client.now);
    let rows: Vec<Value> = objects.iter().map(row).collect();
    json!({"kind": "Table", "apiVersion": format!("meta.k8s.io/{of}"), "metadata": metadata,
        "columnDefinitions": table::definitions(resource), "rows": rows})
}

fn list(list: List, resource: &Resource, client: &Client) -> Result<Response<Body>, Status> {
    match &client.accepted.shape {
        Shape::Table(of) => {
            return Ok(value(200, &table(of, &list.metadata(), &list.items, resource, client), client));
        }
        Shape::Metadata(of, true) => {
            let items: Vec<Value> = list.items.iter().map(|item| table::metadata(item, of)).collect();
            let whole = json!({"kind": "PartialObjectMetadataList", "apiVersion": format!("meta.k8s.io/{of}"),
                "metadata": list.metadata(), "items": items});
            return Ok(value(200, &whole, client));
        }
        Shape::Metadata(_, false) => {
            return Err(Status::new(
                406,
                "NotAcceptable",
                format!("you requested PartialObjectMetadata, but the requested object is a list ({})", list.kind),
            ));
        }
        Shape::Plain | Shape::Aggregated => {}
    }
    if client.pretty || client.accepted.form == Form::Yaml {
        return Ok(value(200, &list.to_value(), client));
    }
    if client.gzip || list.items.len() <= PIECE {
        let mut bytes = head(&list);
        write_items(&mut bytes, &list, 0, list.items.len());
        bytes.extend_from_slice(b"]}\n");
        return Ok(json_bytes(200, bytes, client));
    }
    // A long list is written while it is read, so that it never lies in memory as text.
    let pieces = futures::stream::unfold((list, 0usize), |(list, at)| async move {
        let end = list.items.len();
        if at > end {
            return None;
        }
        let mut bytes = if at == 0 { head(&list) } else { Vec::new() };
        let until = (at + PIECE).min(end);
        write_items(&mut bytes, &list, at, until);
        let next = if until == end {
            bytes.extend_from_slice(b"]}\n");
            end + 1
        } else {
            until
        };
        Some((Bytes::from(bytes), (list, next)))
    });
    Ok(typed(200, "application/json", streamed(pieces)))
}

fn head(list: &List) -> Vec<u8> {
    let (kind, version) = (json!(list.kind), json!(list.api_version));
    format!("{{\"kind\":{kind},\"apiVersion\":{version},\"metadata\":{},\"items\":[", list.metadata()).into_bytes()
}

fn write_items(bytes: &mut Vec<u8>, list: &List, from: usize, until: usize) {
    for (i, item) in list.items[from..until].iter().enumerate() {
        if from + i > 0 {
            bytes.push(b',');
        }
        write_item(bytes, item, list.typed_items);
    }
}

/// Items of the server's own lists carry no `kind` and `apiVersion`.
fn write_item(bytes: &mut Vec<u8>, item: &Value, typed: bool) {
    let Value::Object(fields) = item else { return };
    bytes.push(b'{');
    let mut first = true;
    for (key, value) in fields.iter().filter(|(key, _)| typed || (*key != "kind" && *key != "apiVersion")) {
        if !std::mem::take(&mut first) {
            bytes.push(b',');
        }
        // Writing to a vector does not fail.
        let _ = serde_json::to_writer(&mut *bytes, key);
        bytes.push(b':');
        let _ = serde_json::to_writer(&mut *bytes, value);
    }
    bytes.push(b'}');
}
