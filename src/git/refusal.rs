//! What Git says when it refuses, turned into one clear error each.

use super::output::Output;
use crate::error::{Code, Error};

/// A phrase of Git's, what it means, and what to do.
struct Refusal {
    phrase: &'static str,
    meaning: &'static str,
    hint: &'static str,
}

/// In order: the first phrase that occurs wins.
const REFUSALS: [Refusal; 17] = [
    Refusal {
        phrase: "No space left on device",
        meaning: "the disk is full",
        hint: "Free some room, then run it again",
    },
    Refusal {
        phrase: "not a git repository",
        meaning: "this is no Git repository",
        hint: "Go to the repository that Flux reads, or name it with --repo DIR; a new one begins with `git init`",
    },
    Refusal {
        phrase: "dubious ownership",
        meaning: "the repository belongs to another user",
        hint: "If you trust it: git config --global --add safe.directory \"$PWD\"",
    },
    Refusal {
        phrase: "must be run in a work tree",
        meaning: "this repository has no work tree",
        hint: "Clone it, and run dpb in the clone",
    },
    Refusal {
        phrase: "Please tell me who you are",
        meaning: "Git does not know who you are",
        hint: "git config user.name \"Your Name\" && git config user.email you@example.org",
    },
    Refusal {
        phrase: "auto-detection is disabled",
        meaning: "Git does not know who you are",
        hint: "git config user.name \"Your Name\" && git config user.email you@example.org",
    },
    Refusal {
        phrase: "ident name",
        meaning: "Git does not know who you are",
        hint: "git config user.name \"Your Name\" && git config user.email you@example.org",
    },
    Refusal {
        phrase: "failed to sign the data",
        meaning: "the commit could not be signed",
        hint: "Check user.signingkey and the agent that holds the key: git commit --allow-empty -m try",
    },
    Refusal {
        phrase: "failed to write commit object",
        meaning: "the commit could not be written or signed",
        hint: "Check user.signingkey, and that the disk has room",
    },
    Refusal {
        phrase: "index.lock': File exists",
        meaning: "another Git process holds the index",
        hint: "Let it end; if none runs any more, remove .git/index.lock",
    },
    Refusal {
        phrase: "partial commit during a merge",
        meaning: "a merge is under way in this repository",
        hint: "Finish it (git commit) or give it up (git merge --abort), then run this again",
    },
    Refusal {
        phrase: "partial commit during a",
        meaning: "a cherry-pick or a rebase is under way in this repository",
        hint: "Finish it or give it up (git status tells how), then run this again",
    },
    Refusal {
        phrase: "ignored by one of your .gitignore files",
        meaning: "a file that has to be committed is ignored by .gitignore",
        hint: "Find the line with `git check-ignore -v PATH`, and take it out",
    },
    Refusal {
        phrase: "Authentication failed",
        meaning: "the remote refused the credentials",
        hint: "Check the credentials: git ls-remote",
    },
    Refusal {
        phrase: "terminal prompts disabled",
        meaning: "the remote wants credentials, and none are stored",
        hint: "Store them with a credential helper, or use an SSH address: git ls-remote",
    },
    Refusal {
        phrase: "Could not read from remote repository",
        meaning: "the remote can't be read",
        hint: "Check its address and your access: git ls-remote",
    },
    Refusal {
        phrase: "unable to access",
        meaning: "the remote does not answer",
        hint: "Check its address and the network: git ls-remote",
    },
];

/// Whether Git gave up because another process holds the index.
pub(super) fn index_is_locked(stderr: &str) -> bool {
    stderr.contains("index.lock': File exists")
}

/// The error for a command that did not succeed.
pub(super) fn explain(command: &str, output: &Output) -> Error {
    let known = REFUSALS.iter().find(|refusal| output.stderr.contains(refusal.phrase));
    let message = match known {
        Some(refusal) => refusal.meaning.to_owned(),
        None => format!("{command}: {}", first_complaint(output)),
    };
    let error = said(Error::new(Code::Git, message), output);
    match known {
        Some(refusal) => error.hint(refusal.hint),
        None => error,
    }
}

/// Adds what Git said, as a note.
pub(super) fn said(error: Error, output: &Output) -> Error {
    let text = output.stderr.trim();
    if text.is_empty() { error } else { error.note(format!("git said\n{text}")) }
}

/// Git's own complaint in one line.
fn first_complaint(output: &Output) -> String {
    let lines = || output.stderr.lines().map(str::trim);
    let marked = lines().find_map(|line| line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")));
    match (marked.or_else(|| lines().find(|line| !line.is_empty())), output.code) {
        (Some(line), _) => line.to_owned(),
        (None, Some(code)) => format!("ended with exit code {code}, without a word"),
        (None, None) => "ended by a signal".to_owned(),
    }
}
