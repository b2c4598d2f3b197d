//! Defaults and bounds of limit ranges, in the words of the plugin `LimitRanger`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::quantity::Quantity;
use crate::sim::api::admission::{Admission, Attempt};
use crate::sim::api::status::Status;
use crate::sim::world::read::{list, map_of, set_meta, slot, text};
use crate::sim::world::usage::usage;

/// Limit ranges.
#[derive(Clone, Copy, Debug)]
pub struct LimitRanges;

const ANNOTATION: &str = "kubernetes.io/limit-ranger";

impl Admission for LimitRanges {
    fn mutate(&self, attempt: &Attempt, object: &mut Value) -> Result<(), Status> {
        if !attempt.creates("pods", "") {
            return Ok(());
        }
        for range in attempt.store.list("limitranges", "", attempt.namespace) {
            give_defaults(range, object);
        }
        Ok(())
    }

    fn check(&self, attempt: &Attempt, object: &Value) -> Result<(), Status> {
        let pod = attempt.creates("pods", "");
        let claim = attempt.creates("persistentvolumeclaims", "");
        if !pod && !claim {
            return Ok(());
        }
        for range in attempt.store.list("limitranges", "", attempt.namespace) {
            let mut broken = Vec::new();
            for limit in list(range, "/spec/limits") {
                match text(limit, "/type") {
                    "Container" if pod => {
                        let all = list(object, "/spec/containers").iter().chain(list(object, "/spec/initContainers"));
                        for container in all {
                            let of = |key: &str| amounts(container.pointer(&format!("/resources/{key}")));
                            bounds(limit, "Container", &of("requests"), &of("limits"), &mut broken);
                        }
                    }
                    "Pod" if pod => {
                        let (requests, limits) = sums(object);
                        bounds(limit, "Pod", &requests, &limits, &mut broken);
                    }
                    "PersistentVolumeClaim" if claim => {
                        let requests = amounts(object.pointer("/spec/resources/requests"));
                        requested(limit, &requests, &mut broken);
                    }
                    _ => {}
                }
            }
            if let Some(why) = aggregate(&broken) {
                return Err(attempt.forbidden(&why));
            }
        }
        Ok(())
    }
}

/// Several reasons as Go's aggregate error writes them: `[a, b]`.
fn aggregate(broken: &[String]) -> Option<String> {
    match broken {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}

fn give_defaults(range: &Value, pod: &mut Value) {
    let (mut limits, mut requests) = (Map::new(), Map::new());
    for limit in list(range, "/spec/limits").iter().filter(|limit| text(limit, "/type") == "Container") {
        let of = |key: &str| limit.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
        limits.extend(of("default"));
        requests.extend(of("defaultRequest"));
    }
    let mut said: Vec<String> = Vec::new();
    for (group, word) in [("containers", "container"), ("initContainers", "init container")] {
        let Some(containers) = pod.pointer_mut(&format!("/spec/{group}")).and_then(Value::as_array_mut) else {
            continue;
        };
        for container in containers {
            let own = text(container, "/name").to_owned();
            for (kind, key, defaults) in [("request", "requests", &requests), ("limit", "limits", &limits)] {
                if defaults.is_empty() {
                    continue;
                }
                let given = map_of(slot(container, "resources"), key);
                let mut new: Vec<&str> = Vec::new();
                for (name, amount) in defaults {
                    if !given.contains_key(name) {
                        given.insert(name.clone(), amount.clone());
                        new.push(name);
                    }
                }
                if !new.is_empty() {
                    new.sort_unstable();
                    said.push(format!("{} {kind} for {word} {own}", new.join(", ")));
                }
            }
        }
    }
    if !said.is_empty() {
        set_meta(pod, "annotations", ANNOTATION, &format!("LimitRanger plugin set: {}", said.join("; ")));
    }
}

type Written = BTreeMap<String, (Quantity, String)>;

fn amounts(map: Option<&Value>) -> Written {
    let entries = map.and_then(Value::as_object).into_iter().flatten();
    entries
        .filter_map(|(name, value)| {
            let text = value.as_str()?;
            Some((name.clone(), (Quantity::parse(text).ok()?, text.to_owned())))
        })
        .collect()
}

/// What a pod's containers ask for and may use in all.
fn sums(pod: &Value) -> (Written, Written) {
    let used = usage("pods", "", pod);
    let of = |prefix: &str| {
        let entries = used.iter().filter_map(|(name, amount)| {
            let name = name.strip_prefix(prefix)?;
            Some((name.to_owned(), (*amount, amount.to_string())))
        });
        entries.collect::<Written>()
    };
    (of("requests."), of("limits."))
}

fn bounds(limit: &Value, kind: &str, requests: &Written, limits: &Written, broken: &mut Vec<String>) {
    for (name, (least, shown)) in amounts(limit.get("min")) {
        let head = format!("minimum {name} usage per {kind} is {shown}");
        match (requests.get(&name), limits.get(&name)) {
            (None, _) => broken.push(format!("{head}.  No request is specified")),
            (Some((request, text)), _) if *request < least => broken.push(format!("{head}, but request is {text}")),
            (_, Some((given, text))) if *given < least => broken.push(format!("{head}, but limit is {text}")),
            _ => {}
        }
    }
    for (name, (most, shown)) in amounts(limit.get("max")) {
        let head = format!("maximum {name} usage per {kind} is {shown}");
        match (limits.get(&name), requests.get(&name)) {
            (None, _) => broken.push(format!("{head}.  No limit is specified")),
            (Some((given, text)), _) if *given > most => broken.push(format!("{head}, but limit is {text}")),
            (_, Some((request, text))) if *request > most => broken.push(format!("{head}, but request is {text}")),
            _ => {}
        }
    }
    for (name, (most, shown)) in amounts(limit.get("maxLimitRequestRatio")) {
        let head = format!("{name} max limit to request ratio per {kind} is {shown}");
        let zero = |amount: Option<&(Quantity, String)>| amount.is_none_or(|(a, _)| *a == Quantity::default());
        let (request, given) = (requests.get(&name), limits.get(&name));
        if zero(request) {
            broken.push(format!("{head}, but no request is specified or request is 0"));
        } else if zero(given) {
            broken.push(format!("{head}, but no limit is specified or limit is 0"));
        } else if let (Some((request, _)), Some((given, _))) = (request, given) {
            let ratio = given.millis() as f64 / request.millis() as f64;
            if ratio * 1000.0 > most.millis() as f64 {
                broken.push(format!("{head}, but provided ratio is {ratio:.6}"));
            }
        }
    }
}

fn requested(limit: &Value, requests: &Written, broken: &mut Vec<String>) {
    let kind = "PersistentVolumeClaim";
    for (word, key) in [("minimum", "min"), ("maximum", "max")] {
        for (name, (bound, shown)) in amounts(limit.get(key)) {
            let head = format!("{word} {name} usage per {kind} is {shown}");
            match requests.get(&name) {
                None => broken.push(format!("{head}.  No request is specified")),
                Some((request, text)) if (key == "min" && *request < bound) || (key == "max" && *request > bound) => {
                    broken.push(format!("{head}, but request is {text}"));
                }
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_are_given_and_told() {
        let range = json!({"spec": {"limits": [{"type": "Container", "default": {"memory": "1Gi", "cpu": "1"}, "defaultRequest": {"memory": "512Mi"}}]}});
        let mut pod =
            json!({"metadata": {}, "spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "2"}}}]}});
        give_defaults(&range, &mut pod);
        assert_eq!(
            pod["spec"]["containers"][0]["resources"],
            json!({"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"memory": "512Mi"}})
        );
        assert_eq!(
            crate::sim::world::read::annotation(&pod, ANNOTATION),
            Some("LimitRanger plugin set: memory request for container c; memory limit for container c")
        );
    }

    #[test]
    fn bounds_in_the_true_words() {
        let limit = json!({"min": {"memory": "100Mi"}, "max": {"memory": "1Gi"}, "maxLimitRequestRatio": {"cpu": "2"}});
        let broken = |requests: Value, limits: Value| {
            let mut all = Vec::new();
            bounds(&limit, "Container", &amounts(Some(&requests)), &amounts(Some(&limits)), &mut all);
            all
        };
        assert_eq!(
            broken(json!({"memory": "50Mi", "cpu": "1"}), json!({"memory": "2Gi", "cpu": "3"})),
            [
                "minimum memory usage per Container is 100Mi, but request is 50Mi",
                "maximum memory usage per Container is 1Gi, but limit is 2Gi",
                "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
            ]
        );
        assert_eq!(
            broken(json!({"memory": "200Mi", "cpu": "1"}), json!({"cpu": "2"})),
            ["maximum memory usage per Container is 1Gi.  No limit is specified"]
        );
        assert_eq!(aggregate(&["a".into(), "b".into()]).as_deref(), Some("[a, b]"));
    }
}
