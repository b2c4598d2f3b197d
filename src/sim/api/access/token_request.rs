//! The answer to `TokenRequest`, after `pkg/registry/core/serviceaccount/storage/token.go`.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::sim::api::object::{self, meta, set_meta};
use crate::sim::api::{FieldError, Gvr, Status};
use crate::sim::clock;

use super::objects::Objects;
use super::token::{Claim, ISSUER, Tokens};

const GROUP: &str = "authentication.k8s.io";
const KIND: &str = "TokenRequest";
const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;

/// Issues a token for a service account; `id` becomes its `jti`.
pub(super) fn answer(
    objects: &dyn Objects,
    tokens: &Tokens,
    (namespace, name): (&str, &str),
    mut request: Value,
    id: String,
    now: Timestamp,
) -> Result<Value, Status> {
    if !meta(&request, "name").is_empty() && meta(&request, "name") != name {
        let fault = FieldError::invalid(
            "metadata.name",
            &json!(meta(&request, "name")).to_string(),
            "must match the service account name if specified",
        );
        return Err(Status::invalid(GROUP, KIND, name, &[fault]));
    }
    if !meta(&request, "namespace").is_empty() && meta(&request, "namespace") != namespace {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Status::bad_request(why));
    }
    let core = |plural: &str| Gvr::new("", "v1", plural);
    let find = |plural: &str, place: &str, name: &str| {
        objects.find("", plural, place, name).ok_or_else(|| Status::not_found(&core(plural), name))
    };
    let account = find("serviceaccounts", namespace, name)?;
    let (asked, own) = (meta(&request, "uid"), object::uid(&account));
    if !asked.is_empty() && asked != own {
        let why =
            format!("the UID in the token request ({asked}) does not match the UID of the service account ({own})");
        return Err(Status::conflict(&Gvr::new(GROUP, "v1", KIND), name, &why));
    }
    let seconds = request["spec"]["expirationSeconds"].as_i64().unwrap_or(3600);
    let bounds = [
        (seconds < SHORTEST, "may not specify a duration less than 10 minutes"),
        (seconds > LONGEST, "may not specify a duration larger than 2^32 seconds"),
    ];
    if let Some((_, why)) = bounds.iter().find(|(broken, _)| *broken) {
        let fault = FieldError::invalid("spec.expirationSeconds", &seconds.to_string(), why);
        return Err(Status::invalid(GROUP, KIND, "", &[fault]));
    }
    let (bound, node) = bound(objects, &request["spec"]["boundObjectRef"], namespace, name)?;
    let mut audiences: Vec<String> = request["spec"]["audiences"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if audiences.is_empty() {
        audiences.push(ISSUER.into());
    }
    let claim = Claim {
        account: &account,
        audiences: audiences.clone(),
        seconds,
        bound: bound.as_ref().map(|(kind, object)| (*kind, &**object)),
        node,
        id,
    };
    let token = tokens.issue(&claim, now);
    let reference = request["spec"]["boundObjectRef"].clone();
    let ends = now.checked_add(SignedDuration::from_secs(seconds)).map_err(Status::internal)?;
    for (field, value) in [("name", name), ("namespace", namespace), ("uid", own)] {
        set_meta(&mut request, field, json!(value));
    }
    set_meta(&mut request, "creationTimestamp", json!(clock::stamp(now)));
    request["kind"] = json!(KIND);
    request["apiVersion"] = json!(format!("{GROUP}/v1"));
    request["spec"] = json!({"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": reference});
    request["status"] = json!({"token": token, "expirationTimestamp": clock::stamp(ends)});
    Ok(object::order(request))
}

type Bound = (Option<(&'static str, Arc<Value>)>, Option<Value>);

/// The object that a token shall end with, and the node of a pod.
fn bound(objects: &dyn Objects, reference: &Value, namespace: &str, account: &str) -> Result<Bound, Status> {
    if reference.is_null() {
        return Ok((None, None));
    }
    let text = |field: &str| reference[field].as_str().unwrap_or_default();
    let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
    let (key, plural, place) = match (group, text("kind")) {
        ("", "Pod") => ("pod", "pods", namespace),
        ("", "Secret") => ("secret", "secrets", namespace),
        ("", "Node") => ("node", "nodes", ""),
        (group, kind) => {
            let version = if group.is_empty() { format!("/{version}") } else { format!("{group}/{version}") };
            let why = format!("cannot bind token to object of type {version}, Kind={kind}");
            return Err(Status::bad_request(why));
        }
    };
    let name = text("name");
    let found = objects.find("", plural, place, name);
    let found = found.ok_or_else(|| Status::not_found(&Gvr::new("", "v1", plural), name))?;
    if key == "pod" && found["spec"]["serviceAccountName"] != account {
        let why = format!(
            "cannot bind token for serviceaccount \"{account}\" to pod running with different serviceaccount name."
        );
        return Err(Status::bad_request(why));
    }
    if !text("uid").is_empty() && text("uid") != object::uid(&found) {
        let why = format!(
            "the UID in the bound object reference ({}) does not match the UID in record. The object might have been deleted and then recreated",
            text("uid")
        );
        return Err(Status::conflict(&Gvr::new("", "v1", text("kind")), name, &why));
    }
    let node = found["spec"]["nodeName"].as_str().filter(|node| key == "pod" && !node.is_empty()).map(|node| {
        let uid = objects.find("", "nodes", "", node).map(|node| object::uid(&node).to_owned());
        uid.map_or_else(|| json!({"name": node}), |uid| json!({"name": node, "uid": uid}))
    });
    Ok((Some((key, found)), node))
}
