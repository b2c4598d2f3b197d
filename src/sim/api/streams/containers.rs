//! Which container of a pod is meant, and what state it is in.

use serde_json::Value;

use crate::sim::api::{Status, object};

/// The container that is asked for, or the only one.
pub(super) fn choose(pod: &Value, asked: Option<&str>) -> Result<String, Status> {
    let list = |field: &str| {
        pod["spec"][field].as_array().into_iter().flatten().filter_map(|c| c["name"].as_str()).map(str::to_owned)
    };
    let all: Vec<String> =
        list("initContainers").chain(list("containers")).chain(list("ephemeralContainers")).collect();
    let name = object::name(pod);
    match asked {
        Some(asked) if all.iter().any(|c| c == asked) => Ok(asked.to_owned()),
        Some(asked) => Err(Status::bad_request(format!("container {asked} is not valid for pod {name}"))),
        None => {
            let mut main: Vec<String> = list("containers").collect();
            match main.len() {
                1 => Ok(main.remove(0)),
                0 => Err(Status::bad_request(format!("a container name must be specified for pod {name}"))),
                _ => {
                    let names = all.join(" ");
                    let why = format!("a container name must be specified for pod {name}, choose one of: [{names}]");
                    Err(Status::bad_request(why))
                }
            }
        }
    }
}

/// The pod's node; nothing before it has one.
pub(super) fn node(pod: &Value) -> Option<&str> {
    pod["spec"]["nodeName"].as_str().filter(|node| !node.is_empty())
}

/// 400 for a pod that no node runs.
pub(super) fn on_a_node(pod: &Value) -> Result<(), Status> {
    let why = || Status::bad_request(format!("pod {} does not have a host assigned", object::name(pod)));
    node(pod).map(|_| ()).ok_or_else(why)
}

/// The status of a container.
pub(super) fn status<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    let fields = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];
    let all = fields.iter().flat_map(|field| pod["status"][field].as_array().into_iter().flatten());
    all.into_iter().find(|status| status["name"] == container)
}

/// Whether it runs now.
pub(super) fn is_running(pod: &Value, container: &str) -> bool {
    status(pod, container).is_some_and(|status| status["state"]["running"].is_object())
}

/// Whether there is a log to read, in the words of a kubelet (`validateContainerLogStatus`); else why not.
/// The answer is true when the log asked for is that of the run before.
pub(super) fn log_of_previous(pod: &Value, container: &str, previous: bool) -> Result<bool, Status> {
    let name = object::name(pod);
    let no = |why: String| Err(Status::bad_request(why));
    let Some(status) = status(pod, container) else {
        return no(format!("container \"{container}\" in pod \"{name}\" is not available"));
    };
    let (state, last) = (&status["state"], &status["lastState"]["terminated"]);
    let ran = |terminated: &Value| terminated["containerID"].as_str().is_some_and(|id| !id.is_empty());
    let ended = || format!("container \"{container}\" in pod \"{name}\" is terminated");
    if previous {
        let why = || format!("previous terminated container \"{container}\" in pod \"{name}\" not found");
        return if ran(last) { Ok(true) } else { no(why()) };
    }
    if state["running"].is_object() {
        return Ok(false);
    }
    if state["terminated"].is_object() {
        return match (ran(&state["terminated"]), ran(last)) {
            (true, _) => Ok(false),
            (false, true) => Ok(true),
            (false, false) => no(ended()),
        };
    }
    if last.is_object() {
        return if ran(last) { Ok(true) } else { no(ended()) };
    }
    let waiting = format!("container \"{container}\" in pod \"{name}\" is waiting to start");
    if !state["waiting"].is_object() {
        return no(format!("{waiting} - no logs yet"));
    }
    match state["waiting"]["reason"].as_str().unwrap_or_default() {
        "ErrImagePull" => no(format!("{waiting}: image can't be pulled")),
        "ImagePullBackOff" => no(format!("{waiting}: trying and failing to pull image")),
        reason => no(format!("{waiting}: {reason}")),
    }
}
