use super::Fixture;
use super::fixture::paths;
use crate::cancel::Cancel;
use crate::error::Code;
use crate::git::Repo;

#[tokio::test]
async fn a_folder_without_repository_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let error = Repo::discover(temp.path(), &Cancel::new()).await.unwrap_err();
    assert_eq!(error.code(), Code::Git);
    assert_eq!(error.message(), format!("{}: this is no Git repository", temp.path().display()));
    assert!(error.hint_text().unwrap().contains("--repo DIR"));
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let error = Repo::discover(&temp.path().join("no"), &Cancel::new()).await.unwrap_err();
    assert!(error.message().contains("no such folder"), "{error}");
}

#[tokio::test]
async fn a_bare_repository_is_refused() {
    let fixture = Fixture::new();
    let error = Repo::discover(&fixture.bare, &fixture.cancel).await.unwrap_err();
    assert!(error.message().ends_with("this repository has no work tree"), "{error}");
}

#[tokio::test]
async fn the_root_is_found_from_below() {
    let fixture = Fixture::new();
    let repo = Repo::discover(&fixture.root.join("dir"), &fixture.cancel).await.unwrap();
    assert_eq!(repo.root(), fixture.root);
    assert_eq!(repo.state_dir(), fixture.root.join(".git/dpb"));
}

#[tokio::test]
async fn worktrees_share_the_state_folder() {
    let fixture = Fixture::new();
    fixture.git(&["worktree", "add", "-q", "../second", "-b", "second"]);
    let second = Repo::discover(&fixture.root.join("../second"), &fixture.cancel).await.unwrap();
    assert_eq!(second.state_dir(), fixture.root.join(".git/dpb"));
    assert_eq!(second.branch(&fixture.cancel).await.unwrap(), "second");
}

#[tokio::test]
async fn no_commit_yet_is_said() {
    let fixture = Fixture::empty();
    let repo = fixture.repo().await;
    assert!(repo.is_unborn(&fixture.cancel).await.unwrap());
    assert_eq!(repo.head(&fixture.cancel).await.unwrap_err().message(), "the repository has no commit yet");
    assert_eq!(repo.branch(&fixture.cancel).await.unwrap(), "main");
}

#[tokio::test]
async fn a_detached_head_is_said() {
    let fixture = Fixture::new();
    fixture.git(&["checkout", "-q", "--detach"]);
    let error = fixture.repo().await.branch(&fixture.cancel).await.unwrap_err();
    assert_eq!(error.message(), "no branch is checked out (detached HEAD)");
    assert!(error.hint_text().is_some());
}

#[tokio::test]
async fn files_and_differences_are_read_at_revisions() {
    let fixture = Fixture::new();
    fixture.write("a.txt", "other\n");
    fixture.write("näme *.txt", "new\n");
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-q", "-m", "Second"]);
    let (repo, cancel) = (fixture.repo().await, &fixture.cancel);
    assert_eq!(repo.show("HEAD~1", "a.txt", cancel).await.unwrap().unwrap(), b"a\n");
    assert_eq!(repo.show("HEAD~1", "näme *.txt", cancel).await.unwrap(), None);
    assert_eq!(repo.show("HEAD", "dir", cancel).await.unwrap(), None);
    assert_eq!(repo.diff_names("HEAD~1", "HEAD", cancel).await.unwrap(), ["a.txt", "näme *.txt"]);
    assert!(repo.is_ancestor("HEAD~1", "HEAD", cancel).await.unwrap());
    assert!(!repo.is_ancestor("HEAD", "HEAD~1", cancel).await.unwrap());
    let unknown = repo.is_ancestor("0123456789012345678901234567890123456789", "HEAD", cancel).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let commit = repo.commit("HEAD", cancel).await.unwrap();
    assert_eq!((commit.subject.as_str(), commit.author.as_str()), ("Second", "Ann"));
    assert!(commit.sha.starts_with(&commit.short));
}

#[tokio::test]
async fn status_tells_staged_changed_untracked_and_ignored_apart() {
    let fixture = Fixture::new();
    fixture.write(".gitignore", "*.log\n");
    fixture.write("a.txt", "changed\n");
    fixture.write("dir/b.txt", "staged\n");
    fixture.git(&["add", "dir/b.txt"]);
    fixture.write("x.log", "");
    let (repo, cancel) = (fixture.repo().await, &fixture.cancel);
    let of = paths(&["a.txt", "dir/b.txt", "x.log", ".gitignore", "no-such-file"]);
    let words: Vec<(String, &str)> =
        repo.status(&of, cancel).await.unwrap().iter().map(|c| (c.path.clone(), c.word())).collect();
    let mut wanted = vec![
        ("a.txt".to_owned(), "changed"),
        ("dir/b.txt".to_owned(), "staged"),
        (".gitignore".to_owned(), "untracked"),
        ("x.log".to_owned(), "ignored"),
    ];
    let mut seen = words;
    seen.sort();
    wanted.sort();
    assert_eq!(seen, wanted);
    assert!(repo.status(&paths(&["no-such-file"]), cancel).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_interrupted_command_ends_at_once() {
    let fixture = Fixture::new();
    fixture.hook("pre-commit", "sleep 60");
    fixture.write("a.txt", "changed\n");
    let repo = fixture.repo().await;
    let cancel = fixture.cancel.clone();
    let stop = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        cancel.interrupt();
    };
    let begin = std::time::Instant::now();
    let of = paths(&["a.txt"]);
    let (result, ()) = tokio::join!(repo.commit_only(&of, "Change", &fixture.cancel), stop);
    assert_eq!(result.unwrap_err().code(), Code::Interrupted);
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
    assert!(!fixture.root.join(".git/index.lock").exists(), "Git removed its lock");
    assert_eq!(fixture.status(), " M a.txt\n");
}

/// Callers run these on threads of a runtime.
#[test]
fn every_call_can_be_sent_between_threads() {
    fn send<T: Send>(_: T) {}
    fn all(repo: &Repo, of: &[String], target: &crate::git::Target, cancel: &Cancel) {
        send(Repo::discover(repo.root(), cancel));
        send(repo.status(of, cancel));
        send(repo.commit_only(of, "", cancel));
        send(repo.push("", "", cancel));
        send(repo.revert_in_worktree(of, "", "", cancel));
        send(repo.restore(of, "", cancel));
        send(repo.unpushed(target, cancel));
        send(repo.show("", "", cancel));
    }
    let _ = all;
}
