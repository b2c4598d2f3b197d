//! A unified diff as a model: who shows it decides about colour.

use std::fmt;

use similar::{ChangeTag, TextDiff};

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// What a line of a diff says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is there before and after.
    Same,
    /// It comes.
    Added,
    /// It goes.
    Removed,
}

/// A line of a diff, without its line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whether it stays, comes or goes.
    pub mark: Mark,
    /// Its text.
    pub text: String,
}

/// A run of lines that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// First line before, from 1, and how many.
    pub before: (usize, usize),
    /// First line after, from 1, and how many.
    pub after: (usize, usize),
    /// Its lines.
    pub lines: Vec<Line>,
}

/// What changes in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// Path of the file.
    pub path: String,
    /// Whether the file comes with the change.
    pub is_new: bool,
    /// What changes.
    pub hunks: Vec<Hunk>,
}

impl Diff {
    /// The difference between two texts; `before` is `None` for a new file.
    pub fn of(path: &str, before: Option<&str>, after: &str) -> Self {
        let old = before.unwrap_or_default();
        let diff = TextDiff::from_lines(old, after);
        let mut hunks = Vec::new();
        for group in diff.grouped_ops(CONTEXT) {
            let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
            let (old_range, new_range) =
                (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
            let lines = group
                .iter()
                .flat_map(|op| diff.iter_changes(op))
                .map(|change| Line {
                    mark: match change.tag() {
                        ChangeTag::Equal => Mark::Same,
                        ChangeTag::Insert => Mark::Added,
                        ChangeTag::Delete => Mark::Removed,
                    },
                    text: change.value().trim_end_matches(['\n', '\r']).to_owned(),
                })
                .collect();
            let start = |range: &std::ops::Range<usize>| if range.is_empty() { range.start } else { range.start + 1 };
            hunks.push(Hunk {
                before: (start(&old_range), old_range.len()),
                after: (start(&new_range), new_range.len()),
                lines,
            });
        }
        Self { path: path.to_owned(), is_new: before.is_none(), hunks }
    }

    /// How many lines come, and how many go.
    pub fn counts(&self) -> (usize, usize) {
        let of = |mark| self.hunks.iter().flat_map(|h| &h.lines).filter(|l| l.mark == mark).count();
        (of(Mark::Added), of(Mark::Removed))
    }
}

impl fmt::Display for Hunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@@ -{},{} +{},{} @@", self.before.0, self.before.1, self.after.0, self.after.1)
    }
}

impl fmt::Display for Diff {
    /// As `git apply` and `patch` take it, save for the missing newline at the end of a file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_new {
            writeln!(f, "--- /dev/null")?;
        } else {
            writeln!(f, "--- a/{}", self.path)?;
        }
        writeln!(f, "+++ b/{}", self.path)?;
        for hunk in &self.hunks {
            writeln!(f, "{hunk}")?;
            for line in &hunk.lines {
                let sign = match line.mark {
                    Mark::Same => ' ',
                    Mark::Added => '+',
                    Mark::Removed => '-',
                };
                writeln!(f, "{sign}{}", line.text)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_and_changed_files() {
        let new = Diff::of("a/x.yaml", None, "a: 1\nb: 2\n");
        assert_eq!(new.to_string(), "--- /dev/null\n+++ b/a/x.yaml\n@@ -0,0 +1,2 @@\n+a: 1\n+b: 2\n");
        let changed = Diff::of("x", Some("1\n2\n3\n4\n5\n6\n7\n8\n"), "1\n2\n3\n4\n5\nsix\n7\n8\n");
        assert_eq!(changed.to_string(), "--- a/x\n+++ b/x\n@@ -3,6 +3,6 @@\n 3\n 4\n 5\n-6\n+six\n 7\n 8\n");
        assert_eq!(changed.counts(), (1, 1));
        assert!(Diff::of("x", Some("a\n"), "a\n").hunks.is_empty());
    }
}
