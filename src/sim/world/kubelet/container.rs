//! The steps of one container: image, start, ready, end, and once more.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::world::hash::fnv64;
use crate::sim::world::look::Look;
use crate::sim::world::plan::{Plan, seconds_later};
use crate::sim::world::read::{count, int, list, name, namespace, put, text, time, uid};

use super::config;
use super::memory::Memory;
use super::model::run_of;
use super::notes::{full_name, note};

/// The longest back-off of a container that ends again and again (`MaxCrashLoopBackOff`), in seconds.
const LONGEST: i64 = 300;
/// A container that ran so long starts afresh.
const FORGIVEN: i64 = 600;

/// One look at the containers of a pod.
pub(super) struct Turn<'a> {
    pub(super) look: &'a Look<'a>,
    pub(super) pod: &'a Value,
    pub(super) kubelet: &'a mut Memory,
    pub(super) plan: &'a mut Plan,
    pub(super) mounted: bool,
}

/// How a container stands after a look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    Waits,
    Runs,
    Done,
    Failed,
}

/// How a pod that has ended did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Finished {
    Well,
    Badly,
}

impl Turn<'_> {
    /// The statuses of init and main containers, and whether all is over.
    pub(super) fn containers(&mut self) -> (Vec<Value>, Vec<Value>, Option<Finished>) {
        let policy = match text(self.pod, "/spec/restartPolicy") {
            "" => "Always",
            policy => policy,
        };
        let (mut init, mut main) = (Vec::new(), Vec::new());
        let mut open = self.mounted;
        let mut broken = false;
        for container in list(self.pod, "/spec/initContainers") {
            let sidecar = text(container, "/restartPolicy") == "Always";
            let own = if sidecar {
                "Always"
            } else if policy == "Never" {
                "Never"
            } else {
                "OnFailure"
            };
            let (status, stand) = self.step("initContainers", container, own, open, !sidecar, "PodInitializing");
            broken |= stand == Stand::Failed;
            open &= if sidecar { stand == Stand::Runs } else { stand == Stand::Done };
            init.push(status);
        }
        let waiting =
            if list(self.pod, "/spec/initContainers").is_empty() { "ContainerCreating" } else { "PodInitializing" };
        let mut stands = Vec::new();
        for container in list(self.pod, "/spec/containers") {
            let (status, stand) = self.step("containers", container, policy, open, false, waiting);
            stands.push(stand);
            main.push(status);
        }
        let over = stands.iter().all(|stand| matches!(stand, Stand::Done | Stand::Failed));
        let finished = if broken || over && stands.contains(&Stand::Failed) {
            Some(Finished::Badly)
        } else {
            over.then_some(Finished::Well)
        };
        (init, main, finished)
    }

    /// One container: its status as it is now.
    fn step(
        &mut self,
        group: &str,
        container: &Value,
        policy: &str,
        open: bool,
        init: bool,
        waiting: &str,
    ) -> (Value, Stand) {
        let own = text(container, "/name");
        let at = if group == "containers" { "/status/containerStatuses" } else { "/status/initContainerStatuses" };
        let known = list(self.pod, at).iter().find(|s| text(s, "/name") == own);
        let mut status = known.cloned().unwrap_or_else(|| blank(own, text(container, "/image"), waiting));
        if !open && status.pointer("/state/waiting").is_some() {
            return (status, Stand::Waits);
        }
        if status.pointer("/state/waiting").is_some() {
            if text(&status, "/state/waiting/reason") == "CrashLoopBackOff" {
                self.wait_for_restart(&mut status);
            } else if self.prepare(group, container, &mut status) {
                self.start(group, container, &mut status);
            }
        }
        if status.pointer("/state/running").is_some() {
            self.live(group, container, &mut status, init);
        }
        let stand = if status.pointer("/state/terminated").is_some() {
            self.after_end(group, container, &mut status, policy)
        } else if status.pointer("/state/running").is_some() {
            Stand::Runs
        } else {
            Stand::Waits
        };
        (status, stand)
    }

    /// Configuration and image; says whether the container can start.
    fn prepare(&mut self, group: &str, container: &Value, status: &mut Value) -> bool {
        let own = text(container, "/name");
        if let Some(why) = config::missing_environment(self.look.view, namespace(self.pod), container) {
            if text(status, "/state/waiting/message") != why {
                let message = format!("Error: {why}");
                self.plan.acts.push(note(self.pod, true, "Failed", message, Some((group, own))));
            }
            status["state"] = json!({"waiting": {"reason": "CreateContainerConfigError", "message": why}});
            return false;
        }
        let image = text(container, "/image");
        let node = text(self.pod, "/spec/nodeName");
        let key = (uid(self.pod).to_owned(), own.to_owned());
        let now = self.look.now;
        if self.look.faults.image_pull(namespace(self.pod), name(self.pod), image) {
            self.fail_pull(group, own, image, status);
            return false;
        }
        let here = self.kubelet.images.contains(&(node.to_owned(), image.to_owned()));
        let always = text(container, "/imagePullPolicy") == "Always";
        let begun = self.kubelet.pulls.get(&key).copied();
        if here && (!always || begun.is_none() && text(container, "/imagePullPolicy") == "IfNotPresent") {
            let message =
                format!("Container image \"{image}\" already present on machine and can be accessed by the pod");
            self.plan.acts.push(note(self.pod, false, "Pulled", message, Some((group, own))));
            return true;
        }
        if text(container, "/imagePullPolicy") == "Never" {
            let message = format!("Container image \"{image}\" is not present with pull policy of Never");
            if text(status, "/state/waiting/reason") != "ErrImageNeverPull" {
                self.plan.acts.push(note(self.pod, true, "ErrImageNeverPull", message.clone(), Some((group, own))));
                let failed = "Error: ErrImageNeverPull".to_owned();
                self.plan.acts.push(note(self.pod, true, "Failed", failed, Some((group, own))));
            }
            status["state"] = json!({"waiting": {"reason": "ErrImageNeverPull", "message": message}});
            return false;
        }
        let begun = begun.unwrap_or_else(|| {
            let message = format!("Pulling image \"{image}\"");
            self.plan.acts.push(note(self.pod, false, "Pulling", message, Some((group, own))));
            self.kubelet.pulls.insert(key.clone(), now);
            now
        });
        let done = seconds_later(begun, self.look.pace.pull);
        if done > now {
            self.plan.wake_at(done);
            return false;
        }
        self.kubelet.pulls.remove(&key);
        self.kubelet.images.insert((node.to_owned(), image.to_owned()));
        let seconds = self.look.pace.pull;
        let message = format!(
            "Successfully pulled image \"{image}\" in {seconds}s ({seconds}s including waiting). Image size: {} bytes.",
            20_000_000 + fnv64(image.as_bytes()) % 300_000_000
        );
        self.plan.acts.push(note(self.pod, false, "Pulled", message, Some((group, own))));
        true
    }

    /// An image that can't be had: tried, then put off longer and longer.
    fn fail_pull(&mut self, group: &str, own: &str, image: &str, status: &mut Value) {
        let key = (uid(self.pod).to_owned(), own.to_owned());
        let since = *self.kubelet.pulls.entry(key).or_insert(self.look.now);
        let why = format!(
            "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
        );
        let waited = self.look.now.duration_since(since).as_secs();
        // Tried at 0, 10, 30, 70 … seconds; in between it is put off.
        let (mut next, mut step) = (10, 10);
        while next <= waited {
            step = (step * 2).min(LONGEST);
            next += step;
        }
        let tried_now = waited == next - step || waited == 0;
        self.plan.wake_at(seconds_later(since, if tried_now { waited + 2 } else { next }));
        let error = format!("rpc error: code = NotFound desc = {why}");
        if tried_now {
            if text(status, "/state/waiting/reason") != "ErrImagePull" {
                let pulling = format!("Pulling image \"{image}\"");
                self.plan.acts.push(note(self.pod, false, "Pulling", pulling, Some((group, own))));
                let failed = format!("Failed to pull image \"{image}\": {error}");
                self.plan.acts.push(note(self.pod, true, "Failed", failed, Some((group, own))));
                let message = "Error: ErrImagePull".to_owned();
                self.plan.acts.push(note(self.pod, true, "Failed", message, Some((group, own))));
            }
            status["state"] = json!({"waiting": {"reason": "ErrImagePull", "message": error}});
            return;
        }
        if text(status, "/state/waiting/reason") != "ImagePullBackOff" {
            let message = format!("Back-off pulling image \"{image}\"");
            self.plan.acts.push(note(self.pod, false, "BackOff", message, Some((group, own))));
            let message = "Error: ImagePullBackOff".to_owned();
            self.plan.acts.push(note(self.pod, true, "Failed", message, Some((group, own))));
        }
        let message = format!("Back-off pulling image \"{image}\": ErrImagePull: {error}");
        status["state"] = json!({"waiting": {"reason": "ImagePullBackOff", "message": message}});
    }

    fn start(&mut self, group: &str, container: &Value, status: &mut Value) {
        let own = text(container, "/name");
        let image = text(container, "/image");
        let number = count(status, "/restartCount");
        let id = fnv64(format!("{}/{own}/{number}", uid(self.pod)).as_bytes());
        status["image"] = Value::from(image);
        status["imageID"] = Value::from(format!("{image}@sha256:{:064x}", fnv64(image.as_bytes())));
        status["containerID"] = Value::from(format!("containerd://{id:064x}"));
        status["state"] = json!({"running": {"startedAt": self.look.stamp()}});
        self.plan.acts.push(note(self.pod, false, "Created", "Container created".into(), Some((group, own))));
        self.plan.acts.push(note(self.pod, false, "Started", "Container started".into(), Some((group, own))));
    }

    /// A running container: whether it is ready, and whether it ends.
    fn live(&mut self, group: &str, container: &Value, status: &mut Value, init: bool) {
        let own = text(container, "/name");
        let since = time(status, "/state/running/startedAt").unwrap_or(self.look.now);
        let run = run_of(self.look, self.kubelet.model.as_ref(), self.pod, own, init);
        if let Some((seconds, code)) = run.ends {
            let end = seconds_later(since, seconds);
            if end <= self.look.now {
                let reason = if code == 0 { "Completed" } else { "Error" };
                status["state"] = json!({"terminated": {
                    "exitCode": code,
                    "reason": reason,
                    "startedAt": crate::sim::clock::stamp(since),
                    "finishedAt": self.look.stamp(),
                    "containerID": text(status, "/containerID"),
                }});
                status["ready"] = Value::from(init && code == 0);
                status["started"] = Value::from(false);
                return;
            }
            self.plan.wake_at(end);
        }
        let started = self.passed(container, "startupProbe", since);
        status["started"] = Value::from(started && !init);
        let never = self.look.faults.never_ready(namespace(self.pod), name(self.pod));
        if never && container.get("readinessProbe").is_some() && started {
            let message = "Readiness probe failed: failed on request (fault of the simulator)".to_owned();
            if self.kubelet.told.insert((uid(self.pod).to_owned(), format!("{own} unready"))) {
                self.plan.acts.push(note(self.pod, true, "Unhealthy", message, Some((group, own))));
            }
        }
        let is_ready = !init && started && !never && self.passed(container, "readinessProbe", since);
        status["ready"] = Value::from(is_ready);
    }

    /// Whether a probe has passed: a moment after its first try.
    fn passed(&mut self, container: &Value, probe: &str, since: Timestamp) -> bool {
        let Some(probe) = container.get(probe).filter(|p| p.is_object()) else { return true };
        let successes = int(probe, "/successThreshold").unwrap_or(1).max(1);
        let period = int(probe, "/periodSeconds").unwrap_or(10).max(1);
        let wait = int(probe, "/initialDelaySeconds").unwrap_or(0) + self.look.pace.ready + (successes - 1) * period;
        let at = seconds_later(since, wait);
        if at > self.look.now {
            self.plan.wake_at(at);
            return false;
        }
        true
    }

    /// A container that has ended: over, or started again.
    fn after_end(&mut self, group: &str, container: &Value, status: &mut Value, policy: &str) -> Stand {
        let code = count(status, "/state/terminated/exitCode");
        match policy {
            "Never" | "OnFailure" if code == 0 => return Stand::Done,
            "Never" => return Stand::Failed,
            _ => {}
        }
        let own = text(container, "/name");
        let ended = time(status, "/state/terminated/finishedAt").unwrap_or(self.look.now);
        let ran = time(status, "/state/terminated/startedAt").map_or(0, |from| ended.duration_since(from).as_secs());
        let restarts = count(status, "/restartCount");
        // The first restart comes at once, a second later here, so that the end can be seen.
        if restarts == 0 || ran >= FORGIVEN {
            let again = seconds_later(ended, 1);
            if again > self.look.now {
                self.plan.wake_at(again);
                return Stand::Waits;
            }
            self.restart(group, container, status);
            return Stand::Runs;
        }
        let pause = back_off(restarts);
        let message =
            format!("back-off {} restarting failed container={own} pod={}", spoken(pause), full_name(self.pod));
        let said = format!("Back-off restarting failed container {own} in pod {}", full_name(self.pod));
        self.plan.acts.push(note(self.pod, true, "BackOff", said, Some((group, own))));
        let terminated = status["state"].clone();
        status["lastState"] = terminated;
        status["state"] = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
        self.plan.wake_at(seconds_later(ended, pause));
        Stand::Waits
    }

    fn wait_for_restart(&mut self, status: &mut Value) {
        let ended = time(status, "/lastState/terminated/finishedAt").unwrap_or(self.look.now);
        let again = seconds_later(ended, back_off(count(status, "/restartCount")));
        if again > self.look.now {
            self.plan.wake_at(again);
            return;
        }
        let own = text(status, "/name").to_owned();
        let find = |group: &'static str| {
            let all = list(self.pod, if group == "containers" { "/spec/containers" } else { "/spec/initContainers" });
            all.iter().find(|c| text(c, "/name") == own).map(|c| (group, c))
        };
        if let Some((group, container)) = find("containers").or_else(|| find("initContainers")) {
            self.restart(group, container, status);
        }
    }

    fn restart(&mut self, group: &str, container: &Value, status: &mut Value) {
        if status.pointer("/state/terminated").is_some() {
            let terminated = status["state"].clone();
            status["lastState"] = terminated;
        }
        status["restartCount"] = Value::from(count(status, "/restartCount") + 1);
        let image = text(container, "/image");
        let message = format!("Container image \"{image}\" already present on machine and can be accessed by the pod");
        self.plan.acts.push(note(self.pod, false, "Pulled", message, Some((group, text(container, "/name")))));
        self.start(group, container, status);
        let run = run_of(self.look, self.kubelet.model.as_ref(), self.pod, text(container, "/name"), false);
        if let Some((seconds, _)) = run.ends {
            self.plan.wake_at(seconds_later(self.look.now, seconds));
        }
        put(status, "ready", Value::from(false));
        self.plan.wake_at(self.look.now);
    }
}

/// Seconds to wait before the next start of a container that was restarted so often.
fn back_off(restarts: i64) -> i64 {
    let doubled = 10_i64.saturating_mul(1 << (restarts - 1).clamp(0, 10));
    doubled.min(LONGEST)
}

/// Seconds as Go writes a duration: `10s`, `1m20s`, `5m0s`.
fn spoken(seconds: i64) -> String {
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m{}s", seconds / 60, seconds % 60) }
}

fn blank(name: &str, image: &str, waiting: &str) -> Value {
    json!({"name": name, "image": image, "imageID": "", "ready": false, "started": false, "restartCount": 0,
        "state": {"waiting": {"reason": waiting}}, "lastState": {}})
}
