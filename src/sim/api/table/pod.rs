//! A pod's row: `printPod`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::{NONE, age, object_age, text_or};

/// The cells of a pod; nothing for other resources.
pub(super) fn cells(resource: &str, pod: &Value, now: Timestamp) -> Option<Vec<Value>> {
    if resource != "pods" {
        return None;
    }
    let read = Read::of(pod);
    let mut restarts = read.restarts.to_string();
    if read.restarts > 0
        && let Some(at) = &read.last_restart
    {
        restarts = format!("{restarts} ({} ago)", age(&json!(at), now));
    }
    let ip = pod["status"]["podIPs"][0]["ip"].as_str().or(pod["status"]["podIP"].as_str()).unwrap_or(NONE);
    let gates = pod["spec"]["readinessGates"].as_array().map_or_else(
        || NONE.to_owned(),
        |gates| {
            let met = gates.iter().filter(|gate| has(pod, gate["conditionType"].as_str().unwrap_or_default()));
            format!("{}/{}", met.count(), gates.len())
        },
    );
    Some(vec![
        pod["metadata"]["name"].clone(),
        json!(format!("{}/{}", read.ready, read.total)),
        json!(read.reason),
        json!(restarts),
        object_age(pod, now),
        json!(ip),
        json!(text_or(&pod["spec"]["nodeName"], NONE)),
        json!(text_or(&pod["status"]["nominatedNodeName"], NONE)),
        json!(gates),
    ])
}

fn has(pod: &Value, condition: &str) -> bool {
    let all = pod["status"]["conditions"].as_array().into_iter().flatten();
    all.into_iter().any(|c| c["type"] == condition && c["status"] == "True")
}

struct Read {
    ready: usize,
    total: usize,
    reason: String,
    restarts: i64,
    last_restart: Option<String>,
}

fn statuses<'a>(pod: &'a Value, field: &str) -> impl DoubleEndedIterator<Item = &'a Value> + use<'a> {
    pod["status"][field].as_array().into_iter().flatten()
}

fn ended(state: &Value) -> Option<String> {
    let terminated = state.get("terminated")?;
    let reason = terminated["reason"].as_str().unwrap_or_default();
    if !reason.is_empty() {
        return Some(reason.to_owned());
    }
    let signal = terminated["signal"].as_i64().unwrap_or(0);
    let code = terminated["exitCode"].as_i64().unwrap_or(0);
    Some(if signal != 0 { format!("Signal:{signal}") } else { format!("ExitCode:{code}") })
}

fn later(last: Option<String>, status: &Value) -> Option<String> {
    let at = status["lastState"]["terminated"]["finishedAt"].as_str().map(str::to_owned);
    match (last, at) {
        (Some(a), Some(b)) => Some(if b > a { b } else { a }),
        (a, b) => a.or(b),
    }
}

impl Read {
    fn of(pod: &Value) -> Self {
        let inits = pod["spec"]["initContainers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let sidecar = |name: &Value| inits.iter().any(|c| c["name"] == *name && c["restartPolicy"] == "Always");
        let total = pod["spec"]["containers"].as_array().map_or(0, Vec::len)
            + inits.iter().filter(|c| c["restartPolicy"] == "Always").count();
        let phase = pod["status"]["phase"].as_str().unwrap_or_default();
        let mut read =
            Self { ready: 0, total, reason: text_or(&pod["status"]["reason"], phase), restarts: 0, last_restart: None };
        let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        if conditions.into_iter().any(|c| c["type"] == "PodScheduled" && c["reason"] == "SchedulingGated") {
            "SchedulingGated".clone_into(&mut read.reason);
        }
        let initializing = read.init(pod, inits.len(), &sidecar);
        if !initializing || has(pod, "Initialized") {
            read.main(pod);
        }
        if !pod["metadata"]["deletionTimestamp"].is_null() {
            let lost = pod["status"]["reason"] == "NodeLost";
            let over = matches!(phase, "Succeeded" | "Failed");
            if lost {
                "Unknown".clone_into(&mut read.reason);
            } else if !over {
                "Terminating".clone_into(&mut read.reason);
            }
        }
        read
    }

    /// Whether an init container still has to end.
    fn init(&mut self, pod: &Value, count: usize, sidecar: &dyn Fn(&Value) -> bool) -> bool {
        for (i, status) in statuses(pod, "initContainerStatuses").enumerate() {
            self.restarts += status["restartCount"].as_i64().unwrap_or(0);
            self.last_restart = later(self.last_restart.take(), status);
            let (state, is_sidecar) = (&status["state"], sidecar(&status["name"]));
            if is_sidecar && status["ready"] == true {
                self.ready += 1;
            }
            if state["terminated"]["exitCode"] == 0 || (is_sidecar && status["started"] == true) {
                continue;
            }
            let waiting = state["waiting"]["reason"].as_str().unwrap_or_default();
            self.reason = if let Some(ended) = ended(state) {
                format!("Init:{ended}")
            } else if !waiting.is_empty() && waiting != "PodInitializing" {
                format!("Init:{waiting}")
            } else {
                format!("Init:{i}/{count}")
            };
            return true;
        }
        false
    }

    fn main(&mut self, pod: &Value) {
        let mut has_running = false;
        let mut last = None;
        let mut restarts = 0;
        let all: Vec<&Value> = statuses(pod, "containerStatuses").collect();
        for status in all.into_iter().rev() {
            restarts += status["restartCount"].as_i64().unwrap_or(0);
            last = later(last, status);
            let state = &status["state"];
            let waiting = state["waiting"]["reason"].as_str().unwrap_or_default();
            if !waiting.is_empty() {
                waiting.clone_into(&mut self.reason);
            } else if let Some(ended) = ended(state) {
                self.reason = ended;
            } else if status["ready"] == true && state.get("running").is_some() {
                has_running = true;
                self.ready += 1;
            }
        }
        self.restarts += restarts;
        self.last_restart = last.or(self.last_restart.take());
        if self.reason == "Completed" && has_running {
            if has(pod, "Ready") { "Running" } else { "NotReady" }.clone_into(&mut self.reason);
        }
    }
}
