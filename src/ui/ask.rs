//! Yes-or-no questions.

use std::io::{BufRead, Write};

use crate::error::{Code, Error, Result};

use super::stream::write_all;
use super::style;

/// Asks on stderr, so that stdout stays a result. Anything but `y` or `yes` is no; so is the end of input.
pub(super) fn confirm(question: &str, color: bool) -> Result<bool> {
    let text = format!("{} [y/N] ", style::paint(style::BOLD, question));
    write_all(&mut std::io::stderr().lock(), &text, color)?;
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if matches!(read, Ok(0)) {
        let _ = writeln!(std::io::stderr());
    }
    match read {
        Ok(_) => Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")),
        Err(e) => Err(Error::new(Code::Usage, format!("no answer to the question `{question}`: {e}"))
            .hint("Answer beforehand with --yes")),
    }
}

/// The error of a question that nobody can answer.
pub(super) fn nobody(question: &str) -> Error {
    Error::new(Code::Usage, format!("there is no terminal to ask on: {question}")).hint("Answer beforehand with --yes")
}
