//! A run that was cut off: what its journal holds, and what can be done about it.

use crate::error::{Code, Error, Result};
use crate::journal::{self, Clock, Journal, Story};
use std::fmt::Write as _;

use super::Session;

/// Looks for a cut run. Without a reason to go on, it is an error that tells what the journal holds; with one, that
/// journal is closed, and what it left behind stays for the new run to find.
pub(super) fn settle(session: &Session, reason: Option<&str>) -> Result<()> {
    let state = session.repo.state_dir();
    let Some(story) = journal::unfinished(&state)? else { return Ok(()) };
    let Some(reason) = reason else { return Err(told(session, &story)) };
    session.ui.note(&format!("  ! run {} was cut off; going on: {reason}", story.run));
    let mut journal = Journal::reopen(&state, &story.run, Clock::system())?;
    journal.end("left_as_found", &serde_json::json!({ "reason": reason }))
}

/// The story of the cut, as an error.
fn told(session: &Session, story: &Story) -> Error {
    let objective = story.header_text("objective").unwrap_or("?");
    let operator = story.header_text("operator").unwrap_or("unknown");
    let minutes = story.last().map_or(story.begun, |e| e.at);
    let ago = ago(jiff::Timestamp::now().duration_since(minutes).as_secs());
    let last = story.last().map_or_else(|| "its beginning".to_owned(), |e| format!("step `{}`", e.step));
    let mut error = Error::new(
        Code::NotReady,
        format!("run {} was cut off after {last} (operator {operator}, {ago} ago)", story.run),
    );
    let text = |step: &str, key: &str| {
        story.effect(step).and_then(|e| e.data.get(key)).and_then(|v| v.as_str()).map(str::to_owned)
    };
    let commit = text("commit", "sha");
    match (&commit, story.effect("push").is_some()) {
        (Some(sha), true) => error = error.note(format!("it pushed {}", short(sha))),
        (Some(sha), false) => error = error.note(format!("it committed {} and may have pushed it", short(sha))),
        (None, _) => {
            for open in story.open() {
                error = error.note(format!("it was about to {} and may have done so", open.step));
            }
        }
    }
    if let Some(sha) = &commit {
        let seen = session.block(async {
            let target = session
                .repo
                .target(&session.settings.git.remote, &session.settings.git.branch, &session.cancel)
                .await?;
            let head = session.repo.remote_head(&target.remote, &target.branch, &session.cancel).await?;
            Ok(head.map(|h| (target, h)))
        });
        match seen {
            Ok(Some((target, head))) => {
                let is_there = head == *sha
                    || session.block(session.repo.is_ancestor(sha, &head, &session.cancel)).unwrap_or(false);
                error = error.note(format!(
                    "seen now: {target} {} {}",
                    if is_there { "holds" } else { "does not hold" },
                    short(sha)
                ));
            }
            Ok(None) => error = error.note("seen now: the remote has no such branch"),
            Err(why) => error = error.note(format!("the remote could not be looked at: {why}")),
        }
    }
    let mut hint = format!("Its story: dpb run log {}\n", story.run);
    if let Some(sha) = &commit {
        let _ = writeln!(hint, "To take it back by hand: git revert {} && git push", short(sha));
    }
    let _ = write!(
        hint,
        "Then, or to go on from what is there: dpb run execute {objective} --override \"run {} was cut off; …\"",
        story.run
    );
    error.hint(hint)
}

/// The first seven characters, as people read commits.
pub(super) fn short(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}

fn ago(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{} s", s.max(0)),
        s if s < 7200 => format!("{} min", s / 60),
        s if s < 172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}
