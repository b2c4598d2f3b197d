//! A Job as a proof: created, waited for, its log read, and removed.

use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;

use super::timed::{Timed, timed};
use crate::cluster::{Cluster, Delete, Query, health, why};
use crate::error::{Code, Error, Result};
use crate::progress::Progress;

/// How a Job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobOutcome {
    /// Whether it completed.
    pub succeeded: bool,
    /// Log of its last pod.
    pub log: String,
    /// Why it failed; empty when it succeeded.
    pub reason: String,
}

/// Runs a Job to its end, within `limit`, and removes it with its pods, whatever its end. A future that is dropped
/// leaves the Job: its caller knows the name, and removes it.
pub async fn run_job(
    cluster: &Cluster,
    manifest: &Value,
    limit: Duration,
    progress: &Progress,
) -> Result<Timed<JobOutcome>> {
    if manifest["kind"] != "Job" {
        let kind = manifest["kind"].as_str().unwrap_or("object without a kind");
        return Err(Error::new(Code::Invalid, format!("a probe's job must be a Job, this is a {kind}")));
    }
    let job = cluster.create(manifest).await?;
    let namespace = job["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    let name = job["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let outcome = timed(finished(cluster, &namespace, &name, limit, progress)).await;
    let how = Delete { uid: job["metadata"]["uid"].as_str().map(str::to_owned), ..Delete::default() };
    let removed = cluster.delete("Job.batch", Some(&namespace), &name, &how).await;
    let outcome = outcome?;
    removed.map_err(|e| e.context(format!("removing Job {namespace}/{name}, which ended")))?;
    Ok(outcome)
}

async fn finished(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    limit: Duration,
    progress: &Progress,
) -> Result<JobOutcome> {
    let Ok(job) = tokio::time::timeout(limit, ended(cluster, namespace, name, progress)).await else {
        return Err(overdue(cluster, namespace, name, limit).await);
    };
    let job = job?;
    let failed = health::condition(&job, "Failed").filter(health::Condition::is_true);
    Ok(JobOutcome {
        succeeded: failed.is_none(),
        log: last_log(cluster, namespace, name).await?,
        reason: failed.map(|c| c.text()).unwrap_or_default(),
    })
}

/// The error of a Job that did not end in time, with what holds it up.
async fn overdue(cluster: &Cluster, namespace: &str, name: &str, limit: Duration) -> Error {
    let text = format!("Job {namespace}/{name} did not end within {} s", limit.as_secs_f64());
    let error = Error::new(Code::Timeout, text).object("Job", Some(namespace), name);
    match why::why_named(cluster, &format!("job/{namespace}/{name}"), None).await {
        Ok(lines) => error.note(lines.join("\n")),
        Err(_) => error,
    }
}

/// Waits for `Complete` or `Failed`.
async fn ended(cluster: &Cluster, namespace: &str, name: &str, progress: &Progress) -> Result<Value> {
    let mut states = cluster.watch("Job.batch", Some(namespace), name).await;
    while let Some(state) = states.next().await {
        let Some(job) = state? else {
            return Err(Error::new(Code::Conflict, format!("Job {namespace}/{name} was deleted while it ran")).object(
                "Job",
                Some(namespace),
                name,
            ));
        };
        if ["Complete", "Failed"].iter().any(|c| health::condition(&job, c).is_some_and(|c| c.is_true())) {
            return Ok(job);
        }
        let count = |field: &str| job["status"][field].as_i64().unwrap_or(0);
        progress.say(&format!("Job {namespace}/{name}: {} running, {} failed", count("active"), count("failed")));
    }
    Err(Error::new(Code::Unavailable, format!("the watch of Job {namespace}/{name} ended")))
}

/// The log of the Job's newest pod; empty where no pod is left.
async fn last_log(cluster: &Cluster, namespace: &str, name: &str) -> Result<String> {
    let query = Query::namespace(namespace).labels(format!("batch.kubernetes.io/job-name={name}"));
    let pods = cluster.list("Pod.v1", &query).await?;
    let age = |pod: &&Value| pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
    match pods.iter().max_by_key(age).and_then(|p| p["metadata"]["name"].as_str()) {
        Some(pod) => cluster.logs(namespace, pod, None, false, None).await,
        None => Ok(String::new()),
    }
}
