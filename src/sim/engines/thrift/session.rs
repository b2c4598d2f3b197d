//! One connection: call after call.

use tokio::io::{AsyncWriteExt, DuplexStream};

use super::catalog::{Catalog, Refusal};
use super::wire::{self, Call, Value};
use crate::probe::thrift::codes::{EXCEPTION, REPLY};

/// `TApplicationException`: no such method.
const UNKNOWN_METHOD: i32 = 1;
/// `TApplicationException`: the server itself failed.
const INTERNAL_ERROR: i32 = 6;

/// Serves one connection until the client leaves, or breaks the protocol.
pub(in crate::sim::engines) async fn serve(mut io: DuplexStream, catalog: Catalog) {
    loop {
        let call = match wire::read(&mut io).await {
            Ok(Some(call)) => call,
            Ok(None) => return,
            Err(error) => {
                tracing::debug!("a connection to a simulated metastore: {error}");
                return;
            }
        };
        if io.write_all(&answer(&catalog, &call)).await.is_err() || io.flush().await.is_err() {
            return;
        }
    }
}

fn answer(catalog: &Catalog, call: &Call) -> Vec<u8> {
    let mut arguments: Vec<&(i16, String)> = call.arguments.iter().collect();
    arguments.sort();
    let arguments: Vec<&str> = arguments.into_iter().map(|(_, text)| text.as_str()).collect();
    let failed =
        |why: String, kind: i32| wire::answer(EXCEPTION, call, &[(1, Value::Text(why)), (2, Value::Int(kind))]);
    let result = if call.others {
        Err(Refusal::NotSimulated(format!("these arguments of {}", call.method)))
    } else {
        catalog.call(&call.method, &arguments)
    };
    match result {
        Ok(value) => wire::answer(REPLY, call, &[(0, value)]),
        Err(Refusal::Thrown(field, why)) => {
            wire::answer(REPLY, call, &[(field, Value::Struct(vec![(1, Value::Text(why))]))])
        }
        Err(Refusal::Unknown) => failed(format!("Invalid method name: '{}'", call.method), UNKNOWN_METHOD),
        Err(Refusal::NotSimulated(what)) => failed(format!("unknown to the simulator: {what}"), INTERNAL_ERROR),
    }
}
