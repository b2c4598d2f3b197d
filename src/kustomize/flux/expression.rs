//! Variables in text, as Flux's `envsubst` expands them: `${name}`, `${name:=default}`, `$$` for a dollar, and the
//! string functions of bash.

use std::collections::BTreeMap;

use crate::error::{Code, Error, Result};

/// Expands every expression of `text`. A variable that is not set counts as empty.
pub(super) fn expand(text: &str, vars: &BTreeMap<String, String>) -> Result<String> {
    let mut scanner = Scanner { text: text.chars().collect(), at: 0, backslash: false };
    let mut out = String::with_capacity(text.len());
    while !scanner.is_done() {
        if scanner.opens() {
            scanner.at += 2;
            out.push_str(&scanner.expression(vars)?);
        } else {
            scanner.backslash = false;
            out.push_str(&scanner.take(true, |_, _| true));
        }
    }
    Ok(out)
}

struct Scanner {
    text: Vec<char>,
    at: usize,
    /// Whether a backslash escapes `/` and itself (within an expression).
    backslash: bool,
}

fn broken(text: &str) -> Error {
    Error::new(Code::Kustomize, format!("broken variable expression: {text}"))
        .hint("Write $$ for a dollar that is meant literally, or disable the substitution for this object")
}

impl Scanner {
    fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn opens(&self) -> bool {
        self.peek() == Some('$') && self.text.get(self.at + 1) == Some(&'{')
    }

    fn is_escape(&self) -> bool {
        let next = self.text.get(self.at + 1);
        match self.peek() {
            Some('$') => next == Some(&'$'),
            Some('\\') => self.backslash && matches!(next, Some('/' | '\\')),
            _ => false,
        }
    }

    /// Takes characters as long as `accept` (given each and its number, from 1) likes them and no expression opens.
    fn take(&mut self, escapes: bool, accept: impl Fn(char, usize) -> bool) -> String {
        let mut taken = String::new();
        let mut count = 0;
        while let Some(c) = self.peek() {
            if escapes && self.is_escape() {
                taken.extend(self.text.get(self.at + 1));
                self.at += 2;
                count += 1;
                continue;
            }
            count += 1;
            if self.opens() && (escapes || c == '$') || !accept(c, count) {
                break;
            }
            taken.push(c);
            self.at += 1;
        }
        taken
    }

    fn name(&mut self) -> String {
        self.take(false, |c, _| c.is_alphanumeric() || c == '_')
    }

    /// What stands between the braces, the opening one taken already; its value.
    fn expression(&mut self, vars: &BTreeMap<String, String>) -> Result<String> {
        self.backslash = true;
        let start = self.at;
        let shown = |s: &Self| {
            let end = (start + 40).min(s.text.len());
            let line: String = s.text[start..end].iter().take_while(|c| **c != '\n').collect();
            broken(&format!("${{{line}"))
        };
        let is_length = self.peek() == Some('#');
        if is_length {
            self.at += 1;
        }
        let name = self.name();
        if name.is_empty() {
            return Err(shown(self));
        }
        let value = vars.get(&name).cloned().unwrap_or_default();
        if is_length {
            return self.close(value.len().to_string()).ok_or_else(|| shown(self));
        }
        match self.peek() {
            Some(':') if matches!(self.text.get(self.at + 1), Some('=' | '-' | '?' | '+')) => {
                self.at += 2;
                self.default(value, vars)?.ok_or_else(|| shown(self))
            }
            Some('=') => {
                self.at += 1;
                self.default(value, vars)?.ok_or_else(|| shown(self))
            }
            Some(':') => self.part(&value, vars)?.ok_or_else(|| shown(self)),
            Some(',' | '^') => {
                let function = self.take(false, |c, n| matches!(c, ',' | '^') && n < 3);
                self.close(cased(&value, &function)).ok_or_else(|| shown(self))
            }
            Some('/') => self.replace(&value, vars)?.ok_or_else(|| shown(self)),
            Some(sign @ ('#' | '%')) => {
                let longest = self.take(false, |c, n| c == sign && n < 3).len() == 2;
                let pattern = self.parameter(false, vars, |c| c != '}')?.ok_or_else(|| shown(self))?;
                self.close(trimmed(&value, &pattern, sign == '%', longest)).ok_or_else(|| shown(self))
            }
            _ => self.close(value).ok_or_else(|| shown(self)),
        }
    }

    fn close(&mut self, value: String) -> Option<String> {
        (self.peek() == Some('}')).then(|| {
            self.at += 1;
            value
        })
    }

    /// A parameter of a function: an expression, or text; `None` when there is neither.
    fn parameter(
        &mut self,
        escapes: bool,
        vars: &BTreeMap<String, String>,
        accept: impl Fn(char) -> bool,
    ) -> Result<Option<String>> {
        if self.opens() {
            self.at += 2;
            return self.expression(vars).map(Some);
        }
        let text = self.take(escapes, |c, _| accept(c));
        Ok((!text.is_empty()).then_some(text))
    }

    fn default(&mut self, value: String, vars: &BTreeMap<String, String>) -> Result<Option<String>> {
        let mut fallback = String::new();
        while self.peek() != Some('}') {
            let Some(text) = self.parameter(false, vars, |c| c != '}')? else { return Ok(None) };
            fallback.push_str(&text);
        }
        Ok(self.close(if value.is_empty() { fallback } else { value }))
    }

    fn part(&mut self, value: &str, vars: &BTreeMap<String, String>) -> Result<Option<String>> {
        self.at += 1;
        let Some(start) = self.parameter(false, vars, |c| !matches!(c, ':' | '}'))? else { return Ok(None) };
        let mut length = None;
        if self.peek() == Some(':') {
            self.at += 1;
            length = self.parameter(false, vars, |c| c != '}')?;
            if length.is_none() {
                return Ok(None);
            }
        }
        Ok(self.close(substring(value, &start, length.as_deref())))
    }

    fn replace(&mut self, value: &str, vars: &BTreeMap<String, String>) -> Result<Option<String>> {
        let function = self.take(false, |c, n| if n == 1 { c == '/' } else { n == 2 && matches!(c, '/' | '#' | '%') });
        let Some(pattern) = self.parameter(true, vars, |c| c != '/')? else { return Ok(None) };
        if self.peek() != Some('/') {
            return Ok(None);
        }
        self.at += 1;
        let new = match self.peek() {
            Some('}') => String::new(),
            _ => match self.parameter(true, vars, |c| c != '}')? {
                Some(new) => new,
                None => return Ok(None),
            },
        };
        Ok(self.close(match function.as_str() {
            "//" => value.replace(&pattern, &new),
            "/#" if value.starts_with(&pattern) => value.replacen(&pattern, &new, 1),
            "/%" => value.strip_suffix(&pattern).map_or_else(|| value.to_owned(), |head| format!("{head}{new}")),
            "/" => value.replacen(&pattern, &new, 1),
            _ => value.to_owned(),
        }))
    }
}

fn cased(value: &str, function: &str) -> String {
    let first = |change: fn(char) -> String| {
        let mut chars = value.chars();
        chars.next().map_or_else(String::new, |c| change(c) + chars.as_str())
    };
    match function {
        "," => first(|c| c.to_lowercase().collect()),
        "^" => first(|c| c.to_uppercase().collect()),
        ",," => value.to_lowercase(),
        "^^" => value.to_uppercase(),
        _ => value.to_owned(),
    }
}

fn substring(value: &str, start: &str, length: Option<&str>) -> String {
    let Ok(start) = start.parse::<i64>() else { return value.to_owned() };
    let size = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let start = if start < 0 { (size + start).max(0) } else { start.min(size) };
    let end = match length.map(str::parse::<i64>) {
        None => size,
        Some(Ok(length)) => start.saturating_add(length.max(0)).min(size),
        Some(Err(_)) => return value.to_owned(),
    };
    let bounds = (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0));
    value.get(bounds.0..bounds.1).unwrap_or_default().to_owned()
}

/// `value` without the shortest or longest part that matches a glob, at its start or its end.
fn trimmed(value: &str, pattern: &str, at_end: bool, longest: bool) -> String {
    let turn = |text: &str| -> Vec<char> { if at_end { text.chars().rev().collect() } else { text.chars().collect() } };
    let (value, pattern) = (turn(value), turn(pattern));
    let mut lengths: Vec<usize> = (1..=value.len()).collect();
    if longest {
        lengths.reverse();
    }
    let cut = lengths.into_iter().find(|n| glob(&pattern, &value[..*n])).unwrap_or(0);
    let rest = &value[cut..];
    if at_end { rest.iter().rev().collect() } else { rest.iter().collect() }
}

fn glob(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|n| glob(rest, &text[n..])),
        ['?', rest @ ..] => !text.is_empty() && glob(rest, &text[1..]),
        ['\\', c, rest @ ..] | [c, rest @ ..] => text.first() == Some(c) && glob(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of Flux's own tests of envsubst.
    #[test]
    fn expressions_expand_as_fluxs_do() {
        for (vars, input, output) in [
            ("", "abcdEFGH28ij", "abcdEFGH28ij"),
            ("v=abcdEFGH28ij", "${#v}", "12"),
            ("v=abcdEFGH28ij", "${v^}", "AbcdEFGH28ij"),
            ("v=abcdEFGH28ij", "${v^^}", "ABCDEFGH28IJ"),
            ("v=ABCDEFGH28IJ", "${v,}", "aBCDEFGH28IJ"),
            ("v=ABCDEFGH28IJ", "${v,,}", "abcdefgh28ij"),
            ("p=/home/bozo/ideas/thoughts.for.today", "${p:11}", "ideas/thoughts.for.today"),
            ("p=/home/bozo/ideas/thoughts.for.today", "${p:11:5}", "ideas"),
            ("var=abc", "${var=xyz}", "abc"),
            ("", "${var=xyz}", "xyz"),
            ("d=foo", "something ${var=${d}}", "something foo"),
            ("d=foo1", "foo: ${var=prefix${d}-suffix}", "foo: prefixfoo1-suffix"),
            ("", "${var:=xyz}", "xyz"),
            ("s=abcABC123ABCabc", "${s/%abc/XYZ}", "abcABC123ABCXYZ"),
            ("s=abcABC123ABCabc", "${s/#abc/XYZ}", "XYZABC123ABCabc"),
            ("s=abcABC123ABCabc", "${s//abc/xyz}", "xyzABC123ABCxyz"),
            ("s=abcABC123ABCabc", "${s/abc/xyz}", "xyzABC123ABCabc"),
            ("f=bash.string.txt", "${f#*.}", "string.txt"),
            ("f=path/to/file", "${f#*/}", "to/file"),
            ("f=/path/to/file", "${f#*/}", "path/to/file"),
            ("f=bash.string.txt", "${f##*.}", "txt"),
            ("f=/path/to/file", "${f##*/}", "file"),
            ("f=bash.string.txt", "${f%.*}", "bash.string"),
            ("f=bash.string.txt", "${f%%.*}", "bash"),
            ("v=abcdEFGH28ij", "${var=${v^^}}", "ABCDEFGH28IJ"),
            ("v=abcdEFGH28ij", "$${v}", "${v}"),
            ("v=x", "some text ${v}$${var$${v}$v${v}", "some text x${var${v}$vx"),
            ("d=foo", "something $${var=${d}}", "something ${var=foo}"),
            ("s=foo/bar", r"${s/\//-}", "foo-bar"),
            ("s=foo/bar/baz", r"${s//\//-}", "foo-bar-baz"),
            ("d=foo", r"\\something ${var=${d}}", r"\\something foo"),
            ("s=foo.bar", "${s/./}", "foobar"),
            ("", "a $HOME b $", "a $HOME b $"),
        ] {
            let vars = vars.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect();
            assert_eq!(expand(input, &vars).unwrap(), output, "{input}");
        }
    }

    #[test]
    fn a_broken_expression_is_named() {
        for text in ["${", "${}", "a ${x b}", "${x", "${x:="] {
            let error = expand(text, &BTreeMap::new()).unwrap_err();
            assert!(error.message().starts_with("broken variable expression: ${"), "{error}");
        }
    }
}
