//! What is played in containers: how long they work, how they end, and what they say.

use std::sync::Arc;

use serde_json::Value;

use crate::sim::world::look::Look;
use crate::sim::world::owner::controller_name;
use crate::sim::world::read::{list, name, namespace, text};
use crate::sim::world::view::View;

/// Says what a container does: from the objects, the pod and the container's name; `None` leaves it to the defaults.
pub type Model = Arc<dyn Fn(&View, &Value, &str) -> Option<Run> + Send + Sync>;

/// What a container does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Seconds until it ends, and its exit code; for ever if absent.
    pub ends: Option<(i64, i64)>,
    /// Its log lines.
    pub log: Vec<String>,
}

/// What a container does in this world: the faults first, then the model, then the defaults.
pub(super) fn run_of(look: &Look<'_>, model: Option<&Model>, pod: &Value, container: &str, init: bool) -> Run {
    let (space, pod_name) = (namespace(pod), name(pod));
    let job = controller_name(pod, "Job.batch");
    let fails = job.is_some_and(|job| look.faults.job_fails(space, job) || look.faults.job_fails(space, pod_name));
    if look.faults.crash_loop(space, pod_name) || fails {
        let log = vec![format!("{container}: failed on request (fault of the simulator)")];
        return Run { ends: Some((1, 1)), log };
    }
    if let Some(run) = model.and_then(|model| model(look.view, pod, container)) {
        return run;
    }
    let ends = (init || job.is_some()).then_some((look.pace.work, 0));
    Run { ends, log: canned(pod, container, ends.is_some()) }
}

/// The log of a container that no model knows.
fn canned(pod: &Value, container: &str, works: bool) -> Vec<String> {
    let image = image_of(pod, container);
    let mut lines = vec![format!("{container}: {image} started (simulated)")];
    if works {
        lines.push(format!("{container}: done (simulated)"));
    }
    lines
}

/// The image of a container of a pod.
pub(super) fn image_of<'a>(pod: &'a Value, container: &str) -> &'a str {
    let all = list(pod, "/spec/initContainers").iter().chain(list(pod, "/spec/containers"));
    all.filter(|c| text(c, "/name") == container).map(|c| text(c, "/image")).next().unwrap_or_default()
}

/// The log lines of a container, for the logs of the API: what it said since it was started last, or before that.
pub fn log_of(
    look: &Look<'_>,
    model: Option<&Model>,
    pod: &Value,
    container: &str,
    previous: bool,
) -> Option<Vec<String>> {
    let of = |group: &str| list(pod, group).iter().find(|s| text(s, "/name") == container);
    let (status, init) = match of("/status/containerStatuses") {
        Some(status) => (status, false),
        None => (of("/status/initContainerStatuses")?, true),
    };
    let state = if previous { status.pointer("/lastState") } else { status.pointer("/state") };
    let known = |key: &str| state.and_then(|s| s.get(key)).is_some();
    let crashed = !previous && status.pointer("/lastState/terminated").is_some();
    if !known("running") && !known("terminated") && !crashed {
        return None;
    }
    Some(run_of(look, model, pod, container, init).log)
}
