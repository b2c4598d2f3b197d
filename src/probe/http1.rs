//! HTTP/1.1 over any stream, one connection kept while it serves.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::sync::Mutex;
use tokio::task::AbortHandle;

use super::connector::Connector;
use super::timed::{Timed, limited, timed};
use crate::error::{Code, Error, Result};

/// How long a connection may lie idle and still be trusted: a port-forward does not tell when the server closed it.
const TRUSTED: Duration = Duration::from_secs(10);

/// An HTTP answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Answer {
    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The body as text; bytes that are none are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends requests to one server, one after the other. Requests made at once wait for each other: clone the
/// [`Connector`] for a second client where they should not.
#[derive(Debug)]
pub struct Http {
    connector: Connector,
    idle: Mutex<Option<Connection>>,
    limit: Duration,
}

#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
    used: Instant,
    served: u32,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Http {
    /// A client that gives each request `limit`.
    pub fn new(connector: Connector, limit: Duration) -> Self {
        Self { connector, idle: Mutex::new(None), limit }
    }

    /// Where the requests go.
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Sends a request whose URI is absolute, and reads the whole answer. `what` names it in errors.
    ///
    /// A request that may be repeated uses the kept connection, and is sent again once when that turns out to be
    /// closed; any other gets a fresh connection.
    pub async fn send(&self, request: Request<Full<Bytes>>, what: &str) -> Result<Timed<Answer>> {
        let (request, host) = to_origin_form(request)?;
        let mut idle = self.idle.lock().await;
        // Taken out while in use: a dropped future leaves no half-read connection behind.
        let kept = idle.take().filter(|c| c.used.elapsed() < TRUSTED && c.sender.is_ready() && is_repeatable(&request));
        let mut connection = match kept {
            Some(connection) => connection,
            None => limited(self.limit, what, self.connect()).await?,
        };
        let again = if connection.served > 0 { Some(request.clone()) } else { None };
        let mut result = limited(self.limit, what, timed(exchange(&mut connection, request, &host))).await;
        if let (Err(error), Some(request)) = (&result, again)
            && error.code() == Code::Unavailable
        {
            connection = limited(self.limit, what, self.connect()).await?;
            result = limited(self.limit, what, timed(exchange(&mut connection, request, &host))).await;
        }
        let answer = result.map_err(|e| e.note(format!("asked: {}", self.connector)))?;
        connection.used = Instant::now();
        connection.served += 1;
        *idle = Some(connection);
        Ok(answer)
    }

    async fn connect(&self) -> Result<Connection> {
        let stream = self.connector.open().await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|e| broken(&e))?;
        let driver = tokio::spawn(async move {
            // Its errors reach the request that waits.
            let _ = connection.await;
        })
        .abort_handle();
        Ok(Connection { sender, driver, used: Instant::now(), served: 0 })
    }
}

async fn exchange(connection: &mut Connection, mut request: Request<Full<Bytes>>, host: &str) -> Result<Answer> {
    let value = host.parse().map_err(|_| Error::new(Code::Invalid, format!("`{host}` is no host name")))?;
    request.headers_mut().insert(header::HOST, value);
    connection.sender.ready().await.map_err(|e| broken(&e))?;
    let response = connection.sender.send_request(request).await.map_err(|e| broken(&e))?;
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(|e| broken(&e))?.to_bytes();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
}

/// Splits an absolute URI into what stands in the request line and the `Host` header.
fn to_origin_form(request: Request<Full<Bytes>>) -> Result<(Request<Full<Bytes>>, String)> {
    let (mut head, body) = request.into_parts();
    let invalid = || Error::new(Code::Invalid, format!("`{}` is no absolute address", head.uri));
    let authority = head.uri.authority().ok_or_else(invalid)?;
    let default = match head.uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    let host = match authority.port_u16() {
        Some(port) if port != default => authority.as_str().to_owned(),
        _ => authority.host().to_owned(),
    };
    let path = head.uri.path_and_query().map_or("/", |p| p.as_str());
    let origin = path.parse().map_err(|_| invalid())?;
    head.uri = origin;
    Ok((Request::from_parts(head, body), host))
}

/// Whether sending it twice does what sending it once does.
fn is_repeatable(request: &Request<Full<Bytes>>) -> bool {
    let conditional = [header::IF_MATCH, header::IF_NONE_MATCH].iter().any(|h| request.headers().contains_key(h));
    request.method().is_idempotent() && !conditional
}

fn broken(error: &hyper::Error) -> Error {
    Error::new(Code::Unavailable, format!("the connection broke: {error}"))
}
