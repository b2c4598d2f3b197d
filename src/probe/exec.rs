//! A command in a container.

use std::time::Duration;

use super::timed::{Timed, limited, timed};
use crate::cluster::Cluster;
use crate::error::Result;

/// What a command said, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit code; `None` where the server does not tell it.
    pub code: Option<i32>,
    /// Whether it succeeded.
    pub succeeded: bool,
}

/// Runs a command in a container of a ready pod of `target` (`pod/x`, `deploy/x`, …), and waits for its end.
pub async fn exec(
    cluster: &Cluster,
    namespace: &str,
    target: &str,
    container: Option<&str>,
    command: &[&str],
    limit: Duration,
) -> Result<Timed<Executed>> {
    let what = format!("command {} in {target} of {namespace}", command.first().unwrap_or(&""));
    limited(limit, &what, async {
        let pod = match target.strip_prefix("pod/") {
            Some(name) => name.to_owned(),
            None if !target.contains('/') => target.to_owned(),
            // The port does not matter here; a pod that declares none is fine.
            None => cluster.ready_pod_of(target, namespace, Some("1")).await?.pod,
        };
        let output = timed(cluster.exec(namespace, &pod, container, command)).await?;
        Ok(output.map(|o| Executed {
            succeeded: o.failure.is_none(),
            stdout: o.stdout,
            stderr: o.stderr,
            code: o.code,
        }))
    })
    .await
}
