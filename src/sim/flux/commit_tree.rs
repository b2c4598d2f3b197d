//! The files of one commit, read through `git cat-file --batch`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::error::{Code, Error, Result};
use crate::kustomize::{Entry, Tree};

/// A commit's tree.
#[derive(Debug)]
pub struct CommitTree {
    files: BTreeMap<String, Blob>,
    dirs: BTreeSet<String>,
    reader: Mutex<Reader>,
}

#[derive(Debug)]
struct Blob {
    hash: String,
    link: bool,
}

#[derive(Debug)]
struct Reader {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    known: BTreeMap<String, Vec<u8>>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many links one path may lead through.
const LINKS: usize = 20;

impl CommitTree {
    /// The tree of a commit that the repository at `dir` (bare or not) holds.
    pub fn open(dir: &Path, commit: &str) -> Result<Self> {
        let listed = git(dir, &["ls-tree", "-r", "-z", "--full-tree", commit])?;
        let (mut files, mut dirs) = (BTreeMap::new(), BTreeSet::from([String::new()]));
        for entry in listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
            let entry = String::from_utf8_lossy(entry);
            let Some((head, path)) = entry.split_once('\t') else { continue };
            let mut words = head.split(' ');
            let (mode, kind, hash) = (words.next(), words.next(), words.next());
            let (Some(mode), Some("blob"), Some(hash)) = (mode, kind, hash) else { continue };
            let mut end = path.len();
            while let Some(slash) = path[..end].rfind('/') {
                dirs.insert(path[..slash].to_owned());
                end = slash;
            }
            files.insert(path.to_owned(), Blob { hash: hash.to_owned(), link: mode == "120000" });
        }
        let mut child = command(dir, &["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Error::new(Code::Git, format!("git can't be started: {error}")))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::new(Code::Git, "git cat-file has no pipes"));
        };
        let reader = Reader { child, stdin, stdout: BufReader::new(stdout), known: BTreeMap::new() };
        Ok(Self { files, dirs, reader: Mutex::new(reader) })
    }

    fn content(&self, hash: &str) -> Result<Vec<u8>> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = reader.known.get(hash) {
            return Ok(bytes.clone());
        }
        let bytes = read(&mut reader, hash).map_err(|error| Error::new(Code::Git, format!("git cat-file: {error}")))?;
        reader.known.insert(hash.to_owned(), bytes.clone());
        Ok(bytes)
    }

    /// The path without links in it; `None` when one leads nowhere, an error when it leads out of the repository.
    fn locate(&self, path: &str) -> Result<Option<String>> {
        let mut rest: Vec<String> =
            path.split('/').rev().filter(|p| !p.is_empty() && *p != ".").map(str::to_owned).collect();
        let (mut at, mut links) = (String::new(), 0);
        while let Some(part) = rest.pop() {
            if part == ".." {
                if at.is_empty() {
                    return Err(Error::new(Code::Kustomize, format!("{path} leads out of the repository")));
                }
                at.truncate(at.rfind('/').unwrap_or(0));
                continue;
            }
            let next = if at.is_empty() { part } else { format!("{at}/{part}") };
            match self.files.get(&next) {
                Some(blob) if blob.link => {
                    links += 1;
                    if links > LINKS {
                        return Ok(None);
                    }
                    let target = String::from_utf8_lossy(&self.content(&blob.hash)?).into_owned();
                    if target.starts_with('/') {
                        return Err(Error::new(Code::Kustomize, format!("{path} leads out of the repository")));
                    }
                    rest.extend(target.split('/').rev().filter(|p| !p.is_empty() && *p != ".").map(str::to_owned));
                }
                _ => at = next,
            }
        }
        Ok(Some(at))
    }
}

fn read(reader: &mut Reader, hash: &str) -> std::io::Result<Vec<u8>> {
    writeln!(reader.stdin, "{hash}")?;
    reader.stdin.flush()?;
    let mut head = String::new();
    reader.stdout.read_line(&mut head)?;
    let size = head.trim_end().rsplit(' ').next().and_then(|size| size.parse::<usize>().ok());
    let size = size.ok_or_else(|| std::io::Error::other(head.trim_end().to_owned()))?;
    let mut bytes = vec![0; size + 1];
    reader.stdout.read_exact(&mut bytes)?;
    bytes.pop();
    Ok(bytes)
}

impl Tree for CommitTree {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let Some(path) = self.locate(path)? else { return Ok(None) };
        self.files.get(&path).map(|blob| self.content(&blob.hash)).transpose()
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>> {
        let Some(dir) = self.locate(dir)? else { return Ok(None) };
        if !self.dirs.contains(&dir) {
            return Ok(None);
        }
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let child = |path: &String| {
            path.strip_prefix(&prefix).filter(|rest| !rest.is_empty() && !rest.contains('/')).map(str::to_owned)
        };
        let mut entries: Vec<Entry> =
            self.dirs.iter().filter_map(child).map(|name| Entry { name, is_dir: true }).collect();
        for (path, blob) in &self.files {
            if let Some(name) = child(path) {
                let is_dir = blob.link && matches!(self.locate(path), Ok(Some(real)) if self.dirs.contains(&real));
                entries.push(Entry { name, is_dir });
            }
        }
        entries.sort();
        Ok(Some(entries))
    }
}

/// A Git command in a repository, free of what a hook may have set.
pub(super) fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args(args);
    for variable in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_NAMESPACE",
        "GIT_PREFIX",
    ] {
        command.env_remove(variable);
    }
    command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// Runs a Git command; what it wrote.
pub(super) fn git(dir: &Path, args: &[&str]) -> Result<Vec<u8>> {
    let output =
        command(dir, args).output().map_err(|error| Error::new(Code::Git, format!("git can't be started: {error}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::new(Code::Git, said.trim().trim_start_matches("fatal: ").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_commit_links_included_and_nothing_of_the_work_tree() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        git(at, &["init", "-q", "-b", "main", "."]).unwrap();
        std::fs::create_dir_all(at.join("a/b")).unwrap();
        std::fs::write(at.join("a/b/one.yaml"), "one: 1\n").unwrap();
        std::fs::write(at.join("a/two.yaml"), "two: 2\n").unwrap();
        std::os::unix::fs::symlink("b/one.yaml", at.join("a/link.yaml")).unwrap();
        std::os::unix::fs::symlink("a", at.join("folder")).unwrap();
        std::os::unix::fs::symlink("../outside", at.join("out")).unwrap();
        git(at, &["add", "-A"]).unwrap();
        git(at, &["-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qm", "one"]).unwrap();
        std::fs::write(at.join("a/two.yaml"), "changed").unwrap();
        std::fs::write(at.join("a/new.yaml"), "new").unwrap();

        let tree = CommitTree::open(at, "HEAD").unwrap();
        assert_eq!(tree.read("a/two.yaml").unwrap().unwrap(), b"two: 2\n");
        assert_eq!(tree.read("a/link.yaml").unwrap().unwrap(), b"one: 1\n");
        assert_eq!(tree.read("folder/b/one.yaml").unwrap().unwrap(), b"one: 1\n");
        assert_eq!(tree.read("a/new.yaml").unwrap(), None);
        assert_eq!(tree.read("a").unwrap(), None);
        let names = |dir: &str| tree.list(dir).unwrap().map(|l| l.into_iter().map(|e| e.name).collect::<Vec<_>>());
        assert_eq!(names("a").unwrap(), ["b", "link.yaml", "two.yaml"]);
        assert_eq!(names("").unwrap(), ["a", "folder", "out"]);
        assert_eq!(names("a/b/none"), None);
        assert_eq!(tree.read("out").unwrap_err().message(), "out leads out of the repository");
    }
}
