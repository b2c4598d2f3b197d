//! From `svc/x` or `deploy/x` to a ready pod and the port as the pod knows it.

use serde_json::Value;

use crate::error::{Code, Error, Result};

use super::connect::Cluster;
use super::health::{Readiness, readiness};
use super::objects::Query;

/// A pod to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Namespace.
    pub namespace: String,
    /// Pod.
    pub pod: String,
    /// Port number in the pod.
    pub port: u16,
}

impl Cluster {
    /// A ready pod behind `svc/x`, `deploy/x`, `sts/x`, another kind with a selector, or `pod/x` (also plain `x`).
    ///
    /// `port` is a service's port (number or name) or a container's; without one, the first that is declared. Fails with
    /// `not_ready` when no pod is ready.
    pub async fn ready_pod_of(&self, target: &str, namespace: &str, port: Option<&str>) -> Result<Target> {
        let (kind, name) = target.split_once('/').unwrap_or(("pod", target));
        let kind = self.kind(kind).await?;
        let owner = self.get(&kind, Some(namespace), name).await?;
        let label = format!("{} {namespace}/{name}", kind.kind);
        let is_service = kind.kind == "Service" && kind.group.is_empty();
        let pod = if kind.kind == "Pod" && kind.group.is_empty() {
            owner.clone()
        } else {
            let selector =
                if is_service { &owner["spec"]["selector"] } else { &owner["spec"]["selector"]["matchLabels"] };
            let Some(selector) = selector_text(selector) else {
                return Err(Error::new(Code::Invalid, format!("{label} selects no pods")).object(
                    &kind.kind,
                    Some(namespace),
                    name,
                ));
            };
            let pods = self.list("Pod.v1", &Query::namespace(namespace).labels(selector)).await?;
            choose(pods, &label)?
        };
        let pod_port = if is_service { service_port(&owner, port, &label)? } else { port.map(ToOwned::to_owned) };
        let port = container_port(&pod, pod_port.as_deref(), &label)?;
        let pod = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        Ok(Target { namespace: namespace.to_owned(), pod, port })
    }
}

fn selector_text(labels: &Value) -> Option<String> {
    let labels = labels.as_object().filter(|l| !l.is_empty())?;
    let pairs: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    Some(pairs.join(","))
}

/// The newest ready pod.
fn choose(pods: Vec<Value>, label: &str) -> Result<Value> {
    let count = pods.len();
    let mut reason = None;
    let mut ready: Vec<Value> = Vec::new();
    for pod in pods {
        match readiness(&pod) {
            Readiness::Ready if pod["status"]["phase"] == "Running" => ready.push(pod),
            Readiness::Ready => reason = reason.or(Some("it has ended".to_owned())),
            Readiness::NotReady(why) | Readiness::Unknown(why) => {
                reason = Some(format!("{}: {why}", pod["metadata"]["name"].as_str().unwrap_or_default()));
            }
        }
    }
    let age = |pod: &Value| pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
    ready.into_iter().max_by_key(age).ok_or_else(|| {
        let seen = match reason {
            Some(why) => format!("none of {count} is ready ({why})"),
            None => "there is none".to_owned(),
        };
        Error::new(Code::NotReady, format!("no pod of {label} to connect to: {seen}"))
    })
}

/// What the pod calls a service's port: a number or a container port's name.
fn service_port(service: &Value, port: Option<&str>, label: &str) -> Result<Option<String>> {
    let ports = service["spec"]["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    let number = |value: &Value| value.as_u64().map(|n| n.to_string());
    let found = match port {
        None => ports.first(),
        Some(port) => ports.iter().find(|p| p["name"] == port || number(&p["port"]).as_deref() == Some(port)),
    };
    let Some(found) = found else {
        let shown = |p: &Value| format!("{} {}", p["name"].as_str().unwrap_or_default(), p["port"]).trim().to_owned();
        let known: Vec<String> = ports.iter().map(shown).collect();
        return Err(Error::new(Code::NotFound, format!("{label} has no port {}", port.unwrap_or_default()))
            .hint(format!("It has: {}", known.join(", "))));
    };
    let target = &found["targetPort"];
    let target = target.as_str().map(ToOwned::to_owned).or_else(|| number(target)).filter(|t| t != "0");
    Ok(target.or_else(|| number(&found["port"])))
}

fn container_port(pod: &Value, port: Option<&str>, label: &str) -> Result<u16> {
    if let Some(number) = port.and_then(|p| p.parse().ok()) {
        return Ok(number);
    }
    let of = |field: &str| pod["spec"][field].as_array().cloned().unwrap_or_default();
    let containers = [of("containers"), of("initContainers")].concat();
    let mut ports = containers.iter().filter_map(|c| c["ports"].as_array()).flatten();
    let found = ports.find(|p| port.is_none_or(|name| p["name"] == name));
    let number = found.and_then(|p| p["containerPort"].as_u64()).and_then(|n| u16::try_from(n).ok());
    number.ok_or_else(|| match port {
        Some(name) => Error::new(Code::NotFound, format!("no container of {label} has a port named {name}")),
        None => Error::new(Code::Invalid, format!("{label} declares no port")).hint("Name the port"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_port_becomes_the_pods_port() {
        let service = json!({"spec": {"ports": [
            {"name": "http", "port": 80, "targetPort": "web"},
            {"name": "admin", "port": 81, "targetPort": 9000},
            {"name": "same", "port": 5432},
        ]}});
        let pod = json!({"spec": {"containers": [{"ports": [{"name": "metrics", "containerPort": 1}, {"name": "web", "containerPort": 8080}]}]}});
        let port = |wanted: Option<&str>| {
            let name = service_port(&service, wanted, "Service a/b")?;
            container_port(&pod, name.as_deref(), "Service a/b")
        };
        assert_eq!(port(Some("80")).unwrap(), 8080);
        assert_eq!(port(None).unwrap(), 8080);
        assert_eq!(port(Some("admin")).unwrap(), 9000);
        assert_eq!(port(Some("5432")).unwrap(), 5432);
        let error = port(Some("82")).unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
        assert_eq!(error.hint_text(), Some("It has: http 80, admin 81, same 5432"));
    }
}
