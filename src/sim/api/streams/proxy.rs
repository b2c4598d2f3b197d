//! `…/services/NAME/proxy/…` and `…/pods/NAME/proxy/…`: HTTP to what listens in a pod.
//!
//! Links in HTML are left as they are; the true server rewrites them.

use std::error::Error;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::sim::api::Status;

use super::answer::{Body, bare};
use super::backends::Backends;
use super::service::Place;
use super::websocket::asks_for;

/// Headers of one connection, and those that are the API server's own.
const DROPPED: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "authorization",
];

/// Sends a request on and gives back the answer. `prefix` is the path up to and with `/proxy`, `rest` what follows it.
pub(super) async fn forward<B>(
    backends: &dyn Backends,
    namespace: &str,
    place: &Place,
    (prefix, rest): (&str, &str),
    request: Request<B>,
) -> Result<Response<Body>, Status>
where
    B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if rest.is_empty() && matches!(request.method().as_str(), "GET" | "HEAD") {
        let mut response = bare(StatusCode::MOVED_PERMANENTLY);
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(location) = HeaderValue::from_str(&format!("{prefix}/{query}")) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        return Ok(response);
    }
    if ["websocket", "SPDY/3.1"].iter().any(|protocol| asks_for(request.headers(), protocol)) {
        return Err(Status::not_simulated("an upgrade through the proxy of services and pods"));
    }
    let host = format!("{}:{}", place.ip, place.port);
    let unreachable = |why: &str| Status::unavailable(format!("error trying to reach service: {why}"));
    let io = backends.port(namespace, &place.pod, place.port);
    let io = io.ok_or_else(|| unreachable(&format!("dial tcp {host}: connect: connection refused")))?;
    let (mut parts, body) = request.into_parts();
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = if rest.is_empty() { "/" } else { rest };
    parts.uri = format!("{path}{query}").parse::<Uri>().map_err(|e| Status::bad_request(e.to_string()))?;
    for name in DROPPED {
        parts.headers.remove(name);
    }
    if let Ok(host) = HeaderValue::from_str(&host) {
        parts.headers.insert(header::HOST, host);
    }
    let (mut client, connection) = http1::handshake(TokioIo::new(io)).await.map_err(|e| unreachable(&e.to_string()))?;
    tokio::spawn(connection);
    let answer =
        client.send_request(Request::from_parts(parts, body)).await.map_err(|e| unreachable(&e.to_string()))?;
    let (mut parts, body) = answer.into_parts();
    for name in DROPPED {
        parts.headers.remove(HeaderName::from_static(name));
    }
    let location = parts.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if let Some(location) = location {
        let own = location.strip_prefix(&format!("http://{host}")).unwrap_or(&location);
        if let (true, Ok(value)) = (own.starts_with('/'), HeaderValue::from_str(&format!("{prefix}{own}"))) {
            parts.headers.insert(header::LOCATION, value);
        }
    }
    Ok(Response::from_parts(parts, body.map_err(Into::into).boxed_unsync()))
}
