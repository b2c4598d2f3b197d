//! Patterns of names.

use std::fmt;

/// A pattern in which `*` stands for any letters, and `?` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// From its text.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether a name is meant.
    pub fn takes(&self, name: &str) -> bool {
        matches(self.0.as_bytes(), name.as_bytes())
    }

    /// Whether `namespace/name` or the name alone is meant.
    pub fn takes_object(&self, namespace: &str, name: &str) -> bool {
        self.takes(name) || self.takes(&format!("{namespace}/{name}"))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == name[n]) && pattern[p] != b'*' {
            p += 1;
            n += 1;
        } else if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, n));
            p += 1;
        } else if let Some((at, from)) = star {
            p = at + 1;
            n = from + 1;
            star = Some((at, from + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, wanted) in [
            ("*", "", true),
            ("hive-*", "hive-0", true),
            ("hive-*", "hive", false),
            ("*-init*", "metastore-init-abc", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?b", "ab", true),
            ("?b", "b", false),
            ("web", "web-1", false),
        ] {
            assert_eq!(Glob::new(pattern).takes(name), wanted, "{pattern} {name}");
        }
        assert!(Glob::new("data/*").takes_object("data", "x") && !Glob::new("data/*").takes_object("web", "x"));
    }
}
