//! What is behind a pod.

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::sim::api::Status;

/// A line that a container wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub time: Timestamp,
    /// Without the line break.
    pub text: String,
}

/// What a command left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecResult {
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it complained about.
    pub stderr: Vec<u8>,
    /// Its exit code.
    pub code: i32,
}

/// A connection to a process in a pod.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Any connection.
pub type BoxedIo = Box<dyn Io>;

/// The processes in the pods. Calls are quick and never wait; namespace, pod and container exist when they are made.
pub trait Backends: Send + Sync {
    /// All that a container has written so far, or, with `previous`, what it wrote before its last restart.
    fn logs(&self, namespace: &str, pod: &str, container: &str, previous: bool) -> Result<Vec<LogLine>, Status>;
    /// Runs a command to its end; a refusal becomes the status of the exec.
    fn exec(&self, namespace: &str, pod: &str, container: &str, command: &[String]) -> Result<ExecResult, Status>;
    /// A new connection to a port; nothing if no process listens there.
    fn port(&self, namespace: &str, pod: &str, port: u16) -> Option<BoxedIo>;
}
