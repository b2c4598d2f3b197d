//! The words of a label selector, cut as `labels.Lexer` cuts them.

use std::fmt;

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Identifier(String),
    Not,
    Equals,
    NotEquals,
    Greater,
    Less,
    Open,
    Close,
    Comma,
    End,
    /// A sign that is none of these.
    Unknown(String),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identifier(text) | Self::Unknown(text) => text,
            Self::Not => "!",
            Self::Equals => "=",
            Self::NotEquals => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::Open => "(",
            Self::Close => ")",
            Self::Comma => ",",
            Self::End => "",
        })
    }
}

/// Cuts a text, one word ahead.
pub(super) struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// The next word, left where it is.
    pub(super) fn peek(&self) -> Token {
        cut(self.rest).0
    }

    /// The next word.
    pub(super) fn next(&mut self) -> Token {
        let (token, rest) = cut(self.rest);
        self.rest = rest;
        token
    }
}

const SIGNS: &str = "=!(),><";

fn cut(text: &str) -> (Token, &str) {
    let text = text.trim_start_matches([' ', '\t', '\r', '\n']);
    let Some(first) = text.chars().next() else { return (Token::End, "") };
    if !SIGNS.contains(first) {
        let end = text.find(|c| SIGNS.contains(c) || matches!(c, ' ' | '\t' | '\r' | '\n')).unwrap_or(text.len());
        return (Token::Identifier(text[..end].to_owned()), &text[end..]);
    }
    for (sign, token) in [("==", Token::Equals), ("!=", Token::NotEquals)] {
        if let Some(rest) = text.strip_prefix(sign) {
            return (token, rest);
        }
    }
    let token = match first {
        '=' => Token::Equals,
        '!' => Token::Not,
        '(' => Token::Open,
        ')' => Token::Close,
        ',' => Token::Comma,
        '>' => Token::Greater,
        '<' => Token::Less,
        other => Token::Unknown(other.to_string()),
    };
    (token, &text[first.len_utf8()..])
}
