//! Probes and hooks of containers.

use serde_json::Value;

use super::names;
use super::path::{Faults, Path, text};

/// A probe; `name` says which.
pub(super) fn probe(probe: &Value, name: &str, grace: &Value, path: &Path, faults: &mut Faults) {
    if probe.is_null() {
        return;
    }
    handler(probe, grace, path, faults);
    for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        faults.nonnegative(&path.child(field), &probe[field]);
    }
    let own_grace = &probe["terminationGracePeriodSeconds"];
    if own_grace.as_i64().is_some_and(|seconds| seconds <= 0) {
        faults.invalid(&path.child("terminationGracePeriodSeconds"), own_grace, "must be greater than 0");
    }
    if name == "readinessProbe" {
        if !own_grace.is_null() {
            faults.invalid(
                &path.child("terminationGracePeriodSeconds"),
                own_grace,
                "must not be set for readinessProbes",
            );
        }
    } else if probe["successThreshold"] != 1 {
        faults.invalid(&path.child("successThreshold"), &probe["successThreshold"], "must be 1");
    }
}

/// The one thing that a probe or a hook does.
pub(super) fn handler(handler: &Value, grace: &Value, path: &Path, faults: &mut Faults) {
    let mut found = false;
    for kind in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        let action = &handler[kind];
        if action.is_null() {
            continue;
        }
        let path = path.child(kind);
        if found {
            faults.forbidden(&path, "may not specify more than 1 handler type");
            continue;
        }
        found = true;
        match kind {
            "exec" => {
                if action["command"].as_array().is_none_or(Vec::is_empty) {
                    faults.required(&path.child("command"), "");
                }
            }
            "httpGet" => http_get(action, &path, faults),
            "sleep" => {
                let (seconds, most) =
                    (action["seconds"].as_i64().unwrap_or_default(), grace.as_i64().unwrap_or_default());
                if seconds < 0 || seconds > most {
                    let detail = format!(
                        "must be non-negative and less than terminationGracePeriodSeconds ({most}). Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep."
                    );
                    let detail = if seconds >= 0 {
                        format!("must be greater than 0 and less than terminationGracePeriodSeconds ({most})")
                    } else {
                        detail
                    };
                    faults.invalid(&path, &action["seconds"], &detail);
                }
            }
            _ => port(&action["port"], &path.child("port"), faults),
        }
    }
    if !found {
        faults.required(path, "must specify a handler type");
    }
}

fn http_get(action: &Value, path: &Path, faults: &mut Faults) {
    if text(action, "path").is_empty() {
        faults.required(&path.child("path"), "");
    }
    port(&action["port"], &path.child("port"), faults);
    if !matches!(text(action, "scheme"), "HTTP" | "HTTPS") {
        faults.unsupported(&path.child("scheme"), &action["scheme"], &["HTTP", "HTTPS"]);
    }
    for header in action["httpHeaders"].as_array().into_iter().flatten() {
        let name = text(header, "name");
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            let detail = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
            faults.invalid_text(&path.child("httpHeaders"), name, detail);
        }
    }
}

/// A port's number or name.
pub(super) fn port(port: &Value, path: &Path, faults: &mut Faults) {
    match port {
        Value::String(name) => faults.each(path, name, names::port_name(name)),
        _ => {
            for message in names::port_number(port.as_i64().unwrap_or_default()) {
                faults.invalid(path, port, &message);
            }
        }
    }
}
