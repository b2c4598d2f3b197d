//! `…/pods/NAME/exec`: a command in a container, over channels of a WebSocket or streams of SPDY.

use std::collections::BTreeMap;

use futures::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};

use crate::sim::api::Status;

use super::backends::{BoxedIo, ExecResult};
use super::options::Options;
use super::spdy;
use super::websocket;

/// Protocols of a WebSocket; the true server knows older ones too.
pub(super) const WEBSOCKET: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
/// Protocols of SPDY.
pub(super) const SPDY: [&str; 1] = ["v4.channel.k8s.io"];

const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;

/// Which streams a client wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    stdout: bool,
    stderr: bool,
    tty: bool,
}

impl Wanted {
    /// From the parameters; standard input is refused, since commands are only played.
    pub(super) fn read(options: &Options) -> Result<Self, Status> {
        if options.flag("stdin") {
            return Err(Status::not_simulated("standard input of an exec"));
        }
        let tty = options.flag("tty");
        Ok(Self { stdout: options.flag("stdout"), stderr: options.flag("stderr") && !tty, tty })
    }

    /// Whether there is any.
    pub(super) fn any(self) -> bool {
        self.stdout || self.stderr
    }
}

/// What is sent back: output, complaints and the status, each on its channel.
fn channels(wanted: Wanted, command: &[String], result: Result<ExecResult, Status>) -> Vec<(u8, Vec<u8>)> {
    let mut sent = Vec::new();
    let status = match result {
        Ok(mut result) => {
            if wanted.tty {
                result.stdout.append(&mut result.stderr);
            }
            for (channel, wanted, data) in
                [(STDOUT, wanted.stdout, result.stdout), (STDERR, wanted.stderr, result.stderr)]
            {
                if wanted && !data.is_empty() {
                    sent.push((channel, data));
                }
            }
            ended(command, result.code)
        }
        Err(status) => refusal(&status),
    };
    sent.push((ERROR, status.to_string().into_bytes()));
    sent
}

/// The status of a command that ran to its end.
fn ended(command: &[String], code: i32) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    let why = format!("error executing command [{}], exit code {code}", command.join(" "));
    json!({
        "metadata": {}, "status": "Failure", "message": format!("command terminated with non-zero exit code: {why}"),
        "reason": "NonZeroExitCode", "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
    })
}

/// A refusal, as it stands on the error channel: without kind and version.
fn refusal(status: &Status) -> Value {
    let value = status.to_value();
    let kept =
        value.as_object().into_iter().flatten().filter(|(key, _)| !matches!(key.as_str(), "kind" | "apiVersion"));
    Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<String, Value>>())
}

/// Serves an exec on a WebSocket.
pub(super) async fn over_websocket(
    io: BoxedIo,
    wanted: Wanted,
    command: Vec<String>,
    result: Result<ExecResult, Status>,
) {
    let mut socket = websocket::socket(io).await;
    let first = if wanted.stdout { STDOUT } else { STDERR };
    let mut sent = vec![websocket::message(first, &[])];
    for (channel, data) in channels(wanted, &command, result) {
        sent.extend(data.chunks(32 * 1024).map(|chunk| websocket::message(channel, chunk)));
    }
    for message in sent {
        if socket.feed(message).await.is_err() {
            return;
        }
    }
    let _ = socket.send(websocket::close()).await;
    while let Some(Ok(_)) = socket.next().await {}
}

/// Serves an exec on SPDY: the client opens a stream for each of error, stdout and stderr.
pub(super) async fn over_spdy(io: BoxedIo, wanted: Wanted, command: Vec<String>, result: Result<ExecResult, Status>) {
    let mut connection = spdy::Connection::serve(io);
    let expected = 1 + usize::from(wanted.stdout) + usize::from(wanted.stderr);
    let mut streams = BTreeMap::new();
    while streams.len() < expected {
        let Some(stream) = connection.accept().await else { return };
        let channel = match stream.header("streamtype") {
            "stdout" => STDOUT,
            "stderr" => STDERR,
            "error" => ERROR,
            _ => continue,
        };
        streams.insert(channel, stream);
    }
    for (channel, data) in channels(wanted, &command, result) {
        if let Some(stream) = streams.get(&channel) {
            stream.send(data).await;
        }
    }
    for stream in streams.values() {
        stream.finish().await;
    }
    while connection.accept().await.is_some() {}
}
