//! Rust text with everything blanked that is no code of the program: comments, texts, and what only tests see.

use std::collections::BTreeSet;

/// `text` without comments and without the contents of texts.
pub(crate) fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = skip(&chars, i);
        if end == i {
            out.push(chars[i]);
            i += 1;
        } else {
            out.push(' ');
            i = end;
        }
    }
    out
}

/// Where the comment, text or character that begins at `i` ends; `i` when none begins there.
fn skip(chars: &[char], i: usize) -> usize {
    let at = |k: usize| chars.get(k).copied().unwrap_or('\0');
    let find = |from: usize, what: &[char]| {
        (from..chars.len()).find(|k| chars[*k..].starts_with(what)).map_or(chars.len(), |k| k + what.len())
    };
    match (at(i), at(i + 1)) {
        ('/', '/') => find(i, &['\n']),
        ('/', '*') => find(i, &['*', '/']),
        ('"', _) => {
            let mut k = i + 1;
            while k < chars.len() && chars[k] != '"' {
                k += if chars[k] == '\\' { 2 } else { 1 };
            }
            k + 1
        }
        ('r', '"' | '#') if i == 0 || !is_word(at(i - 1)) || at(i - 1) == 'b' => {
            let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
            if at(i + 1 + hashes) != '"' {
                return i;
            }
            let mut close = vec!['"'];
            close.extend(std::iter::repeat_n('#', hashes));
            find(i + 2 + hashes, &close)
        }
        ('\'', '\\') => find(i + 3, &['\'']),
        ('\'', _) if at(i + 2) == '\'' => i + 3,
        _ => i,
    }
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `code` (without comments and texts) without what only tests see.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let (mut out, mut rest) = (String::new(), code);
    while let Some(start) = rest.find(MARK) {
        out += &rest[..start];
        let item = &rest[start + MARK.len()..];
        rest = &item[item_end(item)..];
    }
    out + rest
}

/// Where an item ends: at its semicolon, or at the brace that closes its first one.
fn item_end(item: &str) -> usize {
    let mut depth = 0;
    for (i, c) in item.char_indices() {
        match c {
            ';' if depth == 0 => return i + 1,
            '{' | '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return i + 1;
                }
            }
            _ => {}
        }
    }
    item.len()
}

/// What a file names of others.
pub(crate) struct Paths {
    /// By `use`.
    pub(crate) imported: Vec<Import>,
    /// In the code itself.
    pub(crate) inline: Vec<Vec<String>>,
}

/// A path of a `use`.
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    /// Its name here; `*` for a glob.
    pub(crate) name: String,
    /// Whether it is only handed on: others see the name, and nothing here uses it.
    pub(crate) handed_on: bool,
}

/// Finds the paths in code without comments and texts.
pub(crate) fn paths(code: &str) -> Paths {
    let (mut imported, mut body, mut statement) = (Vec::new(), String::new(), None::<String>);
    for line in code.lines() {
        let start = line.trim_start();
        let start = start.strip_prefix("pub").map_or(start, |rest| match rest.strip_prefix('(') {
            Some(rest) => rest.split_once(')').map_or(rest, |(_, rest)| rest).trim_start(),
            None => rest.trim_start(),
        });
        let public = line.trim_start().starts_with("pub");
        if statement.is_none() && start.starts_with("use ") {
            statement = Some(format!("{}{}", if public { "pub " } else { "" }, &start[4..]));
        } else if let Some(statement) = &mut statement {
            statement.push_str(line.trim());
        } else {
            body.push_str(line);
            body.push('\n');
        }
        if let Some(whole) = statement.take_if(|s| s.contains(';')) {
            let tree = whole.trim_start_matches("pub ").trim_end_matches(';');
            flatten(&[], tree, whole.starts_with("pub "), &mut imported);
        }
    }
    let inline = inline(&body);
    let named = bare_names(&body);
    for import in &mut imported {
        import.handed_on &= !named.contains(import.name.as_str());
    }
    Paths { imported, inline }
}

/// Names that stand in code by themselves, or as a type at the head of a path.
fn bare_names(body: &str) -> BTreeSet<&str> {
    let lines = body.lines().filter(|line| !(line.contains("mod ") && line.ends_with(';')));
    let pieces = lines.flat_map(|line| line.split(|c: char| !is_word(c) && c != ':'));
    let is_module = |p: &&str| p.contains("::") && p.starts_with(|c: char| c.is_ascii_lowercase());
    pieces.filter(|p| !is_module(p)).filter_map(|p| p.split(':').next()).collect()
}

/// Paths of two steps and more that begin with a module.
fn inline(body: &str) -> Vec<Vec<String>> {
    let pieces = body.split(|c: char| !is_word(c) && c != ':');
    let paths = pieces.filter(|p| p.contains("::") && p.starts_with(|c: char| c.is_ascii_lowercase()));
    paths.map(|p| p.split("::").map(|s| s.trim_matches(':').to_owned()).filter(|s| !s.is_empty()).collect()).collect()
}

/// `a::{b, c as d}` as `a::b` and `a::c`.
fn flatten(prefix: &[String], tree: &str, handed_on: bool, into: &mut Vec<Import>) {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let mut prefix = prefix.to_vec();
        prefix.extend(tree[..open].split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned));
        let inner = &tree[open + 1..tree.rfind('}').unwrap()];
        let (mut depth, mut start) = (0, 0);
        for (i, c) in inner.char_indices().chain([(inner.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    flatten(&prefix, &inner[start..i], handed_on, into);
                    start = i + 1;
                }
                _ => {}
            }
        }
        return;
    }
    if tree.is_empty() {
        return;
    }
    let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
    let mut full = prefix.to_vec();
    full.extend(path.split("::").map(|s| s.trim().to_owned()));
    if full.last().is_some_and(|s| s == "self") && full.len() > 1 {
        full.pop();
    }
    let name = if name.is_empty() { full.last().cloned().unwrap_or_default() } else { name.trim().to_owned() };
    into.push(Import { path: full, name, handed_on });
}
