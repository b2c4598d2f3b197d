//! Flux revisions: `main@sha1:3f2c…`, their commit, and where a status mentions one.

use serde_json::Value;

use super::judgement::{condition, one_line, text};

/// The commit in a revision: `main@sha1:3f2c` → `3f2c`. Old controllers wrote `main/3f2c`; a bare commit is itself.
pub fn commit_of(revision: &str) -> &str {
    let tail = revision.rsplit(['@', '/']).next().unwrap_or(revision);
    tail.split_once(':').map_or(tail, |(_, commit)| commit)
}

/// A revision for people: `main@8d1e0c4`.
pub fn short(revision: &str) -> String {
    let commit = commit_of(revision);
    let seven = commit.get(..7).unwrap_or(commit);
    match revision.split_once('@') {
        Some((branch, _)) if !branch.is_empty() => format!("{branch}@{seven}"),
        _ => seven.to_string(),
    }
}

/// The revision in a progress message (`… for revision main@sha1:3f2c with a timeout of 1m0s`).
pub(crate) fn mentioned(message: &str) -> Option<&str> {
    let rest = message.split_once("for revision ")?.1;
    rest.split_whitespace().next()
}

/// A progress message for people: `Building manifests for revision main@sha1:… with a timeout of 1m0s` → `Building
/// manifests of main@3f2c1a9`.
pub(crate) fn shortened(message: &str) -> String {
    let message = one_line(message);
    match (message.split_once(" for revision "), mentioned(&message)) {
        (Some((doing, _)), Some(revision)) => format!("{doing} of {}", short(revision)),
        _ => message,
    }
}

/// Every revision that a source or Kustomization names, so that their descent can be looked up before judging.
pub(crate) fn revisions_of(object: &Value) -> Vec<String> {
    let fields = [
        "/status/artifact/revision",
        "/status/lastAppliedRevision",
        "/status/lastAttemptedRevision",
        "/status/observedSourceArtifactRevision",
    ];
    let mut found: Vec<String> =
        fields.iter().map(|field| text(object, field)).filter(|r| !r.is_empty()).map(Into::into).collect();
    for kind in ["Reconciling", "Healthy"] {
        found.extend(condition(object, kind).and_then(|c| mentioned(c.message)).map(Into::into));
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_of_every_form_of_revision() {
        for (revision, commit) in [
            ("main@sha1:3f2c1a9", "3f2c1a9"),
            ("feature/x@sha1:3f2c1a9", "3f2c1a9"),
            ("main/3f2c1a9", "3f2c1a9"),
            ("sha1:3f2c1a9", "3f2c1a9"),
            ("3f2c1a9", "3f2c1a9"),
        ] {
            assert_eq!(commit_of(revision), commit, "{revision}");
        }
        assert_eq!(short("main@sha1:8d1e0c4aa00"), "main@8d1e0c4");
    }

    #[test]
    fn a_progress_message_names_its_revision() {
        let message = "Running health checks for revision main@sha1:ab with a timeout of 1m0s";
        assert_eq!(mentioned(message), Some("main@sha1:ab"));
        assert_eq!(mentioned("Fulfilling prerequisites"), None);
        assert_eq!(shortened(message), "Running health checks of main@ab");
        assert_eq!(shortened("Fulfilling\nprerequisites"), "Fulfilling prerequisites");
    }
}
