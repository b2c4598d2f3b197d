//! HTTP to a service, through the API server.

use serde_json::Value;

use crate::error::{Code, Result};

use super::answer::refused;
use super::ask::Ask;
use super::connect::Cluster;
use super::path::segment;

impl Cluster {
    /// GETs `path` (with its query) of a service through the API server's proxy: status and body as the service gave
    /// them. `port` is a number or a port's name; `https:NAME` as service speaks TLS. A refusal by the API server itself
    /// (permission, no such service, no endpoint) is an error.
    pub async fn proxy_get(&self, namespace: &str, service: &str, port: &str, path: &str) -> Result<(u16, String)> {
        use http_body_util::BodyExt as _;

        let (namespace, service) = (segment("namespace", namespace)?, segment("name", service)?);
        let port = segment("port", port)?;
        let base = format!("/api/v1/namespaces/{namespace}/services/{service}:{port}/proxy");
        let target = format!("{base}/{}", path.trim_start_matches('/'));
        let ask = Ask::core("get", "Service", "services", namespace, service).sub("proxy");
        let request = http::Request::get(&target).header(http::header::ACCEPT, "*/*").body(super::Body::empty());
        let request = request.map_err(|e| crate::error::Error::new(Code::Invalid, format!("{target}: {e}")))?;
        let transport = &self.inner.transport;
        let exchange = async {
            let explain = |e: kube::Error| super::answer::unanswered(&ask, &transport.server, &transport.context, &e);
            let (parts, body) = transport.client.send(request).await.map_err(explain)?.into_parts();
            Ok((parts, body.collect().await.map_err(explain)?.to_bytes()))
        };
        let (parts, bytes) = transport.bounded(&ask, exchange).await?;
        if parts.status.as_u16() >= 400
            && let Ok(status) = serde_json::from_slice::<Value>(&bytes)
            && status["kind"] == "Status"
            && status["apiVersion"] == "v1"
        {
            return Err(refused(&ask, self.server(), parts.status, &parts.headers, &bytes).error);
        }
        Ok((parts.status.as_u16(), String::from_utf8_lossy(&bytes).into_owned()))
    }
}
