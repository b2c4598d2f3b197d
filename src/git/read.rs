//! Reading history: head, branch, commits, files at a revision.

use super::{Repo, refusal};
use crate::cancel::Cancel;
use crate::error::{Code, Error, Result};

/// A commit, as a report shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Full hash.
    pub sha: String,
    /// Hash as short as Git would show it.
    pub short: String,
    /// First line of the message.
    pub subject: String,
    /// Name of the author.
    pub author: String,
    /// When it was committed, RFC 3339.
    pub time: String,
}

const FORMAT: &str = "--format=%H%x1f%h%x1f%s%x1f%an%x1f%cI";

impl Repo {
    /// Hash of the commit that is checked out; an error while there is none yet.
    pub async fn head(&self, cancel: &Cancel) -> Result<String> {
        self.resolve("HEAD", cancel).await?.ok_or_else(|| {
            Error::new(Code::Git, "the repository has no commit yet")
                .hint("Commit what is there: git add -A && git commit -m \"Begin\"")
        })
    }

    /// Whether the current branch has no commit yet.
    pub async fn is_unborn(&self, cancel: &Cancel) -> Result<bool> {
        Ok(self.resolve("HEAD", cancel).await?.is_none())
    }

    /// Name of the current branch; an error when none is checked out.
    pub async fn branch(&self, cancel: &Cancel) -> Result<String> {
        let output = self.reads(&["symbolic-ref", "--quiet", "--short", "HEAD"]).answer(cancel).await?;
        match output.code {
            Some(0) => Ok(output.text()),
            Some(1) => Err(Error::new(Code::Git, "no branch is checked out (detached HEAD)")
                .hint("Check out the branch that Flux follows: git switch main")),
            _ => Err(refusal::explain("git symbolic-ref", &output)),
        }
    }

    /// Hash of the commit that a revision names; `None` when it names none.
    pub async fn resolve(&self, revision: &str, cancel: &Cancel) -> Result<Option<String>> {
        let commit = format!("{revision}^{{commit}}");
        let output =
            self.reads(&["rev-parse", "--quiet", "--verify", "--end-of-options", &commit]).answer(cancel).await?;
        match output.code {
            Some(0) => Ok(Some(output.text())),
            Some(1 | 128) if !output.stderr.contains("not a git repository") => Ok(None),
            _ => Err(refusal::explain("git rev-parse", &output)),
        }
    }

    /// What a report shows of a commit.
    pub async fn commit(&self, revision: &str, cancel: &Cancel) -> Result<Commit> {
        let output = self.reads(&["log", "-1", FORMAT, "--end-of-options", revision]).run(cancel).await?;
        read_commit(&output.text())
            .ok_or_else(|| Error::new(Code::NotFound, format!("no commit {revision} in this repository")))
    }

    /// Commits that `to` has and `from` lacks, newest first.
    pub async fn log(&self, from: &str, to: &str, cancel: &Cancel) -> Result<Vec<Commit>> {
        let range = format!("{from}..{to}");
        let output = self.reads(&["log", FORMAT, "--end-of-options", &range]).run(cancel).await?;
        Ok(output.text().lines().filter_map(read_commit).collect())
    }

    /// A file's bytes at a revision; `None` when it isn't there.
    pub async fn show(&self, revision: &str, path: &str, cancel: &Cancel) -> Result<Option<Vec<u8>>> {
        let listed = self.reads(&["ls-tree", "-z", revision]).paths(&[path]).run(cancel).await?;
        let entries = listed.entries();
        let Some((meta, _)) = entries.first().and_then(|entry| entry.split_once('\t')) else { return Ok(None) };
        let mut words = meta.split(' ').skip(1);
        match (words.next(), words.next()) {
            (Some("blob"), Some(hash)) => Ok(Some(self.reads(&["cat-file", "blob", hash]).run(cancel).await?.stdout)),
            _ => Ok(None),
        }
    }

    /// Paths that differ between two revisions; a rename counts as two.
    pub async fn diff_names(&self, from: &str, to: &str, cancel: &Cancel) -> Result<Vec<String>> {
        let args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to];
        Ok(self.reads(&args).run(cancel).await?.entries())
    }

    /// Whether commit `ancestor` is `descendant` or one of its ancestors; an error when one of them isn't known here.
    pub async fn is_ancestor(&self, ancestor: &str, descendant: &str, cancel: &Cancel) -> Result<bool> {
        let output = self.reads(&["merge-base", "--is-ancestor", ancestor, descendant]).answer(cancel).await?;
        match output.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => {
                let unknown = format!("{ancestor} or {descendant} is no commit of this clone");
                Err(refusal::said(Error::new(Code::NotFound, unknown), &output).hint("git fetch"))
            }
        }
    }
}

fn read_commit(line: &str) -> Option<Commit> {
    let mut fields = line.split('\u{1f}').map(str::to_owned);
    Some(Commit {
        sha: fields.next()?,
        short: fields.next()?,
        subject: fields.next()?,
        author: fields.next()?,
        time: fields.next()?,
    })
}
