//! Answers of HTTP.

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;

use crate::sim::api::Status;

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

fn never(never: Infallible) -> Box<dyn Error + Send + Sync> {
    match never {}
}

/// A body that is at hand.
pub(super) fn body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(never).boxed_unsync()
}

/// A body that comes piece by piece.
pub(super) fn streamed(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Body {
    let frames = pieces.map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    StreamBody::new(frames).map_err(never).boxed_unsync()
}

/// An answer of a media type.
pub(super) fn typed(code: StatusCode, media: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// An answer that is nothing but a code.
pub(super) fn bare(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(body(Bytes::new()));
    *response.status_mut() = code;
    response
}

/// A refusal.
pub(super) fn refused(status: &Status) -> Response<Body> {
    let code = StatusCode::from_u16(status.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    typed(code, "application/json", body(status.to_value().to_string()))
}

/// What kubelets answer as plain text.
pub(super) fn plain(code: StatusCode, text: impl Into<String>) -> Response<Body> {
    typed(code, "text/plain; charset=utf-8", body(text.into()))
}

/// The switch to another protocol.
pub(super) fn switched(headers: &[(&'static str, String)]) -> Response<Body> {
    let mut response = bare(StatusCode::SWITCHING_PROTOCOLS);
    let set: &mut HeaderMap = response.headers_mut();
    set.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            set.insert(*name, value);
        }
    }
    response
}
