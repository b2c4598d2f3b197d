use super::Fixture;
use super::fixture::paths;
use crate::error::Code;

#[tokio::test]
async fn a_commit_holds_its_own_paths_and_nothing_else() {
    let fixture = Fixture::new();
    fixture.write("gone.txt", "old\n");
    fixture.write("theirs.txt", "1\n");
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-q", "-m", "More"]);
    // Theirs: staged with a further change on top, changed, untracked.
    fixture.write("theirs.txt", "2\n");
    fixture.git(&["add", "theirs.txt"]);
    fixture.write("theirs.txt", "3\n");
    fixture.write("dir/b.txt", "changed\n");
    fixture.write("draft.txt", "draft\n");
    // Ours: changed, new, new with letters that Git could take for a pattern, removed.
    fixture.write("a.txt", "ours\n");
    fixture.write("new/file.yaml", "x: 1\n");
    fixture.write("new/[a]*.yaml", "x: 2\n");
    fixture.remove("gone.txt");

    let repo = fixture.repo().await;
    let ours = paths(&["a.txt", "new/file.yaml", "new/[a]*.yaml", "gone.txt"]);
    let sha = repo.commit_only(&ours, "feat: ours\n\n# kept line\n", &fixture.cancel).await.unwrap();

    assert_eq!(sha, repo.head(&fixture.cancel).await.unwrap());
    let mut names = repo.diff_names("HEAD~1", "HEAD", &fixture.cancel).await.unwrap();
    names.sort();
    assert_eq!(names, ["a.txt", "gone.txt", "new/[a]*.yaml", "new/file.yaml"]);
    assert_eq!(fixture.status(), " M dir/b.txt\nMM theirs.txt\n?? draft.txt\n");
    assert_eq!(fixture.git(&["show", ":theirs.txt"]), "2\n");
    assert_eq!(fixture.git(&["log", "-1", "--format=%B"]), "feat: ours\n\n# kept line\n\n");
}

#[tokio::test]
async fn unchanged_paths_do_not_stand_in_the_way() {
    let fixture = Fixture::new();
    fixture.write("a.txt", "ours\n");
    let repo = fixture.repo().await;
    repo.commit_only(&paths(&["a.txt", "dir/b.txt", "never.txt"]), "Change", &fixture.cancel).await.unwrap();
    assert_eq!(repo.diff_names("HEAD~1", "HEAD", &fixture.cancel).await.unwrap(), ["a.txt"]);
}

#[tokio::test]
async fn nothing_to_commit_is_an_error() {
    let fixture = Fixture::new();
    let error = fixture.repo().await.commit_only(&paths(&["a.txt"]), "No", &fixture.cancel).await.unwrap_err();
    assert_eq!(error.message(), "nothing to commit: a.txt as in the last commit");
}

#[tokio::test]
async fn the_first_commit_of_a_repository_can_be_ours() {
    let fixture = Fixture::empty();
    fixture.write("a.txt", "a\n");
    fixture.write("b.txt", "b\n");
    let sha = fixture.repo().await.commit_only(&paths(&["a.txt"]), "Begin", &fixture.cancel).await.unwrap();
    assert_eq!(fixture.git(&["ls-tree", "--name-only", &sha]), "a.txt\n");
    assert_eq!(fixture.status(), "?? b.txt\n");
}

#[tokio::test]
async fn a_hook_that_refuses_leaves_the_index_as_before() {
    let fixture = Fixture::new();
    fixture.hook("pre-commit", "echo 'yamllint: line too long' >&2; exit 1");
    fixture.write("a.txt", "ours\n");
    fixture.write("new.yaml", "x\n");
    let error =
        fixture.repo().await.commit_only(&paths(&["a.txt", "new.yaml"]), "No", &fixture.cancel).await.unwrap_err();
    assert_eq!(error.code(), Code::Git);
    assert_eq!(error.message(), "a hook refused the commit (pre-commit)");
    assert!(error.notes()[0].contains("yamllint: line too long"), "{:?}", error.notes());
    assert_eq!(fixture.status(), " M a.txt\n?? new.yaml\n");
}

#[tokio::test]
async fn hooks_see_no_settings_of_ours() {
    let fixture = Fixture::new();
    fixture.hook("pre-commit", "env > ../hook-env; exit 0");
    fixture.write("a.txt", "ours\n");
    fixture.repo().await.commit_only(&paths(&["a.txt"]), "Change", &fixture.cancel).await.unwrap();
    let seen = std::fs::read_to_string(fixture.root.join("../hook-env")).unwrap();
    assert!(!seen.contains("PATHSPECS") && !seen.contains("GIT_CONFIG_PARAMETERS"), "{seen}");
}

#[tokio::test]
async fn an_ignored_path_is_refused_before_anything() {
    let fixture = Fixture::new();
    fixture.write(".git/info/exclude", "docs/\n");
    fixture.write("docs/page.md", "x\n");
    let error = fixture.repo().await.commit_only(&paths(&["docs/page.md"]), "No", &fixture.cancel).await.unwrap_err();
    assert!(error.message().contains(".gitignore ignores it"), "{error}");
}

#[tokio::test]
async fn an_unknown_author_is_said() {
    let fixture = Fixture::new();
    fixture.git(&["config", "user.name", ""]);
    fixture.write("a.txt", "ours\n");
    let error = fixture.repo().await.commit_only(&paths(&["a.txt"]), "No", &fixture.cancel).await.unwrap_err();
    assert_eq!(error.message(), "Git does not know who you are");
    assert!(error.hint_text().unwrap().contains("user.email"));
}

#[tokio::test]
async fn a_signature_that_fails_is_said() {
    let fixture = Fixture::new();
    fixture.git(&["config", "commit.gpgsign", "true"]);
    fixture.git(&["config", "gpg.program", "false"]);
    fixture.write("a.txt", "ours\n");
    fixture.write("new.txt", "ours\n");
    let of = paths(&["a.txt", "new.txt"]);
    let error = fixture.repo().await.commit_only(&of, "No", &fixture.cancel).await.unwrap_err();
    assert_eq!(error.message(), "the commit could not be signed");
    assert_eq!(fixture.status(), " M a.txt\n?? new.txt\n");
}

#[tokio::test]
async fn a_merge_under_way_is_said() {
    let fixture = Fixture::new();
    fixture.git(&["switch", "-q", "-c", "side"]);
    fixture.write("side.txt", "x\n");
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-q", "-m", "Side"]);
    fixture.git(&["switch", "-q", "main"]);
    fixture.git(&["merge", "-q", "--no-commit", "--no-ff", "side"]);
    fixture.write("a.txt", "ours\n");
    let error = fixture.repo().await.commit_only(&paths(&["a.txt"]), "No", &fixture.cancel).await.unwrap_err();
    assert_eq!(error.message(), "a merge is under way in this repository");
}

#[tokio::test]
async fn a_short_lock_by_another_git_is_waited_for() {
    let fixture = Fixture::new();
    fixture.write("a.txt", "ours\n");
    fixture.write(".git/index.lock", "");
    let release = async {
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        fixture.remove(".git/index.lock");
    };
    let (repo, of) = (fixture.repo().await, paths(&["a.txt"]));
    let (result, ()) = tokio::join!(repo.commit_only(&of, "Change", &fixture.cancel), release);
    result.unwrap();
}

#[tokio::test]
async fn a_lasting_lock_is_an_error() {
    let fixture = Fixture::new();
    fixture.write("a.txt", "ours\n");
    fixture.write(".git/index.lock", "");
    let error = fixture.repo().await.commit_only(&paths(&["a.txt"]), "No", &fixture.cancel).await.unwrap_err();
    assert_eq!(error.message(), "another Git process holds the index");
}

#[tokio::test]
async fn restore_puts_back_what_was_not_committed() {
    let fixture = Fixture::new();
    fixture.write("a.txt", "ours\n");
    fixture.write("deep/er/new.yaml", "x\n");
    fixture.git(&["add", "deep"]);
    fixture.remove("dir/b.txt");
    fixture.write("theirs.txt", "x\n");
    let of = paths(&["a.txt", "deep/er/new.yaml", "dir/b.txt", "never.txt"]);
    fixture.repo().await.restore(&of, "HEAD", &fixture.cancel).await.unwrap();
    assert_eq!(fixture.status(), "?? theirs.txt\n");
    assert_eq!(fixture.read("a.txt").unwrap(), "a\n");
    assert!(!fixture.root.join("deep").exists(), "empty folders go");
}
