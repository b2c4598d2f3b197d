//! Running the `git` binary: environment, cancelling that lets Git remove its lock files, and what it said.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::output::Output;
use super::refusal;
use crate::cancel::Cancel;
use crate::error::{Code, Error, Result};

/// Variables that would point Git at another repository, or change what a path means, as a hook or an alias sets them.
const FOREIGN: [&str; 13] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CEILING_DIRECTORIES",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
];

/// How long Git may take to stop by itself, and its pipes to close once it has ended.
const GRACE: Duration = Duration::from_secs(5);

/// How often, and how long apart, a command is tried: while another Git holds the index, or when Ctrl-C hit only Git.
const TRIES: u32 = 6;
pub(super) const PAUSE: Duration = Duration::from_millis(250);

/// One Git command in a directory.
pub(super) struct Git<'a> {
    dir: &'a Path,
    args: Vec<OsString>,
    stdin: Option<String>,
    writes: bool,
}

impl<'a> Git<'a> {
    /// A command that only reads: it takes no optional lock, so that it never stands in anybody's way.
    pub(super) fn reads(dir: &'a Path, args: &[&str]) -> Self {
        Self { dir, args: args.iter().map(OsString::from).collect(), stdin: None, writes: false }
    }

    /// A command that changes the repository.
    pub(super) fn writes(dir: &'a Path, args: &[&str]) -> Self {
        Self { writes: true, ..Self::reads(dir, args) }
    }

    /// Adds paths after `--`, each taken literally (not by a variable: hooks would inherit it).
    pub(super) fn paths<P: AsRef<str>>(mut self, paths: &[P]) -> Self {
        self.args.push("--".into());
        self.args.extend(paths.iter().map(|path| format!(":(literal){}", path.as_ref()).into()));
        self
    }

    /// Sets what Git reads.
    pub(super) fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    /// Runs it; any exit code is an answer. When it should stop, Git is asked to end, so that it removes its locks.
    pub(super) async fn answer(&self, cancel: &Cancel) -> Result<Output> {
        for _ in 1..TRIES {
            let output = self.once(cancel).await?;
            let locked = self.writes && output.code != Some(0) && refusal::index_is_locked(&output.stderr);
            // Ctrl-C reaches us too, a little later perhaps. When it is not for us (a rollback goes on whatever is
            // typed), Git has to begin again; a commit may have been made, so it is looked at by who asked for it.
            if !(locked || output.interrupted && self.name() != "git commit") {
                return Ok(output);
            }
            cancel.sleep(PAUSE).await.map_err(|stop| stop.context(self.name()))?;
        }
        self.once(cancel).await
    }

    /// Runs it; anything but success is an error.
    pub(super) async fn run(&self, cancel: &Cancel) -> Result<Output> {
        let output = self.answer(cancel).await?;
        if output.code == Some(0) { Ok(output) } else { Err(refusal::explain(&self.name(), &output)) }
    }

    /// `git` and its first word, for messages.
    pub(super) fn name(&self) -> String {
        let word = self.args.iter().find(|arg| !arg.to_string_lossy().starts_with('-'));
        format!("git {}", word.map(|word| word.to_string_lossy()).unwrap_or_default())
    }

    async fn once(&self, cancel: &Cancel) -> Result<Output> {
        cancel.check()?;
        let mut child = self.command().spawn().map_err(|error| cannot_start(self.dir, &error))?;
        let output = cancel.run(async { Ok(collect(&mut child, self.stdin.as_deref()).await) }).await;
        match output {
            Ok(output) => output.map_err(|error| Error::new(Code::Git, format!("{}: {error}", self.name()))),
            Err(stop) => {
                end(&mut child).await;
                Err(stop.context(self.name()))
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.args(&self.args).current_dir(self.dir);
        for variable in FOREIGN {
            command.env_remove(variable);
        }
        if !self.writes {
            command.env("GIT_OPTIONAL_LOCKS", "0");
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true")
            .env("LC_ALL", "C")
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

fn cannot_start(dir: &Path, error: &std::io::Error) -> Error {
    if !dir.is_dir() {
        return Error::new(Code::Git, format!("no such folder: {}", dir.display()))
            .hint("Name the repository with --repo DIR");
    }
    let wrong = Error::new(Code::Git, format!("git can't be started: {error}"));
    wrong.hint("Install Git, and make sure that `git` is in the PATH")
}

/// Feeds and reads a child until it has ended.
async fn collect(child: &mut Child, input: Option<&str>) -> std::io::Result<Output> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let (Some(mut pipe), Some(text)) = (stdin, input) {
            // A command that ends early closes its end: its exit code tells more than our broken pipe.
            let _ = pipe.write_all(text.as_bytes()).await;
        }
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = {
        let pipes = async {
            tokio::join!(feed, drain(stdout, &mut out), drain(stderr, &mut err));
        };
        tokio::pin!(pipes);
        // A hook may leave something running that keeps the pipes open: it is not waited for.
        tokio::select! {
            biased;
            () = &mut pipes => child.wait().await?,
            status = child.wait() => {
                let _ = tokio::time::timeout(GRACE, &mut pipes).await;
                status?
            }
        }
    };
    let interrupted = std::os::unix::process::ExitStatusExt::signal(&status) == Some(2);
    Ok(Output { code: status.code(), interrupted, stdout: out, stderr: String::from_utf8_lossy(&err).into_owned() })
}

async fn drain(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    if let Some(mut pipe) = pipe {
        let _ = pipe.read_to_end(into).await;
    }
}

/// Asks a child to end, and makes it end when it doesn't.
async fn end(child: &mut Child) {
    if let Some(id) = child.id() {
        // Through the shell's own `kill`: std offers SIGKILL only, which leaves Git's lock files behind.
        let mut ask = Command::new("sh");
        ask.args(["-c", "kill -TERM \"$0\"", &id.to_string()]);
        let _ = ask.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().await;
    }
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}
