//! Running a program in a container.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use tokio::io::AsyncReadExt as _;

use crate::error::{Code, Error, Result};

use super::ask::Ask;
use super::connect::Cluster;
use super::path::segment;

/// What a program in a container said, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit code; `None` when the server did not tell it.
    pub code: Option<i32>,
    /// Why it failed, in the server's words; `None` when it succeeded.
    pub failure: Option<String>,
}

impl Cluster {
    /// Runs `command` in a container (the pod's default one when not named) and waits for its end. Dropping the future
    /// closes the connection.
    pub async fn exec(&self, namespace: &str, pod: &str, container: Option<&str>, command: &[&str]) -> Result<Output> {
        let ask =
            Ask::core("create", "Pod", "pods", segment("namespace", namespace)?, segment("name", pod)?).sub("exec");
        let pods: Api<Pod> = Api::namespaced(self.client(), namespace);
        let params = AttachParams {
            container: container.map(Into::into),
            stdin: false,
            stdout: true,
            stderr: true,
            ..AttachParams::default()
        };
        let mut process = pods
            .exec(pod, command.iter().copied(), &params)
            .await
            .map_err(|e| self.inner.transport.explain(&ask, &e))?;
        let (stdout, stderr) = (process.stdout(), process.stderr());
        let status = process.take_status();
        let (stdout, stderr) = tokio::try_join!(all(stdout), all(stderr)).map_err(|e| {
            Error::new(Code::Unavailable, format!("exec in Pod {namespace}/{pod} broke off: {e}")).object(
                "Pod",
                Some(namespace),
                pod,
            )
        })?;
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        let Some(status) = status else {
            return Err(Error::new(Code::Unavailable, format!("exec in Pod {namespace}/{pod} ended without a status"))
                .object("Pod", Some(namespace), pod));
        };
        let succeeded = status.status.as_deref() == Some("Success");
        let causes = status.details.as_ref().and_then(|d| d.causes.as_deref()).unwrap_or_default();
        let code = causes
            .iter()
            .find(|c| c.reason.as_deref() == Some("ExitCode"))
            .and_then(|c| c.message.as_ref()?.parse().ok());
        Ok(Output {
            stdout,
            stderr,
            code: code.or(succeeded.then_some(0)),
            failure: (!succeeded).then(|| status.message.unwrap_or_default()),
        })
    }
}

async fn all(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        stream.read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
