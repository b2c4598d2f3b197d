//! Remotes: which one, what it holds, pushing to it.

use super::output::Output;
use super::{Commit, Repo, refusal};
use crate::cancel::Cancel;
use crate::error::{Code, Error, Result};

/// Where a push goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name of the remote.
    pub remote: String,
    /// Branch there.
    pub branch: String,
    /// Address of the remote, without a password.
    pub url: String,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.remote, self.branch)
    }
}

impl Repo {
    /// Address of a remote without a password; an error when there is no such remote.
    pub async fn remote(&self, name: &str, cancel: &Cancel) -> Result<String> {
        let output = self.reads(&["remote", "get-url", "--push", "--", name]).answer(cancel).await?;
        if output.code == Some(0) {
            return Ok(without_password(&output.text()));
        }
        let known = self.reads(&["remote"]).run(cancel).await?.text().replace('\n', ", ");
        let error = Error::new(Code::Git, format!("no remote `{name}` in this repository"));
        Err(if known.is_empty() {
            error.hint(format!(
                "Flux reads from a remote: git remote add {name} URL; or write files only with --delivery files"
            ))
        } else {
            error.hint(format!("Known: {known}. Set git.remote in dpb.yaml"))
        })
    }

    /// Where a push goes: to `branch` of `remote`; with no branch given, to the one that the current branch follows
    /// there, else to the one of the same name.
    pub async fn target(&self, remote: &str, branch: &str, cancel: &Cancel) -> Result<Target> {
        let url = self.remote(remote, cancel).await?;
        let current = self.branch(cancel).await?;
        let branch = if branch.is_empty() { self.followed(&current, remote, cancel).await? } else { branch.to_owned() };
        Ok(Target { remote: remote.to_owned(), branch, url })
    }

    /// The branch of `remote` that a local branch follows, else its own name.
    async fn followed(&self, local: &str, remote: &str, cancel: &Cancel) -> Result<String> {
        let format = "--format=%(upstream:remotename)%00%(upstream:remoteref)";
        let output = self.reads(&["for-each-ref", format, &format!("refs/heads/{local}")]).run(cancel).await?;
        let text = output.text();
        let (of, followed) = text.split_once('\0').unwrap_or_default();
        let followed = followed.strip_prefix("refs/heads/").filter(|_| of == remote);
        Ok(followed.unwrap_or(local).to_owned())
    }

    /// Hash that a branch of the remote has there now; `None` when there is no such branch. Asks the remote.
    pub async fn remote_head(&self, remote: &str, branch: &str, cancel: &Cancel) -> Result<Option<String>> {
        let name = format!("refs/heads/{branch}");
        let asked = self.reads(&["ls-remote", "--", remote, &name]).run(cancel).await;
        let output = asked.map_err(|error| error.context(format!("asking {remote}")))?;
        let text = output.text();
        Ok(text.lines().find_map(|line| line.strip_suffix(&name).map(|hash| hash.trim().to_owned())))
    }

    /// Fetches a branch of the remote, so that its commits are known here.
    pub async fn fetch(&self, remote: &str, branch: &str, cancel: &Cancel) -> Result<()> {
        let name = format!("refs/heads/{branch}");
        let fetched = self.writes(&["fetch", "--quiet", "--no-tags", "--", remote, &name]).run(cancel).await;
        fetched.map(drop).map_err(|error| error.context(format!("fetching {remote}/{branch}")))
    }

    /// Commits of the current branch that a push would take along, newest first, as far as this clone knows.
    pub async fn unpushed(&self, target: &Target, cancel: &Cancel) -> Result<Vec<Commit>> {
        let there = format!("refs/remotes/{}/{}", target.remote, target.branch);
        match self.resolve(&there, cancel).await? {
            Some(_) => self.log(&there, "HEAD", cancel).await,
            None => Ok(Vec::new()),
        }
    }

    /// Pushes the current commit to a branch of the remote; never forced.
    ///
    /// After an interruption it may have happened or not: [`Repo::remote_head`] tells.
    pub async fn push(&self, remote: &str, branch: &str, cancel: &Cancel) -> Result<()> {
        self.remote(remote, cancel).await?;
        let what = format!("HEAD:refs/heads/{branch}");
        let output = self.writes(&["push", "--porcelain", "--", remote, &what]).answer(cancel).await?;
        if output.code == Some(0) {
            return Ok(());
        }
        let hooks = self.hooks(&["pre-push"], cancel).await?;
        Err(refused(remote, branch, &output, !hooks.is_empty()))
    }
}

/// Why a push was refused, and what to do.
fn refused(remote: &str, branch: &str, output: &Output, has_hook: bool) -> Error {
    let stdout = String::from_utf8_lossy(&output.stdout);
    // `!<tab>HEAD:refs/heads/main<tab>[rejected] (fetch first)`
    let verdict = stdout.lines().find_map(|line| line.strip_prefix("!\t")?.split('\t').nth(1));
    let there = format!("{remote}/{branch}");
    let error = |message: String| refusal::said(Error::new(Code::Git, message), output);
    match verdict {
        Some(text) if text.contains("fetch first") || text.contains("non-fast-forward") => {
            error(format!("{there} holds commits that this clone lacks: the push was refused"))
                .hint(format!("git pull --rebase {remote} {branch}, then run this again"))
        }
        Some(text) => {
            let reason = text.rsplit_once('(').map_or(text, |(_, reason)| reason.trim_end_matches(')'));
            error(format!("{remote} refused the push to {branch}: {reason}")).hint(
                "Ask for the right to push there, or write the files only (--delivery files) and open a pull request",
            )
        }
        None if has_hook && !output.stderr.contains("fatal:") => {
            error(format!("a hook refused the push to {there} (pre-push)"))
                .hint("Do what the hook asks for, then run this again")
        }
        None => refusal::explain("git push", output).context(format!("pushing to {there}")),
    }
}

/// An address without the password in it.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((login, host)) if login.contains(':') => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}{}", &rest[end..])
        }
        _ => url.to_owned(),
    }
}
