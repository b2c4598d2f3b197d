//! Thrift's strict binary protocol, unframed, as far as a Hive Metastore's metadata calls need it.

mod codec;
pub(crate) mod codes;
mod metastore;
mod value;

use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub use metastore::methods;

use super::timed::{Timed, limited, timed};
use super::{Connector, Stream};
use crate::error::{Code, Error, Result};

/// Calls a metastore's method on a fresh connection, with its arguments in order, and gives the answer as JSON.
///
/// The time is the call's alone. An exception that the metastore throws is an error of code `not_found`
/// (`NoSuchObjectException`) or `failed`, with its name and message.
pub async fn call(connector: &Connector, method: &str, arguments: &[Json], limit: Duration) -> Result<Timed<Json>> {
    let signature = metastore::find(method)?;
    let request = metastore::encode(signature, arguments)?;
    let what = format!("thrift {method} on {connector}");
    limited(limit, &what, async {
        let mut stream = connector.open().await?;
        let answer = timed(exchange(&mut stream, &request, method)).await?;
        let value = metastore::decode(signature, &answer.value)?;
        Ok(Timed { value, elapsed: answer.elapsed })
    })
    .await
    .map_err(|e| e.context(&what))
}

/// Sends the request and reads until one whole message is there: the server keeps its side open.
async fn exchange(stream: &mut Stream, request: &[u8], method: &str) -> Result<value::Struct> {
    stream.write_all(request).await.map_err(|e| broken(&e))?;
    stream.flush().await.map_err(|e| broken(&e))?;
    let mut received = Vec::new();
    loop {
        match codec::read_message(&received) {
            Ok(message) => return message.into_result(method),
            Err(codec::Fault::Short) => {}
            Err(codec::Fault::Wrong(why)) => {
                return Err(Error::new(Code::Failed, format!("an answer that is no thrift: {why}"))
                    .hint("Is that port a metastore's, without SASL, TLS or framing?"));
            }
        }
        if stream.read_buf(&mut received).await.map_err(|e| broken(&e))? == 0 {
            return Err(Error::new(Code::Unavailable, "the server closed the connection before it answered").hint(
                "Look at the metastore's log: a missing class or database lets the port open and the first call fail",
            ));
        }
    }
}

fn broken(error: &std::io::Error) -> Error {
    Error::new(Code::Unavailable, format!("the connection broke: {error}"))
}
