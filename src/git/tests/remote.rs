use super::Fixture;
use super::fixture::paths;
use crate::error::Code;

#[tokio::test]
async fn a_push_reaches_the_remote() {
    let fixture = Fixture::new();
    fixture.write("a.txt", "ours\n");
    let (repo, cancel) = (fixture.repo().await, &fixture.cancel);
    let sha = repo.commit_only(&paths(&["a.txt"]), "Change", cancel).await.unwrap();
    let target = repo.target("origin", "", cancel).await.unwrap();
    assert_eq!(target.to_string(), "origin/main");
    let ahead = repo.unpushed(&target, cancel).await.unwrap();
    assert_eq!(ahead.iter().map(|c| c.subject.as_str()).collect::<Vec<_>>(), ["Change"]);
    repo.push("origin", "main", cancel).await.unwrap();
    assert_eq!(repo.remote_head("origin", "main", cancel).await.unwrap(), Some(sha));
    assert_eq!(repo.remote_head("origin", "absent", cancel).await.unwrap(), None);
    assert!(repo.unpushed(&target, cancel).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_followed_branch_may_have_another_name() {
    let fixture = Fixture::new();
    fixture.git(&["switch", "-q", "-c", "mine", "--track", "origin/main"]);
    let repo = fixture.repo().await;
    assert_eq!(repo.target("origin", "", &fixture.cancel).await.unwrap().branch, "main");
    assert_eq!(repo.target("origin", "live", &fixture.cancel).await.unwrap().branch, "live");
}

#[tokio::test]
async fn no_remote_is_said() {
    let fixture = Fixture::empty();
    let error = fixture.repo().await.target("origin", "", &fixture.cancel).await.unwrap_err();
    assert_eq!(error.code(), Code::Git);
    assert_eq!(error.message(), "no remote `origin` in this repository");
    assert!(error.hint_text().unwrap().contains("--delivery files"));
}

#[tokio::test]
async fn another_remote_is_offered() {
    let fixture = Fixture::new();
    let error = fixture.repo().await.push("upstream", "main", &fixture.cancel).await.unwrap_err();
    assert_eq!(error.hint_text().unwrap(), "Known: origin. Set git.remote in dpb.yaml");
}

#[tokio::test]
async fn a_push_behind_the_remote_is_refused() {
    let fixture = Fixture::new();
    fixture.others_push("a.txt", "theirs\n");
    fixture.write("dir/b.txt", "ours\n");
    let (repo, cancel) = (fixture.repo().await, &fixture.cancel);
    repo.commit_only(&paths(&["dir/b.txt"]), "Change", cancel).await.unwrap();
    let error = repo.push("origin", "main", cancel).await.unwrap_err();
    assert_eq!(error.code(), Code::Git);
    assert_eq!(error.message(), "origin/main holds commits that this clone lacks: the push was refused");
    assert!(error.hint_text().unwrap().starts_with("git pull --rebase origin main"));
    repo.fetch("origin", "main", cancel).await.unwrap();
    let theirs = repo.remote_head("origin", "main", cancel).await.unwrap().unwrap();
    assert!(!repo.is_ancestor(&theirs, "HEAD", cancel).await.unwrap(), "known here after the fetch");
}

#[tokio::test]
async fn a_protected_branch_is_said() {
    let fixture = Fixture::new();
    fixture.remote_hook("pre-receive", "echo 'main is protected' >&2; exit 1");
    fixture.git(&["commit", "-q", "--allow-empty", "-m", "More"]);
    let error = fixture.repo().await.push("origin", "main", &fixture.cancel).await.unwrap_err();
    assert_eq!(error.message(), "origin refused the push to main: pre-receive hook declined");
    assert!(error.notes()[0].contains("main is protected"));
    assert!(error.hint_text().unwrap().contains("--delivery files"));
}

#[tokio::test]
async fn a_hook_of_ones_own_that_refuses_is_said() {
    let fixture = Fixture::new();
    fixture.hook("pre-push", "echo 'run the tests first' >&2; exit 1");
    fixture.git(&["commit", "-q", "--allow-empty", "-m", "More"]);
    let error = fixture.repo().await.push("origin", "main", &fixture.cancel).await.unwrap_err();
    assert_eq!(error.message(), "a hook refused the push to origin/main (pre-push)");
    assert!(error.notes()[0].contains("run the tests first"));
}

#[tokio::test]
async fn a_remote_that_is_not_there_is_said() {
    let fixture = Fixture::new();
    fixture.git(&["remote", "set-url", "origin", "/nowhere/at/all.git"]);
    let error = fixture.repo().await.push("origin", "main", &fixture.cancel).await.unwrap_err();
    assert_eq!(error.message(), "pushing to origin/main: the remote can't be read");
    assert!(error.hint_text().is_some());
}

#[tokio::test]
async fn a_password_in_the_address_is_not_shown() {
    let fixture = Fixture::new();
    fixture.git(&["remote", "set-url", "origin", "https://ann:secret@example.org/x.git"]);
    let url = fixture.repo().await.remote("origin", &fixture.cancel).await.unwrap();
    assert_eq!(url, "https://ann@example.org/x.git");
}

#[tokio::test]
async fn a_ctrl_c_that_hits_only_git_does_not_end_a_push() {
    let fixture = Fixture::new();
    fixture.hook("pre-push", "test -e ../once || { touch ../once; kill -INT $PPID; sleep 1; }");
    fixture.git(&["commit", "-q", "--allow-empty", "-m", "More"]);
    let (repo, cancel) = (fixture.repo().await, &fixture.cancel);
    repo.push("origin", "main", cancel).await.unwrap();
    assert!(fixture.root.join("../once").exists());
    assert_eq!(repo.remote_head("origin", "main", cancel).await.unwrap(), Some(repo.head(cancel).await.unwrap()));
}

#[tokio::test]
async fn a_ctrl_c_that_is_for_us_ends_a_push() {
    let fixture = Fixture::new();
    fixture.hook("pre-push", "kill -INT $PPID; sleep 1");
    fixture.git(&["commit", "-q", "--allow-empty", "-m", "More"]);
    let (repo, cancel) = (fixture.repo().await, &fixture.cancel);
    let stop = async {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        cancel.interrupt();
    };
    let (result, ()) = tokio::join!(repo.push("origin", "main", cancel), stop);
    assert_eq!(result.unwrap_err().code(), Code::Interrupted);
}
