//! Somebody at a terminal: runs the program in a clone of the repository, reads what it says, presses Ctrl-C.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing on the rig takes longer.
const LIMIT: Duration = Duration::from_mins(4);

/// The ledger in the rig's repository.
pub(crate) const LEDGER: &str = "docs/data-platform/bootstrap/goals.json";

/// The rig, as `rig/with-cluster` describes it in the environment.
pub(crate) struct Person {
    bin: PathBuf,
    rig: PathBuf,
    pub(crate) repo: PathBuf,
}

/// What a command ended with.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) began: Instant,
    pub(crate) took: Duration,
    /// Lines of standard error, with the time when each came.
    pub(crate) lines: Vec<(Instant, String)>,
}

impl Said {
    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }

    /// Fails the test unless standard output holds the text; line breaks and indentation don't matter.
    #[track_caller]
    pub(crate) fn shows(self, text: &str) -> Self {
        assert!(flat(&self.out).contains(text), "`{text}` is not in standard output:\n{}", self.out);
        self
    }

    /// Fails the test unless standard error holds the text.
    #[track_caller]
    pub(crate) fn tells(self, text: &str) -> Self {
        assert!(flat(&self.err).contains(text), "`{text}` is not in standard error:\n{}", self.err);
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", self.out, self.err))
    }

    /// When a line that holds this text came.
    #[track_caller]
    pub(crate) fn when(&self, text: &str) -> Instant {
        self.lines.iter().find(|(_, line)| line.contains(text)).unwrap_or_else(|| panic!("no `{text}`: {}", self.err)).0
    }
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A command that still runs.
pub(crate) struct Running {
    child: Child,
    began: Instant,
    lines: Arc<Mutex<Vec<(Instant, String)>>>,
    out: JoinHandle<String>,
    err: JoinHandle<()>,
}

impl Running {
    /// Waits until standard error holds a line with this text.
    #[track_caller]
    pub(crate) fn until(&self, text: &str) {
        let end = Instant::now() + LIMIT;
        loop {
            let lines = self.lines.lock().unwrap().clone();
            if lines.iter().any(|(_, line)| line.contains(text)) {
                return;
            }
            assert!(Instant::now() < end && !self.err.is_finished(), "`{text}` did not come: {lines:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal: `INT`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        text_of(Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()));
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Said {
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code();
            }
            if self.began.elapsed() > LIMIT {
                self.child.kill().unwrap();
                panic!("no end after {LIMIT:?}: {:#?}", self.lines.lock().unwrap());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let took = self.began.elapsed();
        let out = self.out.join().unwrap();
        self.err.join().unwrap();
        let lines = self.lines.lock().unwrap().clone();
        let err = lines.iter().fold(String::new(), |all, (_, line)| all + line + "\n");
        Said { code, out, err, began: self.began, took, lines }
    }
}

impl Person {
    /// `None` outside of the rig.
    pub(crate) fn new() -> Option<Self> {
        let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
        Some(Self { bin: path("DPB_BIN")?, rig: path("RIG_DIR")?, repo: path("RIG_REPO")? })
    }

    /// Runs a command line (words without spaces, or `'quoted'` ones) to its end.
    #[track_caller]
    pub(crate) fn dpb(&self, line: &str) -> Said {
        self.start(line).end()
    }

    /// Starts a command line.
    pub(crate) fn start(&self, line: &str) -> Running {
        eprintln!("$ dpb {line}");
        let mut words = Vec::new();
        for (n, part) in line.split('\'').enumerate() {
            if n % 2 == 1 { words.push(part) } else { words.extend(part.split_whitespace()) }
        }
        let began = Instant::now();
        let mut child = Command::new(&self.bin)
            .args(words)
            .current_dir(&self.repo)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let lines: Arc<Mutex<Vec<_>>> = Arc::default();
        let to = Arc::clone(&lines);
        Running {
            child,
            began,
            lines,
            out: std::thread::spawn(move || {
                let mut text = String::new();
                out.read_to_string(&mut text).unwrap();
                text
            }),
            err: std::thread::spawn(move || {
                for line in BufReader::new(err).lines() {
                    to.lock().unwrap().push((Instant::now(), line.unwrap()));
                }
            }),
        }
    }

    #[track_caller]
    pub(crate) fn git(&self, args: &[&str]) -> String {
        text_of(Command::new("git").args(args).current_dir(&self.repo)).trim_end().to_owned()
    }

    /// Commits everything that lies changed, and pushes it.
    #[track_caller]
    pub(crate) fn commits(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
        self.git(&["push", "-q"]);
    }

    /// The commit in hand, after making sure that the work tree is clean and the remote holds the same.
    #[track_caller]
    pub(crate) fn head(&self) -> String {
        assert_eq!(self.git(&["status", "--porcelain"]), "", "the work tree is not clean");
        let head = self.git(&["rev-parse", "HEAD"]);
        assert!(self.git(&["ls-remote", "origin", "main"]).starts_with(&head), "the remote is elsewhere");
        head
    }

    /// Subjects of the commits since this one, oldest first.
    pub(crate) fn subjects(&self, since: &str) -> Vec<String> {
        let range = format!("{since}..HEAD");
        self.git(&["log", "--reverse", "--format=%s", &range]).lines().map(str::to_owned).collect()
    }

    /// Files that differ between a commit and now.
    pub(crate) fn changed(&self, since: &str) -> Vec<String> {
        self.git(&["diff", "--name-only", since]).lines().map(str::to_owned).collect()
    }

    #[track_caller]
    #[expect(clippy::unused_self, reason = "it is the person who types it, too")]
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        text_of(Command::new("kubectl").args(args))
    }

    /// Breaks the cluster, or heals it (`rig/fault`).
    pub(crate) fn fault(&self, name: &str, args: &[&str]) {
        eprintln!("$ rig/fault/{name} {}", args.join(" "));
        text_of(Command::new(self.rig.join("fault").join(name)).args(args));
    }

    /// Replaces text in a file of the repository.
    #[track_caller]
    pub(crate) fn edits(&self, file: &str, from: &str, to: &str) {
        let path = self.repo.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {file}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    pub(crate) fn ledger(&self) -> Value {
        read_json(&self.repo.join(LEDGER))
    }

    /// An objective of the ledger.
    pub(crate) fn objective(&self, id: &str) -> Value {
        let ledger = self.ledger();
        let phases = ledger["phases"].as_array().unwrap();
        let mut all = phases.iter().flat_map(|p| p["objectives"].as_array().unwrap());
        all.find(|o| o["id"] == id).unwrap_or_else(|| panic!("no objective {id}")).clone()
    }
}

fn read_json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Runs a command that must succeed, and gives back what it printed.
#[track_caller]
fn text_of(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
