//! A temporary folder with a repository, a cleared environment, and the binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the script of the first objective lies in a repository that brings its own.
pub(crate) const SCRIPT: &str = "scripts/phases/1-foundation/1.1-s3-storage.rhai";
/// The one template of [`Environment::small`].
pub(crate) const TEMPLATE: &str = "scripts/phases/1-foundation/1.1-s3-storage/map.yaml.j2";

/// A temporary folder: `home`, `repo` (a work tree) and `origin.git` (what it pushes to).
pub(crate) struct Environment {
    dir: tempfile::TempDir,
    kubeconfig: Option<PathBuf>,
}

/// What a command printed, and its exit code.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Environment {
    /// Nothing but an empty home.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("home")).unwrap();
        std::fs::create_dir(dir.path().join("repo")).unwrap();
        Self { dir, kubeconfig: None }
    }

    /// A repository with the folders of a Flux repository and an `origin`, everything committed and pushed.
    pub(crate) fn flux_repository() -> Self {
        let env = Self::empty();
        env.git(&["init", "-q", "--bare", "-b", "main", "../origin.git"]);
        env.git(&["init", "-q", "-b", "main", "."]);
        env.git(&["remote", "add", "origin", "../origin.git"]);
        env.write(
            "kubernetes/flux/cluster/ks.yaml",
            "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: cluster-apps\n  namespace: flux-system\nspec:\n  interval: 1h\n  path: ./kubernetes/apps\n  prune: true\n  sourceRef:\n    kind: GitRepository\n    name: flux-system\n",
        );
        env.write("kubernetes/apps/.gitkeep", "");
        env.git(&["add", "-A"]);
        env.git(&["commit", "-q", "-m", "start"]);
        env.git(&["push", "-q", "-u", "origin", "main"]);
        env
    }

    /// The same, prepared by `dpb init` and committed.
    pub(crate) fn initiative() -> Self {
        let env = Self::flux_repository();
        env.dpb(&["init"]).succeeds();
        env.commit("prepare the initiative");
        env
    }

    /// An initiative on a cluster without a fault, whose gate is open and whose first objective delivers one
    /// `ConfigMap`: everything that is not under test is out of the way.
    pub(crate) fn small() -> Self {
        Self::small_on(&crate::stand_in::healthy())
    }

    /// The same on a server of one's own.
    pub(crate) fn small_on(address: &str) -> Self {
        let env = Self::initiative().with_server(address);
        env.write("scripts/lib/triggers.rhai", "fn wanted(o) { check::pass(\"wanted\", \"asked for\"); }\n");
        env.write("scripts/lib/platform.rhai", "fn platform(o) { check::pass(\"platform\", \"there\"); }\n");
        env.write(SCRIPT, include_str!("small/1.1-s3-storage.rhai"));
        env.write(TEMPLATE, include_str!("small/map.yaml.j2"));
        env.commit("a small objective");
        env
    }

    /// The work tree.
    pub(crate) fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    /// A path beside the work tree.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Points kubectl's configuration at a server of plain HTTP.
    pub(crate) fn with_server(mut self, address: &str) -> Self {
        let path = self.beside("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters: [{{name: test, cluster: {{server: \"http://{address}\"}}}}]\nusers: [{{name: ann, user: {{token: t}}}}]\ncontexts: [{{name: test, context: {{cluster: test, user: ann}}}}]\n"
        );
        std::fs::write(&path, text).unwrap();
        self.kubeconfig = Some(path);
        self
    }

    /// Writes a file of the work tree.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.repo().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Reads a file of the work tree.
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.repo().join(path)).unwrap()
    }

    /// Runs git in the work tree; its standard output.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = self.command("git", args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Commits everything and pushes it.
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
        self.git(&["push", "-q"]);
    }

    /// Runs dpb in the work tree, without a terminal.
    pub(crate) fn dpb(&self, args: &[&str]) -> Outcome {
        Outcome::of(&self.command(env!("CARGO_BIN_EXE_dpb"), args).output().unwrap())
    }

    /// Starts dpb in the work tree, without a terminal, and goes on.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_dpb"), args);
        Child(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// What Git says is not committed in the work tree.
    pub(crate) fn changed(&self) -> String {
        self.git(&["status", "--porcelain"])
    }

    /// A command in the work tree with nothing of the caller's environment but the path.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.repo())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.beside("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ann")
            .env("GIT_AUTHOR_EMAIL", "ann@example.org")
            .env("GIT_COMMITTER_NAME", "Ann")
            .env("GIT_COMMITTER_EMAIL", "ann@example.org")
            .env("KUBECONFIG", self.kubeconfig.clone().unwrap_or_else(|| self.beside("no-kubeconfig")))
            .stdin(Stdio::null());
        command
    }

    /// The text with this environment's own paths replaced, so that it can be compared.
    pub(crate) fn neutral(&self, text: &str) -> String {
        let real = |path: &Path| path.canonicalize().map(|p| p.display().to_string()).unwrap_or_default();
        let mut text = text.replace(&real(&self.repo()), "[REPO]");
        text = text.replace(&real(self.dir.path()), "[DIR]");
        text.replace(&self.dir.path().display().to_string(), "[DIR]")
    }
}

/// A dpb that runs.
pub(crate) struct Child(std::process::Child);

impl Child {
    /// Sends a signal (`INT`).
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Outcome {
        Outcome::of(&self.0.wait_with_output().unwrap())
    }
}

impl Outcome {
    fn of(output: &std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The error as it was shown last.
    pub(crate) fn error(&self) -> &str {
        let at = self.stderr.rfind("error: ").unwrap_or_else(|| panic!("no error in\n{}", self.stderr));
        &self.stderr[at..]
    }

    /// Asserts exit code 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.exits(0)
    }

    /// Asserts an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked at"), "a panic was shown:\n{}", self.stderr);
        self
    }

    /// Asserts that standard error holds a text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no `{text}` in\n{}", self.stderr);
        self
    }

    /// Asserts that standard output holds a text.
    #[track_caller]
    pub(crate) fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "no `{text}` in\n{}", self.stdout);
        self
    }
}
