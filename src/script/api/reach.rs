//! How a probe reaches its server: namespace, port, time limit, endpoint or port-forward, and the Secret it signs with.

use std::time::Duration;

use base64::Engine as _;
use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::probe::Connector;
use crate::script::options::Options;

use super::session::Session;

/// How long a single call may take, unless the script says otherwise.
const LIMIT: Duration = Duration::from_secs(30);

/// Namespace of a target.
pub(super) fn namespace(session: &Session, options: &Options) -> Result<String> {
    Ok(options.text("namespace")?.filter(|ns| !ns.is_empty()).unwrap_or_else(|| session.namespace().to_owned()))
}

/// The time that a call may take.
pub(super) fn limit(options: &Options) -> Result<Duration> {
    Ok(options.time("limit")?.unwrap_or(LIMIT))
}

/// A port among the options.
pub(super) fn port(options: &Options, default: u16) -> Result<u16> {
    match options.integer("port")? {
        None => Ok(default),
        Some(port) => to_port(port),
    }
}

/// A number as a port.
pub(super) fn to_port(port: i64) -> Result<u16> {
    u16::try_from(port).ok().filter(|p| *p > 0).ok_or_else(|| Error::new(Code::Invalid, format!("{port} is no port")))
}

/// Where a probe goes: the address in the settings if there is one, else a port-forward.
pub(super) fn connector(
    session: &Session,
    setting: &str,
    namespace: &str,
    target: &str,
    port: u16,
) -> Result<Connector> {
    match session.host.setting(setting) {
        "" => Ok(Connector::port_forward(session.host.cluster()?, namespace, target, port)),
        endpoint => Connector::endpoint(endpoint),
    }
}

/// The values of a Secret, decoded. `name` may be `namespace/name`.
pub(super) fn secret(session: &Session, name: &str, namespace: &str) -> Result<Map<String, Value>> {
    let (namespace, name) = name.split_once('/').unwrap_or((namespace, name));
    let cluster = session.host.cluster()?;
    let secret = session.host.bridge().block(cluster.get("Secret.v1", Some(namespace), name))?;
    session.read(format!("get Secret {namespace}/{name}"));
    let data = secret["data"].as_object().cloned().unwrap_or_default();
    let decode = |text: &Value| {
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap_or_default()).unwrap_or_default();
        Value::from(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok(data.into_iter().map(|(key, text)| (key, decode(&text))).collect())
}

/// One of the values of a Secret, under any of these keys.
pub(super) fn one_of(data: &Map<String, Value>, secret: &str, keys: &[&str]) -> Result<String> {
    let found = keys.iter().find_map(|key| data.get(*key).and_then(Value::as_str)).map(str::to_owned);
    found.ok_or_else(|| {
        let has: Vec<&str> = data.keys().map(String::as_str).collect();
        Error::new(
            Code::Invalid,
            format!("Secret {secret} has none of the keys {}; it has {}", keys.join(", "), has.join(", ")),
        )
    })
}
