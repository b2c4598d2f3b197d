//! Logs of containers.

use crate::error::{Code, Result};

use super::ask::Ask;
use super::connect::Cluster;
use super::path::segment;
use super::transport::Call;

/// No more than this of a log is read.
const MOST_BYTES: u32 = 4 << 20;

impl Cluster {
    /// The log of a container; at most 4 MiB, cut by the server. Without `container`, the pod's only one, its default
    /// one, or its first. `previous`: of the run before the last restart. `tail`: only so many lines.
    pub async fn logs(
        &self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        previous: bool,
        tail: Option<u32>,
    ) -> Result<String> {
        let path =
            format!("/api/v1/namespaces/{}/pods/{}/log", segment("namespace", namespace)?, segment("name", pod)?);
        let mut call = Call::get(path).query("limitBytes", MOST_BYTES.to_string()).accept("text/plain, */*");
        if previous {
            call = call.query("previous", "true");
        }
        if let Some(tail) = tail {
            call = call.query("tailLines", tail.to_string());
        }
        let ask = Ask::core("get", "Pod", "pods", namespace, pod).sub("log");
        let first = self.inner.transport.bytes(&ask, &call.clone().maybe("container", container)).await;
        let bytes = match first {
            Err(failure)
                if failure.status == 400 && container.is_none() && failure.error.message().contains("container") =>
            {
                // Several containers: the server does not choose.
                match self.default_container(namespace, pod).await? {
                    Some(chosen) => self.inner.transport.bytes(&ask, &call.query("container", chosen)).await?,
                    None => return Err(failure.error),
                }
            }
            other => other?,
        };
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn default_container(&self, namespace: &str, pod: &str) -> Result<Option<String>> {
        let found = match self.find("Pod.v1", Some(namespace), pod).await {
            Err(error) if error.code() == Code::Forbidden => None,
            other => other?,
        };
        let Some(pod) = found else { return Ok(None) };
        let containers = pod["spec"]["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
        if containers.len() < 2 {
            return Ok(None);
        }
        let chosen = pod["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"].as_str();
        Ok(chosen.or_else(|| containers[0]["name"].as_str()).map(Into::into))
    }
}
