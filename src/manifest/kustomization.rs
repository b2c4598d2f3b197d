//! Edits of the lists in people's `kustomization.yaml`: one entry comes or goes, every other byte stays.

use std::ops::Range;

use super::emit;
use super::locate::{self, Node, Shape};
use crate::error::{Code, Error, Place, Result};

/// Adds `entry` to `resources:`; `None` if it is listed already. `display` is the file's name in errors.
pub fn add_resource(text: &str, display: &str, entry: &str) -> Result<Option<String>> {
    add(text, display, "resources", entry)
}

/// Takes `entry` out of `resources:`; `None` if it is not listed.
pub fn remove_resource(text: &str, display: &str, entry: &str) -> Result<Option<String>> {
    remove(text, display, "resources", entry)
}

/// The entries of a list of strings (`resources`, `components`); empty if the list is absent or null.
pub fn entries(text: &str, display: &str, list: &str) -> Result<Vec<String>> {
    let Some(root) = root(text, display)? else { return Ok(Vec::new()) };
    Ok(match root.entry(list) {
        Some((_, Node { shape: Shape::Sequence { items, .. }, .. })) => {
            items.iter().filter_map(|i| i.text().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    })
}

/// Adds `entry` at the end of the list named `list`, in the style of its other entries; `None` if it is there already.
pub fn add(text: &str, display: &str, list: &str, entry: &str) -> Result<Option<String>> {
    let edit = Edit { text, eol: if text.contains("\r\n") { "\r\n" } else { "\n" } };
    let Some(root) = root(text, display)? else {
        return Ok(Some(edit.append(text.len(), &format!("{list}:{}  - {}", edit.eol, emit::scalar(entry)))));
    };
    let Shape::Mapping { flow, entries } = &root.shape else {
        return Err(unsupported(text, display, &root, "a kustomization is a mapping"));
    };
    let Some((key, value)) = root.entry(list) else {
        return Ok(Some(if *flow {
            let at = entries.last().map_or(root.bytes.start + 1, |(_, value)| value.bytes.end);
            let comma = if entries.is_empty() { "" } else { ", " };
            edit.insert(at, &format!("{comma}{list}: [{}]", flow_scalar(entry)))
        } else {
            let pad = " ".repeat(root.column - 1);
            let step = if edit.indents_lists(entries) { "  " } else { "" };
            let at = edit.end_of_document();
            edit.append(at, &format!("{pad}{list}:{}{pad}{step}- {}", edit.eol, emit::scalar(entry)))
        }));
    };
    if value.is_null() {
        return edit
            .fill_null(key, value, *flow, entries, entry)
            .map(Some)
            .ok_or_else(|| unsupported(text, display, value, "this form of an empty list is not understood"));
    }
    let Shape::Sequence { flow, items } = &value.shape else {
        return Err(unsupported(text, display, value, &format!("`{list}` is not a list")));
    };
    if items.iter().any(|i| i.text().is_some_and(|t| same(t, entry))) {
        return Ok(None);
    }
    Ok(Some(match (items.last(), flow) {
        (None, _) => edit.fill_empty_flow(key, value, entries, entry),
        (Some(tail), true) => edit.push_flow(value, items, tail, entry),
        (Some(tail), false) => edit.push_block(tail, items, entry),
    }))
}

/// Takes `entry` out of the list named `list`, with the rest of its line; `None` if it is not there.
pub fn remove(text: &str, display: &str, list: &str, entry: &str) -> Result<Option<String>> {
    let edit = Edit { text, eol: if text.contains("\r\n") { "\r\n" } else { "\n" } };
    let Some(root) = root(text, display)? else { return Ok(None) };
    let Some((key, value)) = root.entry(list) else { return Ok(None) };
    let Shape::Sequence { flow, items } = &value.shape else { return Ok(None) };
    let Some(index) = items.iter().position(|i| i.text().is_some_and(|t| same(t, entry))) else { return Ok(None) };
    let item = &items[index];
    if *flow {
        // One comma goes with the item: the one before it, or for the first the one after.
        let range = match (index, items.get(index + 1)) {
            (0, Some(next)) => item.bytes.start..next.bytes.start,
            (0, None) => item.bytes.clone(),
            _ => items[index - 1].bytes.end..item.bytes.end,
        };
        return Ok(Some(edit.replace(range, "")));
    }
    let line = edit.line_of(item.bytes.start);
    if !text[line.clone()].trim_start().starts_with('-') {
        return Err(unsupported(text, display, item, "this entry does not stand on a line of its own"));
    }
    let end = edit.line_of(item.bytes.end.max(item.bytes.start)).end;
    let removed = edit.replace(line.start..edit.after_newline(end), "");
    if items.len() > 1 {
        return Ok(Some(removed));
    }
    Ok(Some(Edit { text: &removed, eol: edit.eol }.insert(key.bytes.end + 1, " []")))
}

/// The root of the only document; `None` if there is none, or it is null.
fn root(text: &str, display: &str) -> Result<Option<Node>> {
    let mut roots: Vec<Node> = locate::outline(text, display)?.into_iter().filter(|n| !n.is_null()).collect();
    match roots.len() {
        0 => Ok(None),
        1 => Ok(roots.pop()),
        _ => Err(unsupported(text, display, &roots[1], "a kustomization is one document")),
    }
}

fn unsupported(text: &str, display: &str, node: &Node, why: &str) -> Error {
    Error::new(Code::Kustomize, format!("{display} can't be edited: {why}"))
        .at(Place::new(display, node.line, node.column).with_source(text))
        .hint("Write it as a list with one entry a line, then run this again")
}

/// Whether two entries name the same path: `./a/` is `a`.
fn same(a: &str, b: &str) -> bool {
    fn bare(path: &str) -> &str {
        path.strip_prefix("./").unwrap_or(path).trim_end_matches('/')
    }
    bare(a) == bare(b)
}

fn flow_scalar(entry: &str) -> String {
    emit::scalar(entry)
}

/// The entry, quoted as its neighbour is.
fn quoted_like(neighbour: &str, entry: &str) -> String {
    match neighbour.chars().next() {
        Some('"') => emit::quote(entry),
        Some('\'') => format!("'{}'", entry.replace('\'', "''")),
        _ => emit::scalar(entry),
    }
}

struct Edit<'a> {
    text: &'a str,
    eol: &'static str,
}

impl Edit<'_> {
    fn replace(&self, range: Range<usize>, with: &str) -> String {
        format!("{}{with}{}", &self.text[..range.start], &self.text[range.end..])
    }

    fn insert(&self, at: usize, what: &str) -> String {
        self.replace(at..at, what)
    }

    /// Whole lines put at `at`, which is the end of the text or the start of a line.
    fn append(&self, at: usize, lines: &str) -> String {
        let before = &self.text[..at];
        let newline = if before.is_empty() || before.ends_with('\n') { "" } else { self.eol };
        self.insert(at, &format!("{newline}{lines}{}", self.eol))
    }

    /// The line around a byte, without its line end.
    fn line_of(&self, at: usize) -> Range<usize> {
        let start = self.text[..at].rfind('\n').map_or(0, |i| i + 1);
        let end = self.text[at..].find('\n').map_or(self.text.len(), |i| at + i);
        start..start + self.text[start..end].trim_end_matches('\r').len().max(at - start)
    }

    fn after_newline(&self, end_of_line: usize) -> usize {
        self.text[end_of_line..].find('\n').map_or(self.text.len(), |i| end_of_line + i + 1)
    }

    /// Where a key can be added: before `...`, else the end of the text.
    fn end_of_document(&self) -> usize {
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            if line.trim_end() == "..." {
                return at;
            }
            at += line.len();
        }
        self.text.len()
    }

    /// Whether the block lists of the file are indented below their key; yes if there is none.
    fn indents_lists(&self, entries: &[(Node, Node)]) -> bool {
        entries
            .iter()
            .find_map(|(key, value)| match &value.shape {
                Shape::Sequence { flow: false, items } => {
                    let dash = items.first()?;
                    let line = self.line_of(dash.bytes.start);
                    let text = &self.text[line];
                    Some(text.len() - text.trim_start().len() >= key.column)
                }
                _ => None,
            })
            .unwrap_or(true)
    }

    /// A new item below the last one, with the same indent, dash and quotes.
    fn push_block(&self, last: &Node, items: &[Node], entry: &str) -> String {
        let prefix = items.iter().rev().find_map(|item| {
            let line = self.line_of(item.bytes.start);
            let before = &self.text[line.start..item.bytes.start];
            let dash = before.find('-')?;
            let indent = &before[..dash];
            let gap: String = before[dash + 1..].chars().take_while(|c| *c == ' ').collect();
            indent.trim().is_empty().then(|| format!("{indent}-{}", if gap.is_empty() { " " } else { &gap }))
        });
        let prefix = prefix.unwrap_or_else(|| format!("{}- ", " ".repeat(last.column.saturating_sub(3))));
        let written = quoted_like(&self.text[last.bytes.clone()], entry);
        let end = self.line_of(last.bytes.end).end;
        self.insert(end, &format!("{}{prefix}{written}", self.eol))
    }

    /// A new item behind the last one of `[a, b]`, on a line of its own if the others have one.
    fn push_flow(&self, whole: &Node, items: &[Node], last: &Node, entry: &str) -> String {
        let before = items.len().checked_sub(2).map_or(whole.bytes.start, |i| items[i].bytes.end);
        let written = quoted_like(&self.text[last.bytes.clone()], entry);
        if !self.text[before..last.bytes.start].contains('\n') {
            return self.insert(last.bytes.end, &format!(", {written}"));
        }
        let line = self.line_of(last.bytes.start);
        let indent = &self.text[line.start..last.bytes.start];
        let rest = self.line_of(last.bytes.end);
        let tail = &self.text[last.bytes.end..rest.end];
        // What follows the item on its line: a comma that is there already, a comment, or the closing bracket.
        let has_comma = tail.trim_start().starts_with(',');
        if tail.contains(']') && !tail.contains('#') {
            return self.insert(last.bytes.end, &format!(",{}{indent}{written}", self.eol));
        }
        let below = format!("{}{indent}{written}{}", self.eol, if has_comma { "," } else { "" });
        let with_item = self.insert(rest.end, &below);
        if has_comma { with_item } else { Edit { text: &with_item, eol: self.eol }.insert(last.bytes.end, ",") }
    }

    /// `resources:` with nothing, or `~`: the entry comes below, after entries that are commented out.
    fn fill_null(&self, key: &Node, value: &Node, flow: bool, entries: &[(Node, Node)], entry: &str) -> Option<String> {
        let colon = key.bytes.end + self.text[key.bytes.end..].find(':')?;
        let word = &self.text[value.bytes.clone()];
        let written_word = matches!(word, "~" | "null" | "Null" | "NULL") && value.bytes.start > colon;
        if flow {
            let range = if written_word { value.bytes.clone() } else { colon + 1..colon + 1 };
            let gap = if written_word { "" } else { " " };
            return Some(self.replace(range, &format!("{gap}[{}]", flow_scalar(entry))));
        }
        if written_word {
            let start = colon + 1;
            let without = self.replace(start..value.bytes.end, "");
            return Some(Edit { text: &without, eol: self.eol }.below_key(key, entries, entry));
        }
        Some(self.below_key(key, entries, entry))
    }

    /// `resources: []` becomes a block list, unless something else stands on that line.
    fn fill_empty_flow(&self, key: &Node, value: &Node, entries: &[(Node, Node)], entry: &str) -> String {
        let tail = &self.text[value.bytes.end..self.line_of(value.bytes.end).end];
        let alone = tail.trim().is_empty() || tail.trim_start().starts_with('#');
        let one_line = !self.text[value.bytes.clone()].contains(['\n', '#']);
        if alone && one_line && self.line_of(value.bytes.start).start == self.line_of(key.bytes.start).start {
            let colon = self.text[..value.bytes.start].trim_end().len();
            let without = self.replace(colon..value.bytes.end, "");
            return Edit { text: &without, eol: self.eol }.below_key(key, entries, entry);
        }
        self.insert(value.bytes.start + 1, &flow_scalar(entry))
    }

    /// The first entry of a block list: below its key, and below commented-out entries, with their indent.
    fn below_key(&self, key: &Node, entries: &[(Node, Node)], entry: &str) -> String {
        let mut end = self.line_of(key.bytes.end).end;
        let mut indent = None;
        let mut next = self.after_newline(end);
        while next < self.text.len() {
            let line = self.line_of(next);
            let text = &self.text[line.clone()];
            let hash = text.len() - text.trim_start().len();
            if !text[hash..].trim_start_matches('#').trim_start().starts_with("- ") || !text[hash..].starts_with('#') {
                break;
            }
            if hash + 1 >= key.column {
                indent.get_or_insert(hash);
            }
            end = line.end;
            next = self.after_newline(end);
        }
        let step = if self.indents_lists(entries) { 2 } else { 0 };
        let indent = " ".repeat(indent.unwrap_or(key.column - 1 + step));
        self.insert(end, &format!("{}{indent}- {}", self.eol, emit::scalar(entry)))
    }
}

#[cfg(test)]
#[path = "kustomization_tests.rs"]
mod tests;
