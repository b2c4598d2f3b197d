//! Where the repositories lie that `GitRepository` objects name, and their heads and trees.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::commit_tree::{CommitTree, git};
use crate::error::{Code, Error, Result};

/// The repository in hand, and others by their address.
#[derive(Debug)]
pub struct Remotes {
    home: Home,
    others: BTreeMap<String, PathBuf>,
    trees: Mutex<Vec<(String, Arc<CommitTree>)>>,
}

/// The repository in hand.
#[derive(Clone, Debug)]
struct Home {
    /// Where its objects are read.
    store: PathBuf,
    /// What Flux follows: an address or a folder; `None`: the repository itself.
    origin: Option<String>,
}

/// A commit that a reference names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Hash.
    pub(super) commit: String,
    /// First line of its message.
    pub(super) subject: String,
    /// `main@sha1:…`.
    pub(super) revision: String,
}

/// The source that follows the repository in hand, whatever address it carries.
const OWN: (&str, &str) = ("flux-system", "flux-system");

impl Remotes {
    /// The repository at `dir`: its remote `origin` is what Flux follows, or itself where it has none.
    pub fn of_repository(dir: &Path) -> Self {
        let origin = git(dir, &["remote", "get-url", "origin"]).ok();
        let origin = origin.map(|out| String::from_utf8_lossy(&out).trim().to_owned()).filter(|url| !url.is_empty());
        Self { home: Home { store: dir.to_owned(), origin }, others: BTreeMap::new(), trees: Mutex::default() }
    }

    /// Also this address, which leads to a bare repository on disk.
    #[must_use]
    pub fn and(mut self, url: &str, dir: &Path) -> Self {
        self.others.insert(plain(url), dir.to_owned());
        self
    }

    /// The commit that a `GitRepository` asks for.
    pub(super) fn head(&self, source: &Value) -> Result<Head> {
        let url = text(source, "/spec/url");
        let (store, origin) = self.place(source)?;
        let reference = source.pointer("/spec/ref").unwrap_or(&Value::Null);
        let field = |name: &str| reference[name].as_str().unwrap_or_default();
        let (name, shown) = match (field("name"), field("tag"), field("branch")) {
            ("", "", "") => ("refs/heads/master".to_owned(), "master".to_owned()),
            ("", "", branch) => (format!("refs/heads/{branch}"), branch.to_owned()),
            ("", tag, _) => (format!("refs/tags/{tag}"), tag.to_owned()),
            (name, ..) => (name.to_owned(), name.to_owned()),
        };
        let commit = match field("commit") {
            "" => look_up(&store, origin.as_deref(), &name)
                .map_err(|why| Error::new(Code::Git, format!("unable to clone '{url}': {}", why.message())))?
                .ok_or_else(|| {
                    Error::new(Code::Git, format!("unable to clone '{url}': couldn't find remote ref \"{name}\""))
                })?,
            commit => commit.to_owned(),
        };
        let subject = git(&store, &["log", "-1", "--format=%s", &commit])
            .map_err(|why| Error::new(Code::Git, format!("unable to clone '{url}': {}", why.message())))?;
        let subject = String::from_utf8_lossy(&subject).trim().to_owned();
        let revision = format!("{shown}@sha1:{commit}");
        Ok(Head { commit, subject, revision })
    }

    /// The files of the artifact that a `GitRepository` has.
    pub(super) fn tree(&self, source: &Value) -> Result<Arc<CommitTree>> {
        let revision = text(source, "/status/artifact/revision");
        let commit = revision.rsplit(':').next().unwrap_or_default().to_owned();
        let (store, _) = self.place(source)?;
        let key = format!("{} {commit}", store.display());
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, tree)) = trees.iter().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(tree));
        }
        let tree = Arc::new(CommitTree::open(&store, &commit)?);
        if trees.len() >= 6 {
            trees.remove(0);
        }
        trees.push((key, Arc::clone(&tree)));
        Ok(tree)
    }

    fn place(&self, source: &Value) -> Result<(PathBuf, Option<String>)> {
        let url = text(source, "/spec/url");
        if let Some(dir) = self.others.get(&plain(url)) {
            return Ok((dir.clone(), None));
        }
        let own = (text(source, "/metadata/namespace"), text(source, "/metadata/name")) == OWN;
        let origin = self.home.origin.clone();
        if !own && origin.as_deref().is_none_or(|origin| plain(origin) != plain(url)) {
            return Err(Error::new(
                Code::Git,
                format!("unable to clone '{url}': unknown to the simulator: it follows the repository in hand only"),
            ));
        }
        match origin {
            Some(origin) if Path::new(&origin).is_dir() => Ok((origin.into(), None)),
            Some(origin) if origin.starts_with("file://") => {
                Ok((PathBuf::from(origin.trim_start_matches("file://")), None))
            }
            Some(origin) => Ok((self.home.store.clone(), Some(origin))),
            None => Ok((self.home.store.clone(), None)),
        }
    }
}

/// The commit of a reference: asked of the remote (and its objects fetched) or of the repository itself.
fn look_up(store: &Path, origin: Option<&str>, name: &str) -> Result<Option<String>> {
    let Some(origin) = origin else {
        if !store.exists() {
            return Err(Error::new(Code::Git, "repository not found"));
        }
        let asked =
            git(store, &["rev-parse", "--quiet", "--verify", "--end-of-options", &format!("{name}^{{commit}}")]);
        return Ok(asked.ok().map(|out| String::from_utf8_lossy(&out).trim().to_owned()));
    };
    let listed = git(store, &["ls-remote", "--", origin, name])?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let Some(commit) = listed.lines().find_map(|line| line.strip_suffix(name).map(|hash| hash.trim().to_owned()))
    else {
        return Ok(None);
    };
    if git(store, &["cat-file", "-e", &format!("{commit}^{{commit}}")]).is_err() {
        git(store, &["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", origin, name])?;
    }
    Ok(Some(commit))
}

/// An address without scheme, user and `.git`, so that `ssh://git@host/x.git` and `git@host:x` are one.
fn plain(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once('@').filter(|(user, _)| !user.contains('/')).map_or(rest, |(_, rest)| rest);
    rest.replacen(':', "/", 1).trim_end_matches('/').trim_end_matches(".git").to_lowercase()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_of_one_repository_are_one() {
        for url in
            ["ssh://git@example.org/home/ops.git", "git@example.org:home/ops", "https://example.org/home/ops.git"]
        {
            assert_eq!(plain(url), "example.org/home/ops");
        }
    }

    #[test]
    fn the_remote_is_followed_and_a_strange_address_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (bare, work) = (dir.path().join("o.git"), dir.path().join("w"));
        git(dir.path(), &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]).unwrap();
        git(dir.path(), &["clone", "-q", bare.to_str().unwrap(), work.to_str().unwrap()]).unwrap();
        let commit = |file: &str| {
            std::fs::write(work.join(file), "x").unwrap();
            git(&work, &["add", "-A"]).unwrap();
            git(&work, &["-c", "user.name=T", "-c", "user.email=t@e.org", "commit", "-qm", "subject"]).unwrap();
        };
        commit("one");
        git(&work, &["push", "-q", "origin", "HEAD:main"]).unwrap();
        commit("two"); // not pushed
        let remotes = Remotes::of_repository(&work);
        let source = |name: &str, branch: &str| json!({"metadata": {"namespace": "flux-system", "name": name}, "spec": {"url": "ssh://git@example.org/home.git", "ref": {"branch": branch}}});
        let head = remotes.head(&source("flux-system", "main")).unwrap();
        let pushed = String::from_utf8(git(&bare, &["rev-parse", "main"]).unwrap()).unwrap();
        assert_eq!((head.commit.as_str(), head.subject.as_str()), (pushed.trim(), "subject"));
        assert_eq!(head.revision, format!("main@sha1:{}", pushed.trim()));
        let absent = remotes.head(&source("flux-system", "nowhere")).unwrap_err();
        assert_eq!(
            absent.message(),
            "unable to clone 'ssh://git@example.org/home.git': couldn't find remote ref \"refs/heads/nowhere\""
        );
        assert!(remotes.head(&source("other", "main")).unwrap_err().message().contains("unknown to the simulator"));
    }
}
