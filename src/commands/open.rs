//! Opens what a command needs, and only that: repository, settings, ledger, scripts, cluster.

use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::cluster::{Cluster, Flags};
use crate::error::{Code, Error, Result, io_error};
use crate::git::Repo;
use crate::goals::Ledger;
use crate::run::Session;
use crate::script::library::Library;
use crate::settings::Settings;
use crate::ui::Ui;

use super::cli::Global;
use super::signals;

/// What every command starts from: flags, runtime, interrupt.
pub(super) struct Opener<'a> {
    pub(super) global: &'a Global,
    pub(super) ui: &'a Ui,
    pub(super) cancel: Cancel,
    undo: Cancel,
    runtime: tokio::runtime::Handle,
}

impl<'a> Opener<'a> {
    /// Starts the runtime and listens for Ctrl-C.
    pub(super) fn new(global: &'a Global, ui: &'a Ui) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|e| Error::new(Code::Internal, format!("starting the runtime: {e}")))?;
        let (cancel, undo) = (Cancel::new(), Cancel::new());
        signals::listen(runtime.handle(), cancel.clone(), undo.clone(), ui.clone());
        let handle = runtime.handle().clone();
        // It ends with the process: waiting for what still blocks in it (a credential plugin that hangs) helps nobody.
        std::mem::forget(runtime);
        Ok(Self { global, ui, cancel, undo, runtime: handle })
    }

    /// The runtime's handle.
    pub(super) fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.clone()
    }

    /// Waits for a future, unless interrupted.
    pub(super) fn block<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(self.cancel.run(work))
    }

    /// The repository around `--repo`.
    pub(super) fn repo(&self) -> Result<Repo> {
        self.block(Repo::discover(&self.global.repo, &self.cancel)).map_err(|e| {
            if e.hint_text().is_some() { e } else { e.hint("Go to the GitOps repository, or name it with --repo DIR") }
        })
    }

    /// The repository's settings, with the ledger of `--initiative` where that was given.
    pub(super) fn settings(&self, repo: &Repo) -> Result<Settings> {
        let mut settings = Settings::load(repo.root())?;
        if let Some(name) = &self.global.initiative {
            let ledger = find_initiative(repo.root(), name)?;
            settings.initiative.docs = ledger.parent().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
            settings.initiative.ledger = ledger.to_string_lossy().into_owned();
        }
        Ok(settings)
    }

    /// The ledger that the settings name.
    pub(super) fn ledger(repo: &Repo, settings: &Settings) -> Result<Ledger> {
        let path = repo.root().join(&settings.initiative.ledger);
        if !path.exists() {
            return Err(Error::new(
                Code::NotFound,
                format!("no ledger {} in {}", settings.initiative.ledger, repo.root().display()),
            )
            .hint("dpb init prepares a repository; another ledger is named by initiative.ledger in dpb.yaml"));
        }
        Ledger::load(&path, &settings.initiative.ledger)
    }

    /// The cluster of the connection flags. No request is made here.
    pub(super) fn cluster(&self) -> Result<Cluster> {
        let c = &self.global.connection;
        let flags = Flags {
            kubeconfig: c.kubeconfig.clone(),
            context: c.context.clone(),
            cluster: c.cluster.clone(),
            user: c.user.clone(),
            namespace: c.namespace.clone(),
            as_: c.impersonate.clone(),
            as_group: c.impersonate_group.clone(),
            request_timeout: c.request_timeout.map(|d| format!("{}ms", d.as_millis())),
            ..Flags::default()
        };
        self.block(Cluster::connect(&flags))
    }

    /// All of it. A cluster that cannot be reached is kept as its error: some commands do without.
    pub(super) fn session(&self) -> Result<Session> {
        let repo = self.repo()?;
        let settings = self.settings(&repo)?;
        let ledger = Self::ledger(&repo, &settings)?;
        let library = Library::of_repository(repo.root());
        Ok(Session {
            cluster: self.cluster(),
            repo,
            settings,
            ledger,
            library,
            runtime: self.handle(),
            cancel: self.cancel.clone(),
            undo: self.undo.clone(),
            ui: self.ui.clone(),
        })
    }
}

/// The ledger of an initiative: a `goals.json` below the root whose folder, or the one above, has that name.
fn find_initiative(root: &Path, name: &str) -> Result<PathBuf> {
    let mut found = Vec::new();
    ledgers(root, root, 0, &mut found)?;
    let named =
        |path: &&PathBuf| path.parent().is_some_and(|p| p.components().rev().take(2).any(|c| c.as_os_str() == name));
    let matching: Vec<&PathBuf> = found.iter().filter(named).collect();
    match matching.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let known: Vec<String> = found.iter().map(|p| p.display().to_string()).collect();
            let error = Error::new(Code::NotFound, format!("no initiative `{name}` in this repository"));
            Err(if known.is_empty() {
                error.hint("No goals.json was found; dpb init writes one")
            } else {
                error.hint(format!("Found: {}", known.join(", ")))
            })
        }
        many => {
            let known: Vec<String> = many.iter().map(|p| p.display().to_string()).collect();
            Err(Error::new(Code::Usage, format!("initiative `{name}` means several ledgers"))
                .hint(format!("Choose by initiative.ledger in dpb.yaml: {}", known.join(", "))))
        }
    }
}

/// Ledgers lie in folders for people, at most six deep; hidden folders are not looked into.
fn ledgers(root: &Path, dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(dir).map_err(|e| io_error("reading", dir, &e))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !hidden && depth < 6 => ledgers(root, &path, depth + 1, found)?,
            Ok(kind) if kind.is_file() && entry.file_name() == "goals.json" => {
                found.push(path.strip_prefix(root).unwrap_or(&path).to_path_buf());
            }
            _ => {}
        }
    }
    found.sort();
    Ok(())
}
