//! A watch as lines of JSON.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::super::resource::Resource;
use super::super::status::Status;
use super::super::streams::Body;
use super::super::watch::{Watch, WatchEvent};
use super::accept::{Form, Shape};
use super::answer::{self, Client};

/// Bytes after which a piece goes out.
const PIECE: usize = 64 * 1024;

/// Answers a watch.
pub(super) fn respond(watch: Watch, resource: Arc<Resource>, client: Client) -> Result<Response<Body>, Status> {
    if client.accepted.form == Form::Yaml {
        let text = "406: Not Acceptable\n\nAvailable representations: application/json;stream=watch";
        return Err(Status::new(406, "NotAcceptable", text).with_empty_details());
    }
    let state = (watch, resource, client, true);
    let lines = futures::stream::unfold(state, |(mut watch, resource, client, mut first)| async move {
        let mut next = Some(watch.next().await?);
        let mut bytes = Vec::new();
        // What is there already goes out in one piece.
        while let Some(event) = next {
            write(&mut bytes, &event, &resource, &client, &mut first);
            next = if bytes.len() < PIECE { watch.try_next() } else { None };
        }
        Some((Bytes::from(bytes), (watch, resource, client, first)))
    });
    Ok(answer::typed(200, "application/json", answer::streamed(lines)))
}

fn write(bytes: &mut Vec<u8>, event: &WatchEvent, resource: &Resource, client: &Client, first: &mut bool) {
    let object = match (&client.accepted.shape, event.kind) {
        (_, "ERROR") => event.object.clone(),
        (Shape::Metadata(of, _), "BOOKMARK") => {
            let mut value = (*event.object).clone();
            value["kind"] = json!("PartialObjectMetadata");
            value["apiVersion"] = json!(format!("meta.k8s.io/{of}"));
            Arc::new(value)
        }
        _ => answer::shape(event.object.clone(), resource, client).unwrap_or_else(|status| Arc::new(status.to_value())),
    };
    let object = match (&client.accepted.shape, *first) {
        // Only the first table of a watch tells its columns.
        (Shape::Table(_), false) if event.kind != "ERROR" => {
            let mut value = (*object).clone();
            value["columnDefinitions"] = Value::Null;
            Arc::new(value)
        }
        _ => object,
    };
    *first = false;
    bytes.extend_from_slice(b"{\"type\":\"");
    bytes.extend_from_slice(event.kind.as_bytes());
    bytes.extend_from_slice(b"\",\"object\":");
    // Writing to a vector does not fail.
    let _ = serde_json::to_writer(&mut *bytes, &*object);
    bytes.extend_from_slice(b"}\n");
}
