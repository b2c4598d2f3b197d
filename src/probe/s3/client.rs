//! The client and its calls on objects and buckets.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;
use rusty_s3::{Bucket, Method, UrlStyle};
use url::Url;

use super::error::failure;
use crate::error::{Code, Error, Result};
use crate::probe::http1::{Answer, Http};
use crate::probe::{Connector, Timed};

/// How long a signature is valid, from the client's clock.
const VALID: Duration = Duration::from_mins(5);

/// Whom the calls are made for, and how long they may take.
#[derive(Clone)]
pub struct Options {
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
    /// Region that requests are signed for.
    pub region: String,
    /// Limit of each call.
    pub limit: Duration,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("access_key", &self.access_key)
            .field("region", &self.region)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Region `us-east-1`, 30 s a call.
    pub fn new(access_key: &str, secret_key: &str) -> Self {
        Self {
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            region: "us-east-1".to_owned(),
            limit: Duration::from_secs(30),
        }
    }
}

/// A client of one bucket.
#[derive(Debug)]
pub struct Client {
    http: Http,
    bucket: Bucket,
    options: Options,
}

/// One call, before it is signed.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// What it is named in errors.
    what: String,
    method: Method,
    /// `None` for calls on the bucket.
    key: Option<&'a str>,
    query: Vec<(&'a str, &'a str)>,
    headers: Vec<(&'a str, &'a str)>,
    body: Bytes,
}

impl<'a> Call<'a> {
    pub(super) fn new(what: String, method: Method, key: Option<&'a str>) -> Self {
        Self { what, method, key, query: Vec::new(), headers: Vec::new(), body: Bytes::new() }
    }

    pub(super) fn query(mut self, name: &'a str, value: &'a str) -> Self {
        self.query.push((name, value));
        self
    }

    pub(super) fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }
}

/// What a put answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Entity tag, without quotes.
    pub etag: String,
}

/// What a head answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Size in bytes.
    pub size: u64,
    /// Entity tag, without quotes.
    pub etag: String,
    /// Media type.
    pub content_type: Option<String>,
    /// When it was written last, as the server says it.
    pub last_modified: Option<String>,
}

impl Client {
    /// A client of `bucket`. Makes no request.
    pub fn new(connector: Connector, bucket: &str, options: &Options) -> Result<Self> {
        let base = connector.base_url()?;
        let bucket = Bucket::new(base, UrlStyle::Path, bucket.to_owned(), options.region.clone())
            .map_err(|e| Error::new(Code::Invalid, format!("bucket `{bucket}`: {e}")))?;
        Ok(Self { http: Http::new(connector, options.limit), bucket, options: options.clone() })
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        self.bucket.name()
    }

    /// Writes an object.
    pub async fn put(&self, key: &str, content: impl Into<Bytes>) -> Result<Timed<Put>> {
        let call = Call::new(self.named("PUT", key), Method::Put, Some(key)).body(content.into());
        Ok(self.call(call).await?.map(|a| Put { etag: etag(&a) }))
    }

    /// Writes an object unless there is one already (`If-None-Match: *`): whether it was written.
    pub async fn put_if_absent(&self, key: &str, content: impl Into<Bytes>) -> Result<Timed<bool>> {
        self.put_conditional(key, content.into(), "if-none-match", "*").await
    }

    /// Writes an object over one with this entity tag (`If-Match`): whether it was written.
    pub async fn put_if_match(&self, key: &str, content: impl Into<Bytes>, etag: &str) -> Result<Timed<bool>> {
        self.put_conditional(key, content.into(), "if-match", &format!("\"{etag}\"")).await
    }

    async fn put_conditional(&self, key: &str, content: Bytes, name: &str, value: &str) -> Result<Timed<bool>> {
        let what = self.named("conditional PUT", key);
        let call = Call::new(what.clone(), Method::Put, Some(key)).header(name, value).body(content);
        let answer = self.send(call).await?;
        match answer.value.status {
            200..=299 => Ok(answer.map(|_| true)),
            // 409: a racing write of the same key was under way, and won.
            409 | 412 => Ok(answer.map(|_| false)),
            _ => Err(failure(&what, &answer.value)),
        }
    }

    /// Reads an object.
    pub async fn get(&self, key: &str) -> Result<Timed<Bytes>> {
        let call = Call::new(self.named("GET", key), Method::Get, Some(key));
        Ok(self.call(call).await?.map(|a| a.body))
    }

    /// Reads the bytes `from..=to` of an object. A server that ignores the range is an error.
    pub async fn get_range(&self, key: &str, from: u64, to: u64) -> Result<Timed<Bytes>> {
        let what = self.named("ranged GET", key);
        let range = format!("bytes={from}-{to}");
        let answer = self.call(Call::new(what.clone(), Method::Get, Some(key)).header("range", &range)).await?;
        if answer.value.status != 206 {
            return Err(Error::new(Code::Failed, format!("{what}: the server ignored the range (200 instead of 206)")));
        }
        Ok(answer.map(|a| a.body))
    }

    /// Reads an object's size, tag and type.
    pub async fn head(&self, key: &str) -> Result<Timed<Head>> {
        let answer = self.call(Call::new(self.named("HEAD", key), Method::Head, Some(key))).await?;
        Ok(answer.map(|a| Head {
            size: a.header("content-length").and_then(|v| v.parse().ok()).unwrap_or(0),
            etag: etag(&a),
            content_type: a.header("content-type").map(str::to_owned),
            last_modified: a.header("last-modified").map(str::to_owned),
        }))
    }

    /// Deletes an object; one that is not there is no error.
    pub async fn delete(&self, key: &str) -> Result<Timed<()>> {
        let answer = self.call(Call::new(self.named("DELETE", key), Method::Delete, Some(key))).await?;
        Ok(answer.map(|_| ()))
    }

    /// Whether the bucket is there and may be used.
    pub async fn head_bucket(&self) -> Result<Timed<bool>> {
        let what = self.named("HEAD", "");
        let answer = self.send(Call::new(what.clone(), Method::Head, None)).await?;
        match answer.value.status {
            200..=299 => Ok(answer.map(|_| true)),
            404 => Ok(answer.map(|_| false)),
            _ => Err(failure(&what, &answer.value)),
        }
    }

    /// Creates the bucket.
    pub async fn create_bucket(&self) -> Result<Timed<()>> {
        Ok(self.call(Call::new(self.named("create", ""), Method::Put, None)).await?.map(|_| ()))
    }

    /// Deletes the bucket, which must be empty.
    pub async fn delete_bucket(&self) -> Result<Timed<()>> {
        Ok(self.call(Call::new(self.named("delete", ""), Method::Delete, None)).await?.map(|_| ()))
    }

    /// What a call is named in errors.
    pub(super) fn named(&self, verb: &str, key: &str) -> String {
        if key.is_empty() {
            format!("S3 {verb} bucket {}", self.bucket.name())
        } else {
            format!("S3 {verb} {}/{key}", self.bucket.name())
        }
    }

    /// Sends, and turns every answer that is not 2xx into an error.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Timed<Answer>> {
        let what = call.what.clone();
        let answer = self.send(call).await?;
        if (200..300).contains(&answer.value.status) { Ok(answer) } else { Err(failure(&what, &answer.value)) }
    }

    /// Sends, whatever the answer.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<Timed<Answer>> {
        let invalid = |part: &str| Error::new(Code::Invalid, format!("{}: this {part} cannot be sent", call.what));
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = call.method.to_str().parse().map_err(|_| invalid("method"))?;
        *request.uri_mut() = self.sign(&call).as_str().parse().map_err(|_| invalid("key"))?;
        for (name, value) in &call.headers {
            let name = HeaderName::try_from(*name).map_err(|_| invalid("header"))?;
            request.headers_mut().insert(name, HeaderValue::try_from(*value).map_err(|_| invalid("header"))?);
        }
        self.http.send(request, &call.what).await
    }

    /// The presigned address; headers are signed with it, the payload is not.
    fn sign(&self, call: &Call<'_>) -> Url {
        let url = match call.key {
            Some(key) => self.bucket.object_url(key),
            None => self.bucket.base_url().clone(),
        };
        // rusty-s3 wants both sorted by name.
        let mut query = call.query.clone();
        query.sort_unstable();
        let mut headers = call.headers.clone();
        headers.sort_unstable();
        rusty_s3::signing::sign(
            &jiff::Timestamp::now(),
            call.method,
            url,
            &self.options.access_key,
            &self.options.secret_key,
            None,
            self.bucket.region(),
            VALID.as_secs(),
            query.into_iter(),
            headers.into_iter(),
        )
    }
}

pub(super) fn etag(answer: &Answer) -> String {
    answer.header("etag").unwrap_or_default().trim_matches('"').to_owned()
}
