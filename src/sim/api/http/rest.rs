//! Paths that are no resources: discovery, health, version, schemas.

use http::{Method, Response};
use serde_json::{Value, json};

use super::super::discovery;
use super::super::server::Api;
use super::super::shipped;
use super::super::status::Status;
use super::super::streams::Body;
use super::accept::Shape;
use super::answer::{self, Client};
use super::path::Route;

/// What the `/readyz` of the simulator looks at.
const CHECKS: [&str; 3] = ["ping", "log", "store"];

/// Answers a path that is no resource.
pub(super) fn respond(
    api: &Api,
    route: &Route,
    method: &Method,
    query: &str,
    client: &Client,
) -> Result<Response<Body>, Status> {
    if method != Method::GET && method != Method::HEAD {
        return Err(super::super::server::method_not_allowed());
    }
    match route {
        Route::Versions if client.accepted.shape == Shape::Aggregated => Ok(at_once(api, true)),
        Route::Groups if client.accepted.shape == Shape::Aggregated => Ok(at_once(api, false)),
        Route::Versions => Ok(answer::value(200, &discovery::versions("127.0.0.1:6443"), client)),
        Route::Groups => Ok(answer::value(200, &api.with_types(discovery::groups), client)),
        Route::Group(name) => found(api.with_types(|types| discovery::group(types, name)), client),
        Route::Resources(group, version) => match api.with_types(|types| discovery::resources(types, group, version)) {
            Some(value) => Ok(answer::value(200, &value, client)),
            None => Err(api.unknown_version(group)),
        },
        Route::Resource(_) => Err(Status::internal("a resource is no other path")),
        Route::Other(path) => other(api, path, query, client),
    }
}

fn found(value: Option<Value>, client: &Client) -> Result<Response<Body>, Status> {
    value.map(|value| answer::value(200, &value, client)).ok_or_else(Status::no_such_path)
}

fn at_once(api: &Api, core: bool) -> Response<Body> {
    let value = api.with_types(|types| discovery::aggregated(types, core));
    let media = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    answer::typed(200, media, answer::whole(value.to_string()))
}

fn other(api: &Api, path: &str, query: &str, client: &Client) -> Result<Response<Body>, Status> {
    let trimmed = path.trim_end_matches('/');
    match trimmed {
        "" => {
            let paths = api.with_types(|types| {
                let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
                for group in types.groups().iter().filter(|group| !group.name.is_empty()) {
                    paths.push(format!("/apis/{}", group.name));
                    paths.extend(group.versions.iter().map(|version| format!("/apis/{}/{version}", group.name)));
                }
                paths.extend(["/healthz", "/livez", "/openapi/v3", "/readyz", "/version"].map(str::to_owned));
                paths.sort();
                paths
            });
            Ok(answer::value(200, &json!({"paths": paths}), client))
        }
        "/version" => Ok(answer::value(200, &version(), client)),
        "/healthz" | "/livez" | "/readyz" => {
            if !query.contains("verbose") {
                return Ok(answer::text(200, "ok"));
            }
            let lines: Vec<String> = CHECKS.iter().map(|check| format!("[+]{check} ok")).collect();
            Ok(answer::text(200, format!("{}\n{} check passed\n", lines.join("\n"), &trimmed[1..])))
        }
        "/openapi/v3" => Ok(answer::value(200, &api.with_types(super::super::types::Types::openapi_v3_index), client)),
        "/openapi/v2" => Err(Status::not_acceptable(&["/openapi/v3"])
            .with_message("unknown to the simulator: /openapi/v2; /openapi/v3 is served")),
        _ => {
            if let Some(version) = trimmed.strip_prefix("/openapi/v3/") {
                let found = api.with_types(|types| types.openapi_v3(version));
                return found.map(|value| answer::value(200, &value, client)).ok_or_else(Status::no_such_path);
            }
            let health = ["/healthz/", "/livez/", "/readyz/"].iter().find_map(|head| trimmed.strip_prefix(head));
            match health {
                Some(check) if CHECKS.contains(&check) => Ok(answer::text(200, "ok")),
                _ => Err(Status::no_such_path()),
            }
        }
    }
}

fn version() -> Value {
    let full = shipped::server_version();
    let mut parts = full.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().unwrap_or("1"), parts.next().unwrap_or("0"));
    let before = minor.parse::<u32>().map_or_else(|_| minor.to_owned(), |n| n.saturating_sub(1).to_string());
    json!({"major": major, "minor": minor, "emulationMajor": major, "emulationMinor": minor, "minCompatibilityMajor": major,
        "minCompatibilityMinor": before, "gitVersion": full, "gitCommit": "", "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "simulated", "compiler": "rustc", "platform": "linux/amd64"})
}
