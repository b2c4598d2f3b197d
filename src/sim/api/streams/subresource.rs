//! From a request to what answers it.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::sim::api::access::Objects;
use crate::sim::api::{Gvr, Status, object};
use crate::sim::clock::Clock;

use super::answer::{Body, plain, refused, switched};
use super::backends::{Backends, BoxedIo};
use super::options::Options;
use super::{containers, exec, forward, logs, proxy, service, websocket};

/// Answers the subresources that are streams; cheap to clone.
#[derive(Clone)]
pub struct Streams {
    objects: Arc<dyn Objects + Send + Sync>,
    backends: Arc<dyn Backends>,
    clock: Clock,
}

/// What the path of a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// `pods` or `services`.
    pub plural: &'a str,
    /// The namespace.
    pub namespace: &'a str,
    /// The name; for `proxy` with scheme and port: `http:web:80`.
    pub name: &'a str,
    /// `log`, `exec`, `attach`, `portforward` or `proxy`.
    pub subresource: &'a str,
    /// For `proxy` what follows it, with its slash; may be empty.
    pub rest: &'a str,
}

impl Streams {
    /// Over the objects of a cluster and what its pods do.
    pub fn new(objects: Arc<dyn Objects + Send + Sync>, backends: Arc<dyn Backends>, clock: Clock) -> Self {
        Self { objects, backends, clock }
    }

    /// Answers a request that was authorized; an upgraded connection is served in a task of its own.
    pub async fn handle<B>(&self, target: Target<'_>, request: Request<B>) -> Response<Body>
    where
        B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let answer = match (target.plural, target.subresource) {
            ("pods" | "services", "proxy") => self.proxy(target, request).await,
            ("pods", "log" | "exec" | "attach" | "portforward") => self.pod(target, request),
            (plural, subresource) => Err(Status::not_simulated(format!("{plural}/{subresource}"))),
        };
        answer.unwrap_or_else(|status| refused(&status))
    }

    async fn proxy<B>(&self, target: Target<'_>, request: Request<B>) -> Result<Response<Body>, Status>
    where
        B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let place = if target.plural == "pods" { service::of_pod } else { service::of_service };
        let place = place(&*self.objects, target.namespace, target.name)?;
        let path = request.uri().path().to_owned();
        let prefix = path.strip_suffix(target.rest).unwrap_or(&path);
        proxy::forward(&*self.backends, target.namespace, &place, (prefix, target.rest), request).await
    }

    fn pod<B>(&self, target: Target<'_>, request: Request<B>) -> Result<Response<Body>, Status> {
        let wrong = match target.subresource {
            "log" => request.method() != Method::GET,
            _ => request.method() != Method::GET && request.method() != Method::POST,
        };
        if wrong {
            let why = "the server does not allow this method on the requested resource";
            return Err(Status::new(405, "MethodNotAllowed", why).with_empty_details());
        }
        let options = Options::read(request.uri().query().unwrap_or_default());
        let pod = self.objects.find("", "pods", target.namespace, target.name);
        let pod = pod.ok_or_else(|| Status::not_found(&Gvr::new("", "v1", "pods"), target.name))?;
        match target.subresource {
            "log" => logs::answer(&self.objects, &self.backends, &self.clock, &pod, &options),
            "portforward" => self.portforward(&pod, &options, request),
            _ => self.command(&pod, target.subresource, &options, request),
        }
    }

    fn command<B>(
        &self,
        pod: &Value,
        subresource: &str,
        options: &Options,
        request: Request<B>,
    ) -> Result<Response<Body>, Status> {
        let container = containers::choose(pod, options.text("container"))?;
        containers::on_a_node(pod)?;
        let upgrade = Upgrade::of(&request)?;
        if subresource == "attach" {
            return Err(Status::not_simulated("attaching to a container; its output is in its log"));
        }
        let wanted = exec::Wanted::read(options)?;
        if !wanted.any() {
            let why = "you must specify at least 1 of stdin, stdout, stderr";
            return Ok(plain(StatusCode::BAD_REQUEST, why));
        }
        let command = options.all("command");
        let (namespace, name) = (object::namespace(pod), object::name(pod));
        let run = || {
            if command.is_empty() {
                return Err(Status::internal("error executing command in container: no command"));
            }
            if !containers::is_running(pod, &container) {
                return Err(Status::internal(format!(
                    "unable to upgrade connection: container not found (\"{container}\")"
                )));
            }
            self.backends.exec(namespace, name, &container, &command)
        };
        let headers = request.headers();
        match upgrade {
            Upgrade::WebSocket => {
                let protocol = match websocket::negotiate(headers, &exec::WEBSOCKET) {
                    Ok(protocol) => protocol,
                    Err(refusal) => return Ok(refusal),
                };
                let answer = websocket::accept(headers, protocol);
                let result = run();
                spawn(request, move |io| exec::over_websocket(io, wanted, command, result));
                Ok(answer)
            }
            Upgrade::Spdy => match spdy_protocol(&request, &exec::SPDY) {
                Err(refusal) => Ok(refusal),
                Ok(protocol) => {
                    let result = run();
                    spawn(request, move |io| exec::over_spdy(io, wanted, command, result));
                    Ok(switched_to_spdy(protocol))
                }
            },
        }
    }

    fn portforward<B>(&self, pod: &Value, options: &Options, request: Request<B>) -> Result<Response<Body>, Status> {
        let ports = options.ports("ports")?;
        containers::on_a_node(pod)?;
        let upgrade = Upgrade::of(&request)?;
        let to = forward::Pod {
            backends: self.backends.clone(),
            namespace: object::namespace(pod).into(),
            name: object::name(pod).into(),
            uid: object::uid(pod).into(),
        };
        if upgrade == Upgrade::Spdy {
            return Ok(match spdy_protocol(&request, &[forward::SPDY]) {
                Err(refusal) => refusal,
                Ok(protocol) => {
                    spawn(request, move |io| forward::over_spdy(io, to));
                    switched_to_spdy(protocol)
                }
            });
        }
        let protocol = match websocket::negotiate(request.headers(), &[forward::CHANNELS, forward::TUNNEL]) {
            Ok(protocol) => protocol,
            Err(refusal) => return Ok(refusal),
        };
        let answer = websocket::accept(request.headers(), protocol);
        if protocol == forward::TUNNEL {
            spawn(request, move |io| async move {
                let socket = websocket::socket(io).await;
                forward::over_spdy(Box::new(websocket::tunnel(socket)), to).await;
            });
        } else if ports.is_empty() {
            return Ok(plain(StatusCode::BAD_REQUEST, "query parameter \"port\" is required"));
        } else {
            spawn(request, move |io| forward::over_channels(io, to, ports));
        }
        Ok(answer)
    }
}

/// What a request wants to go over to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upgrade {
    WebSocket,
    Spdy,
}

impl Upgrade {
    fn of<B>(request: &Request<B>) -> Result<Self, Status> {
        if websocket::asks_for(request.headers(), "websocket") {
            return Ok(Self::WebSocket);
        }
        if websocket::asks_for(request.headers(), "SPDY/3.1") {
            return Ok(Self::Spdy);
        }
        Err(Status::bad_request("Upgrade request required"))
    }
}

/// The protocol on SPDY, or a kubelet's refusal.
fn spdy_protocol<B>(request: &Request<B>, served: &[&'static str]) -> Result<&'static str, Response<Body>> {
    let offered = request.headers().get_all("x-stream-protocol-version").iter().filter_map(|value| value.to_str().ok());
    let offered: Vec<&str> = offered.flat_map(|value| value.split(',')).map(str::trim).collect();
    if offered.is_empty() {
        let why = "unable to upgrade: header X-Stream-Protocol-Version does not exist in request";
        return Err(plain(StatusCode::BAD_REQUEST, why));
    }
    let chosen = offered.iter().find_map(|offer| served.iter().find(|name| *name == offer));
    chosen.copied().ok_or_else(|| {
        let (asked, known) = (offered.join(" "), served.join(" "));
        let why = format!(
            "unable to upgrade: unable to negotiate protocol: client supports [{asked}], server accepts [{known}]"
        );
        plain(StatusCode::FORBIDDEN, why)
    })
}

fn switched_to_spdy(protocol: &str) -> Response<Body> {
    switched(&[("upgrade", "SPDY/3.1".into()), ("x-stream-protocol-version", protocol.into())])
}

/// Serves the connection once the answer has gone out.
fn spawn<B, F>(mut request: Request<B>, serve: impl FnOnce(BoxedIo) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else { return };
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            serve(Box::new(TokioIo::new(upgraded))).await;
        }
    });
}
