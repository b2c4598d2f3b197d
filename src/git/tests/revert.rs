use super::Fixture;
use super::fixture::paths;
use crate::git::{Repo, Reverted};

async fn deliver(fixture: &Fixture, repo: &Repo) -> String {
    fixture.write("a.txt", "delivered\n");
    fixture.write("app/new.yaml", "x: 1\n");
    repo.commit_only(&paths(&["a.txt", "app/new.yaml"]), "Deliver", &fixture.cancel).await.unwrap()
}

async fn revert(fixture: &Fixture, repo: &Repo, sha: &str) -> Option<Reverted> {
    repo.revert_in_worktree(&[sha.to_owned()], "Take back", "main", &fixture.cancel).await.unwrap()
}

#[tokio::test]
async fn a_revert_leaves_other_changes_alone() {
    let fixture = Fixture::new();
    let repo = fixture.repo().await;
    let sha = deliver(&fixture, &repo).await;
    fixture.write("dir/b.txt", "theirs\n");
    fixture.write("staged.txt", "theirs\n");
    fixture.git(&["add", "staged.txt"]);

    let reverted = revert(&fixture, &repo, &sha).await.unwrap();

    assert_eq!(reverted.paths, ["a.txt", "app/new.yaml"]);
    assert!(reverted.kept.is_empty());
    assert_eq!(repo.head(&fixture.cancel).await.unwrap(), reverted.sha);
    assert_eq!(fixture.git(&["log", "-2", "--format=%s"]), "Take back\nDeliver\n");
    assert_eq!(fixture.git(&["diff", "--stat", "HEAD~2", "HEAD"]), "", "tracked files as before");
    assert_eq!(fixture.read("a.txt").unwrap(), "a\n");
    assert!(!fixture.root.join("app").exists());
    assert_eq!(fixture.status(), " M dir/b.txt\nA  staged.txt\n");
    assert!(!fixture.root.join(".git/dpb/revert").exists());
    assert_eq!(fixture.git(&["worktree", "list"]).lines().count(), 1);
}

#[tokio::test]
async fn a_file_changed_meanwhile_keeps_its_change() {
    let fixture = Fixture::new();
    let repo = fixture.repo().await;
    let sha = deliver(&fixture, &repo).await;
    fixture.write("a.txt", "edited by hand\n");
    let reverted = revert(&fixture, &repo, &sha).await.unwrap();
    assert_eq!(reverted.kept, ["a.txt"]);
    assert_eq!(fixture.read("a.txt").unwrap(), "edited by hand\n");
    assert_eq!(fixture.status(), " M a.txt\n");
    assert_eq!(fixture.git(&["show", "HEAD:a.txt"]), "a\n");
}

#[tokio::test]
async fn a_later_commit_survives() {
    let fixture = Fixture::new();
    let repo = fixture.repo().await;
    let sha = deliver(&fixture, &repo).await;
    fixture.write("later.txt", "x\n");
    repo.commit_only(&paths(&["later.txt"]), "Later", &fixture.cancel).await.unwrap();
    revert(&fixture, &repo, &sha).await.unwrap();
    assert_eq!(fixture.read("later.txt").unwrap(), "x\n");
    assert_eq!(fixture.status(), "");
}

#[tokio::test]
async fn a_conflict_changes_nothing_and_names_the_path() {
    let fixture = Fixture::new();
    let repo = fixture.repo().await;
    let sha = deliver(&fixture, &repo).await;
    fixture.write("a.txt", "on top\n");
    let top = repo.commit_only(&paths(&["a.txt"]), "On top", &fixture.cancel).await.unwrap();
    let error = repo.revert_in_worktree(std::slice::from_ref(&sha), "No", "main", &fixture.cancel).await.unwrap_err();
    assert_eq!(error.message(), format!("{} can't be taken back by itself: a.txt changed since", &sha[..7]));
    assert_eq!(repo.head(&fixture.cancel).await.unwrap(), top);
    assert_eq!(fixture.status(), "");
    assert!(!fixture.root.join(".git/dpb/revert").exists());
}

#[tokio::test]
async fn a_second_revert_finds_nothing_to_do() {
    let fixture = Fixture::new();
    let repo = fixture.repo().await;
    let sha = deliver(&fixture, &repo).await;
    revert(&fixture, &repo, &sha).await.unwrap();
    assert_eq!(revert(&fixture, &repo, &sha).await, None);
}

#[tokio::test]
async fn several_commits_are_taken_back_as_one() {
    let fixture = Fixture::new();
    let repo = fixture.repo().await;
    let first = deliver(&fixture, &repo).await;
    fixture.write("a.txt", "ledger\n");
    let second = repo.commit_only(&paths(&["a.txt"]), "Second", &fixture.cancel).await.unwrap();
    repo.revert_in_worktree(&[second, first], "Take back", "main", &fixture.cancel).await.unwrap().unwrap();
    assert_eq!(fixture.git(&["diff", "--stat", "HEAD~3", "HEAD"]), "");
    assert_eq!(fixture.status(), "");
}

#[tokio::test]
async fn a_removed_file_comes_back() {
    let fixture = Fixture::new();
    let repo = fixture.repo().await;
    fixture.remove("dir/b.txt");
    let sha = repo.commit_only(&paths(&["dir/b.txt"]), "Remove", &fixture.cancel).await.unwrap();
    revert(&fixture, &repo, &sha).await.unwrap();
    assert_eq!(fixture.read("dir/b.txt").unwrap(), "b\n");
}

#[tokio::test]
async fn another_branch_moves_without_its_files() {
    let fixture = Fixture::new();
    let repo = fixture.repo().await;
    let sha = deliver(&fixture, &repo).await;
    fixture.git(&["switch", "-q", "-c", "elsewhere"]);
    let reverted = revert(&fixture, &repo, &sha).await.unwrap();
    assert_eq!(fixture.git(&["rev-parse", "main"]).trim(), reverted.sha);
    assert_eq!(fixture.read("a.txt").unwrap(), "delivered\n");
    assert_eq!(fixture.status(), "");
}

#[tokio::test]
async fn what_a_killed_run_left_is_cleared() {
    let fixture = Fixture::new();
    let repo = fixture.repo().await;
    let sha = deliver(&fixture, &repo).await;
    let place = fixture.root.join(".git/dpb/revert");
    fixture.git(&["worktree", "add", "-q", "--detach", place.to_str().unwrap()]);
    assert!(revert(&fixture, &repo, &sha).await.is_some());
}

#[tokio::test]
async fn hooks_that_judge_commits_do_not_stop_a_revert() {
    let fixture = Fixture::new();
    let repo = fixture.repo().await;
    let sha = deliver(&fixture, &repo).await;
    fixture.hook("pre-commit", "exit 1");
    fixture.hook("post-checkout", "pwd >> ../checked-out");
    assert!(revert(&fixture, &repo, &sha).await.is_some());
    let folders = fixture.read("../checked-out").unwrap_or_default();
    assert!(!folders.contains("dpb/revert"), "no hook ran in the worktree: {folders}");
}
