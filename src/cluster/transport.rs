//! The one way of every request: recorded, timed, retried when that is safe, its failures explained.

use std::time::Duration;

use http::{Method, Request, Response, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;

use crate::error::{Code, Error};

use super::answer::{Failure, refused, unanswered};
use super::ask::Ask;
use super::path::with_query;
use super::record::Record;

/// The longest `Retry-After` that is obeyed; a longer one is told at once.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long to wait for what.
#[derive(Clone, Debug)]
pub(super) struct Timing {
    /// For one request; `None` is without a bound.
    pub(super) request: Option<Duration>,
    /// Between the attempts of a read.
    pub(super) pauses: [Duration; 3],
    /// An outage of a watch that is shorter is not told.
    pub(super) outage: Duration,
    /// Before a watch is opened anew after a failure; doubles up to the longest.
    pub(super) watch_pause: Duration,
    pub(super) longest_watch_pause: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            request: Some(Duration::from_mins(1)),
            pauses: [100, 400, 1200].map(Duration::from_millis),
            outage: Duration::from_secs(20),
            watch_pause: Duration::from_millis(200),
            longest_watch_pause: Duration::from_secs(5),
        }
    }
}

/// Media types of request bodies.
pub(super) const JSON: &str = "application/json";
pub(super) const APPLY: &str = "application/apply-patch+yaml";
pub(super) const MERGE: &str = "application/merge-patch+json";

/// A client with what errors need to say about it.
#[derive(Clone)]
pub(super) struct Transport {
    pub(super) client: kube::Client,
    pub(super) record: Record,
    pub(super) server: String,
    pub(super) context: String,
    pub(super) timing: Timing,
}

/// One request before it is sent.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) accept: &'static str,
    pub(super) body: Option<(&'static str, Vec<u8>)>,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), query: Vec::new(), accept: JSON, body: None }
    }

    pub(super) fn send(method: Method, path: impl Into<String>, kind: &'static str, body: &Value) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            accept: JSON,
            body: Some((kind, body.to_string().into_bytes())),
        }
    }

    pub(super) fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    pub(super) fn maybe(self, key: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(key, value),
            None => self,
        }
    }

    pub(super) fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    /// Path and query.
    pub(super) fn target(&self) -> String {
        with_query(&self.path, &self.query)
    }

    fn request(&self) -> Result<Request<Body>, http::Error> {
        let mut builder =
            Request::builder().method(self.method.clone()).uri(self.target()).header(header::ACCEPT, self.accept);
        let body = match &self.body {
            Some((kind, bytes)) => {
                builder = builder.header(header::CONTENT_TYPE, *kind);
                Body::from(bytes.clone())
            }
            None => Body::empty(),
        };
        builder.body(body)
    }
}

impl Transport {
    /// Wraps `client`, so that whatever goes through it is recorded. Must be called inside a runtime.
    pub(super) fn new(client: kube::Client, server: &str, context: &str, timing: Timing) -> Self {
        let record = Record::default();
        let namespace = client.default_namespace().to_owned();
        let until = *client.valid_until();
        let notes = record.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            notes.add(&request);
            let client = client.clone();
            async move { client.send(request).await }
        });
        let client = kube::Client::new(service, namespace).with_valid_until(until);
        Self { client, record, server: server.into(), context: context.into(), timing }
    }

    /// Runs `work` for as long as a request may take.
    pub(super) async fn bounded<T>(
        &self,
        ask: &Ask,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Some(patience) = self.timing.request else { return work.await };
        match tokio::time::timeout(patience, work).await {
            Ok(result) => result,
            Err(_) => Err(self.too_slow(ask, patience)),
        }
    }

    fn too_slow(&self, ask: &Ask, patience: Duration) -> Failure {
        let text = format!(
            "no answer from {} (context {}) to {} within {} s",
            self.server,
            self.context,
            ask.what(),
            patience.as_secs_f32()
        );
        let error = Error::new(Code::Unavailable, text)
            .hint("Give it more time with --request-timeout, or look at the API server");
        Failure { status: 504, retry_after: None, error }
    }

    /// Sends once; the body is still to be read, failures are mapped.
    pub(super) async fn open(&self, ask: &Ask, request: Request<Body>) -> Result<Response<Body>, Failure> {
        let explain = |error: kube::Error| unanswered(ask, &self.server, &self.context, &error);
        let response = self.client.send(request).await.map_err(explain)?;
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(explain)?.to_bytes();
        Err(refused(ask, &self.server, status, &parts.headers, &bytes))
    }

    /// Explains an error of kube's own paths (exec, port-forward).
    pub(super) fn explain(&self, ask: &Ask, error: &kube::Error) -> Error {
        unanswered(ask, &self.server, &self.context, error).error
    }

    /// Sends and reads the whole body, repeating a read that failed for a passing reason.
    pub(super) async fn bytes(&self, ask: &Ask, call: &Call) -> Result<bytes::Bytes, Failure> {
        let mut pauses = self.timing.pauses.iter();
        loop {
            let failure = match self.bounded(ask, Box::pin(self.once(ask, call))).await {
                Ok(bytes) => return Ok(bytes),
                Err(failure) => failure,
            };
            // A write is repeated only when the server says that it did not look at it.
            let repeatable = failure.is_passing() && (call.method == Method::GET || failure.status == 429);
            let pause = pauses.next().map(|pause| failure.retry_after.unwrap_or(*pause));
            match pause {
                Some(pause) if repeatable && pause <= LONGEST_WAIT => {
                    tracing::debug!("{}; again in {pause:?}", failure.error);
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(failure),
            }
        }
    }

    async fn once(&self, ask: &Ask, call: &Call) -> Result<bytes::Bytes, Failure> {
        let request = call.request().map_err(|e| bad_request(ask, &e))?;
        let response = self.open(ask, request).await?;
        let body = response.into_body().collect().await;
        Ok(body.map_err(|e| unanswered(ask, &self.server, &self.context, &e))?.to_bytes())
    }

    /// Sends and reads JSON.
    pub(super) async fn json(&self, ask: &Ask, call: &Call) -> Result<Value, Failure> {
        let bytes = self.bytes(ask, call).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let text = format!("{} answered something other than JSON to {}: {error}", self.server, ask.what());
            let error =
                Error::new(Code::Unavailable, text).hint("Is this the address of an API server, and no proxy between?");
            Failure { status: 200, retry_after: None, error }
        })
    }

    /// Opens an answer that goes on for long: no time limit on its body, no compression.
    pub(super) async fn stream(&self, ask: &Ask, call: &Call) -> Result<Body, Failure> {
        let mut request = call.request().map_err(|e| bad_request(ask, &e))?;
        // A server may compress a watch event by event, which the decoder below does not follow.
        request.headers_mut().insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("identity"));
        Ok(self.bounded(ask, Box::pin(self.open(ask, request))).await?.into_body())
    }
}

fn bad_request(ask: &Ask, error: &http::Error) -> Failure {
    let error = Error::new(Code::Invalid, format!("{}: {error}", ask.what()));
    Failure { status: 400, retry_after: None, error }
}
