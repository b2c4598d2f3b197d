//! Taking commits back, in a worktree of its own, whatever lies changed in the user's.

use std::path::Path;

use super::command::Git;
use super::{Repo, refusal};
use crate::cancel::Cancel;
use crate::error::{Code, Error, Result};

/// A revert that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reverted {
    /// Hash of the commit that takes back.
    pub sha: String,
    /// Paths that it changed.
    pub paths: Vec<String>,
    /// Those among them that somebody had changed without committing: left as they are in the work tree.
    pub kept: Vec<String>,
}

impl Repo {
    /// Makes one commit on `branch` that takes back `commits` (newest first), and moves the branch and those files of
    /// the work tree that it touches. `None` when nothing is left to take back.
    ///
    /// As with `git revert`, hooks that judge a commit are not asked; signing is honoured. Files that somebody changed
    /// meanwhile keep their changes. The branch moves only if nobody else moved it: nothing is lost either way.
    pub async fn revert_in_worktree(
        &self,
        commits: &[String],
        message: &str,
        branch: &str,
        cancel: &Cancel,
    ) -> Result<Option<Reverted>> {
        let name = format!("refs/heads/{branch}");
        let tip = self.resolve(&name, cancel).await?.ok_or_else(|| no_branch(branch))?;
        let place = self.make_state_dir()?.join("revert");
        self.clear_worktree(&place, &Cancel::new()).await?;
        let built = self.build_revert(&place, commits, message, &tip, cancel).await;
        let cleared = self.clear_worktree(&place, &Cancel::new()).await;
        let Some(sha) = built? else { return Ok(None) };
        cleared?;

        let paths = self.diff_names(&tip, &sha, cancel).await?;
        let here = self.branch(cancel).await.is_ok_and(|current| current == branch);
        let dirty = if here { self.status(&paths, cancel).await? } else { Vec::new() };
        // From here on nothing is cancelled: branch, index and files belong together, and it takes milliseconds.
        let calm = Cancel::new();
        let note = format!("dpb: revert {}", commits.join(" "));
        self.writes(&["update-ref", "-m", &note, &name, &sha, &tip])
            .run(&calm)
            .await
            .map_err(|error| error.context(format!("branch {branch} was moved meanwhile")).hint("Run this again"))?;
        let changed = |path: &String| dirty.iter().find(|change| change.path == *path);
        let (kept, clean): (Vec<String>, Vec<String>) = paths.iter().cloned().partition(|path| changed(path).is_some());
        if here {
            self.restore(&clean, &sha, &calm).await?;
            // What somebody staged stays staged; else the index follows the branch, and the change stands as one.
            let followers: Vec<&String> = kept.iter().filter(|path| changed(path).is_some_and(|c| !c.staged)).collect();
            if !followers.is_empty() {
                let source = format!("--source={sha}");
                self.writes(&["restore", &source, "--staged"]).paths(&followers).run(&calm).await?;
            }
        }
        Ok(Some(Reverted { sha, paths, kept }))
    }

    /// Builds the commit in a worktree at `place`; `None` when it would change nothing.
    async fn build_revert(
        &self,
        place: &Path,
        commits: &[String],
        message: &str,
        tip: &str,
        cancel: &Cancel,
    ) -> Result<Option<String>> {
        let folder = place.to_string_lossy();
        let add = ["-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach", &folder, tip];
        self.writes(&add).run(cancel).await?;
        for commit in commits {
            let output = Git::writes(place, &["revert", "--no-commit", commit]).answer(cancel).await?;
            if output.code != Some(0) {
                let unmerged = Git::reads(place, &["diff", "--name-only", "-z", "--diff-filter=U"]);
                let paths = unmerged.run(cancel).await?.entries();
                return Err(conflict(commit, &paths, refusal::explain("git revert", &output)));
            }
        }
        let differs = Git::reads(place, &["diff", "--cached", "--quiet"]).answer(cancel).await?;
        if differs.code == Some(0) {
            return Ok(None);
        }
        let commit = ["commit", "--quiet", "--no-verify", "--file=-"];
        Git::writes(place, &commit).stdin(message).run(cancel).await?;
        let sha = Git::reads(place, &["rev-parse", "HEAD"]).run(cancel).await?.text();
        Ok(Some(sha))
    }

    /// Removes our worktree: this run's, or one that a killed run left.
    async fn clear_worktree(&self, place: &Path, cancel: &Cancel) -> Result<()> {
        if place.exists() {
            let folder = place.to_string_lossy();
            self.writes(&["worktree", "remove", "--force", "--force", &folder]).answer(cancel).await?;
            if place.exists() {
                std::fs::remove_dir_all(place).map_err(|error| crate::error::io_error("removing", place, &error))?;
            }
        }
        self.writes(&["worktree", "prune"]).run(cancel).await?;
        Ok(())
    }
}

fn no_branch(branch: &str) -> Error {
    Error::new(Code::Git, format!("no branch `{branch}` in this repository"))
}

fn conflict(commit: &str, paths: &[String], said: Error) -> Error {
    if paths.is_empty() {
        return said.context(format!("reverting {commit}"));
    }
    let short: String = commit.chars().take(7).collect();
    let error =
        Error::new(Code::Git, format!("{short} can't be taken back by itself: {} changed since", paths.join(", ")));
    error.hint(format!("Take it back by hand: git revert {short}, settle the conflict, commit, push"))
}
