//! A commit of our own paths and nothing else.

use super::{Known, Repo, refusal};
use crate::cancel::Cancel;
use crate::error::{Code, Error, Result};

/// Hooks that can refuse a commit.
const HOOKS: [&str; 3] = ["pre-commit", "prepare-commit-msg", "commit-msg"];

impl Repo {
    /// Commits `paths` (files: new, changed or removed) as they lie in the work tree, whatever else lies changed or
    /// staged, and gives the commit's hash. Where it fails, the index is as before.
    ///
    /// When it is interrupted after Git had made the commit, the answer is the commit all the same.
    pub async fn commit_only(&self, paths: &[String], message: &str, cancel: &Cancel) -> Result<String> {
        let changes = self.status(paths, cancel).await?;
        if let Some(ignored) = changes.iter().find(|change| change.known == Known::Ignored) {
            let place = &ignored.path;
            return Err(Error::new(Code::Git, format!("{place} has to be committed, but .gitignore ignores it"))
                .hint(format!("Find the line with `git check-ignore -v {place}`, and take it out")));
        }
        if changes.is_empty() {
            return Err(Error::new(
                Code::Git,
                format!("nothing to commit: {} as in the last commit", paths.join(", ")),
            ));
        }
        let before = self.resolve("HEAD", cancel).await?;
        // Unchanged paths are left out: a path that is new to Git and isn't there would be refused.
        let ours: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        let untracked = changes.iter().filter(|change| change.known == Known::Untracked);
        let new: Vec<&str> = untracked.map(|change| change.path.as_str()).collect();

        let made = self.add_and_commit(&new, &ours, message, cancel).await;
        match made {
            Ok(()) => self.head(&Cancel::new()).await,
            Err(error) => {
                let calm = Cancel::new();
                let after = self.resolve("HEAD", &calm).await?;
                if let Some(sha) = after.filter(|sha| before.as_ref() != Some(sha)) {
                    return Ok(sha);
                }
                if !new.is_empty() {
                    let forget = ["rm", "--cached", "--quiet", "--force", "--ignore-unmatch"];
                    self.writes(&forget).paths(&new).run(&calm).await?;
                }
                Err(error)
            }
        }
    }

    async fn add_and_commit(&self, new: &[&str], ours: &[&str], message: &str, cancel: &Cancel) -> Result<()> {
        if !new.is_empty() {
            self.writes(&["add"]).paths(new).run(cancel).await?;
        }
        let commit = self.writes(&["commit", "--quiet", "--only", "--file=-"]).paths(ours).stdin(message);
        let output = commit.answer(cancel).await?;
        if output.interrupted {
            // Ctrl-C reached Git before us.
            cancel.sleep(super::command::PAUSE).await?;
        }
        match output.code {
            Some(0) => Ok(()),
            Some(1) => match self.hooks(&HOOKS, cancel).await?.as_slice() {
                [] => Err(refusal::explain("git commit", &output)),
                hooks => {
                    let error = Error::new(Code::Git, format!("a hook refused the commit ({})", hooks.join(", ")));
                    Err(refusal::said(error, &output).hint("Do what the hook asks for, then run this again"))
                }
            },
            _ => Err(refusal::explain("git commit", &output)),
        }
    }

    /// Those of `names` that are installed and may run.
    pub(super) async fn hooks(&self, names: &[&str], cancel: &Cancel) -> Result<Vec<String>> {
        let folder = self.reads(&["rev-parse", "--git-path", "hooks"]).run(cancel).await?.text();
        let folder = self.root.join(folder);
        Ok(names.iter().filter(|name| runs(&folder.join(name))).map(|name| (*name).to_owned()).collect())
    }
}

fn runs(hook: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    hook.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
