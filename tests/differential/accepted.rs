//! The differences that are accepted: the table of `docs/simulator.md`.

use std::cell::Cell;
use std::path::Path;

/// One row: which answers, which of their fields, and why.
pub(crate) struct Row {
    /// `story` or `story/step`, with `*` for anything.
    pub(crate) request: String,
    /// A field as the report names it, with `*` for anything.
    pub(crate) field: String,
    pub(crate) reason: String,
    used: Cell<bool>,
}

/// All rows.
pub(crate) struct Accepted(pub(crate) Vec<Row>);

const HEAD: &str = "| request | field | reason |";

impl Accepted {
    /// Reads the table.
    pub(crate) fn read() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/simulator.md");
        Self::parse(&std::fs::read_to_string(file).unwrap())
    }

    fn parse(text: &str) -> Self {
        let rows = text.lines().skip_while(|line| line.trim() != HEAD).skip(2).take_while(|l| l.starts_with('|'));
        let rows = rows.map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [request, field, reason] = cells[..] else { panic!("not three cells: {line}") };
            assert!(!reason.is_empty(), "no reason: {line}");
            let plain = |cell: &str| cell.trim_matches('`').to_owned();
            Row { request: plain(request), field: plain(field), reason: reason.to_owned(), used: Cell::new(false) }
        });
        let rows = Self(rows.collect());
        assert!(text.contains(HEAD), "docs/simulator.md has no table `{HEAD}`");
        rows
    }

    /// Whether this difference is accepted; the row counts as needed then.
    pub(crate) fn accepts(&self, story: &str, step: usize, field: &str) -> bool {
        let request = format!("{story}/{step}");
        let mut any = false;
        for row in &self.0 {
            if (matches(&row.request, story) || matches(&row.request, &request)) && matches(&row.field, field) {
                row.used.set(true);
                any = true;
            }
        }
        any
    }

    /// Rows that accepted nothing.
    pub(crate) fn idle(&self) -> Vec<&Row> {
        self.0.iter().filter(|row| !row.used.get()).collect()
    }
}

/// Whether `text` is like `pattern`, in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[test]
fn patterns() {
    assert!(matches("a*c", "abbc") && matches("*", "") && matches("x", "x") && matches("a*b*c", "a1b2c"));
    assert!(!matches("a", "ab") && !matches("a*c", "ab") && !matches("a*b*c", "ac"));
}

#[test]
fn a_table_is_read() {
    let text = format!("# x\n\n{HEAD}\n|---|---|---|\n| `a/2` | `body.x` | because |\n\nafter\n");
    let rows = Accepted::parse(&text);
    assert!(!rows.accepts("a", 1, "body.x") && rows.idle().len() == 1);
    assert!(rows.accepts("a", 2, "body.x") && rows.idle().is_empty());
}
