//! HTTP to a service of the cluster, through the API server's proxy.

use std::time::Duration;

use super::timed::{Timed, limited, timed};
use crate::cluster::Cluster;
use crate::error::Result;

/// What the service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: String,
}

/// GETs a path of a service. `port` is a number or a port's name; `https:NAME` where the service speaks TLS. A refusal
/// by the API server itself (no such service, nobody listening) is an error, any answer of the service is not.
pub async fn get(
    cluster: &Cluster,
    namespace: &str,
    service: &str,
    port: &str,
    path: &str,
    limit: Duration,
) -> Result<Timed<HttpAnswer>> {
    let name = service.split_once('/').map_or(service, |(_, name)| name);
    let what = format!("GET {path} of Service {namespace}/{name}");
    let answer = limited(limit, &what, timed(cluster.proxy_get(namespace, name, port, path))).await?;
    Ok(answer.map(|(status, body)| HttpAnswer { status, body }))
}
