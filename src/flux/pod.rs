//! Finding what is wrong with a pod, and how long that may last before it is taken as final.

use std::time::Duration;

use serde_json::Value;

use super::judgement::{condition, one_line, text};

/// Restarts after which a crash loop is final.
pub(crate) const FATAL_RESTARTS: i64 = 3;

/// What is wrong with a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodFault {
    /// A container that ends again and again.
    CrashLoop {
        /// The container.
        container: String,
        /// How often it was started again.
        restarts: i64,
        /// Exit code, or the reason where that says more (`OOMKilled`).
        exit: String,
    },
    /// An image that can't be had.
    Image {
        /// The container.
        container: String,
        /// The image.
        image: String,
        /// Reason and message of the kubelet.
        message: String,
        /// Whether no repetition will help: an invalid or unknown name, a refused login.
        certain: bool,
    },
    /// A container whose configuration names what isn't there: a Secret, a `ConfigMap`, a key of one.
    Config {
        /// The container.
        container: String,
        /// Message of the kubelet.
        message: String,
    },
    /// No node takes it.
    Unschedulable {
        /// Message of the scheduler.
        message: String,
    },
    /// It ended in failure and won't be started again (evicted, deadline, refused by the node).
    Ended {
        /// Reason and message.
        message: String,
    },
}

impl PodFault {
    /// How long it may last, counted from when it was first seen. A crash loop is counted in restarts instead.
    pub fn grace(&self) -> Duration {
        match self {
            Self::CrashLoop { .. } | Self::Ended { .. } => Duration::ZERO,
            Self::Image { certain: true, .. } => Duration::from_secs(5),
            Self::Image { certain: false, .. } => Duration::from_secs(45),
            // Operators write Secrets seconds after their own object was applied.
            Self::Config { .. } => Duration::from_secs(30),
            Self::Unschedulable { message } if waits_for_volume(message) => Duration::from_mins(1),
            Self::Unschedulable { .. } => Duration::from_secs(15),
        }
    }

    /// One line: `container metastore exited 1 three times (CrashLoopBackOff)`.
    pub fn text(&self) -> String {
        match self {
            Self::CrashLoop { container, restarts: 0, exit } => {
                format!("container {container} {exit} (CrashLoopBackOff)")
            }
            Self::CrashLoop { container, restarts, exit } => {
                format!("container {container} {exit} {} (CrashLoopBackOff)", times(*restarts))
            }
            Self::Image { container, image, message, .. } => {
                format!("container {container} can't have image {image}: {message}")
            }
            Self::Config { container, message } => format!("container {container} can't be made: {message}"),
            Self::Unschedulable { message } => format!("no node takes it: {message}"),
            Self::Ended { message } => format!("ended: {message}"),
        }
    }

    /// The container whose log tells more, and whether it is the log of its former instance.
    pub(crate) fn log_of(&self) -> Option<(&str, bool)> {
        match self {
            Self::CrashLoop { container, .. } => Some((container, true)),
            _ => None,
        }
    }
}

fn times(count: i64) -> String {
    match count {
        1 => "once".into(),
        2 => "twice".into(),
        3 => "three times".into(),
        4 => "four times".into(),
        5 => "five times".into(),
        n => format!("{n} times"),
    }
}

fn waits_for_volume(message: &str) -> bool {
    message.contains("unbound immediate PersistentVolumeClaims") || message.contains("persistentvolumeclaim")
}

/// What is wrong with a pod, if anything. A container that ended only once or twice is reported as a crash loop with
/// that many restarts: the caller decides when it is final.
pub fn judge_pod(pod: &Value) -> Option<PodFault> {
    if !text(pod, "/metadata/deletionTimestamp").is_empty() {
        return None;
    }
    if text(pod, "/status/phase") == "Failed" {
        return Some(PodFault::Ended { message: ended(pod) });
    }
    for list in ["initContainerStatuses", "containerStatuses"] {
        let statuses = pod.pointer(&format!("/status/{list}")).and_then(Value::as_array);
        if let Some(fault) = statuses.into_iter().flatten().find_map(judge_container) {
            return Some(fault);
        }
    }
    let unscheduled = condition(pod, "PodScheduled").filter(|c| c.status == "False" && c.reason == "Unschedulable")?;
    if !text(pod, "/status/nominatedNodeName").is_empty() {
        return None; // others make way for it
    }
    Some(PodFault::Unschedulable { message: one_line(unscheduled.message) })
}

fn ended(pod: &Value) -> String {
    let reason = [text(pod, "/status/reason"), text(pod, "/status/message")].join(" ");
    let reason = one_line(&reason);
    if !reason.is_empty() {
        return reason;
    }
    let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
    let code = statuses.into_iter().flatten().find_map(|status| {
        let code = status.pointer("/state/terminated/exitCode")?.as_i64().filter(|code| *code != 0)?;
        Some(format!("container {} exited {code}", text(status, "/name")))
    });
    code.unwrap_or_else(|| "Failed".into())
}

fn judge_container(status: &Value) -> Option<PodFault> {
    let container = text(status, "/name").to_string();
    let reason = text(status, "/state/waiting/reason");
    let message = one_line(text(status, "/state/waiting/message"));
    match reason {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "RegistryUnavailable"
        | "ErrInspectImage" => {
            let image = text(status, "/image").to_string();
            let certain = reason == "InvalidImageName" || is_certain(&message);
            let message = if message.is_empty() { reason.into() } else { format!("{reason}: {message}") };
            Some(PodFault::Image { container, image, message, certain })
        }
        "CreateContainerConfigError" | "CreateContainerError" => Some(PodFault::Config { container, message }),
        _ => {
            let restarts = status.get("restartCount").and_then(Value::as_i64).unwrap_or_default();
            let last = status.pointer("/lastState/terminated").or_else(|| status.pointer("/state/terminated"));
            let code = last.and_then(|l| l.get("exitCode")).and_then(Value::as_i64);
            let looping = reason == "CrashLoopBackOff" || (restarts > 0 && code.is_some_and(|code| code != 0));
            let healthy = status.get("ready").and_then(Value::as_bool).unwrap_or(false);
            if !looping || healthy {
                return None;
            }
            let exit = match last.map(|l| text(l, "/reason")) {
                Some(word @ ("OOMKilled" | "ContainerCannotRun" | "StartError")) => format!("ended ({word})"),
                _ => code.map_or_else(|| "ended".to_string(), |code| format!("exited {code}")),
            };
            Some(PodFault::CrashLoop { container, restarts, exit })
        }
    }
}

fn is_certain(message: &str) -> bool {
    let message = message.to_lowercase();
    ["not found", "manifest unknown", "denied", "unauthorized", "authentication required", "invalid reference"]
        .iter()
        .any(|words| message.contains(words))
}

/// What a pod that is not ready yet is doing, for the line of progress.
pub(crate) fn doing(pod: &Value) -> String {
    if let Some(fault) = judge_pod(pod) {
        return fault.text();
    }
    if condition(pod, "PodScheduled").is_none_or(|c| c.status != "True") {
        return "waits for a node".into();
    }
    for (list, starting) in [("initContainerStatuses", true), ("containerStatuses", false)] {
        let statuses = pod.pointer(&format!("/status/{list}")).and_then(Value::as_array);
        for status in statuses.into_iter().flatten() {
            let name = text(status, "/name");
            let reason = text(status, "/state/waiting/reason");
            if !reason.is_empty() && reason != "PodInitializing" {
                return format!("{name} {reason}");
            }
            if starting && status.pointer("/state/running").is_some() {
                return format!("init container {name} runs");
            }
            if !starting && status.get("ready").and_then(Value::as_bool) == Some(false) {
                return format!("{name} runs, not ready yet");
            }
        }
    }
    match text(pod, "/status/phase") {
        "" => "is new".into(),
        phase => phase.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(container: &Value) -> Value {
        json!({"metadata": {"name": "x"}, "status": {"phase": "Running", "containerStatuses": [container]}})
    }

    #[test]
    fn every_fault_is_told_apart() {
        let table = [
            (
                pod(&json!({"name": "m", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}})),
                "container m exited 1 three times (CrashLoopBackOff)",
                0,
            ),
            (
                pod(&json!({"name": "m", "restartCount": 4, "state": {"running": {}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}})),
                "container m ended (OOMKilled) four times (CrashLoopBackOff)",
                0,
            ),
            (
                pod(&json!({"name": "m", "image": "x/y:1", "state": {"waiting": {"reason": "ErrImagePull",
                    "message": "manifest unknown"}}})),
                "container m can't have image x/y:1: ErrImagePull: manifest unknown",
                5,
            ),
            (
                pod(&json!({"name": "m", "image": "x/y:1", "state": {"waiting": {"reason": "ImagePullBackOff",
                    "message": "i/o timeout"}}})),
                "container m can't have image x/y:1: ImagePullBackOff: i/o timeout",
                45,
            ),
            (
                pod(&json!({"name": "m", "state": {"waiting": {"reason": "CreateContainerConfigError",
                    "message": "secret \"db-app\" not found"}}})),
                "container m can't be made: secret \"db-app\" not found",
                30,
            ),
            (
                json!({"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
                    "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient memory."}]}}),
                "no node takes it: 0/3 nodes are available: 3 Insufficient memory.",
                15,
            ),
            (
                json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}}),
                "ended: Evicted low on memory",
                0,
            ),
        ];
        for (pod, wanted, grace) in table {
            let fault = judge_pod(&pod).unwrap_or_else(|| panic!("{wanted}"));
            assert_eq!(fault.text(), wanted);
            assert_eq!(fault.grace().as_secs(), grace, "{wanted}");
        }
    }

    #[test]
    fn healthy_new_and_leaving_pods_have_no_fault() {
        let running = pod(&json!({"name": "m", "ready": true, "restartCount": 7, "state": {"running": {}},
            "lastState": {"terminated": {"exitCode": 1}}}));
        assert_eq!(judge_pod(&running), None);
        let mut leaving = pod(&json!({"name": "m", "state": {"waiting": {"reason": "ErrImagePull"}}}));
        leaving["metadata"]["deletionTimestamp"] = json!("2026-11-24T10:00:00Z");
        assert_eq!(judge_pod(&leaving), None);
        let pulling = pod(&json!({"name": "m", "state": {"waiting": {"reason": "ContainerCreating"}}}));
        assert_eq!(judge_pod(&pulling), None);
    }
}
