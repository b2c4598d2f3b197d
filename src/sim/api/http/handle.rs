//! One request of HTTP: who asks, whether they may, what is asked, and the answer.

use std::error::Error;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Body as HttpBody;
use serde_json::Value;

use super::super::access::{Attributes, User};
use super::super::call::{Call, PatchType, Verb};
use super::super::gvr::Gvr;
use super::super::resource::Resource;
use super::super::server::{Api, method_not_allowed};
use super::super::status::Status;
use super::super::streams::{self, Body, Streams};
use super::super::table::Include;
use super::accept::{self, Accepted, Form, Shape};
use super::answer::{self, Client};
use super::params::{self, Params};
use super::path::{self, Route, Target};
use super::{body, rest, watching};

/// Subresources that are streams.
const STREAMED: [&str; 5] = ["log", "exec", "attach", "portforward", "proxy"];

/// Answers a request; `otherwise` is who asks if the request does not say. Nothing for a connection that is cut off.
pub(super) async fn handle<B>(api: &Api, otherwise: &User, request: Request<B>) -> Option<Response<Body>>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    api.clock().touch();
    let faults = api.faults();
    if let Some(longer) = faults.slow() {
        tokio::time::sleep(longer).await;
    }
    if faults.reset() {
        return None;
    }
    let answer = answer(api, otherwise, request).await;
    api.clock().touch();
    Some(answer.unwrap_or_else(|status| answer::refused(&status)))
}

async fn answer<B>(api: &Api, otherwise: &User, request: Request<B>) -> Result<Response<Body>, Status>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (method, uri, headers) = (request.method().clone(), request.uri().clone(), request.headers().clone());
    let faults = api.faults();
    if faults.too_many() {
        return Err(Status::too_many("too many requests, please try again later", 1));
    }
    if faults.broken(uri.path()) {
        return Err(Status::internal("a fault that was asked for"));
    }
    if faults.expired_token() {
        return Err(Status::unauthorized());
    }
    let route = path::read(uri.path());
    let params = Params::read(uri.query().unwrap_or_default());
    let verb = match &route {
        Route::Resource(target) => Some(verb(target, &method, &params)?),
        _ => None,
    };
    let asked = attributes(&route, verb, &method, uri.path());
    let access = api.access();
    let user = access.authenticate(api, &headers, otherwise, api.clock().now())?;
    let user = access.impersonate(api, user, &headers, &asked)?;
    api.authorize(&user, &asked)?;
    let combined = if asked.subresource.is_empty() {
        asked.resource.clone()
    } else {
        format!("{}/{}", asked.resource, asked.subresource)
    };
    let place = (!asked.namespace.is_empty()).then_some(asked.namespace.as_str());
    if asked.path.is_none() && faults.denied(&asked.verb, &combined, place) {
        return Err(asked.forbidden(&user, ""));
    }
    let (Route::Resource(target), Some(verb)) = (&route, verb) else {
        let client = client(api, &headers, &params, true)?;
        return rest::respond(api, &route, &method, uri.query().unwrap_or_default(), &client);
    };
    if STREAMED.contains(&target.subresource.as_str()) && target.group.is_empty() {
        return stream(api, target, request).await;
    }
    let mut client = client(api, &headers, &params, false)?;
    let gvr = Gvr::new(&target.group, &target.version, &target.plural);
    let resource = api.find_resource(&gvr)?;
    let mut call = Call::new(user, verb, gvr);
    call.namespace = (!target.namespace.is_empty()).then(|| target.namespace.clone());
    call.name = (!target.name.is_empty()).then(|| target.name.clone());
    call.subresource = (!target.subresource.is_empty()).then(|| target.subresource.clone());
    check_served(&resource, &call)?;
    call.options = params.options(verb)?;
    if call.options.field_manager.is_empty() && call.verb != Verb::Patch {
        call.options.field_manager = agent(&headers);
    }
    if verb == Verb::Watch {
        let watch = api.watch(&call)?;
        return watching::respond(watch, resource, client);
    }
    read_body(&mut call, &resource, &headers, request).await?;
    if call.options.field_manager.is_empty() && call.patch != Some(PatchType::Apply) {
        call.options.field_manager = agent(&headers);
    }
    let kind = resource.kind.as_str();
    let name = if call.name().is_empty() {
        call.body.as_ref().map_or("", |b| b["metadata"]["name"].as_str().unwrap_or_default())
    } else {
        call.name()
    };
    if !matches!(verb, Verb::Get | Verb::List) && faults.refuses(kind, call.namespace(), name) {
        let why = "admission webhook \"refuse.simulator\" denied the request: a fault that was asked for";
        return Err(Status::forbidden(&resource.gvr, name, why).with_message(why));
    }
    let answer = api.call(&call)?;
    // Only objects of the resource itself have rows and metadata to show.
    if call.subresource.as_deref().is_some_and(|part| part != "status") && client.accepted.shape != Shape::Plain {
        client.accepted.shape = Shape::Plain;
    }
    answer::call(answer, &resource, &client)
}

fn verb(target: &Target, method: &Method, params: &Params) -> Result<Verb, Status> {
    let named = !target.name.is_empty();
    let part = !target.subresource.is_empty();
    Ok(match (method.as_str(), named) {
        ("GET" | "HEAD", _) if target.watch => Verb::Watch,
        ("GET" | "HEAD", true) => Verb::Get,
        ("GET" | "HEAD", false) if params.flag("watch") => Verb::Watch,
        ("GET" | "HEAD", false) => Verb::List,
        ("POST", named) if !named || part => Verb::Create,
        ("PUT", _) => Verb::Update,
        ("PATCH", _) => Verb::Patch,
        ("DELETE", true) => Verb::Delete,
        ("DELETE", false) => Verb::DeleteCollection,
        ("POST", _) => Verb::Create,
        _ => return Err(method_not_allowed()),
    })
}

fn attributes(route: &Route, verb: Option<Verb>, method: &Method, path: &str) -> Attributes {
    match (route, verb) {
        (Route::Resource(target), Some(verb)) => {
            let gvr = Gvr::new(&target.group, &target.version, &target.plural);
            Attributes::of(verb.name(), &gvr, &target.subresource, &target.namespace, &target.name)
        }
        _ => Attributes::of_path(&method.as_str().to_lowercase(), path),
    }
}

/// 404 and 405 before the body is read.
fn check_served(resource: &Resource, call: &Call) -> Result<(), Status> {
    let Some(part) = &call.subresource else {
        let on_object = matches!(call.verb, Verb::Get | Verb::Update | Verb::Patch | Verb::Delete);
        let missing = on_object == call.name().is_empty();
        return if missing || !resource.can(call.verb.name()) { Err(method_not_allowed()) } else { Ok(()) };
    };
    match resource.subresource(part) {
        Some(part) if part.verbs.iter().any(|verb| verb == call.verb.name()) => Ok(()),
        Some(_) => Err(method_not_allowed()),
        None if resource.is_custom() => Err(Status::not_found(&resource.gvr, call.name())),
        None => Err(Status::no_such_resource().with_empty_details()),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The field manager of clients that name none: the first part of the user agent.
fn agent(headers: &HeaderMap) -> String {
    let agent = text(headers, &header::USER_AGENT).split('/').next().unwrap_or_default();
    agent.chars().filter(|c| !c.is_control()).take(128).collect()
}

fn client(api: &Api, headers: &HeaderMap, params: &Params, discovery: bool) -> Result<Client, Status> {
    let values: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let accepted = match accept::read(&values.join(","), discovery) {
        // Schemas are asked for in a form that is not served: they come as JSON.
        Err(_) if discovery => Accepted { form: Form::Json, shape: Shape::Plain },
        other => other?,
    };
    let include = match params.text("includeObject") {
        "" | "Metadata" => Include::Metadata,
        "Object" => Include::Object,
        "None" => Include::None,
        other => {
            let why = format!("unrecognized includeObject value: \"{other}\"");
            return Err(Status::bad_request(why));
        }
    };
    Ok(Client {
        accepted,
        gzip: text(headers, &header::ACCEPT_ENCODING).contains("gzip"),
        pretty: params.flag("pretty"),
        include,
        now: api.clock().now(),
    })
}

async fn read_body<B>(
    call: &mut Call,
    resource: &Resource,
    headers: &HeaderMap,
    request: Request<B>,
) -> Result<(), Status>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if matches!(call.verb, Verb::Get | Verb::List | Verb::Watch) {
        return Ok(());
    }
    let media = text(headers, &header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_owned();
    if call.verb == Verb::Patch {
        call.patch = Some(patch_type(&media, resource)?);
    }
    let yaml = if call.verb == Verb::Patch { false } else { body::is_yaml(&media)? };
    let read = Limited::new(request.into_body(), body::LARGEST).collect().await;
    let bytes = read.map_err(|e| match e.downcast_ref::<http_body_util::LengthLimitError>() {
        Some(_) => Status::too_large(format!("limit is {}", body::LARGEST)),
        None => Status::bad_request(format!("unable to read request body: {e}")),
    })?;
    let bytes = bytes.to_bytes();
    match call.verb {
        Verb::Patch => {
            let apply = call.patch == Some(PatchType::Apply);
            let (value, duplicates) = body::patch(&bytes, apply)?;
            call.body = Some(value);
            call.duplicates = duplicates;
        }
        Verb::Delete | Verb::DeleteCollection => {
            let options = body::options(&bytes, yaml)?;
            if options != Value::Null {
                params::deletion(&mut call.options, &options)?;
            }
        }
        _ => {
            let kind = call
                .subresource
                .as_deref()
                .and_then(|part| resource.subresource(part))
                .map_or(&resource.kind, |part| &part.kind);
            let (value, duplicates) = body::object(&bytes, yaml, kind)?;
            call.body = Some(value);
            call.duplicates = duplicates;
        }
    }
    Ok(())
}

fn patch_type(media: &str, resource: &Resource) -> Result<PatchType, Status> {
    let kind = PatchType::of_media_type(media);
    if resource.is_custom() {
        let served = [PatchType::Json, PatchType::Merge, PatchType::Apply];
        let names = served.map(PatchType::media_type);
        return kind.filter(|kind| served.contains(kind)).ok_or_else(|| Status::unsupported_media(&names));
    }
    let wrong = || Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").with_empty_details();
    kind.ok_or_else(wrong)
}

async fn stream<B>(api: &Api, target: &Target, request: Request<B>) -> Result<Response<Body>, Status>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let Some(backends) = api.backends() else {
        return Err(Status::not_simulated(format!(
            "{}/{} without a world behind the pods",
            target.plural, target.subresource
        )));
    };
    let streams = Streams::new(std::sync::Arc::new(api.clone()), backends, api.clock().clone());
    let target = streams::Target {
        plural: &target.plural,
        namespace: &target.namespace,
        name: &target.name,
        subresource: &target.subresource,
        rest: &target.rest,
    };
    Ok(streams.handle(target, request).await)
}
